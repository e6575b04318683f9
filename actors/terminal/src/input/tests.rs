//! Tests of keys and text input.

use proptest::prelude::*;

use super::{Key, KeyCode, PasteFilter, encode_key, encode_text, is_paste};
use crate::screen::Modes;

fn sent(name: &str, modes: Modes) -> String {
    let key = Key::parse(name).expect(name);
    String::from_utf8(encode_key(key, modes)).expect("UTF-8")
}

const APPLICATION: Modes = Modes {
    application_cursor: true,
    ..NORMAL
};
const PASTE: Modes = Modes {
    bracketed_paste: true,
    ..NORMAL
};
const NORMAL: Modes = Modes {
    alternate_screen: false,
    bracketed_paste: false,
    application_cursor: false,
    application_keypad: false,
    mouse_clicks: false,
    mouse_drag: false,
    mouse_motion: false,
    mouse_sgr: false,
    mouse_utf8: false,
    alternate_scroll: false,
    focus_events: false,
    synchronized_output: false,
    keyboard: 0,
    modify_other_keys: 0,
};

#[test]
fn keys_send_what_xterm_sends() {
    let table = [
        ("Enter", "\r"),
        ("enter", "\r"),
        ("Tab", "\t"),
        ("BTab", "\x1b[Z"),
        ("S-Tab", "\x1b[Z"),
        ("Space", " "),
        ("C-Space", "\0"),
        ("Escape", "\x1b"),
        ("Esc", "\x1b"),
        ("BSpace", "\x7f"),
        ("M-BSpace", "\x1b\x7f"),
        ("DC", "\x1b[3~"),
        ("Delete", "\x1b[3~"),
        ("IC", "\x1b[2~"),
        ("Home", "\x1b[H"),
        ("End", "\x1b[F"),
        ("PPage", "\x1b[5~"),
        ("PageDown", "\x1b[6~"),
        ("Up", "\x1b[A"),
        ("S-Up", "\x1b[1;2A"),
        ("C-M-S-Left", "\x1b[1;8D"),
        ("C-PageUp", "\x1b[5;5~"),
        ("F1", "\x1bOP"),
        ("F4", "\x1bOS"),
        ("S-F1", "\x1b[1;2P"),
        ("F5", "\x1b[15~"),
        ("F6", "\x1b[17~"),
        ("F10", "\x1b[21~"),
        ("F11", "\x1b[23~"),
        ("F12", "\x1b[24~"),
        ("F14", "\x1b[26~"),
        ("F15", "\x1b[28~"),
        ("F20", "\x1b[34~"),
        ("C-c", "\x03"),
        ("C-C", "\x03"),
        ("^c", "\x03"),
        ("C-[", "\x1b"),
        ("C-\\", "\x1c"),
        ("C-_", "\x1f"),
        ("C-?", "\x7f"),
        ("M-x", "\x1bx"),
        ("C-M-x", "\x1b\x18"),
        ("S-a", "A"),
        ("a", "a"),
        ("-", "-"),
        ("^", "^"),
        ("C--", "\x1f"),
        ("ü", "ü"),
        ("M-日", "\x1b日"),
    ];
    for (name, bytes) in table {
        assert_eq!(sent(name, NORMAL), bytes, "{name}");
    }
}

