//! Tests of when viewers get their frames.

use std::time::Duration;

use protocol::Size;
use supervisor::Reply;
use tokio::time::Instant;

use super::{Frames, PACE, SYNCHRONIZED_LIMIT};
use crate::pane::screen::Screen;

fn screen() -> Screen {
    Screen::new(Size::new(5, 20), 100)
}

#[tokio::test]
async fn the_first_change_after_silence_goes_out_at_once_and_later_ones_at_a_pace() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut first) = Reply::channel();
    frames.push(0, reply);
    screen.advance(b"one");
    frames.send(&mut screen, begun);
    let update = first.try_recv().unwrap();
    assert!(update.full);
    assert_eq!(frames.deadline(&screen), None, "nobody waits");

    let (reply, mut second) = Reply::channel();
    frames.push(update.generation, reply);
    assert_eq!(frames.deadline(&screen), None, "nothing changed");
    screen.advance(b"two");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    assert!(second.try_recv().is_err(), "too soon");
    let due = frames.deadline(&screen).unwrap();
    assert_eq!(due, begun + PACE);
    frames.send(&mut screen, due);
    let update = second.try_recv().unwrap();
    assert!(!update.full);
    assert_eq!(update.rows.len(), 1);
}

#[tokio::test]
async fn a_synchronised_update_is_shown_when_it_is_complete() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut frame) = Reply::channel();
    frames.push(screen.generation(), reply);
    screen.advance(b"\x1b[?2026hhalf");
    frames.send(&mut screen, begun);
    assert!(frame.try_recv().is_err());
    screen.advance(b" and half\x1b[?2026l");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    let rows = frame.try_recv().unwrap().rows;
    assert!(String::from_utf8_lossy(&rows[0].ansi).contains("half and half"));
}

#[tokio::test]
async fn a_synchronised_update_that_never_ends_is_shown_after_its_limit() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut frame) = Reply::channel();
    frames.push(screen.generation(), reply);
    screen.advance(b"\x1b[?2026hhalf");
    frames.send(&mut screen, begun);
    assert!(frame.try_recv().is_err());
    assert_eq!(frames.deadline(&screen), Some(begun + SYNCHRONIZED_LIMIT));
    frames.send(&mut screen, begun + SYNCHRONIZED_LIMIT);
    assert!(frame.try_recv().is_ok());
}

#[tokio::test]
async fn a_viewer_that_went_away_holds_nothing() {
    let mut screen = screen();
    let mut frames = Frames::default();
    for _ in 0..100 {
        let (reply, _) = Reply::channel();
        frames.push(0, reply);
    }
    assert!(frames.waiting.len() <= 1);
    screen.advance(b"x");
    frames.send(&mut screen, Instant::now());
    assert!(frames.waiting.is_empty());
}

#[tokio::test]
async fn the_echo_of_what_is_typed_does_not_wait_for_the_pace() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut first) = Reply::channel();
    frames.push(0, reply);
    screen.advance(b"output");
    frames.send(&mut screen, begun);
    let update = first.try_recv().unwrap();

    let (reply, mut echo) = Reply::channel();
    frames.push(update.generation, reply);
    frames.typed();
    screen.advance(b"a");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    let update = echo.try_recv().unwrap();

    let (reply, mut later) = Reply::channel();
    frames.push(update.generation, reply);
    screen.advance(b"more");
    frames.send(&mut screen, begun + Duration::from_millis(2));
    assert!(later.try_recv().is_err(), "one frame only was in a hurry");
}
