//! What programs copy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::event::{Copied, Selection};

use super::support::{fed_to, screen, size, text};
use crate::screen::{Copies, CopyError, Extent, Permissions, Screen, ScreenEvents};

const PASSING_ON: Permissions = Permissions {
    copies: Copies::PassedOn,
    title_locked: false,
};

fn passing() -> Screen {
    let mut screen = Screen::new(size(5, 20), 100);
    screen.permit(PASSING_ON);
    screen
}

fn events(bytes: &[u8]) -> ScreenEvents {
    fed_to(passing(), bytes).take_events()
}

fn copied(selection: Selection, text: &str) -> Copied {
    Copied {
        selection,
        text: text.into(),
    }
}

#[test]
fn what_is_copied_is_decoded_and_passed_on() {
    use Selection::{Clipboard, Primary};
    let table: [(&str, &[Copied]); 11] = [
        ("\x1b]52;c;aGVsbG8=\x07", &[copied(Clipboard, "hello")]),
        ("\x1b]52;;aGVsbG8=\x1b\\", &[copied(Clipboard, "hello")]),
        ("\x1b]52;s0;aGVsbG8\x1b\\", &[copied(Clipboard, "hello")]),
        ("\x1b]52;p;YQ==\x07", &[copied(Primary, "a")]),
        (
            "\x1b]52;pc;YQ==\x07",
            &[copied(Clipboard, "a"), copied(Primary, "a")],
        ),
        (
            "\x1b]52;c;YQ==\x07\x1b]52;p;YQ==\x07\x1b]52;c;Yg==\x07",
            &[copied(Primary, "a"), copied(Clipboard, "b")],
        ),
        ("\x1b]52;c;\x07", &[copied(Clipboard, "")]),
        ("\x1b]52;7;YQ==\x07", &[]),
        ("\x1b]52;c;?\x07", &[]),
        ("\x1b]52;c;!\x07", &[]),
        ("\x1b]52;c\x07", &[]),
    ];
    for (bytes, wanted) in table {
        assert_eq!(events(bytes.as_bytes()).copied, wanted, "{bytes:?}");
    }
    let not_copied = events(b"\x1b]52;c;!\x07").not_copied;
    assert_eq!(not_copied, Some(CopyError::Encoding));
    assert_eq!(events(b"\x1b]52;c;?\x07").not_copied, None);
}

#[test]
fn a_clipboard_is_promised_only_where_it_is_there() {
    let asked = b"\x1bP+q4D73\x1b\\\x1b[c";
    let answers = fed_to(passing(), asked).take_replies().unwrap();
    let answers = String::from_utf8(answers).unwrap();
    assert!(answers.starts_with("\x1bP1+r4D73="), "{answers:?}");
    assert!(answers.ends_with("\x1b[?62;22;52c"), "{answers:?}");
    let mut silent = screen("\x1b]52;c;YQ==\x07\x1b]52;c;!\x07");
    assert_eq!(silent.take_events(), ScreenEvents::default());
    let answers = fed_to(silent, asked).take_replies().unwrap();
    assert_eq!(answers, b"\x1bP0+r4D73\x1b\\\x1b[?62;22c");
}

#[test]
fn nobody_is_told_what_is_in_a_clipboard() {
    let mut screen = fed_to(
        passing(),
        b"\x1b]52;c;YQ==\x07\x1b]52;c;?\x07\x1b]52;p;?\x1b\\",
    );
    assert_eq!(screen.take_replies(), None);
}

#[test]
fn a_long_text_is_copied_up_to_its_bound() {
    for (len, is_copied) in [
        (Copied::MAX_BYTES, true),
        (Copied::MAX_BYTES + 1, false),
        (2_000_000, false),
    ] {
        let base64 = STANDARD.encode(vec![b'x'; len]);
        let bytes = format!("a\x1b]52;c;{base64}\x07b");
        for chunk in [4096, 65_536, 3_000_000] {
            let mut screen = passing();
            for piece in bytes.as_bytes().chunks(chunk) {
                screen.advance(piece);
            }
            assert_eq!(text(&screen), "ab");
            let events = screen.take_events();
            let lens: Vec<_> = events
                .copied
                .iter()
                .map(|copied| copied.text.len())
                .collect();
            match is_copied {
                true => assert_eq!((lens, events.not_copied), (vec![len], None)),
                false => assert_eq!(
                    (lens, events.not_copied),
                    (vec![], Some(CopyError::TooLong))
                ),
            }
        }
    }
}

#[test]
fn a_checkpoint_amid_a_long_text_gives_it_up() {
    let mut screen = fed_to(passing(), b"a\x1b]52;c;");
    screen.advance(&[b'A'; 100_000]);
    assert!(screen.kept_bytes() <= Screen::max_kept_bytes(size(5, 20), 100));
    assert!(screen.state().len() < 20_000);
    let mut copy = Screen::restore(&screen.checkpoint(Extent::Full)).unwrap();
    copy.permit(PASSING_ON);
    for screen in [&mut screen, &mut copy] {
        screen.advance(b"AAAA\x07b");
        assert_eq!(text(screen), "ab");
    }
    assert_eq!(screen.take_events().copied.len(), 1);
    assert_eq!(copy.take_events().copied, []);
}