#[test]
fn keys_are_told_apart_for_programs_that_ask() {
    let kitty = |keyboard| Modes { keyboard, ..NORMAL };
    let xterm = |level| Modes {
        modify_other_keys: level,
        ..NORMAL
    };
    let table = [
        ("S-Enter", kitty(1), "\x1b[13;2u"),
        ("C-Enter", kitty(1), "\x1b[13;5u"),
        ("Enter", kitty(1), "\r"),
        ("Tab", kitty(1), "\t"),
        ("S-Tab", kitty(1), "\x1b[9;2u"),
        ("BTab", kitty(1), "\x1b[9;2u"),
        ("Escape", kitty(1), "\x1b[27u"),
        ("C-;", kitty(1), "\x1b[59;5u"),
        ("C-c", kitty(1), "\x1b[99;5u"),
        ("C-C", kitty(1), "\x1b[99;5u"),
        ("C-S-c", kitty(1), "\x1b[99;6u"),
        ("C-Space", kitty(1), "\x1b[32;5u"),
        ("C-ü", kitty(1), "\x1b[252;5u"),
        ("M-x", kitty(1), "\x1b[120;3u"),
        ("a", kitty(1), "a"),
        ("S-a", kitty(1), "A"),
        ("BSpace", kitty(1), "\x7f"),
        ("C-BSpace", kitty(1), "\x1b[127;5u"),
        (
            "Up",
            Modes {
                application_cursor: true,
                ..kitty(1)
            },
            "\x1b[A",
        ),
        ("F1", kitty(1), "\x1b[P"),
        ("F3", kitty(1), "\x1b[13~"),
        ("F13", kitty(1), "\x1b[57376u"),
        ("S-Enter", kitty(2), "\r"),
        ("Enter", kitty(9), "\x1b[13u"),
        ("a", kitty(9), "\x1b[97u"),
        ("A", kitty(9), "\x1b[97;2u"),
        ("A", kitty(13), "\x1b[97:65;2u"),
        ("a", kitty(25), "\x1b[97;;97u"),
        ("A", kitty(25), "\x1b[97;2;65u"),
        ("S-Enter", xterm(1), "\x1b[27;2;13~"),
        ("C-;", xterm(1), "\x1b[27;5;59~"),
        ("C-c", xterm(1), "\x03"),
        ("M-x", xterm(1), "\x1bx"),
        ("S-Tab", xterm(1), "\x1b[Z"),
        ("S-Enter", xterm(2), "\x1b[27;2;13~"),
        ("C-c", xterm(2), "\x1b[27;5;99~"),
        ("Enter", xterm(2), "\r"),
        ("A", xterm(2), "A"),
        ("C-Up", xterm(2), "\x1b[1;5A"),
        ("C-;", NORMAL, ";"),
        ("S-Enter", NORMAL, "\r"),
    ];
    for (name, modes, bytes) in table {
        assert_eq!(sent(name, modes), bytes, "{name} {modes:?}");
    }
}

#[test]
fn cursor_keys_follow_the_application_mode() {
    for (name, bytes) in [
        ("Up", "\x1bOA"),
        ("Left", "\x1bOD"),
        ("Home", "\x1bOH"),
        ("C-Up", "\x1b[1;5A"),
        ("PageUp", "\x1b[5~"),
    ] {
        assert_eq!(sent(name, APPLICATION), bytes, "{name}");
    }
}

#[test]
fn unknown_keys_are_named_with_those_close_to_them() {
    let error = Key::parse("C-Entr").expect_err("a typing error");
    assert_eq!(error.suggestions.first(), Some(&"Enter"));
    let message = error.to_string();
    assert!(
        message.contains("`C-Entr`")
            && message.contains("did you mean Enter")
            && message.contains("F1 to F20"),
        "{message}"
    );
    for name in [
        "", "C-", "M-", "F0", "F21", "F01", "F+1", "Hyper-x", "ab", "\n", "\x1b", "C-Enter-",
    ] {
        assert!(Key::parse(name).is_err(), "{name:?}");
    }
    for (name, twice) in [
        ("C-C-c", "C-"),
        ("C-^c", "C-"),
        ("M-C-A-x", "M-"),
        ("S-s-Up", "S-"),
    ] {
        let message = Key::parse(name).expect_err(name).to_string();
        assert!(
            message.contains(&format!("{twice} is given twice")),
            "{message}"
        );
    }
    assert_eq!(
        Key::parse(&"x".repeat(10_000))
            .expect_err("too long")
            .name
            .len(),
        32
    );
}

#[test]
fn text_is_sent_as_it_is() {
    assert_eq!(encode_text("ls -l", NORMAL), b"ls -l");
    assert_eq!(encode_text("ls -l", PASTE), b"ls -l");
    assert_eq!(encode_text("a\nb\r\nc\rd\n", NORMAL), b"a\rb\rc\rd\r");
    assert_eq!(encode_text("C-c Enter", NORMAL), b"C-c Enter");
}

#[test]
fn several_lines_are_a_paste_where_the_program_wants_it() {
    assert_eq!(encode_text("a\nb", PASTE), b"\x1b[200~a\rb\x1b[201~");
    assert_eq!(
        encode_text("a\nb\x1b[201~rm\n", PASTE),
        b"\x1b[200~a\rbrm\r\x1b[201~"
    );
    assert_eq!(
        encode_text("a\n\x1b[20\x1b[201~1~b", PASTE),
        b"\x1b[200~a\rb\x1b[201~"
    );
    assert!(is_paste("a\nb", PASTE) && !is_paste("a\nb", NORMAL) && !is_paste("ab", PASTE));
}

