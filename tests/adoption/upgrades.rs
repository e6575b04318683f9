//! Commands in the moment of an upgrade are answered by one server or the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::unasked::Next;
use crate::support::daemon::{Daemon, fugued_exe};
use crate::support::run_within;

/// Repeats a command until it is told to end. Every one of them must go well.
fn repeat(daemon: &Daemon, words: &[&str], over: &AtomicBool) -> usize {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        let ran = daemon.fugue(words);
        assert_eq!(ran.code, 0, "{words:?} number {count}: {}", ran.err);
        count += 1;
    }
    count
}

#[test]
fn commands_in_the_moment_of_an_upgrade_are_answered_by_one_server_or_the_other() {
    run_within(Duration::from_secs(90), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("work", "exec sleep 600").await;
        drop(client);
        let over = AtomicBool::new(false);
        let mut made = 0;
        let mut next = None;
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let makes =
                    scope.spawn(|| repeat(&daemon, &["new", "-d", "--", "sleep", "600"], &over));
                let looks = [
                    &["ls"][..],
                    &["read", "work"],
                    &["panes", "work"],
                    &["tree"],
                ]
                .map(|words| scope.spawn(|| repeat(&daemon, words, &over)));
                for _ in 0..3 {
                    let ran = daemon.fugue(&["upgrade", "--binary", fugued_exe()]);
                    next = Some(Next::of(&daemon));
                    assert_eq!(ran.code, 0, "{}", ran.err);
                }
                over.store(true, Ordering::Relaxed);
                made = makes.join().unwrap();
                looks
                    .into_iter()
                    .for_each(|look| assert!(look.join().unwrap() > 0));
            });
        });
        daemon.wait();
        let panes = daemon.client().await.panes().await;
        assert_eq!(panes.len(), made + 1, "each was made once");
        drop(next);
    });
}
