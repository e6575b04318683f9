//! Answers of terminals.

use super::*;

#[test]
fn answers_are_read_in_the_forms_that_terminals_write() {
    for (bytes, wanted) in [
        (
            &b"\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\"[..],
            Some(Answer::Background((0xfd, 0xf6, 0xe3))),
        ),
        (
            b"\x1b]10;rgb:12/34/56\x07",
            Some(Answer::Foreground((0x12, 0x34, 0x56))),
        ),
        (
            b"\x1b]12;rgba:ffff/0000/8080/ffff\x07",
            Some(Answer::Cursor((0xff, 0, 0x80))),
        ),
        (
            b"\x1b]10;#ffffff\x07",
            Some(Answer::Foreground((255, 255, 255))),
        ),
        (
            b"\x1b]10;rgb:f/0/8\x07",
            Some(Answer::Foreground((255, 0, 136))),
        ),
        (b"\x1b[?62;22c", Some(Answer::Identity)),
        (b"\x1b]4;1;rgb:12/34/56\x07", None),
        (b"\x1b]10;rgb:12/34\x07", None),
        (b"\x1b]10;rgb:12345/0/0\x07", None),
        (b"\x1b]10;#\x07", None),
        (b"\x1b]10;#\xc3\xa4\xc3\xa4\x07", None),
        (b"\x1b]10;?\x07", None),
        (b"\x1b[?1u", None),
        (b"\x1b[c", None),
    ] {
        assert_eq!(
            read(bytes),
            wanted,
            "{:?}",
            bytes.escape_ascii().to_string()
        );
    }
}

#[test]
fn a_terminal_is_waited_for_until_it_has_answered_or_for_a_while() {
    let begun = Instant::now();
    let limit = Duration::from_secs(1);
    let mut questions = Questions::default();
    assert_eq!((questions.colors(), questions.left(begun)), (None, None));
    let mut out = Vec::new();
    questions.ask(begun, limit, &mut out);
    assert!(out.ends_with(b"\x1b[c"), "what all terminals answer");
    assert_eq!(questions.left(begun), Some(limit));
    assert_eq!(questions.colors(), None);
    questions.answered(Answer::Background((1, 2, 3)));
    let known = TerminalColors {
        background: Some((1, 2, 3)),
        ..TerminalColors::default()
    };
    assert!(questions.news());
    assert_eq!(questions.colors(), Some(known));
    assert!(questions.left(begun).is_some(), "the others may come");
    questions.answered(Answer::Identity);
    assert_eq!(questions.left(begun), None);

    let mut silent = Questions::default();
    silent.ask(begun, limit, &mut out);
    silent.expire(begun + limit / 2);
    assert!(!silent.news());
    silent.expire(begun + limit);
    assert!(silent.news());
    assert_eq!(silent.colors(), Some(TerminalColors::default()));
    silent.answered(Answer::Background((1, 2, 3)));
    assert!(silent.news(), "late, and as good");
    assert_eq!(silent.colors(), Some(known));
}
