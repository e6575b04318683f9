//! Tests of `arguments`.

use serde_json::json;

use super::*;

fn schema() -> JsonObject {
    serde_json::from_value(json!({
        "type": "object",
        "properties": {
            "pane_id": {"type": "string", "description": "Name or id"},
            "session": {"type": "string"},
            "lines": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
            "ratio": {"type": "number"},
            "memory_max": {"type": "integer", "minimum": 0},
            "submit": {"type": "boolean"},
            "until": {"type": "string", "enum": ["match", "exit", "idle"]},
            "keys": {"type": "array", "items": {"type": "string"}},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "commands": {
                "type": "array", "minItems": 1, "maxItems": 2,
                "items": {
                    "type": "object",
                    "properties": {"command": {"type": "string"}, "cwd": {"type": "string"}},
                    "required": ["command"],
                },
            },
        },
        "required": ["pane_id"],
        "additionalProperties": false,
    }))
    .unwrap()
}

fn checked(arguments: Value) -> Result<Value, Error> {
    let mut arguments = arguments.as_object().unwrap().clone();
    check("fugue_x", &schema(), &mut arguments)?;
    Ok(Value::Object(arguments))
}

fn refused(arguments: Value) -> String {
    let error = checked(arguments).unwrap_err();
    assert_eq!(error.code, protocol::ErrorCode::InvalidArgument);
    error.to_string()
}

#[test]
fn aliases_are_taken_and_contradictions_refused() {
    let taken = checked(json!({"pane": "a", "session_id": "s"})).unwrap();
    assert_eq!(taken, json!({"pane_id": "a", "session": "s"}));
    assert!(checked(json!({"pane": "a", "pane_id": "a"})).is_ok());
    let text = refused(json!({"pane": "a", "pane_id": "b"}));
    assert!(
        text.contains("pane_id = \"b\"") && text.contains("pane = \"a\""),
        "{text}"
    );
}

#[test]
fn null_means_left_out() {
    let taken = checked(json!({"pane_id": "a", "lines": null, "session_id": null})).unwrap();
    assert_eq!(taken, json!({"pane_id": "a"}));
    assert!(refused(json!({"pane_id": null})).contains("needs pane_id"));
}

#[test]
fn numbers_keep_their_bounds() {
    let lines = |value: Value| json!({"pane_id": "a", "lines": value});
    assert_eq!(checked(lines(json!(50.0))).unwrap()["lines"], json!(50));
    for wrong in [
        json!(0),
        json!(-1),
        json!(1001),
        json!(u64::MAX),
        json!(1e300),
        json!(-1e300),
    ] {
        let text = refused(lines(wrong.clone()));
        assert!(
            text.starts_with("lines is") && text.contains("1 to 1000"),
            "{wrong}: {text}"
        );
    }
    assert!(refused(lines(json!(1.5))).contains("whole number"));
    assert_eq!(checked(lines(json!("50"))).unwrap()["lines"], json!(50));
    let text = refused(lines(json!("many")));
    assert!(text.contains("must be an integer, not a string"), "{text}");
    assert!(text.contains("lines = 50"), "{text}");
}

#[test]
fn an_integer_that_is_too_large_is_named_without_a_bound_too() {
    for wrong in ["1e30", "18446744073709551616", "1e400"] {
        let Ok(value) = serde_json::from_str::<Value>(wrong) else {
            continue;
        };
        let text = refused(json!({"pane_id": "a", "memory_max": value}));
        assert!(text.starts_with("memory_max is"), "{wrong}: {text}");
        assert!(text.contains("out of range"), "{wrong}: {text}");
    }
    let most = json!({"pane_id": "a", "memory_max": u64::MAX});
    assert_eq!(checked(most.clone()).unwrap(), most);
}

