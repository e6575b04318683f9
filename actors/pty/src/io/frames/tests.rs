//! Tests of when viewers get their frames.

use std::time::Duration;

use protocol::Size;
use protocol::event::{Copied, Selection};
use terminal::screen::Screen;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Frames, Known, PACE, SYNCHRONIZED_LIMIT};

fn screen() -> Screen {
    Screen::new(Size::new(5, 20), 100)
}

fn known(generation: u64) -> Known {
    Known {
        generation,
        copies: None,
    }
}

#[tokio::test]
async fn the_first_change_after_silence_goes_out_at_once_and_later_ones_at_a_pace() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut first) = oneshot::channel();
    frames.push(known(0), reply);
    screen.advance(b"one");
    frames.send(&mut screen, begun);
    let update = first.try_recv().unwrap().update;
    assert!(update.full);
    assert_eq!(frames.deadline(&screen), None, "nobody waits");

    let (reply, mut second) = oneshot::channel();
    frames.push(known(update.generation), reply);
    assert_eq!(frames.deadline(&screen), None, "nothing changed");
    screen.advance(b"two");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    assert!(second.try_recv().is_err(), "too soon");
    let due = frames.deadline(&screen).unwrap();
    assert_eq!(due, begun + PACE);
    frames.send(&mut screen, due);
    let update = second.try_recv().unwrap().update;
    assert!(!update.full);
    assert_eq!(update.rows.len(), 1);
}

#[tokio::test]
async fn a_synchronised_update_is_shown_when_it_is_complete() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut frame) = oneshot::channel();
    frames.push(known(screen.generation()), reply);
    screen.advance(b"\x1b[?2026hhalf");
    frames.send(&mut screen, begun);
    assert!(frame.try_recv().is_err());
    screen.advance(b" and half\x1b[?2026l");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    let rows = frame.try_recv().unwrap().update.rows;
    assert!(String::from_utf8_lossy(&rows[0].ansi).contains("half and half"));
}

#[tokio::test]
async fn a_synchronised_update_that_never_ends_is_shown_after_its_limit() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let (reply, mut frame) = oneshot::channel();
    frames.push(known(screen.generation()), reply);
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
        let (reply, _) = oneshot::channel();
        frames.push(known(0), reply);
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
    let (reply, mut first) = oneshot::channel();
    frames.push(known(0), reply);
    screen.advance(b"output");
    frames.send(&mut screen, begun);
    let update = first.try_recv().unwrap().update;

    let (reply, mut echo) = oneshot::channel();
    frames.push(known(update.generation), reply);
    frames.typed();
    screen.advance(b"a");
    frames.send(&mut screen, begun + Duration::from_millis(1));
    let update = echo.try_recv().unwrap().update;

    let (reply, mut later) = oneshot::channel();
    frames.push(known(update.generation), reply);
    screen.advance(b"more");
    frames.send(&mut screen, begun + Duration::from_millis(2));
    assert!(later.try_recv().is_err(), "one frame only was in a hurry");
}

#[tokio::test]
async fn what_is_copied_reaches_each_who_looks_once_and_soon() {
    let mut screen = screen();
    let mut frames = Frames::default();
    let begun = Instant::now();
    let generation = screen.generation();
    let looks = |copies| Known { generation, copies };
    let (reply, mut looking) = oneshot::channel();
    frames.push(looks(Some(0)), reply);
    let (reply, mut watching) = oneshot::channel();
    frames.push(looks(None), reply);
    let copied = |text: &str, selection| Copied {
        selection,
        text: text.into(),
    };
    let one = copied("one", Selection::Clipboard);
    let two = copied("two", Selection::Primary);
    let three = copied("three", Selection::Clipboard);
    frames.copied.add(one, begun);
    frames.copied.add(two.clone(), begun);
    frames.copied.add(three.clone(), begun);
    frames.send(&mut screen, begun);
    let frame = looking.try_recv().unwrap();
    assert_eq!(frame.update.copied, [two.clone(), three.clone()]);
    assert!(frame.update.rows.is_empty());
    assert!(watching.try_recv().is_err(), "nothing is drawn");

    let (reply, mut again) = oneshot::channel();
    frames.push(looks(Some(frame.copies)), reply);
    let (reply, mut late) = oneshot::channel();
    frames.push(looks(Some(1)), reply);
    let next = begun + PACE;
    frames.send(&mut screen, next);
    assert!(again.try_recv().is_err(), "it has it");
    assert_eq!(late.try_recv().unwrap().update.copied, [two, three]);

    let (reply, mut too_late) = oneshot::channel();
    let over = frames.deadline(&screen).unwrap();
    frames.push(looks(Some(1)), reply);
    frames.send(&mut screen, over);
    assert!(too_late.try_recv().is_err(), "that was long ago");
    assert_eq!(frames.deadline(&screen), None);
}
