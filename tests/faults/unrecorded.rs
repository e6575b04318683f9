//! Ends that happen while the database cannot be written: what has ended does not come back when it can be again.

use std::path::{Path, PathBuf};

use protocol::OrchestrationUuid;
use protocol::request::{
    CreateSession, GetOrchestration, ParallelCommand, RunOptions, RunParallel,
};
use rusqlite::Connection;
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, shell};
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

/// A daemon that cannot write at its start, after one whose end was recorded or not, and what is made in it later.
async fn made_after(recorded: bool) {
    let mut daemon = Daemon::start();
    let file = permanent(&daemon).await;
    let before = (!recorded).then(|| Lock::take(&daemon));
    daemon.signal(Signal::TERM);
    daemon.wait();
    let lock = before.unwrap_or_else(|| Lock::take(&daemon));
    assert_eq!(daemon.paths().ended().exists(), !recorded);
    daemon.launch();
    nothing_comes_back(&daemon, &file).await;
    assert_eq!(daemon.paths().ended().exists(), !recorded);
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
}

#[test]
fn what_is_made_after_an_end_that_could_not_be_recorded_is_not_taken_for_ended() {
    run_within(LONG, made_after(false));
}

#[test]
fn what_is_made_by_a_server_that_could_not_write_at_its_start_is_not_taken_for_ended() {
    run_within(LONG, made_after(true));
}

/// A program that ends when the file beside it is there, and says so with this word and this status.
fn ends_when_told(daemon: &Daemon, word: &str, status: i32) -> (String, PathBuf) {
    let told = daemon.dir.path().join("told");
    let line = format!(
        "until test -e {}; do sleep 0.02; done; echo {word}; exit {status}",
        told.display()
    );
    (line, told)
}

/// Ends it and waits until no list has its pane any more, although that is not recorded.
async fn end(client: &Client, told: &Path) {
    std::fs::write(told, b"").unwrap();
    eventually("the end of the pane", async || {
        client.panes().await.is_empty().then_some(())
    })
    .await;
}

/// No program, no keeper and no socket of one is left.
async fn nothing_left(daemon: &Daemon) {
    let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
    let sockets = || std::fs::read_dir(daemon.paths().panes()).unwrap().count();
    eventually("nothing of the pane", async || {
        let processes = proc::marked(&marker);
        (sockets() == 0 && processes == [daemon.pid]).then_some(())
    })
    .await;
}

/// A transient program that ends well while the database is locked, after which its pane is gone.
async fn transient(daemon: &Daemon) -> (Lock, PathBuf) {
    let file = daemon.dir.path().join("lives");
    let (line, told) = ends_when_told(daemon, "fin", 0);
    let line = format!("echo life >> {}; {line}", file.display());
    let new = ["new", "-n", "t", "-d", "--restart", "transient", "--"];
    let ran = daemon.fugue(&[&new[..], &["bash", "-c", &line]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    eventually("the first life", async || (lives(&file) == 1).then_some(())).await;
    let lock = Lock::take(daemon);
    end(&daemon.client().await, &told).await;
    (lock, file)
}

/// The next server learns that it has ended well, and has nothing any more.
async fn it_ends(daemon: &Daemon, file: &Path) {
    let client = daemon.client().await;
    eventually("the end of the session", async || {
        client.sessions().await.is_empty().then_some(())
    })
    .await;
    nothing_left(daemon).await;
    assert_eq!(lives(file), 1);
}

#[test]
fn a_program_that_ended_well_unrecorded_is_not_started_again_after_a_kill() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let (lock, file) = transient(&daemon).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        drop(lock);
        daemon.launch();
        it_ends(&daemon, &file).await;
    });
}

#[test]
fn a_keeper_that_waits_for_the_database_goes_when_its_end_is_recorded_or_the_server_stops() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let (lock, _) = transient(&daemon).await;
        assert_eq!(daemon.leftovers().len(), 2, "the daemon's socket and its");
        drop(lock);
        nothing_left(&daemon).await;
        std::fs::remove_file(daemon.dir.path().join("told")).unwrap();
        std::fs::remove_file(daemon.dir.path().join("lives")).unwrap();
        let (lock, file) = transient(&daemon).await;
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        daemon.wait();
        assert_eq!(daemon.leftovers(), [daemon.paths().ended()]);
        drop(lock);
        daemon.launch();
        nothing_comes_back(&daemon, &file).await;
    });
}

#[test]
fn a_keeper_that_waits_is_left_to_the_next_server_by_a_stop_that_keeps_panes() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let (lock, file) = transient(&daemon).await;
        let ran = daemon.fugue(&["stop", "--keep-panes"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        daemon.wait();
        let left = daemon.leftovers();
        assert!(
            left.len() == 1 && left[0].starts_with(daemon.paths().panes()),
            "{left:?}"
        );
        drop(lock);
        daemon.launch();
        it_ends(&daemon, &file).await;
    });
}

/// A run of one command that ends while the database is locked.
async fn run_that_ends(daemon: &Daemon) -> (Lock, OrchestrationUuid) {
    let (command, told) = ends_when_told(daemon, "fin", 3);
    let client = daemon.client().await;
    let begun = client
        .ok(RunParallel {
            commands: vec![ParallelCommand {
                command,
                ..ParallelCommand::default()
            }],
            options: RunOptions {
                output_lines: 5,
                ..RunOptions::default()
            },
            ..RunParallel::default()
        })
        .await;
    let database = Connection::open(daemon.paths().state.join("state.db")).unwrap();
    let started = "SELECT count(*) FROM orchestration_facts WHERE fact LIKE '%started%'";
    eventually("a record of its start", async || {
        let count = database.query_row(started, [], |row| row.get::<_, u32>(0));
        (count.ok()? == 1).then_some(())
    })
    .await;
    let lock = Lock::take(daemon);
    end(&client, &told).await;
    (lock, begun.orchestration_id)
}

#[test]
fn a_run_that_ended_unrecorded_has_its_status_and_output_after_a_kill() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let (lock, orchestration_id) = run_that_ends(&daemon).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        drop(lock);
        daemon.launch();
        let result = daemon
            .client()
            .await
            .ok(GetOrchestration {
                orchestration_id,
                wait: true,
                timeout_ms: 18_000,
                after_version: None,
            })
            .await;
        let command = &result.commands[0];
        assert_eq!(command.exit_code, Some(3), "{command:?}");
        assert_eq!(command.output.as_deref(), Some("fin"), "{command:?}");
        nothing_left(&daemon).await;
    });
}

#[test]
fn a_keeper_that_waited_and_whose_pane_is_forgotten_by_now_is_ended() {
    run_within(LONG, async {
        let mut daemon = Daemon::start();
        let (lock, run) = run_that_ends(&daemon).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        drop(lock);
        // As if the daemon had been killed between the commit and the end of the keeper.
        let database = Connection::open(daemon.paths().state.join("state.db")).unwrap();
        for table in ["panes", "pane_records", "windows", "sessions"] {
            let sql = format!("DELETE FROM {table}");
            assert!(database.execute(&sql, []).unwrap() > 0, "{table}");
        }
        let sql = "INSERT INTO orchestration_facts VALUES (?1, 'finished', '{\"finished\":1}')";
        database.execute(sql, [run.to_string()]).unwrap();
        drop(database);
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(client.panes().await.len(), 0);
        assert_eq!(client.sessions().await.len(), 0);
        nothing_left(&daemon).await;
    });
}
