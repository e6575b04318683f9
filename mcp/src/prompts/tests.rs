//! Tests of `prompts`.

use serde_json::{Value, json};

use super::*;

fn made(name: &str, arguments: Value) -> Result<String, Error> {
    let result = get(name, arguments.as_object())?;
    let message = serde_json::to_value(&result.messages[0]).unwrap();
    assert_eq!(message["role"], "user");
    Ok(message["content"]["text"].as_str().unwrap().to_owned())
}

#[test]
fn prompts_name_the_tools_they_need_and_only_those_there_are() {
    let checks = made(
        "run_checks",
        json!({"commands": "make lint\n\n make test ", "cwd": "/src"}),
    );
    let checks = checks.unwrap();
    assert!(
        checks.contains("- `make lint`\n- `make test`\n"),
        "{checks}"
    );
    assert!(checks.contains("cwd to /src"), "{checks}");
    let watch = made("watch_pane", json!({"pane_id": "log"})).unwrap();
    assert!(watch.contains("the pane log"), "{watch}");
    let tools: Vec<_> = crate::tools::offered(crate::tools::Profile::Core)
        .map(|entry| entry.name)
        .collect();
    for text in [checks, watch] {
        let named = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        for name in named.filter(|word| word.starts_with("fugue_")) {
            assert!(tools.contains(&name), "{name}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for (name, arguments) in [
        ("nope", json!({})),
        ("run_checks", json!({})),
        ("run_checks", json!({"commands": " "})),
        ("run_checks", json!({"commands": 7})),
        ("watch_pane", json!({"pane_id": "x", "pane": "y"})),
    ] {
        let error = made(name, arguments.clone()).unwrap_err();
        assert!(
            !error.candidates.is_empty() || arguments["commands"] == 7,
            "{error}"
        );
    }
}

#[test]
fn the_list_has_all_with_their_arguments() {
    let list = serde_json::to_value(list()).unwrap();
    let names: Vec<_> = list["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].clone())
        .collect();
    assert_eq!(names, ["run_checks", "watch_pane"]);
    assert_eq!(list["prompts"][0]["arguments"][0]["required"], true);
}
