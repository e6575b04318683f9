//! Sizes that change.

use proptest::prelude::*;

use super::support::{all_text, fed, output, size, text};
use crate::screen::Screen;

#[test]
fn lines_are_wrapped_anew() {
    let mut screen = fed(size(4, 10), 100, b"abcdefghijklmno\r\nxyz");
    screen.resize(size(4, 5));
    assert_eq!(all_text(&screen), "abcdefghijklmno\nxyz");
    screen.resize(size(4, 40));
    assert_eq!(text(&screen), "abcdefghijklmno\nxyz");
    assert_eq!((screen.cursor().row, screen.cursor().col), (1, 3));
}

#[test]
fn the_alternate_screen_is_not_wrapped_anew() {
    let mut screen = fed(
        size(4, 10),
        100,
        b"abcdefghijklmno\r\nxyz\x1b[?1049h\x1b[H0123456789\r\nab",
    );
    screen.resize(size(3, 5));
    assert_eq!(text(&screen), "01234\nab");
    screen.resize(size(5, 20));
    screen.advance(b"\x1b[?1049l");
    assert_eq!(all_text(&screen), "abcdefghijklmno\nxyz");
}

#[test]
fn cursors_follow_their_line() {
    for history in [5, 1000] {
        let mut screen = Screen::new(size(6, 40), history);
        for number in 0..30 {
            screen.advance(format!("line {number} is somewhat longer than ten\r\n").as_bytes());
        }
        screen.advance(b"$ ");
        let cursor = screen.position();
        let next = screen.position_after_line();
        for (rows, cols) in [(6, 12), (10, 11), (3, 100), (40, 7), (2, 40), (6, 40)] {
            screen.resize(size(rows, cols));
            assert_eq!(
                screen.read_since(&cursor, 100).text,
                "",
                "{history} {rows}x{cols}"
            );
            assert_eq!(screen.read_since(&next, 100).text, "");
        }
        screen.advance(b"ls\r\nout\r\n");
        assert_eq!(screen.read_since(&cursor, 100).text, "ls\nout\n");
        assert_eq!(screen.read_since(&next, 100).text, "out\n");
    }
}

#[test]
fn cursors_of_the_primary_screen_follow_while_the_alternate_one_is_resized() {
    let mut screen = fed(
        size(6, 40),
        100,
        "a line that is longer than twenty\r\n"
            .repeat(10)
            .as_bytes(),
    );
    let cursor = screen.position();
    screen.advance(b"\x1b[?1049hfull");
    let inside = screen.position();
    screen.resize(size(5, 20));
    screen.advance(b"\x1b[?1049lnew\r\n");
    assert_eq!(screen.read_since(&cursor, 100).text, "new\n");
    assert_eq!(screen.read_since(&inside, 100).text, "new\n");
}

#[test]
fn row_numbers_hold_when_only_the_height_changes() {
    for history in [0, 3, 100] {
        let mut screen = fed(size(6, 20), history, b"1\r\n2\r\n3\r\n4");
        let cursor = screen.position();
        for rows in [10, 3, 30, 1, 6] {
            screen.resize(size(rows, 20));
            assert_eq!(screen.read_since(&cursor, 100).text, "", "{history} {rows}");
        }
        screen.advance(b"x\r\n5");
        assert_eq!(screen.read_since(&cursor, 100).text, "x\n5", "{history}");
    }
}

#[test]
fn a_resize_is_a_full_update() {
    let mut screen = fed(size(4, 10), 10, b"a");
    let generation = screen.generation();
    screen.resize(size(5, 10));
    let update = screen.update_since(generation);
    assert!(update.full && update.generation > generation);
    assert_eq!(update.rows.len(), 5);
    let generation = screen.generation();
    screen.resize(size(5, 10));
    assert_eq!(screen.generation(), generation);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn storms_are_survived(steps in proptest::collection::vec((output(), 1..30_u16, 1..40_u16), 1..8), history in 0..40_usize) {
        let mut screen = Screen::new(size(5, 20), history);
        for (bytes, rows, cols) in steps {
            screen.advance(&bytes);
            let cursor = screen.position();
            screen.resize(size(rows, cols));
            prop_assert!(screen.cursor().row < screen.size().rows && screen.cursor().col < screen.size().cols);
            let _ = screen.read_since(&cursor, 1000);
            let _ = screen.update_since(0);
        }
        let ansi = screen.read_last(usize::MAX, true, true, usize::MAX).text;
        let marks: Vec<_> = ansi.matches('\u{fffe}').collect();
        prop_assert!(marks.is_empty());
    }

    /// A writer of numbered lines whose terminal changes size all the time.
    #[test]
    fn no_line_is_lost_or_repeated_over_resizes(steps in proptest::collection::vec((0..20_u32, 1..20_u16, 8..60_u16), 1..25)) {
        let mut screen = Screen::new(size(5, 20), 5000);
        let mut cursor = screen.position();
        let mut text = String::new();
        let mut number = 0;
        for (count, rows, cols) in steps {
            for _ in 0..count {
                screen.advance(format!("{number} {}\r\n", "x".repeat(number as usize % 37)).as_bytes());
                number += 1;
            }
            if count % 3 != 0 {
                let read = screen.read_since(&cursor, usize::MAX);
                text += &read.text;
                cursor = read.cursor;
            }
            screen.resize(size(rows, cols));
        }
        text += &screen.read_since(&cursor, usize::MAX).text;
        let expected: String = (0..number).map(|number| format!("{number} {}", "x".repeat(number as usize % 37)).trim_end().to_owned() + "\n").collect();
        prop_assert_eq!(text, expected);
    }
}
