//! Reading by cursor: nothing lost, nothing twice.

use proptest::prelude::*;
use regex::Regex;

use super::support::{fed, screen, size};
use crate::screen::search::whole_lines;
use crate::screen::{Screen, TextCursor};

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("line {number}\r\n")).collect()
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[test]
fn a_read_returns_what_came_after() {
    let mut screen = screen("old\r\n$ ");
    let cursor = screen.position();
    assert_eq!(screen.read_since(&cursor, 100).text, "");
    screen.advance(b"ls\r\na\r\nb\r\n$ ");
    let read = screen.read_since(&cursor, 100);
    assert_eq!(read.text, "ls\na\nb\n$ ");
    assert_eq!(screen.read_since(&read.cursor, 100).text, "");
}

#[test]
fn the_next_line_leaves_out_the_echo() {
    let mut screen = screen("$ ");
    let cursor = screen.position_after_line();
    assert_eq!(screen.read_since(&cursor, 100).text, "");
    screen.advance(b"echo a command that wraps over rows");
    let waiting = screen.read_since(&cursor, 100);
    assert_eq!(waiting.text, "");
    screen.advance(b"\r\nout\r\n$ ");
    assert_eq!(screen.read_since(&waiting.cursor, 100).text, "out\n$ ");
    assert_eq!(screen.read_since(&cursor, 100).text, "out\n$ ");
}

#[test]
fn a_line_written_over_is_returned_again() {
    let mut screen = screen("start\r\n 10%");
    let cursor = screen.position();
    screen.advance(b"\r 20%");
    let read = screen.read_since(&cursor, 100);
    assert_eq!(read.text, " 20%");
    screen.advance(b" done\r\nnext");
    assert_eq!(screen.read_since(&read.cursor, 100).text, " done\nnext");
}

#[test]
fn what_left_the_history_is_counted() {
    let mut screen = Screen::new(size(5, 20), 10);
    let cursor = screen.position();
    screen.advance(lines(0..100).as_bytes());
    let read = screen.read_since(&cursor, 10_000);
    // 15 rows are kept, the last of them is empty.
    assert_eq!(read.dropped_lines, 86);
    assert_eq!(read.text, unix(&lines(86..100)));
}

#[test]
fn what_the_program_erased_and_painted_again_is_not_lost() {
    let mut screen = Screen::new(size(5, 20), 1000);
    let cursor = screen.position();
    for _ in 0..3 {
        screen.advance(b"\x1b[2J\x1b[3J\x1b[H");
        screen.advance(lines(0..120).as_bytes());
    }
    let read = screen.read_since(&cursor, 10_000);
    assert_eq!(read.dropped_lines, 0);
    assert_eq!(read.text, unix(&lines(0..120)));
    screen.advance(lines(120..2000).as_bytes());
    let more = screen.read_since(&read.cursor, 100_000);
    assert!(more.dropped_lines > 0, "these did scroll away");
}

#[test]
fn rows_are_rows_although_one_once_went_on() {
    for (printed, text, joined) in [
        (
            "\x1b[2;1H\x1b[K\x1b[3;1Hthird",
            format!("{}\n\nthird", "y".repeat(20)),
            0,
        ),
        (
            "\x1b[2;1H\x1b[K\x1b[2;3Hx",
            format!("{}\n  x", "y".repeat(20)),
            0,
        ),
        ("", "y".repeat(25), 1),
        ("\x1b[2J\x1b[3;1Hthird", "\n\nthird".to_owned(), 0),
    ] {
        let mut screen = Screen::new(size(6, 20), 100);
        screen.advance("y".repeat(25).as_bytes());
        screen.advance(printed.as_bytes());
        let last = screen.read_last(100, false, false, 1000);
        assert_eq!(
            (last.text, last.joined_rows),
            (text.clone(), joined),
            "{printed:?}"
        );
        if !printed.contains("2J") {
            let since = screen.read_since(&TextCursor::start(), 1000);
            assert_eq!(
                (since.text, since.joined_rows),
                (text.clone(), joined),
                "{printed:?}"
            );
            let kept = screen.tail(100, 1000).read_last(100, 1000);
            assert_eq!(
                (kept.text, kept.joined_rows),
                (text.clone(), joined),
                "{printed:?}"
            );
        }
        if printed.contains("2J") {
            continue;
        }
        screen.resize(size(6, 30));
        let rows = screen.read_last(100, true, false, 1000).text;
        assert_eq!(
            rows.trim_start_matches('\n'),
            text.trim_start_matches('\n'),
            "{printed:?}"
        );
    }
}

