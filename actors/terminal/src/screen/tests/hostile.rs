//! Output that is cut anywhere, or meant to do harm.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::support::{fed, output, size, text};
use crate::screen::Screen;

/// Feeds `bytes` in pieces of the lengths given, over and over.
fn fed_in_pieces(bytes: &[u8], lens: &[usize]) -> Screen {
    let mut screen = Screen::new(size(6, 16), 20);
    let (mut rest, mut at) = (bytes, 0);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(lens[at % lens.len()].clamp(1, rest.len()));
        screen.advance(now);
        (rest, at) = (later, at + 1);
    }
    screen
}

/// Feeds `bytes` one by one.
fn fed_bytewise(size: protocol::Size, bytes: &[u8]) -> Screen {
    let mut screen = Screen::new(size, 0);
    bytes.chunks(1).for_each(|byte| screen.advance(byte));
    screen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn chunks_make_no_difference(bytes in output(), lens in proptest::collection::vec(1..12_usize, 1..6)) {
        let mut whole = fed(size(6, 16), 20, &bytes);
        let mut pieces = fed_in_pieces(&bytes, &lens);
        prop_assert_eq!(whole.take_replies(), pieces.take_replies());
        prop_assert_eq!(whole.state(), pieces.state());
        let mut single = fed_in_pieces(&bytes, &[1]);
        prop_assert_eq!(whole.state(), single.state());
    }

    #[test]
    fn garbage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..4000), rows in 1..40_u16, cols in 1..60_u16) {
        let mut screen = fed(size(rows, cols), 50, &bytes);
        screen.resize(size(cols, rows));
        let _ = screen.update_since(0);
        prop_assert!(screen.cursor().row < screen.size().rows);
    }

    #[test]
    fn any_size_is_survived(bytes in output(), rows in prop_oneof![Just(1_u16), Just(2), Just(500)], cols in prop_oneof![Just(1_u16), Just(2), Just(3), Just(1000)]) {
        let screen = fed(size(rows, cols), 10, &bytes);
        prop_assert!(screen.cursor().col < screen.size().cols);
        prop_assert_eq!(screen.update_since(0).rows.len(), usize::from(screen.size().rows));
    }
}

#[test]
fn text_that_is_not_utf_8_shows_nothing_that_was_shown_before() {
    let secret = "Ω".repeat(2_000);
    for bad in [
        &b"\xed\x95"[..],
        b"\xe6\x97",
        b"\xf5",
        b"\xff",
        b"\xc3",
        b"\xf0\x9f",
    ] {
        for before in 0..40 {
            for after in [0, 1, 20] {
                let mut bytes = secret.clone().into_bytes();
                bytes.extend_from_slice(b"\x1b[2J\x1b[H");
                bytes.extend("日".repeat(before).bytes());
                bytes.extend_from_slice(bad);
                bytes.extend(format!("5{}", "日".repeat(after)).bytes());
                let whole = text(&fed(size(6, 60), 0, &bytes));
                assert!(!whole.contains('Ω'), "{before} {bad:?} {after}: {whole}");
                let single = text(&fed_bytewise(size(6, 60), &bytes));
                assert_eq!(whole, single, "{before} {bad:?} {after}");
            }
        }
    }
}

#[test]
fn long_strings_are_cut_off_wherever_they_are_cut() {
    for intro in [
        "\x1b]0;",
        "\x1bPq",
        "\x1b_G",
        "\x1b^",
        "\x1bX",
        "\x1b]52;c;",
    ] {
        for len in [16_000, 16_380, 16_390, 70_000, 300_000] {
            let bytes = [b"ab", intro.as_bytes(), &vec![b'x'; len], b"\x1b\\cd"].concat();
            let mut whole = fed(size(6, 16), 20, &bytes);
            let mut pieces = fed_in_pieces(&bytes, &[4096]);
            let mut odd = fed_in_pieces(&bytes, &[1, 7, 8191]);
            assert_eq!(text(&whole), "abcd", "{intro:?} {len}");
            assert_eq!(whole.state(), pieces.state(), "{intro:?} {len}");
            assert_eq!(whole.state(), odd.state(), "{intro:?} {len}");
        }
    }
}

#[test]
fn an_unfinished_string_keeps_little_memory() {
    let mut screen = Screen::new(size(24, 80), 100);
    screen.advance(b"\x1b]0;");
    for _ in 0..1000 {
        screen.advance(&[b'x'; 10_000]);
    }
    assert!(screen.state().len() < 40_000);
    screen.advance(b"\x07done");
    assert_eq!(text(&screen), "done");
}

#[test]
fn a_long_sequence_of_parameters_is_cut_off() {
    let bytes = ["\x1b[", &"1;".repeat(100_000), "mok"].concat();
    let mut whole = fed(size(6, 16), 20, bytes.as_bytes());
    let mut pieces = fed_in_pieces(bytes.as_bytes(), &[3]);
    assert_eq!(whole.state(), pieces.state());
}

#[test]
fn stacked_marks_are_bounded() {
    let start = Instant::now();
    let mut screen = fed(
        size(5, 20),
        10,
        format!("e{}", "\u{301}".repeat(200_000)).as_bytes(),
    );
    assert_eq!(text(&screen).chars().count(), 65);
    for mode in ["\x1b[?2027h", "\x1b[?2027l"] {
        // Hangul's leading consonants join without end when clusters are on.
        screen.advance(format!("{mode}\x1b[2J\x1b[H{}", "\u{1100}".repeat(100_000)).as_bytes());
        assert!(screen.state().len() < 100_000);
    }
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "took {:?}",
        start.elapsed()
    );
}

#[test]
fn replies_are_bounded() {
    let mut screen = fed(
        size(5, 20),
        10,
        "\x1b[c\x1b[6n\x1b]11;?\x07".repeat(50_000).as_bytes(),
    );
    assert!(
        screen
            .take_replies()
            .is_some_and(|replies| replies.len() < 20_000)
    );
}

#[test]
fn huge_parameters_are_survived() {
    let ends: Vec<char> = ('@'..='~').collect();
    for end in ends {
        for params in [
            "65535",
            "65535;65535",
            "0;0",
            "99999999999999",
            "1;65535",
            "65535;1",
        ] {
            let mut screen = fed(
                size(5, 20),
                10,
                format!("abc\r\ndef\x1b[{params}{end}x\x1b[?{params}{end}y\r\nz").as_bytes(),
            );
            screen.resize(size(3, 7));
            assert!(screen.cursor().row < 3);
        }
    }
}

#[test]
fn titles_on_the_stack_are_bounded() {
    let title = format!("\x1b]0;{}\x07\x1b[22t", "t".repeat(1000));
    let mut screen = fed(size(5, 20), 10, title.repeat(5000).as_bytes());
    assert!(screen.state().len() < 40_000);
}

#[test]
fn links_without_end_are_bounded() {
    let mut bytes = String::new();
    for number in 0..100_000 {
        bytes += &format!("\x1b]8;;http://{number}\x1b\\x");
    }
    let screen = fed(size(5, 20), 10, bytes.as_bytes());
    assert!(text(&screen).starts_with("xxxx"));
}
