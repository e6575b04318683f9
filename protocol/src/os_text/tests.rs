//! Tests of `os_text`.

use proptest::prelude::*;

use super::*;

fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[test]
fn what_is_utf8_is_itself_and_anything_else_has_the_mark() {
    for (bytes, text, shown_as) in [
        (&b"/tmp/caf\xc3\xa9"[..], "/tmp/caf\u{e9}", "/tmp/caf\u{e9}"),
        (b"/tmp/caf\xe9", "\0/tmp/caf\u{e9}", "/tmp/caf\u{fffd}"),
        (b"\xff", "\0\u{ff}", "\u{fffd}"),
        (b"", "", ""),
    ] {
        assert_eq!(encoded(os(bytes)), text);
        assert_eq!(decoded(text), os(bytes));
        assert_eq!(shown(text), shown_as);
        assert!(is_possible(text));
    }
}

#[test]
fn a_nul_is_nothing_else() {
    // No second spelling of what is UTF-8, no NUL within, nothing beyond a byte.
    for text in [
        "\0",
        "\0abc",
        "\0\0\u{ff}",
        "a\0",
        "\0\u{ff}\u{100}",
        "\u{ff}\0",
    ] {
        assert!(!is_possible(text), "{text:?}");
        assert_eq!(decoded(text), OsString::from(text), "{text:?}");
    }
}

proptest! {
    #[test]
    fn bytes_come_back_as_they_were(bytes in prop::collection::vec(1u8.., 0..64)) {
        let text = encoded(os(&bytes));
        prop_assert!(is_possible(&text));
        prop_assert_eq!(decoded(&text), os(&bytes));
    }
}
