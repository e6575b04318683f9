//! Tests of `answer`.

use protocol::ErrorCode;

use super::*;

fn texts(result: &CallToolResult) -> Vec<String> {
    let text = |block: &ContentBlock| block.as_text().map(|text| text.text.clone());
    result.content.iter().filter_map(text).collect()
}

#[test]
fn empty_parts_are_left_out() {
    let result =
        Answer::screen(json!({"text": ""}), "", "[status]".into()).into_result(Halves::Both);
    assert_eq!(texts(&result), ["[status]"]);
    assert_eq!(result.structured_content, Some(json!({"text": ""})));
    assert_eq!(result.is_error, Some(false));
}

#[test]
fn errors_say_what_to_do_in_both_forms() {
    let error = Error::new(ErrorCode::NotFound, "no pane is called x")
        .hint("list them")
        .candidates(["y".to_owned()]);
    let result = refusal(&error);
    assert_eq!(result.is_error, Some(true));
    assert_eq!(
        texts(&result),
        ["not_found: no pane is called x. There are: y."]
    );
    let expected = json!({"error": {
        "code": "not_found", "message": "no pane is called x", "hint": "list them", "candidates": ["y"],
    }});
    assert_eq!(result.structured_content, Some(expected));
    let bare = refusal(&Error::new(ErrorCode::Busy, "later"));
    assert_eq!(
        bare.structured_content,
        Some(json!({"error": {"code": "busy", "message": "later"}}))
    );
}
