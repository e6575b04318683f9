//! The work that output makes is bounded for each turn, and what a screen keeps is bounded for good.

use std::time::{Duration, Instant};

use super::support::{fed, size, text};
use crate::screen::Screen;

/// Sequences of a few bytes that ask for much, each followed by a letter.
const WORST: &[&str] = &[
    "\x1b[65535b",
    "\x1b#8",
    "\x1bc",
    "\x1b[2J",
    "\x1b[J",
    "\x1b[1J",
    "\x1b[?1049h\x1b[?1049l",
    "\x1b[?47h\x1b[?47l",
    "\x1b[?3h",
    "\x1b[?3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3;3h",
    "\x1b[65535S",
    "\x1b[65535T",
    "\x1b[65535L",
    "\x1b[65535M",
    "\x1b[65535@",
    "\x1b[65535P",
    "\x1b[65535X",
    "\x1b[4h\x1b[65535b",
    "\x1b[4hxyz\r",
    "\x1b[4hééé日\r",
    "e\u{301}\x1b[65535b",
    "日\x1b[65535b",
    "\x1b[2;999r\x1b[999H\n",
    "\x1b[2;999r\x1b[H\x1bM",
    "\x1b[3g\t\r",
    "\x1b[3g\x1b[65535I\x1b[65535Z",
    "\n",
];

#[test]
fn a_turn_does_a_bounded_amount_of_work() {
    for (rows, cols) in [(24, 80), (200, 300), (1, 2), (500, 2), (1, 1000)] {
        for worst in WORST {
            let bytes = format!("x{worst}").repeat(4096 / (worst.len() + 1));
            let mut screen = Screen::new(size(rows, cols), 100);
            let cells = u64::from(screen.size().rows) * u64::from(screen.size().cols);
            let mut rest = bytes.as_bytes();
            for _ in 0..8 {
                let before = screen.work();
                let taken = screen.advance_some(rest);
                let done = screen.work().cells - before.cells;
                let limit = 64 * rest.len() as u64 + 4 * cells;
                assert!(
                    done <= limit,
                    "{worst:?} at {rows}x{cols}: {done} of {limit}"
                );
                assert!(taken > 0 || rest.is_empty(), "{worst:?} does not go on");
                rest = &rest[taken..];
            }
        }
    }
}

#[test]
fn turns_make_no_difference_to_the_screen() {
    for worst in WORST {
        let bytes =
            format!("ab\x1b[1mc{worst}é\x1b]0;t\x07{worst}\x1b[3;2H\x1b[{worst}1mz\x1bP$qm\x1b\\")
                .repeat(40);
        let mut whole = fed(size(9, 31), 20, bytes.as_bytes());
        let mut single = Screen::new(size(9, 31), 20);
        for byte in bytes.as_bytes() {
            single.advance(&[*byte]);
        }
        assert_eq!(whole.take_replies(), single.take_replies(), "{worst:?}");
        assert_eq!(whole.state(), single.state(), "{worst:?}");
    }
}

#[test]
fn repeating_ends_with_the_screen() {
    let repeated = fed(size(5, 20), 10, b"a\x1b[3;3Hx\x1b[65535b");
    assert_eq!(text(&repeated), format!("a\n\n  {}", "x".repeat(58)));
    assert_eq!(repeated.rows_scrolled(), 0);
}

#[test]
fn text_is_not_held_up() {
    let line = "some words of a log, with a number: 12345\r\n";
    let bytes = line.repeat(1000);
    let mut screen = Screen::new(size(24, 200), 2000);
    assert_eq!(screen.advance_some(bytes.as_bytes()), bytes.len());
}

#[test]
fn links_beyond_their_bound_are_left_out() {
    let start = Instant::now();
    let mut screen = Screen::new(size(50, 200), 2000);
    let limit = Screen::max_kept_bytes(size(50, 200), 2000);
    for number in 0..3000 {
        let address = format!("http://{number}/{}", "u".repeat(1900));
        screen.advance(format!("\x1b]8;;{address}\x1b\\x").as_bytes());
        if number % 500 == 0 {
            assert!(screen.kept_bytes() <= limit);
        }
    }
    let row = |screen: &Screen, row: usize| {
        let rows = screen.update_since(0).rows;
        String::from_utf8(rows[row].ansi.clone()).expect("UTF-8")
    };
    assert!(
        text(&screen).starts_with(&"x".repeat(200)),
        "the text goes on"
    );
    assert!(row(&screen, 0).contains("http://0/"));
    assert!(
        !row(&screen, 14).contains("http://"),
        "the last ones are left out"
    );
    // When those are gone there is room again.
    screen.advance(b"\x1bc");
    for number in 0..3000 {
        screen.advance(format!("\x1b]8;;http://again/{number}\x1b\\x").as_bytes());
    }
    assert!(row(&screen, 14).contains("http://again/2999"));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "took {:?}",
        start.elapsed()
    );
}

#[test]
fn what_is_kept_is_bounded() {
    let size = size(24, 80);
    let limit = Screen::max_kept_bytes(size, 200);
    let mut marks = String::new();
    for number in 0..60_000_u32 {
        let mark = |shift: u32| char::from_u32(0x300 + (number >> shift & 0x3f)).expect("a mark");
        marks.extend(['e', mark(0), mark(6), mark(12)]);
    }
    let colours: String = (0..70_000_u32)
        .map(|n| format!("\x1b[38;2;{};{};{}mx", n & 255, n >> 8 & 255, n >> 16))
        .collect();
    let titles = format!("\x1b]0;{}\x07\x1b[22t", "t".repeat(2000)).repeat(100);
    let questions = "\x1b[c\x1bP+q544E\x1b\\".repeat(5000);
    for bytes in [marks, colours, titles, questions] {
        let mut screen = fed(size, 200, bytes.as_bytes());
        let kept = screen.kept_bytes();
        assert!(kept <= limit, "{kept} of {limit}");
        let mut copy =
            Screen::restore(&screen.checkpoint(crate::screen::Extent::Full)).expect("its own");
        assert_eq!(screen.state(), copy.state());
    }
}
