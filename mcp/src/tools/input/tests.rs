//! Tests of `input`.

use super::*;

#[test]
fn the_last_lines_are_counted_from_the_end() {
    let text = "a\nb\nc";
    for (lines, shown, omitted) in [(1, "c", 2), (2, "b\nc", 1), (3, text, 0), (9, text, 0)] {
        assert_eq!(last_lines(text, lines), (shown, omitted), "{lines}");
    }
    assert_eq!(last_lines("", 5), ("", 0));
}

#[test]
fn a_wait_is_at_least_a_millisecond() {
    assert_eq!(milliseconds(Duration::ZERO), 1);
    assert_eq!(milliseconds(Duration::from_secs(2)), 2_000);
}