#[test]
fn the_alternate_screen_says_so_and_knows_no_loss() {
    let mut screen = screen("one\r\n");
    let before = screen.position();
    assert!(!screen.read_since(&before, 100).alternate);
    screen.advance(b"\x1b[?1049h\x1b[H");
    screen.advance(lines(0..120).as_bytes());
    for read in [
        screen.read_since(&before, 1000),
        screen.read_last(50, true, false, 1000),
        screen.tail(50, 1000).read_last(50, 1000),
    ] {
        assert!(read.alternate && read.text.contains("line 119"), "{read:?}");
    }
    screen.advance(b"\x1b[?1049l");
    assert!(!screen.read_since(&before, 100).alternate);
}

#[test]
fn a_title_and_a_repaint_do_not_change_the_text() {
    let mut screen = screen("working 1\r\n");
    let text = screen.fingerprint();
    for same in [
        "\x1b]0;* title\x07",
        "\x1b[H\x1b[2Kworking 1\r\n",
        "\x1b[H\x1b[31mworking 1\x1b[m\r\n",
        "\x1b[?25l\x07",
    ] {
        screen.advance(same.as_bytes());
        assert_eq!(screen.fingerprint(), text, "{same:?}");
    }
    for other in ["\x1b[Hworking 2\r\n", "\n\n\n\n\n\n\n\n", "\x1b[?1049h"] {
        let before = screen.fingerprint();
        screen.advance(other.as_bytes());
        assert_ne!(screen.fingerprint(), before, "{other:?}");
    }
}

#[test]
fn erasing_the_screen_loses_nothing_after_it() {
    for erase in [
        "\x1b[H\x1b[2J",
        "\x1b[2J\x1b[H",
        "\x1b[H\x1b[J",
        "\x1b[H\x1b[2J\x1b[3J",
        "\x1bc",
    ] {
        let mut screen = screen(&lines(0..20));
        let cursor = screen.position();
        screen.advance(format!("{erase}new 1\r\nnew 2\r\n").as_bytes());
        assert_eq!(
            screen
                .read_since(&cursor, 100)
                .text
                .trim_start_matches('\n'),
            "new 1\nnew 2\n",
            "{erase:?}"
        );
        screen.advance(lines(20..40).as_bytes());
        let read = screen.read_since(&cursor, 10_000).text;
        assert!(
            read.trim_start_matches('\n')
                .starts_with("new 1\nnew 2\nline 20\n"),
            "{erase:?} {read}"
        );
    }
}

#[test]
fn the_alternate_screen_is_read_as_a_whole() {
    let mut screen = screen("$ ");
    let before = screen.position();
    screen.advance(b"vi\r\n\x1b[?1049h\x1b[Hfile\r\n~");
    let read = screen.read_since(&before, 100);
    assert_eq!(read.text, "file\n~");
    assert_eq!(screen.read_since(&read.cursor, 100).text, "");
    screen.advance(b"\x1b[1;5Hs");
    let again = screen.read_since(&read.cursor, 100);
    assert_eq!(again.text, "files\n~");
    let inside = screen.position();
    screen.advance(b"\x1b[?1049l$ ");
    assert_eq!(screen.read_since(&again.cursor, 100).text, "vi\n$ ");
    assert_eq!(screen.read_since(&inside, 100).text, "$ ");
}

#[test]
fn cursors_have_a_text_form() {
    let mut screen = screen(&lines(0..20));
    for _ in 0..2 {
        for cursor in [screen.position(), screen.position_after_line()] {
            assert_eq!(cursor.to_string().parse::<TextCursor>(), Ok(cursor));
            assert!(cursor.to_string().len() < 60);
        }
        screen.advance(b"\x1b[?1049h");
    }
    for bad in [
        "",
        "t",
        "t1.2.3",
        "t1.2.3.x",
        "x1.2.3.4",
        "t1.2.3.4.5",
        "t+1.2.3.4",
        "t1.2.4294967296.0",
        "a1.2.3.4",
        "t1.-2.3.4",
        "ü1.2.3.4",
    ] {
        assert!(bad.parse::<TextCursor>().is_err(), "{bad}");
    }
}

