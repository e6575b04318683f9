//! Tests of `layout`.

use protocol::request::LayoutNode;
use serde_json::{Value, json};

use crate::tools::{Profile, offered};

fn checked(layout: Value) -> Result<(), protocol::Error> {
    let entry = offered(Profile::Full)
        .find(|entry| entry.name == "fugue_create_layout")
        .unwrap();
    let given = json!({"layout": layout});
    crate::arguments::check(
        entry.name,
        &entry.rules,
        &mut given.as_object().unwrap().clone(),
    )
}

#[test]
fn arguments_are_checked_at_every_depth() {
    let mut node = json!({"pane": {"comand": "ls"}});
    for _ in 0..5 {
        node = json!({"direction": "down", "splits": [{"layout": {"pane": {}}}, {"layout": node}]});
    }
    let error = checked(node).unwrap_err();
    let place = "layout.splits[1].layout.splits[1].layout.splits[1].layout.splits[1].layout.splits[1].layout.pane";
    assert!(error.message.starts_with(place), "{error}");
    assert!(
        error.hint.contains("use command instead of \"comand\""),
        "{error}"
    );
    checked(json!({"splits": [{"ratio": 0.5, "layout": {"pane": {}}}]})).unwrap();
    let error = checked(json!({"splits": [{"ratio": 0.5}]})).unwrap_err();
    assert!(error.message.contains("needs layout"), "{error}");
    let error = checked(json!({"direction": "left", "splits": []})).unwrap_err();
    assert_eq!(error.candidates, ["right", "down"]);
}

#[test]
fn the_list_shows_one_level() {
    let entry = offered(Profile::Full)
        .find(|entry| entry.name == "fugue_create_layout")
        .unwrap();
    let schema = &entry.description.input_schema["properties"]["layout"];
    let inner = &schema["properties"]["splits"]["items"]["properties"]["layout"];
    assert_eq!(inner["type"], "object");
    assert!(inner["description"].as_str().unwrap().contains("As layout"));
    assert!(inner.get("properties").is_none());
    assert!(serde_json::to_string(schema).unwrap().len() < 1_200);
    assert_eq!(LayoutNode::DEEPEST, 32);
}
