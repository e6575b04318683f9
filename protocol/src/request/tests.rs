//! Tests of `request`.

use serde_json::json;

use super::*;
use crate::frame::to_bytes;

#[test]
fn an_unknown_method_is_unsupported_and_named() {
    let error = Request::decode("make_coffee", &to_bytes(&json!({}))).unwrap_err();
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(error.message.contains("make_coffee"), "{error}");
    assert!(!error.hint.is_empty());
    let long = Request::decode(&"x".repeat(1 << 20), &[]).unwrap_err();
    assert!(long.message.len() < 300);
}

#[test]
fn wrong_params_name_the_method_and_the_field() {
    let cases = [
        ("wait_pane", json!({"pane": "p"}), "timeout_ms"),
        (
            "wait_pane",
            json!({"pane": "p", "timeout_ms": "soon"}),
            "timeout_ms",
        ),
        ("close_pane", json!({}), "pane"),
        ("create_session", json!({"name": "a:b"}), "name"),
        (
            "run_parallel",
            json!({"commands": [{"command": "true"}, {"command": 3}]}),
            "commands[1].command",
        ),
        (
            "create_session",
            json!({"pane": {"restart": "sometimes"}}),
            "pane.restart",
        ),
        (
            "create_session",
            json!({"pane": {"memory_max": "much"}}),
            "pane.memory_max: invalid type",
        ),
    ];
    for (method, params, field) in cases {
        let error = Request::decode(method, &to_bytes(&params)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        assert!(error.message.starts_with(&format!("{method}: ")), "{error}");
        assert!(error.message.contains(field), "{field} is not in: {error}");
    }
}

#[test]
fn unknown_parameters_are_ignored_and_absent_ones_have_defaults() {
    let params = json!({"name": "build", "colour": "blue", "pane": {"flavour": {"a": [1]}}});
    let Request::CreateSession(call) =
        Request::decode("create_session", &to_bytes(&params)).unwrap()
    else {
        panic!("not create_session");
    };
    assert_eq!(call.name.unwrap().as_str(), "build");
    assert_eq!(call.pane.program, Program::LoginShell);
    assert_eq!(call.pane.stop, StopRecipe::default());
}

#[test]
fn every_method_is_named_once_and_known_to_decode() {
    let mut names = Request::METHODS.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Request::METHODS.len());
    for method in Request::METHODS {
        match Request::decode(method, &to_bytes(&json!({}))) {
            Ok(request) => assert_eq!(request.method(), *method),
            Err(error) => assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}"),
        }
    }
}

#[test]
fn parameters_that_are_no_map_are_refused() {
    for params in [&[][..], &[0xc0], &[0xff], &[0x80, 0x80]] {
        let error = Request::decode("status", params).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    }
}
