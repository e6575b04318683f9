//! Turns as another thread sees them.

use std::sync::mpsc;

use super::*;

/// What `subject`'s thread looks like now.
fn of(subject: u128) -> Option<Turn> {
    turns().into_iter().find(|t| t.subject == Some(subject))
}

#[test]
fn a_turn_is_seen_from_another_thread_while_it_lasts_and_nests() {
    let (begun, is_begun) = mpsc::channel::<u128>();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let wide = u128::from(u64::MAX) << 64 | 7;
    let running = std::thread::spawn(move || {
        let outer = begin(wide);
        begun.send(wide).unwrap();
        goes_on.recv().unwrap();
        {
            let _inner = begin(99);
            begun.send(99).unwrap();
            goes_on.recv().unwrap();
        }
        begun.send(wide).unwrap();
        goes_on.recv().unwrap();
        drop(outer);
        begun.send(0).unwrap();
        goes_on.recv().unwrap();
    });
    let mut last = None;
    for _ in 0..4 {
        let subject = is_begun.recv().unwrap();
        if subject == 0 {
            assert_eq!(of(wide), None, "the turn is over");
        } else {
            let turn = of(subject).expect("the turn is noted");
            assert!(turn.thread > 0, "{turn:?}");
            assert_eq!(of(subject), Some(turn), "nothing changes while it lasts");
            assert_ne!(last, Some(turn.changes), "each begin and end counts");
            last = Some(turn.changes);
        }
        go_on.send(()).unwrap();
    }
    running.join().unwrap();
}

#[tokio::test]
async fn a_wrapped_task_is_noted_in_each_poll_and_not_between() {
    let subject = 0xfeed;
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(noted(move || subject, async move {
        let _ = receiver.await;
        of(subject).is_some()
    }));
    tokio::task::yield_now().await;
    assert_eq!(of(subject), None, "it waits");
    sender.send(()).unwrap();
    assert!(task.await.unwrap(), "it runs");
    assert_eq!(of(subject), None, "it is over");
}
