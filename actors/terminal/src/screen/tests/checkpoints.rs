//! A restored screen is the screen, and stays so.

use proptest::prelude::*;

use super::support::{all_text, fed, output, size};
use crate::screen::{CheckpointError, Extent, Screen};

fn restored(screen: &mut Screen) -> Screen {
    Screen::restore(&screen.checkpoint(Extent::Full)).expect("its own checkpoint")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_restored_screen_goes_on_alike(before in output(), after in output(), rows in 1..8_u16, cols in 2..24_u16) {
        let mut screen = fed(size(rows, cols), 20, &before);
        let mut copy = restored(&mut screen);
        screen.take_replies();
        prop_assert_eq!(screen.state(), copy.state());
        prop_assert_eq!(screen.position(), copy.position().to_string().parse().map(|cursor| if screen.modes().alternate_screen { screen.position() } else { cursor }).expect("its own text"));
        screen.advance(&after);
        copy.advance(&after);
        prop_assert_eq!(screen.take_replies(), copy.take_replies());
        prop_assert_eq!(screen.state(), copy.state());
        screen.resize(size(cols, rows + 3));
        copy.resize(size(cols, rows + 3));
        prop_assert_eq!(screen.state(), copy.state());
    }

    #[test]
    fn damaged_checkpoints_are_refused(before in output(), at in any::<prop::sample::Index>(), bits in 1..=255_u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = fed(size(5, 20), 20, &before).checkpoint(Extent::Full);
        prop_assert!(Screen::restore(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        // It may be another valid one, but must do no harm.
        if let Ok(mut screen) = Screen::restore(&bytes) {
            screen.advance(b"\x1b[?1049hx\x1b[?1049ly\x1b8z\r\n");
            screen.resize(size(9, 9));
            let _ = screen.update_since(0);
        }
    }

    #[test]
    fn any_bytes_are_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Screen::restore(&[&[1], &bytes[..]].concat());
    }
}

#[test]
fn unknown_versions_are_told() {
    assert_eq!(
        Screen::restore(&[9, 1, 2]).err(),
        Some(CheckpointError::Version(9))
    );
    assert_eq!(Screen::restore(&[]).err(), Some(CheckpointError::Damaged));
}

#[test]
fn cursors_hold_over_a_restore() {
    let mut screen = fed(size(5, 20), 10, "line\r\n".repeat(50).as_bytes());
    let cursor = screen.position();
    let mut copy = restored(&mut screen);
    copy.advance(b"new\r\n");
    assert_eq!(copy.read_since(&cursor, 100).text, "new\n");
    assert_eq!(copy.rows_scrolled(), 47);
}

#[test]
fn named_places_hold_over_a_restore() {
    let mut screen = fed(
        size(5, 20),
        10,
        b"one\r\n\x1b]777;notify;fugue-mark;here\x1b\\two\r\n",
    );
    let mut copy = restored(&mut screen);
    assert!(!copy.take_events().noticed);
    let place = copy.mark("here").expect("it was named");
    assert_eq!(copy.read_since(&place, 100).text, "two\n");
    assert_eq!(copy.mark("there"), None);
}

#[test]
fn clients_draw_a_restored_screen_anew() {
    let mut screen = fed(size(5, 20), 10, b"text");
    let generation = screen.generation();
    let copy = restored(&mut screen);
    assert!(copy.generation() > generation);
    let update = copy.update_since(generation);
    assert!(update.full);
    assert_eq!(update.rows.len(), 5);
}

#[test]
fn a_checkpoint_of_the_screen_alone_keeps_the_row_numbers() {
    let mut screen = fed(size(5, 20), 100, "line\r\n".repeat(50).as_bytes());
    let cursor = screen.position();
    let mut copy = Screen::restore(&screen.checkpoint(Extent::Screen)).expect("its own checkpoint");
    assert_eq!(all_text(&copy), "line\n".repeat(4).trim_end());
    copy.advance(b"new\r\n");
    assert_eq!(copy.read_since(&cursor, 100).text, "new\n");
}

#[test]
fn a_checkpoint_changes_nothing_for_clients() {
    let mut screen = fed(size(5, 20), 100, b"one\x1b[?1049htwo");
    let generation = screen.generation();
    let _ = screen.checkpoint(Extent::Full);
    screen.advance(b"x");
    assert_eq!(screen.update_since(generation).rows.len(), 1);
}

#[test]
fn what_was_saved_on_the_alternate_screen_fits_a_smaller_one() {
    let mut screen = fed(
        size(10, 40),
        50,
        b"text\x1b[?1049h\x1b[9;30H\x1b7\x1b[?1049l",
    );
    screen.resize(size(2, 5));
    let mut copy = restored(&mut screen);
    assert_eq!(copy.state(), screen.state());
    for screen in [&mut screen, &mut copy] {
        screen.resize(size(10, 40));
        screen.advance(b"\x1b[?1049h\x1b8");
    }
    assert_eq!((copy.cursor().row, copy.cursor().col), (1, 4));
    assert_eq!(copy.state(), screen.state());
}
