//! The text that is kept of a screen is read as the screen was.

use proptest::prelude::*;
use regex::Regex;

use super::support::{fed, output, screen, size};
use crate::screen::TextCursor;

#[test]
fn only_what_came_after_is_read() {
    let mut screen = screen("one\r\ntwo");
    let cursor = screen.position();
    screen.advance(b" and\r\nthree\r\n");
    let tail = screen.tail(100, 10_000);
    assert_eq!(tail.text(), "one\ntwo and\nthree");
    let read = tail.read_since(&cursor, 1000);
    assert_eq!(read.text, " and\nthree\n");
    assert_eq!(tail.read_since(&read.cursor, 1000).text, "");
    assert_eq!(tail.read_since(&tail.end(), 1000).text, "");
    assert_eq!(
        tail.read_since(&TextCursor::start(), 1000).text,
        "one\ntwo and\nthree\n"
    );
}

#[test]
fn it_is_read_in_pieces() {
    let tail = screen("größer\r\nals 日本\r\n").tail(100, 10_000);
    let (mut cursor, mut text) = (tail.start(), String::new());
    loop {
        let read = tail.read_since(&cursor, 4);
        text.push_str(&read.text);
        cursor = read.cursor;
        if !read.truncated {
            break;
        }
    }
    assert_eq!(text, "größer\nals 日本\n");
}

#[test]
fn what_is_not_kept_is_counted() {
    let mut screen = fed(size(3, 20), 100, b"");
    let begin = screen.position();
    (0..50).for_each(|line| screen.advance(format!("line {line}\r\n").as_bytes()));
    let tail = screen.tail(11, 10_000);
    let read = tail.read_since(&begin, 10_000);
    assert_eq!(read.dropped_lines, 40);
    assert!(read.text.starts_with("line 40\n"), "{read:?}");
    let short = screen.tail(100, 20);
    assert_eq!(short.text(), "line 48\nline 49");
    assert_eq!(short.read_since(&begin, 100).dropped_lines, 48);
    let one_line = fed(size(3, 10), 100, "日".repeat(100).as_bytes()).tail(100, 32);
    assert_eq!(one_line.text(), "日".repeat(10));
}

#[test]
fn an_echo_that_came_is_left_out_and_one_that_did_not_has_nothing_after_it() {
    let mut screen = screen("$ ");
    let cursor = screen.position_after_line();
    assert_eq!(screen.tail(9, 999).read_since(&cursor, 999).text, "");
    screen.advance(b"typed\r\nanswer\r\n");
    assert_eq!(
        screen.tail(9, 999).read_since(&cursor, 999).text,
        "answer\n"
    );
}

#[test]
fn an_alternate_screen_is_read_when_it_has_changed() {
    let mut screen = screen("shell\r\n\x1b[?1049h\x1b[Hfull");
    let cursor = screen.position();
    assert_eq!(screen.tail(9, 999).read_since(&cursor, 999).text, "");
    screen.advance(b" screen");
    let tail = screen.tail(9, 999);
    assert_eq!(tail.text(), "full screen");
    let read = tail.read_since(&cursor, 999);
    assert_eq!(read.text.trim_end(), "full screen");
    assert_eq!(tail.read_since(&read.cursor, 999).text, "");
}

#[test]
fn it_is_searched_from_a_place_on() {
    let mut screen = screen("ok 1\r\nok 2 ");
    let cursor = screen.position();
    screen.advance(b"ok 3\r\nok 4\r\n");
    let tail = screen.tail(9, 999);
    let pattern = Regex::new(r"(?m)^ok (\d)").unwrap();
    let found = tail.search_since(&tail.start(), &pattern).unwrap();
    assert_eq!(
        (found.text.as_str(), found.groups),
        ("ok 1", vec![Some("1".to_owned())])
    );
    let found = tail.search_since(&cursor, &pattern).unwrap();
    assert_eq!(found.text, "ok 4", "the third begins no line");
    assert_eq!(tail.read_since(&found.after, 999).text, "\n");
    assert!(tail.search_since(&found.after, &pattern).is_none());
}

#[test]
fn its_last_lines_are_read() {
    let tail = screen("one\r\ntwo\r\nthree\r\n\r\n").tail(9, 999);
    let last = |lines, max| {
        let read = tail.read_last(lines, max);
        (read.text, read.truncated)
    };
    assert_eq!(last(2, 999), ("two\nthree".to_owned(), false));
    assert_eq!(last(99, 999), ("one\ntwo\nthree".to_owned(), false));
    assert_eq!(last(0, 999), (String::new(), false));
    assert_eq!(last(2, 4), ("hree".to_owned(), true));
    assert_eq!(tail.read_since(&tail.read_last(1, 9).cursor, 999).text, "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_reads_as_the_screen_does(before in output(), after in output(), after_line in any::<bool>(), resize in any::<bool>(), max in 4..200_usize) {
        let mut screen = fed(size(6, 16), 50, &before);
        let cursor = match after_line {
            true => screen.position_after_line(),
            false => screen.position(),
        };
        if resize {
            screen.resize(size(5, 11));
        }
        screen.advance(&after);
        let tail = screen.tail(usize::MAX, usize::MAX);
        if screen.modes().alternate_screen {
            return Ok(());
        }
        let (kept, live) = (tail.read_since(&cursor, usize::MAX), screen.read_since(&cursor, usize::MAX));
        prop_assert_eq!(&kept.text, &live.text);
        prop_assert_eq!(kept.dropped_lines, live.dropped_lines);
        prop_assert!(screen.read_since(&kept.cursor, usize::MAX).text.is_empty());
        let piece = tail.read_since(&cursor, max);
        let rest = tail.read_since(&piece.cursor, usize::MAX);
        prop_assert_eq!(piece.text + &rest.text, live.text);
    }
}
