//! Tests of `tools`: what holds for every tool.

use std::collections::BTreeSet;

use rmcp::model::ListToolsResult;
use serde_json::{Map, Value, json};

use super::*;

/// `tools/list` of a profile as it stands on the wire.
fn list(profile: Profile) -> String {
    let tools = offered(profile)
        .map(|entry| entry.description.clone())
        .collect();
    serde_json::to_string(&ListToolsResult::with_all_items(tools)).unwrap()
}

#[test]
fn the_lists_fit_their_budgets() {
    let (core, full) = (list(Profile::Core).len(), list(Profile::Full).len());
    println!("core {core} bytes, full {full} bytes");
    assert!(core <= 9_000, "core profile: {core} bytes");
    assert!(full <= 24_000, "full profile: {full} bytes");
}

#[test]
fn lists_are_deterministic_and_core_is_their_beginning() {
    assert_eq!(list(Profile::Full), list(Profile::Full));
    let names = |profile| offered(profile).map(|entry| entry.name).collect::<Vec<_>>();
    let (core, full) = (names(Profile::Core), names(Profile::Full));
    assert_eq!(core.len(), 13);
    assert_eq!(full[..core.len()], core);
    assert_eq!(full.iter().collect::<BTreeSet<_>>().len(), full.len());
}

#[test]
fn names_descriptions_and_hints_are_well_formed() {
    for entry in offered(Profile::Full) {
        let name = entry.name;
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(
            name.starts_with("fugue_") && name.chars().all(plain),
            "{name}"
        );
        let text = entry.description.description.as_deref().unwrap();
        assert!(text.starts_with("Use "), "{name}: {text}");
        assert!(
            text.ends_with('.') && (20..=320).contains(&text.len()),
            "{name}: {text}"
        );
        assert!(!text.contains('\n'), "{name}");
        let hints = entry.description.annotations.as_ref().unwrap();
        let (Some(read_only), Some(destructive)) = (hints.read_only_hint, hints.destructive_hint)
        else {
            panic!("{name} lacks hints");
        };
        assert!(
            hints.idempotent_hint.is_some() && hints.open_world_hint.is_some(),
            "{name}"
        );
        assert!(!(read_only && destructive), "{name}");
        for word in ["kill", "close", "cancel", "run", "send", "create", "split"] {
            assert!(
                !name.contains(word) || destructive,
                "{name} ends or executes"
            );
        }
        for word in ["list", "get", "read", "expect", "whoami", "status", "tree"] {
            assert!(!name.contains(word) || read_only, "{name} only looks");
        }
    }
}

fn check_clean(path: &str, schema: &Value, rules: bool) {
    let map = schema
        .as_object()
        .unwrap_or_else(|| panic!("{path} is no object: {schema}"));
    for key in map.keys() {
        let known = [
            "type",
            "description",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "enum",
            "default",
            "minimum",
            "maximum",
            "minItems",
            "maxItems",
        ];
        // The mark of a repeated part is for checking arguments only.
        let known = known.contains(&key.as_str()) || (rules && key == schema::AGAIN);
        assert!(known, "{path} has {key}");
    }
    assert!(map["type"].is_string(), "{path}: {schema}");
    for (name, inner) in map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        check_clean(&format!("{path}.{name}"), inner, rules);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(value) = map.get(inner).filter(|value| !value.is_boolean()) {
            check_clean(&format!("{path}.{inner}"), value, rules);
        }
    }
}

#[test]
fn schemas_are_clean_for_strict_clients() {
    for entry in offered(Profile::Full) {
        let schema = Value::Object((*entry.description.input_schema).clone());
        check_clean(entry.name, &schema, false);
        check_clean(entry.name, &Value::Object(entry.rules.clone()), true);
        assert_eq!(schema["additionalProperties"], false, "{}", entry.name);
        assert_eq!(
            schema["properties"]["server"]["type"], "string",
            "{}",
            entry.name
        );
        for (name, inner) in entry.rules["properties"].as_object().unwrap() {
            let number = inner["type"] == "integer";
            assert!(
                !number || inner["minimum"].is_number(),
                "{}.{name} has no bounds",
                entry.name
            );
        }
    }
}

#[test]
fn choices_are_what_the_protocol_reads() {
    use protocol::request::{RestartType, RunLayout, Until};
    fn reads<T: std::str::FromStr>(tool: &str, field: &str) {
        let entry = offered(Profile::Full)
            .find(|entry| entry.name == tool)
            .unwrap();
        let choices = entry.description.input_schema["properties"][field]["enum"].clone();
        let choices: Vec<String> = serde_json::from_value(choices).unwrap();
        assert!(
            choices.iter().all(|choice| choice.parse::<T>().is_ok()),
            "{tool}.{field}"
        );
    }
    reads::<protocol::Direction>("fugue_create_pane", "direction");
    reads::<RestartType>("fugue_create_pane", "restart");
    reads::<Until>("fugue_expect", "until");
    reads::<RunLayout>("fugue_run_parallel", "layout");
}

