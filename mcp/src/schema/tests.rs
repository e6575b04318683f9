//! Tests of `schema`.

use serde::Deserialize;
use serde_json::json;

use super::*;

/// Use in tests, where the description
/// takes two lines.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Sample {
    name: Option<String>,
    #[schemars(range(min = 1, max = 9))]
    count: Option<u32>,
    #[serde(default)]
    on: bool,
    inner: Vec<Inner>,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema is looked at")]
struct Inner {
    /// A
    /// b
    size: Option<i64>,
}

#[test]
fn type_arrays_references_formats_and_empty_defaults_are_gone() {
    let (description, schema) = describe::<Sample>();
    assert_eq!(
        description,
        "Use in tests, where the description takes two lines."
    );
    let expected = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "on": {"type": "boolean"},
            "inner": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"size": {"type": "integer", "description": "A b"}},
                },
            },
        },
        "required": ["inner"],
        "additionalProperties": false,
    });
    assert_eq!(Value::Object(schema), expected);
}

#[test]
fn clients_are_not_shown_what_goes_without_saying() {
    let rules = json!({
        "type": "object",
        "properties": {
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "rows": {"type": "integer", "minimum": 1, "maximum": 9},
            "least": {"type": "integer", "minimum": 2},
            "size": {"type": "object", "properties": {"rows": {"type": "integer"}}, AGAIN: "{rows}"},
        },
        "additionalProperties": false,
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "env": {"type": "object"},
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "rows": {"type": "integer"},
            "least": {"type": "integer", "minimum": 2},
            "size": {"type": "object", "description": "{rows}"},
        },
        "additionalProperties": false,
    });
    let shown = advertised(rules.as_object().unwrap());
    assert_eq!(Value::Object(shown), expected);
}
