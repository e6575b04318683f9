//! Input schemas: derived from the parameter structs and cleaned so that strict clients take them.

use protocol::reply::ProgramState;
use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

/// Marks a schema that repeats an outer one, for checking arguments; clients are shown its text instead.
pub(crate) const AGAIN: &str = "x-again";

/// A tool's description and its input schema, both from the declaration of its parameters.
pub(crate) fn describe<T: JsonSchema>() -> (String, JsonObject) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut value = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    clean(&mut value);
    let Value::Object(mut schema) = value else {
        unreachable!("a struct's schema is an object");
    };
    let description = schema.remove("description");
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    let text = description
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default();
    (text.to_owned(), schema)
}

/// Takes out what strict clients refuse (type arrays) and what says nothing (titles, formats,
/// empty defaults), and puts each doc comment on one line.
fn clean(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for noise in ["title", "format"] {
        map.remove(noise);
    }
    if let Some(Value::Array(types)) = map.get("type") {
        let first = types.iter().find(|t| *t != "null").cloned();
        map.insert("type".to_owned(), first.unwrap_or(Value::Null));
    }
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    };
    if map.get("default").is_some_and(empty) {
        map.remove("default");
    }
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(clean);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(value) = map.get_mut(inner) {
            clean(value);
        }
    }
}

/// The part of `schema` that clients are shown: lower bounds of 0 and 1, upper bounds and that a map holds texts go without
/// saying, which a refusal names, and every client pays for each byte.
pub(crate) fn advertised(schema: &JsonObject) -> JsonObject {
    if let Some(text) = schema.get(AGAIN).filter(|text| text.is_string()) {
        let short = json!({"type": "object", "description": text});
        return short.as_object().cloned().unwrap_or_default();
    }
    let mut shown = schema.clone();
    let plain = |value: &Value| value.as_u64().is_some_and(|least| least <= 1);
    shown.retain(|key, value| match key.as_str() {
        "minimum" | "minItems" => !plain(value),
        "maximum" | "maxItems" => false,
        "additionalProperties" => *value != json!({"type": "string"}),
        _ => true,
    });
    if let Some(Value::Object(properties)) = shown.get_mut("properties") {
        for inner in properties.values_mut().filter_map(Value::as_object_mut) {
            *inner = advertised(inner);
        }
    }
    if let Some(Value::Object(items)) = shown.get_mut("items") {
        *items = advertised(items);
    }
    shown
}

/// The shape of [`protocol::Direction`].
pub(crate) fn direction(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["right", "down"]})
}

/// The shape of [`protocol::request::RestartType`].
pub(crate) fn restart(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["permanent", "transient", "temporary"]})
}

/// The shape of [`protocol::request::StopRecipe`]; clients are shown its fields' names only.
pub(crate) fn stop(_: &mut schemars::SchemaGenerator) -> Schema {
    let ms = json!({"type": "integer", "minimum": 0});
    json_schema!({
        "type": "object",
        "properties": {
            "keys": {"type": "array", "items": {"type": "string"}},
            "keys_ms": ms, "term_ms": ms, "hup_ms": ms,
        },
        AGAIN: "keys, keys_ms, term_ms, hup_ms",
    })
}

/// The shape of [`protocol::request::Until`].
pub(crate) fn until(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["match", "exit", "idle"]})
}

/// The shape of several [`protocol::reply::ProgramState`].
pub(crate) fn states(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string", "enum": ProgramState::names()}})
}

/// The shape of [`protocol::request::RunLayout`].
pub(crate) fn run_layout(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["hidden", "tiled"]})
}

/// The place of standard error.
pub(crate) fn stderr(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["merged", "apart"]})
}

#[cfg(test)]
mod tests;
