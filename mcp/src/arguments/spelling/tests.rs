//! Tests of `spelling`.

use super::*;

#[test]
fn the_right_name_is_found_for_wrong_ones() {
    let names = [
        "command",
        "cwd",
        "input",
        "pane_id",
        "session",
        "timeout_ms",
        "wait_timeout_ms",
    ];
    for (wrong, right) in [
        ("timeout", Some("timeout_ms")),
        ("time_out_ms", Some("timeout_ms")),
        ("text", Some("input")),
        ("paneId", Some("pane_id")),
        ("pane-id", Some("pane_id")),
        ("cmd", Some("command")),
        ("comand", Some("command")),
        ("sesion", Some("session")),
        ("session_name", Some("session")),
        ("workdir", Some("cwd")),
        ("qqqqqqqqqqqq", None),
    ] {
        assert_eq!(nearest(wrong, &names, &[]), right, "{wrong}");
    }
}

#[test]
fn edit_distance_counts_swaps_as_one() {
    for (a, b, distance) in [
        ("", "ab", 2),
        ("ab", "ba", 1),
        ("idel", "idle", 1),
        ("a", "a", 0),
        ("kitten", "sitting", 3),
    ] {
        assert_eq!(edits(a, b), distance, "{a} {b}");
        assert_eq!(edits(b, a), distance, "{b} {a}");
    }
}