#[test]
fn a_foreign_cursor_does_no_harm() {
    let screen = screen(&lines(0..20));
    let pattern = Regex::new("x").expect("a pattern");
    for text in [
        "t0.999999.0.0",
        "t99.3.5.0",
        "n0.4611686018427387903.0.0",
        "a7-0.0.0.0",
        "t4611686018427387903.1.1.1",
    ] {
        let cursor: TextCursor = text.parse().expect("a well-formed cursor");
        let read = screen.read_since(&cursor, 10_000);
        assert!(read.text.len() < 400);
        let _ = screen.search_since(&cursor, &pattern);
    }
}

#[test]
fn a_search_finds_what_came_after() {
    let mut screen = screen("ready\r\n$ ");
    let pattern = Regex::new(r"(?m)^(re\w+): (\d+)?").expect("a pattern");
    let answer = Regex::new("42").expect("a pattern");
    let never = Regex::new("never").expect("a pattern");
    let mut cursor = screen.position_after_line();
    for piece in ["run\r\n", "rea", "dy: ", "4", "2\r\nmore\r\n"] {
        assert_eq!(screen.search_since(&cursor, &answer).found, None);
        screen.advance(piece.as_bytes());
        let search = screen.search_since(&cursor, &never);
        assert_eq!(search.found, None);
        cursor = search.resume;
    }
    let found = screen
        .search_since(&cursor, &pattern)
        .found
        .expect("it was printed");
    assert_eq!(found.text, "ready: 42");
    assert_eq!(found.line, "ready: 42");
    assert_eq!(
        found.groups,
        [Some("ready".to_owned()), Some("42".to_owned())]
    );
    assert_eq!(screen.read_since(&found.after, 100).text, "\nmore\n");
}

#[test]
fn a_match_comes_with_its_whole_lines() {
    let text = "one\ntwo three\nfour five\nsix";
    let at = |part: &str| {
        let start = text.find(part).expect("it is there");
        whole_lines(text, start..start + part.len())
    };
    assert_eq!(at("three"), "two three");
    assert_eq!(at("three\nfour"), "two three\nfour five");
    assert_eq!(at("six"), "six");
    assert_eq!(at("one"), "one");
}

#[test]
fn a_search_does_not_match_what_was_seen() {
    let mut screen = screen("$ echo done");
    let cursor = screen.position();
    let pattern = Regex::new("done").expect("a pattern");
    screen.advance(b" x");
    assert_eq!(screen.search_since(&cursor, &pattern).found, None);
    screen.advance(b"\r\ndone");
    assert!(screen.search_since(&cursor, &pattern).found.is_some());
}

#[test]
fn a_search_in_the_alternate_screen_sees_changed_lines() {
    let mut screen = screen("\x1b[?1049h\x1b[Hdone\r\nbusy");
    let cursor = screen.position();
    let pattern = Regex::new("done").expect("a pattern");
    screen.advance(b"\x1b[2;1Hstill");
    assert_eq!(screen.search_since(&cursor, &pattern).found, None);
    screen.advance(b"\x1b[2;1Hdone ");
    assert!(screen.search_since(&cursor, &pattern).found.is_some());
}