#[test]
fn what_is_inside_is_named_by_its_place() {
    let commands = |value: Value| json!({"pane_id": "a", "commands": value});
    assert!(refused(commands(json!([]))).contains("commands is empty"));
    let three = json!([{"command": "a"}, {"command": "b"}, {"command": "c"}]);
    assert!(refused(commands(three)).contains("at most 2"));
    let text = refused(commands(json!([["make"]])));
    assert!(
        text.contains("commands[0] must be an object, not an array"),
        "{text}"
    );
    assert!(text.contains(r#"{"command":"text"}"#), "{text}");
    let text = refused(commands(json!([{"command": "a"}, {"cmd": "b"}])));
    assert!(
        text.contains("commands[1] has no argument \"cmd\""),
        "{text}"
    );
    assert!(text.contains("use command instead of \"cmd\""), "{text}");
    let text = refused(commands(json!([{"command": "a", "cwd": []}])));
    assert!(
        text.starts_with("commands[0].cwd must be a string"),
        "{text}"
    );
    let text = refused(json!({"pane_id": "a", "env": {"N": {}}}));
    assert!(
        text.starts_with("env.N must be a string, not an object"),
        "{text}"
    );
}

#[test]
fn choices_are_listed_with_the_nearest() {
    let text = refused(json!({"pane_id": "a", "until": "idel"}));
    assert!(text.contains("(match, exit, idle)"), "{text}");
    assert!(text.contains("did you mean idle?"), "{text}");
}

#[test]
fn several_unknown_names_are_all_told() {
    let text = refused(json!({"pane_id": "a", "line": 3, "submitt": true}));
    assert!(text.contains("lines instead of \"line\""), "{text}");
    assert!(text.contains("submit instead of \"submitt\""), "{text}");
}

#[test]
fn what_has_one_reading_is_taken() {
    for (name, given, taken) in [
        ("lines", json!("20"), json!(20)),
        ("lines", json!(" 20 "), json!(20)),
        ("ratio", json!("0.5"), json!(0.5)),
        ("submit", json!("true"), json!(true)),
        ("submit", json!("False"), json!(false)),
        ("session", json!(3), json!("3")),
        ("keys", json!("[\"Enter\"]"), json!(["Enter"])),
        ("keys", json!("Enter"), json!(["Enter"])),
        ("env", json!("{\"A\": \"1\"}"), json!({"A": "1"})),
        (
            "env",
            json!({"PORT": 3000, "DEBUG": true}),
            json!({"PORT": "3000", "DEBUG": "true"}),
        ),
        ("env", json!("{\"PORT\": 3000}"), json!({"PORT": "3000"})),
        (
            "commands",
            json!("[{\"command\": \"a\"}]"),
            json!([{"command": "a"}]),
        ),
        (
            "commands",
            json!("[\"a\", \"b\"]"),
            json!([{"command": "a"}, {"command": "b"}]),
        ),
        (
            "commands",
            json!(["a", {"command": "b"}]),
            json!([{"command": "a"}, {"command": "b"}]),
        ),
        ("commands", json!("make"), json!([{"command": "make"}])),
        (
            "commands",
            json!({"command": "make"}),
            json!([{"command": "make"}]),
        ),
        (
            "commands",
            json!(["{\"command\": \"a\"}"]),
            json!([{"command": "a"}]),
        ),
    ] {
        let read = checked(json!({"pane_id": "a", name: given})).unwrap();
        assert_eq!(read[name], taken, "{name} = {given}");
    }
}

#[test]
fn what_has_no_one_reading_is_refused() {
    for (name, given) in [
        ("lines", json!("20 lines")),
        ("lines", json!("0")),
        ("lines", json!(true)),
        ("submit", json!("yes")),
        ("submit", json!(1)),
        ("keys", json!("[\"Enter\"")),
        ("env", json!("A=1")),
        ("env", json!(["A=1"])),
        ("commands", json!("[{\"command\": \"a\"")),
        ("commands", json!(3)),
        ("until", json!("\"exit\"")),
    ] {
        refused(json!({"pane_id": "a", name: given}));
    }
}
