//! The suite's tools.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ElicitRequest,
    ErrorData, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
    ServerRequest, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use serde_json::{Value, json};

use super::{PNG, input, of_json};

/// A WAV of no samples, base64.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Between the notifications of one call, so that they arrive apart.
const APART: Duration = Duration::from_millis(50);

/// Tools without arguments.
const PLAIN: [&str; 20] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_logging_tool",
    "test_error_handling",
    "test_tool_with_progress",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
];

pub(super) fn has(name: &str) -> bool {
    name.starts_with("test_") || name == "json_schema_2020_12_tool"
}

pub(super) fn list() -> Result<Vec<Tool>, ErrorData> {
    let none = json!({"type": "object", "properties": {}});
    let one = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
    let mut tools: Vec<Value> = PLAIN
        .iter()
        .chain(&["test_input_required_result_capabilities"])
        .map(|name| json!({"name": name, "description": "A fixture.", "inputSchema": none}))
        .collect();
    tools.push(json!({"name": "test_sampling", "description": "Asks the client's model.", "inputSchema": one("prompt")}));
    tools.push(json!({"name": "test_elicitation", "description": "Asks the user.", "inputSchema": one("message")}));
    tools.push(json!({"name": "json_schema_2020_12_tool", "description": "Tool with JSON Schema 2020-12 features", "inputSchema": rich_schema()}));
    of_json(Value::Array(tools))
}

/// A schema with what SEP-1613 and SEP-2106 say must pass unchanged.
fn rich_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

pub(super) async fn call(
    params: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let capabilities = context.client_capabilities().unwrap_or_default();
    if params.name.starts_with("test_input_required_result_") {
        return input::call(&params, &capabilities);
    }
    let peer = &context.peer;
    let argument = |name: &str| {
        let given = params.arguments.as_ref().and_then(|all| all.get(name));
        given.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if let Some(content) = fixed(&params.name) {
        let result: CallToolResult =
            of_json(json!({"resultType": "complete", "content": content}))?;
        return Ok(result.into());
    }
    let content = match params.name.as_ref() {
        "test_tool_with_logging" | "test_logging_tool" => {
            log(&context).await;
            said("logged")
        }
        "test_error_handling" => {
            let told = "This tool intentionally returns an error for testing";
            let failed = json!({"resultType": "complete", "content": said(told), "isError": true});
            return Ok(CallToolResponse::Complete(of_json(failed)?));
        }
        "test_tool_with_progress" => {
            progress(&context).await;
            said("progressed")
        }
        "test_missing_capability" if capabilities.sampling.is_none() => {
            let wanted: ClientCapabilities = of_json(json!({"sampling": {}}))?;
            return Err(ErrorData::missing_required_client_capability(wanted));
        }
        "test_missing_capability" => said("the client can sample"),
        "test_streaming_elicitation" => {
            let asked = [("answer", input::form("Go on?", "ok", "boolean"))];
            let wanted = of_json(input::required(&asked, None))?;
            return Ok(CallToolResponse::InputRequired(wanted));
        }
        "test_sampling" => sample(peer, &argument("prompt")).await?,
        "test_elicitation" => {
            let fields = json!({
                "username": {"type": "string", "description": "User's response"},
                "email": {"type": "string", "description": "User's email address"},
            });
            elicit(peer, &argument("message"), fields, &["username", "email"]).await?
        }
        "test_elicitation_sep1034_defaults" => {
            elicit(peer, "With defaults", defaults(), &[]).await?
        }
        "test_elicitation_sep1330_enums" => elicit(peer, "With choices", choices(), &[]).await?,
        other => {
            let told = format!("unknown tool {}", protocol::name::shown(other));
            return Err(ErrorData::invalid_params(told, None));
        }
    };
    let result: CallToolResult = of_json(json!({"resultType": "complete", "content": content}))?;
    Ok(result.into())
}

/// The answer of a tool that does nothing else.
fn fixed(tool: &str) -> Option<Value> {
    Some(match tool {
        "test_simple_text" | "json_schema_2020_12_tool" => {
            said("This is a simple text response for testing.")
        }
        "test_image_content" => json!([image()]),
        "test_audio_content" => json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => json!([resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content."
        )]),
        "test_multiple_content_types" => json!([
            {"type": "text", "text": "Multiple content types test:"},
            image(),
            resource("test://mixed-content-resource", "application/json", "{\"test\":\"data\",\"value\":123}"),
        ]),
        _ => return None,
    })
}

fn said(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

fn resource(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": text}})
}

/// Clients of 2026-07-28 get log messages only when the request asked for them.
async fn log(context: &RequestContext<RoleServer>) {
    let wanted = context.meta.protocol_version().is_none() || context.meta.log_level().is_some();
    for text in [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ] {
        if wanted {
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
            let _ = context.peer.notify_logging_message(message).await;
        }
        tokio::time::sleep(APART).await;
    }
}

async fn progress(context: &RequestContext<RoleServer>) {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let step = ProgressNotificationParam::new(token, done).with_total(100.0);
            let _ = context.peer.notify_progress(step).await;
        }
        tokio::time::sleep(APART).await;
    }
}

async fn sample(peer: &Peer<RoleServer>, prompt: &str) -> Result<Value, ErrorData> {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    let asked = of_json(json!({"messages": [message], "maxTokens": 100}))?;
    let answer = peer.create_message(asked).await.map_err(refused)?;
    let answer = serde_json::to_value(&answer).unwrap_or_default();
    let text = answer["content"]["text"].as_str().unwrap_or_default();
    Ok(said(&format!("LLM response: {text}")))
}

async fn elicit(
    peer: &Peer<RoleServer>,
    message: &str,
    fields: Value,
    needed: &[&str],
) -> Result<Value, ErrorData> {
    let schema = json!({"type": "object", "properties": fields, "required": needed});
    let asked = of_json(json!({"mode": "form", "message": message, "requestedSchema": schema}))?;
    let asked = ServerRequest::ElicitRequest(ElicitRequest::new(asked));
    let answer = peer.send_request(asked).await.map_err(refused)?;
    let answer = serde_json::to_value(&answer).unwrap_or_default();
    Ok(said(&format!(
        "Elicitation completed: action={}, content={}",
        answer["action"].as_str().unwrap_or_default(),
        answer["content"]
    )))
}

fn refused(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::invalid_request(format!("the client did not answer: {error}"), None)
}

fn defaults() -> Value {
    json!({
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    })
}

fn choices() -> Value {
    let titled = |last: &str| {
        let option = |n: usize, word: &str| json!({"const": format!("value{n}"), "title": format!("{word} {last}")});
        json!([option(1, "First"), option(2, "Second"), option(3, "Third")])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
    })
}
