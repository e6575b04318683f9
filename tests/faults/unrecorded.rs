//! Ends that happen while the database cannot be written: what has ended does not come back when it can be again.

use std::path::{Path, PathBuf};

use protocol::request::CreateSession;
use rusqlite::Connection;
use rustix::process::Signal;

use crate::support::daemon::{Daemon, shell};
use crate::support::{eventually, proc, run_within};

/// How long a test may take: each commit waits for the lock, and each answer for a commit.
const LONG: std::time::Duration = std::time::Duration::from_secs(110);

/// Somebody who has the database to himself, until this is dropped.
struct Lock(Connection);

impl Lock {
    fn take(daemon: &Daemon) -> Self {
        let database = Connection::open(daemon.paths().state.join("state.db")).unwrap();
        let limit = std::time::Duration::from_secs(10);
        database.busy_timeout(limit).unwrap();
        database.execute_batch("BEGIN EXCLUSIVE").unwrap();
        Self(database)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

/// The lives of a program that writes a line into this file when it starts.
fn lives(file: &Path) -> usize {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().count()
}

/// A session with a program that is to run for ever, and the file that counts its lives.
async fn permanent(daemon: &Daemon) -> PathBuf {
    let file = daemon.dir.path().join("lives");
    let line = format!("echo life >> {}; exec sleep 300", file.display());
    let new = ["new", "-n", "a", "-d", "--restart", "permanent", "--"];
    let ran = daemon.fugue(&[&new[..], &["bash", "-c", &line]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    eventually("the first life", async || (lives(&file) == 1).then_some(())).await;
    file
}

/// The next daemon has nothing and starts nothing.
async fn nothing_comes_back(daemon: &Daemon, file: &Path) {
    let client = daemon.client().await;
    // What comes back is there before anybody is answered.
    let sessions = client.sessions().await;
    assert!(sessions.is_empty(), "{sessions:?}\n{}", daemon.log());
    assert_eq!(lives(file), 1);
}

#[test]
fn a_stop_that_could_not_be_recorded_leaves_nothing_to_come_back() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let file = permanent(&daemon).await;
        let marker = daemon.paths().ended();
        let lock = Lock::take(&daemon);
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.out.contains(&marker.display().to_string()),
            "{}",
            ran.out
        );
        daemon.wait();
        assert_eq!(daemon.leftovers(), std::slice::from_ref(&marker));
        drop(lock);
        daemon.launch();
        nothing_comes_back(&daemon, &file).await;
        assert!(!marker.exists());
        let ran = daemon.fugue(&["stop"]);
        assert!(!ran.out.contains("could not be written"), "{}", ran.out);
        daemon.wait();
        assert_eq!(daemon.leftovers(), Vec::<PathBuf>::new());
    });
}

#[test]
fn a_signal_that_could_not_be_recorded_leaves_nothing_to_come_back() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let file = permanent(&daemon).await;
        let lock = Lock::take(&daemon);
        daemon.signal(Signal::TERM);
        daemon.wait();
        drop(lock);
        daemon.launch();
        nothing_comes_back(&daemon, &file).await;
        assert!(!daemon.paths().ended().exists());
    });
}

#[test]
fn what_is_made_after_an_end_that_could_not_be_recorded_is_not_taken_for_ended() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let file = permanent(&daemon).await;
        let lock = Lock::take(&daemon);
        daemon.signal(Signal::TERM);
        daemon.wait();
        // The next one cannot write either when it starts.
        daemon.launch();
        nothing_comes_back(&daemon, &file).await;
        assert!(daemon.paths().ended().exists());
        drop(lock);
        let client = daemon.client().await;
        let made = eventually("a create", async || {
            let request = CreateSession {
                pane: shell("exec sleep 300"),
                ..CreateSession::default()
            };
            client.call(request).await.ok()
        })
        .await;
        assert!(!daemon.paths().ended().exists());
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let panes = daemon.client().await.panes().await;
        assert_eq!((panes.len(), panes[0].pid), (1, made.pid));
        assert!(proc::lives(made.pid));
        assert_eq!(lives(&file), 1);
    });
}