/// Arguments with a value for each of `names`.
fn arguments<'a>(schema: &JsonObject, names: impl Iterator<Item = &'a str>) -> JsonObject {
    let mut given = Map::new();
    for name in names {
        let field = &schema["properties"][name];
        let value = match field["type"].as_str().unwrap() {
            "string" => field["enum"].get(0).cloned().unwrap_or_else(|| json!("x")),
            "array" if field["items"]["type"] == "object" => json!([{"command": "make"}]),
            "array" => {
                let first = field["items"]["enum"].get(0);
                json!([first.unwrap_or(&json!("x"))])
            }
            "object" => {
                let inner = field.as_object().unwrap();
                let fields = required(inner);
                Value::Object(arguments(inner, fields.iter().map(String::as_str)))
            }
            "boolean" => json!(true),
            _ => field["minimum"]
                .as_u64()
                .map_or(json!(0.5), |least| json!(least + 1)),
        };
        given.insert(name.to_owned(), value);
    }
    given
}

fn required(schema: &JsonObject) -> Vec<String> {
    schema.get("required").map_or_else(Vec::new, |names| {
        serde_json::from_value(names.clone()).unwrap()
    })
}

#[test]
fn every_tool_refuses_unknown_arguments_and_names_the_right_one() {
    for entry in offered(Profile::Full) {
        let schema = &entry.rules;
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        for name in &names {
            let must = required(schema);
            let mut given = arguments(
                schema,
                must.iter().map(String::as_str).filter(|n| n != *name),
            );
            let mut wrong = (*name).clone();
            wrong.insert(wrong.len() / 2, 'x');
            given.insert(wrong.clone(), json!("x"));
            let error = crate::arguments::check(entry.name, schema, &mut given).unwrap_err();
            assert_eq!(error.code, protocol::ErrorCode::InvalidArgument);
            assert!(
                error.message.contains(&format!("{wrong:?}")),
                "{}: {error}",
                entry.name
            );
            assert!(
                error.hint.contains(&format!("use {name} instead")),
                "{}: {error}",
                entry.name
            );
            assert_eq!(
                error.candidates.len(),
                names.len(),
                "{}: {error}",
                entry.name
            );
        }
    }
}

#[test]
fn every_tool_names_a_missing_argument_and_takes_what_its_schema_says() {
    for entry in offered(Profile::Full) {
        let schema = &entry.rules;
        let must = required(schema);
        for missing in &must {
            let others = must
                .iter()
                .map(String::as_str)
                .filter(|name| name != missing);
            let mut given = arguments(schema, others);
            let error = crate::arguments::check(entry.name, schema, &mut given).unwrap_err();
            assert!(
                error.message.contains(missing.as_str()),
                "{}: {error}",
                entry.name
            );
        }
        let names = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str);
        let mut all = arguments(schema, names);
        crate::arguments::check(entry.name, schema, &mut all).unwrap();
    }
}

#[test]
fn every_tool_refuses_wrong_types_by_name() {
    for entry in offered(Profile::Full) {
        let schema = &entry.rules;
        for (name, field) in schema["properties"].as_object().unwrap() {
            let must = required(schema);
            let mut given = arguments(schema, must.iter().map(String::as_str));
            let wrong = if field["type"] == "object" {
                json!("x")
            } else {
                json!({"a": 1})
            };
            given.insert(name.clone(), wrong);
            let error = crate::arguments::check(entry.name, schema, &mut given).unwrap_err();
            assert!(
                error.message.starts_with(name.as_str()),
                "{}: {error}",
                entry.name
            );
        }
    }
}

#[test]
fn profiles_have_names() {
    assert_eq!("core".parse::<Profile>().unwrap(), Profile::Core);
    assert_eq!("full".parse::<Profile>().unwrap(), Profile::default());
    assert!("some".parse::<Profile>().is_err());
}

/// The row of docs/mcp.md that describes a tool, with the rows that it refers to.
fn documented(name: &str) -> String {
    let page = include_str!("../../../docs/mcp.md");
    let heading = |line: &&str| {
        let cell = line.split('|').nth(1).unwrap_or_default();
        line.starts_with("| ") && cell.contains(&format!("`{name}`"))
    };
    let row = page.lines().find(heading);
    let row = row.unwrap_or_else(|| panic!("{name} has no row in docs/mcp.md"));
    let arguments = row.split('|').nth(2).unwrap_or_default().to_owned();
    match arguments.split_once("and as `") {
        Some((own, other)) => {
            let other = other.split('`').next().unwrap_or_default();
            format!("{own} {}", documented(other))
        }
        None => arguments,
    }
}

#[test]
fn every_argument_of_every_tool_is_in_its_documentation() {
    for entry in offered(Profile::Full) {
        let row = documented(entry.name);
        let words: BTreeSet<&str> = row
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .collect();
        let schema = &entry.description.input_schema;
        let named = schema.get("properties").and_then(Value::as_object);
        for argument in named.into_iter().flat_map(Map::keys) {
            let known = argument == "server" || words.contains(argument.as_str());
            assert!(known, "{}: {argument} is not in `{row}`", entry.name);
        }
    }
}
