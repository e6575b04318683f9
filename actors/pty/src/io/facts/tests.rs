//! Since when what is told holds, also for the next daemon.

use super::*;
use journal::Journal;
use protocol::Size;

const RING_BYTES: usize = 64 * 1024;

fn after(told: &str) -> Screen {
    let mut screen = Screen::new(Size::new(5, 20), 10);
    screen.advance(told.as_bytes());
    screen
}

#[test]
fn a_state_is_as_old_as_its_value_and_not_as_its_last_report() {
    let mut journal = Journal::anonymous(RING_BYTES).unwrap();
    let mut times = Times::default();
    let mut since = |told: &str, now_ms| {
        let screen = after(told);
        times.update(&screen, false, now_ms, &mut journal);
        times
            .facts(&screen)
            .status
            .and_then(|status| status.since_ms)
    };
    assert_eq!(since("", 1), None);
    assert_eq!(since("\x1b]7501;state=working\x07", 2), Some(2));
    assert_eq!(since("\x1b]7501;state=working:app=x\x07", 3), Some(2));
    assert_eq!(since("\x1b]7501;state=done\x07", 4), Some(4));
    assert_eq!(since("\x1b]7501;state=clear\x07", 5), None);
    assert_eq!(since("\x1b]7501;state=done\x07", 6), Some(6));
}

#[test]
fn the_next_task_knows_the_times() {
    let told = "\x1b]7501;state=blocked\x07\x1b]9;note\x07";
    let mut journal = Journal::anonymous(RING_BYTES).unwrap();
    let (now, later) = (1_795_975_200_000, 1_795_975_300_000);
    Times::default().update(&after(told), true, now, &mut journal);
    let mut times = Times::of(&journal);
    times.update(&after(told), false, later, &mut journal);
    let facts = times.facts(&after(told));
    assert_eq!(facts.status.and_then(|status| status.since_ms), Some(now));
    assert_eq!(facts.notification.and_then(|note| note.at_ms), Some(now));
    // What it has read and nobody has noted is another state.
    let other = after("\x1b]7501;state=done\x07");
    let mut times = Times::of(&journal);
    times.update(&other, false, later, &mut journal);
    let status = times.facts(&other).status;
    assert_eq!(status.and_then(|status| status.since_ms), Some(later));
}

#[test]
fn a_journal_of_an_older_daemon_knows_no_times() {
    let journal = Journal::anonymous(RING_BYTES).unwrap();
    assert_eq!(Times::of(&journal), Times::default());
    let facts = Times::of(&journal).facts(&after("\x1b]9;note\x07"));
    assert_eq!(facts.notification.and_then(|note| note.at_ms), None);
}
