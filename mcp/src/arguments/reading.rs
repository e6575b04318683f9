//! Values that clients write in another type than the advertised one, where they can be read in one way only.

use rmcp::model::JsonObject;
use serde_json::{Map, Value};

/// `value` as the wanted type of `schema`, when it is of another one and there is one reading: JSON text for what it says, a
/// single item for a list of one, the text of a number for itself.
pub(super) fn read(schema: &JsonObject, wanted: &str, value: &Value) -> Option<Value> {
    match (wanted, value) {
        ("string", Value::Number(_) | Value::Bool(_)) => Some(value.to_string().into()),
        ("boolean", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        ("integer" | "number", Value::String(text)) => parsed(text).filter(Value::is_number),
        ("array", Value::String(text)) => match parsed(text) {
            Some(list @ Value::Array(_)) => Some(list),
            Some(Value::Object(fields)) => one(schema, &Value::Object(fields)),
            // What begins like a list is a broken one.
            Some(_) | None if text.trim_start().starts_with(['[', '{']) => None,
            Some(_) | None => one(schema, value),
        },
        ("array", Value::Object(_)) => one(schema, value),
        ("object", Value::String(text)) => match parsed(text) {
            Some(fields @ Value::Object(_)) => Some(fields),
            Some(_) | None if text.trim_start().starts_with(['[', '{']) => None,
            Some(_) | None => with_only_field(schema, value),
        },
        _ => None,
    }
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim()).ok()
}

fn type_of(schema: &Value) -> &str {
    schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A list of `item` alone, which fits the type of the list's items.
fn one(schema: &JsonObject, item: &Value) -> Option<Value> {
    let items = schema.get("items")?;
    let fits = match type_of(items) {
        "string" => item.is_string(),
        "object" => item.is_object() || with_only_field(items.as_object()?, item).is_some(),
        _ => false,
    };
    fits.then(|| Value::Array(vec![item.clone()]))
}

/// An object with `value` in its only required field, when that is a text.
fn with_only_field(schema: &JsonObject, value: &Value) -> Option<Value> {
    let [name] = schema.get("required")?.as_array()?.as_slice() else {
        return None;
    };
    let name = name.as_str()?;
    let field = schema.get("properties")?.get(name)?;
    let mut fields = Map::new();
    fields.insert(name.to_owned(), value.clone());
    (type_of(field) == "string").then_some(Value::Object(fields))
}
