//! Prefixed ids and harmless text.

use serde_json::json;

use super::*;

#[test]
fn every_id_gets_its_servers_prefix_and_nothing_else_does() {
    let mut value = json!({
        "context": {"session_id": "s", "session_name": "n", "server": "local"},
        "windows": [{"window_id": "w", "focused_pane": "p", "panes": ["p", "q"], "name": "x"}],
        "panes": [{"pane_id": "p", "window_id": "w", "command": "top"}],
        "pane_id": null,
    });
    name_server(&mut value, &ServerName::new("far").unwrap(), true);
    assert_eq!(
        value,
        json!({
            "context": {"session_id": "far:s", "session_name": "n", "server": "far"},
            "windows": [{"window_id": "far:w", "focused_pane": "far:p", "panes": ["far:p", "far:q"], "name": "x"}],
            "panes": [{"pane_id": "far:p", "window_id": "far:w", "command": "top"}],
            "pane_id": null,
        })
    );
}

#[test]
fn control_characters_of_a_title_do_not_reach_the_terminal() {
    let rows = vec![vec!["a\u{1b}[31mb\nc".into()]];
    let text = table::table(&[table::Column::new("T")], rows, style::Style::default());
    assert_eq!(text, "T\na\u{fffd}[31mb\u{fffd}c\n");
}

#[test]
fn a_default_server_has_its_name_here_and_no_prefixes() {
    let mut value = json!({"server": "local", "sessions": [{"session_id": "s"}], "error": null});
    name_server(&mut value, &ServerName::new("far").unwrap(), false);
    assert_eq!(
        value,
        json!({"server": "far", "sessions": [{"session_id": "s"}], "error": null})
    );
}

#[test]
fn long_lines_are_broken_between_words() {
    let wraps = |text, cols| wrapped(text, cols, 2);
    assert_eq!(wraps("a line that fits", 16), "a line that fits");
    assert_eq!(wraps("a line that fits not", 16), "a line that fits\n  not");
    assert_eq!(
        wraps("one verylongwordindeed two", 8),
        "one\n  verylongwordindeed\n  two"
    );
    assert_eq!(wraps("", 8), "");
}