#[test]
fn patterns_over_lines_match_although_lines_come_one_by_one() {
    let mut screen = Screen::new(size(10, 40), 1000);
    let pattern = Regex::new(r"begin\n(?:.*\n){4}end").expect("a pattern");
    let mut cursor = screen.position();
    for line in ["x", "begin", "1", "2", "3", "4"] {
        screen.advance(format!("{line}\r\n").as_bytes());
        let search = screen.search_since(&cursor, &pattern);
        assert_eq!(search.found, None);
        cursor = search.resume;
    }
    screen.advance(b"end");
    assert!(screen.search_since(&cursor, &pattern).found.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A writer of lines of any length, read in random steps and sizes, is read completely.
    #[test]
    fn reads_in_steps_make_up_the_output(
        lens in proptest::collection::vec(0..70_usize, 1..80),
        steps in proptest::collection::vec((1..90_usize, 4..200_usize, 0..3_usize), 1..60),
        history in prop_oneof![Just(2000_usize), Just(60)],
    ) {
        let output: String = lens.iter().enumerate().map(|(at, &len)| format!("{at}:{}\r\n", "abcdefghij".repeat(7).split_at(len).0)).collect();
        let mut screen = Screen::new(size(4, 12), history);
        let mut cursor = screen.position();
        let mut text = String::new();
        let mut rest = output.as_bytes();
        let mut step = steps.iter().cycle();
        while !rest.is_empty() {
            let &(bytes, max, reads) = step.next().expect("steps repeat");
            let (now, later) = rest.split_at(bytes.min(rest.len()));
            screen.advance(now);
            rest = later;
            for _ in 0..reads {
                let read = screen.read_since(&cursor, max);
                prop_assert!(read.text.len() <= max);
                prop_assert_eq!(history < 2000 || read.dropped_lines == 0, true);
                text += &read.text;
                cursor = read.cursor.to_string().parse().expect("its own text");
                if read.dropped_lines > 0 {
                    return Ok(());
                }
            }
        }
        let read = screen.read_since(&cursor, usize::MAX);
        if read.dropped_lines == 0 {
            text += &read.text;
            prop_assert_eq!(text, unix(&output));
        }
    }

    /// With a history shorter than the output the rows lost are told exactly.
    #[test]
    fn lost_rows_are_exact(counts in proptest::collection::vec(1..60_u32, 1..20), history in 0..30_usize, rows in 1..8_u16) {
        let mut screen = Screen::new(size(rows, 20), history);
        let mut cursor = screen.position();
        let mut number = 0;
        let mut next = 0;
        for count in counts {
            screen.advance(lines(number..number + count).as_bytes());
            number += count;
            let read = screen.read_since(&cursor, usize::MAX);
            cursor = read.cursor;
            next += read.dropped_lines;
            for line in read.text.lines() {
                prop_assert_eq!(line, format!("line {next}"));
                next += 1;
            }
        }
        prop_assert_eq!(next, u64::from(number));
    }

    #[test]
    fn any_text_is_parsed_without_harm(text in "[tna]?[0-9a-f.\\-]{0,40}|\\PC{0,20}") {
        if let Ok(cursor) = text.parse::<TextCursor>() {
            let screen = fed(size(4, 12), 10, b"a\r\nb\r\nc\r\nd\r\ne\r\nf");
            let _ = screen.read_since(&cursor, 100);
        }
    }
}

#[test]
fn a_place_after_a_prompt_is_after_its_blank() {
    let mut screen = screen("one\r\nsay: ");
    let cursor = screen.position();
    assert_eq!(screen.read_since(&cursor, 1000).text, "", "nothing yet");
    screen.advance(b"yes\r\n");
    assert_eq!(screen.read_since(&cursor, 1000).text, "yes\n");
    screen.advance(b"\x1b[2;1Hnow\x1b[K\r\n");
    assert_eq!(
        screen.read_since(&cursor, 1000).text,
        "now\n",
        "written over"
    );
    screen.advance(b"\x1b[2;1Hsay:\x1b[K\r\n");
    assert_eq!(
        screen.read_since(&cursor, 1000).text,
        "\n",
        "its blank is not text"
    );
}

#[test]
fn a_line_that_was_written_over_is_told_apart_from_one_that_goes_on() {
    let mut screen = Screen::new(size(5, 20), 100);
    screen.advance(b"one\r\n10%");
    let first = screen.read_since(&TextCursor::start(), 1000);
    assert_eq!((first.text.as_str(), first.rewritten), ("one\n10%", false));
    for (printed, text, rewritten) in [
        ("", "", false),
        ("..", "..", false),
        ("\r50%..\r\n", "50%..\n", true),
    ] {
        screen.advance(printed.as_bytes());
        let read = screen.read_since(&first.cursor, 1000);
        assert_eq!(
            (read.text.as_str(), read.rewritten),
            (text, rewritten),
            "{printed:?}"
        );
        let kept = screen.tail(100, 1000).read_since(&first.cursor, 1000);
        assert_eq!(
            (kept.text.as_str(), kept.rewritten),
            (text, rewritten),
            "{printed:?}"
        );
        let styled = screen.read_styled_since(&first.cursor, 1000);
        assert_eq!(styled.rewritten, rewritten, "{printed:?}");
    }
}
