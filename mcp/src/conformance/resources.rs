//! The suite's resources.

use rmcp::model::{
    ErrorData, ReadResourceResponse, ReadResourceResult, Resource, ResourceTemplate,
};
use serde_json::json;

use super::{PNG, of_json};

const TEMPLATE: (&str, &str) = ("test://template/", "/data");

pub(super) fn list() -> Result<Vec<Resource>, ErrorData> {
    of_json(json!([
        {"uri": "test://static-text", "name": "test-text", "description": "Static text.", "mimeType": "text/plain"},
        {"uri": "test://static-binary", "name": "test-binary", "description": "Static bytes.", "mimeType": "image/png"},
        {"uri": "test://watched-resource", "name": "test-watched", "description": "For subscriptions.", "mimeType": "text/plain"},
    ]))
}

pub(super) fn templates() -> Result<Vec<ResourceTemplate>, ErrorData> {
    of_json(json!([
        {"uriTemplate": "test://template/{id}/data", "name": "test-template", "description": "With a parameter.", "mimeType": "application/json"},
    ]))
}

pub(super) fn has(uri: &str) -> bool {
    uri.starts_with("test://")
}

pub(super) fn read(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let id = uri
        .strip_prefix(TEMPLATE.0)
        .and_then(|rest| rest.strip_suffix(TEMPLATE.1));
    let content = match (uri, id) {
        ("test://static-text", _) => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        ("test://watched-resource", _) => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "watched"})
        }
        ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PNG}),
        (_, Some(id)) => {
            let text =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": text.to_string()})
        }
        _ => {
            return Err(ErrorData::resource_not_found(
                format!("there is no resource {}", protocol::name::shown(uri)),
                Some(json!({ "uri": uri })),
            ));
        }
    };
    Ok(ReadResourceResult::new(vec![of_json(content)?]).into())
}