#[test]
fn long_text_tabs_and_marks_are_a_paste_where_the_program_wants_it() {
    let long = "x".repeat(256);
    for (text, pasted) in [
        ("ls -l", false),
        (&long[1..], false),
        (&*long, true),
        ("a\tb", true),
        ("see @file", true),
        ("fix it!", true),
        ("@", false),
        ("!", false),
        ("", false),
        (":q!", false),
        ("/to @me", false),
        ("?x!", false),
        (":a\n", true),
    ] {
        assert_eq!(is_paste(text, PASTE), pasted, "{text:?}");
        assert!(!is_paste(text, NORMAL), "{text:?}");
        let marked = encode_text(text, PASTE).starts_with(b"\x1b[200~");
        assert_eq!(marked, pasted, "{text:?}");
    }
}

#[test]
fn the_end_mark_is_left_out_of_a_paste_in_pieces_of_any_size() {
    let text = b"a\x1b[201~b\x1b[20\x1b[201~1~c\x1b[2";
    for size in 1..=text.len() {
        let mut filter = PasteFilter::default();
        let pieces = text.chunks(size).flat_map(|piece| filter.next(piece));
        let pasted: Vec<u8> = pieces.collect();
        assert!(
            pasted
                .iter()
                .filter(|byte| **byte != b'~')
                .eq(text.iter().filter(|byte| **byte != b'~')),
            "pieces of {size}"
        );
        assert!(
            !pasted.windows(6).any(|bytes| bytes == b"\x1b[201~"),
            "pieces of {size}"
        );
    }
}

proptest! {
    #[test]
    fn any_name_is_a_key_or_an_error(name in "\\PC{0,12}|[CMS]-[\\x00-\\x7f]{0,4}|F[0-9]{1,4}") {
        match Key::parse(&name) {
            Ok(key) => prop_assert!(!encode_key(key, APPLICATION).is_empty()),
            Err(error) => prop_assert!(error.suggestions.len() <= 3),
        }
    }

    #[test]
    fn any_character_is_a_key(char in any::<char>().prop_filter("no control character", |char| !char.is_control())) {
        prop_assert_eq!(Key::parse(&char.to_string()).expect("a character").code, KeyCode::Char(char));
    }

    #[test]
    fn no_text_ends_a_paste_early(text in "(a|\n|\x1b|\\[|2|0|1|~|\x1b\\[201~){0,60}") {
        let bytes = encode_text(&format!("\n{text}"), PASTE);
        let ends = bytes.windows(6).filter(|window| window == b"\x1b[201~").count();
        prop_assert_eq!(ends, 1);
        let mut left = format!("\r{}", text.replace('\n', "\r"));
        while left.contains("\x1b[201~") {
            left = left.replacen("\x1b[201~", "", 1);
        }
        prop_assert_eq!(bytes, format!("\x1b[200~{left}\x1b[201~").into_bytes());
    }
}

#[test]
fn a_long_paste_full_of_ends_takes_no_longer_than_another() {
    const BYTES: usize = 1024 * 1024;
    let begun = std::time::Instant::now();
    for text in [
        format!("\n{}", "\x1b[201~".repeat(BYTES / 6)),
        // One inside of the other: each taken out makes the next.
        format!(
            "\n{}{}",
            "\x1b[20".repeat(BYTES / 6),
            "1~".repeat(BYTES / 6)
        ),
    ] {
        assert_eq!(encode_text(&text, PASTE), b"\x1b[200~\r\x1b[201~");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn usual_spellings_of_keys_are_taken() {
    for (spelled, usual) in [
        ("ctrl+c", "C-c"),
        ("Ctrl-C", "C-c"),
        ("CTRL_C", "C-c"),
        ("control+c", "C-c"),
        ("c+c", "C-c"),
        ("alt+x", "M-x"),
        ("Meta-x", "M-x"),
        ("option+x", "M-x"),
        ("shift+tab", "S-Tab"),
        ("ctrl+shift+Up", "C-S-Up"),
        ("ctrl+page_down", "C-PageDown"),
        ("page_down", "PageDown"),
        ("page-up", "PageUp"),
        ("arrow_up", "Up"),
        ("up_arrow", "Up"),
        ("UpArrow", "Up"),
        ("back_space", "Backspace"),
        ("enter", "Enter"),
        ("f5", "F5"),
    ] {
        let bytes = |name: &str| encode_key(Key::parse(name).expect(name), NORMAL);
        assert_eq!(bytes(spelled), bytes(usual), "{spelled}");
    }
    for unknown in ["ctrl+", "ctrl++c+", "super+x", "ctrl c", "c_c", "page__"] {
        assert!(Key::parse(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn enter_has_several_names() {
    for name in ["Enter", "C-m", "ctrl+j", "LF", "Return", "M-Enter"] {
        assert!(Key::parse(name).expect(name).ends_line(), "{name}");
    }
    for name in ["m", "C-c", "Tab", "Up"] {
        assert!(!Key::parse(name).expect(name).ends_line(), "{name}");
    }
}
