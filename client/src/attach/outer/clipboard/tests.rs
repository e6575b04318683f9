//! What a terminal is told to copy.

use super::*;

#[test]
fn what_is_copied_is_encoded_anew() {
    for (selection, text, wanted) in [
        (
            Selection::Clipboard,
            &b"hello"[..],
            "\x1b]52;c;aGVsbG8=\x1b\\",
        ),
        (Selection::Primary, b"", "\x1b]52;p;\x1b\\"),
        (Selection::Clipboard, b"\x1b]\x07", "\x1b]52;c;G10H\x1b\\"),
    ] {
        let copied = Copied {
            selection,
            text: text.to_vec(),
        };
        let mut out = Vec::new();
        copy(&copied, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}
