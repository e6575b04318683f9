//! Text since a cursor with its attributes is the text, with its attributes.

use proptest::prelude::*;

use super::support::{fed, output, screen, size};
use crate::screen::Screen;

/// The text without SGR sequences and hyperlinks.
fn plain(styled: &str) -> String {
    let mut text = String::new();
    let mut rest = styled;
    while let Some(at) = rest.find('\x1b') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest.starts_with("\x1b[") {
            true => rest.find('m').expect("the end of an SGR sequence") + 1,
            false => rest.find("\x1b\\").expect("the end of a hyperlink") + 2,
        };
        rest = &rest[end..];
    }
    text + rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn it_differs_from_the_plain_text_by_attributes_only(before in output(), after in output(), rows in 1..8_u16, cols in 2..24_u16) {
        let mut screen = fed(size(rows, cols), 50, &before);
        let cursor = screen.position();
        screen.advance(&after);
        let without = screen.read_since(&cursor, usize::MAX);
        let with = screen.read_styled_since(&cursor, usize::MAX);
        prop_assert_eq!(plain(&with.text), without.text);
        prop_assert_eq!(with.cursor.to_string(), without.cursor.to_string());
        prop_assert_eq!((with.dropped_lines, with.truncated), (without.dropped_lines, false));
        prop_assert_eq!(screen.read_styled_since(&with.cursor, usize::MAX).text, "");
    }

    #[test]
    fn pieces_are_the_whole(before in output(), after in output(), most in 1..200_usize) {
        let mut screen = fed(size(5, 20), 50, &before);
        if screen.modes().alternate_screen {
            screen.advance(b"\x1b[?1049l");
        }
        let start = screen.position();
        screen.advance(&after);
        prop_assume!(!screen.modes().alternate_screen);
        let whole = screen.read_since(&start, usize::MAX);
        let (mut cursor, mut text) = (start, String::new());
        loop {
            let piece = screen.read_styled_since(&cursor, most);
            text.push_str(&plain(&piece.text));
            cursor = piece.cursor;
            if !piece.truncated {
                break;
            }
            prop_assert!(!piece.text.is_empty(), "it does not go on");
        }
        prop_assert_eq!(text, whole.text);
    }
}

fn since_start(screen: &Screen, max_bytes: usize) -> (String, bool) {
    let start = Screen::new(screen.size(), 100).position();
    let read = screen.read_styled_since(&start, max_bytes);
    (read.text, read.truncated)
}

#[test]
fn each_line_begins_and_ends_plain() {
    let screen = screen("plain \x1b[1;31mbold\r\nred\x1b[0m end\r\n\r\n\x1b[44m \x1b[0m");
    assert_eq!(
        since_start(&screen, 1000).0,
        "plain \x1b[0;1;31mbold\x1b[m\n\x1b[0;1;31mred\x1b[0m end\n\n\x1b[0;44m \x1b[m"
    );
}

#[test]
fn a_line_that_wraps_is_one_line_in_its_colours() {
    let screen = screen("\x1b[32mtwenty cells are one row and some more\x1b[0m\r\n");
    assert_eq!(
        since_start(&screen, 1000).0,
        "\x1b[0;32mtwenty cells are one row and some more\x1b[m\n"
    );
}

#[test]
fn reading_on_in_a_line_begins_with_its_attributes() {
    let mut screen = screen("\x1b[33mhalf");
    let cursor = screen.position();
    screen.advance(b" and half\r\n");
    let read = screen.read_styled_since(&cursor, 1000);
    assert_eq!(read.text, "\x1b[0;33m and half\x1b[m\n");
}

#[test]
fn what_is_cut_ends_with_the_default_attributes() {
    let screen = screen("\x1b[31mred\x1b[0mplain\r\nnext");
    assert_eq!(
        since_start(&screen, 9),
        ("\x1b[0;31mre\x1b[m".to_owned(), true)
    );
    // The sequence back to the default ones did not fit either.
    assert_eq!(
        since_start(&screen, 10),
        ("\x1b[0;31mred\x1b[m".to_owned(), true)
    );
}

#[test]
fn the_alternate_screen_is_read_as_a_whole() {
    let mut screen = screen("\x1b[?1049h\x1b[H\x1b[7mtop\x1b[0m\r\nbelow");
    let (text, _) = since_start(&screen, 1000);
    assert_eq!(text, "\x1b[0;7mtop\x1b[m\nbelow");
    let now = screen.position();
    assert_eq!(screen.read_styled_since(&now, 1000).text, "");
    screen.advance(b"!");
    assert!(
        screen
            .read_styled_since(&now, 1000)
            .text
            .ends_with("below!")
    );
}
