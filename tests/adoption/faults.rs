//! What goes wrong around a kill: ends that nobody saw, half-made panes, databases that cannot be used.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use protocol::reply::ExitStatus;
use protocol::request::{CreateSession, PaneSettings, PaneSpec, RestartType};
use protocol::{ErrorCode, Name};
use rustix::process::Signal;

use super::{all_text, kill_and_restart, shape};
use crate::support::daemon::{Client, Daemon, kept, shell};
use crate::support::{LIMIT, eventually, proc, run};

fn database(daemon: &Daemon) -> PathBuf {
    daemon.paths().state.join("state.db")
}

#[test]
fn ends_that_no_daemon_saw_are_told_exactly() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let coded = client
            .session("coded", "sleep 0.3; echo last; exit 7")
            .await;
        let signalled = client
            .session("signalled", "sleep 0.3; kill -USR1 $$")
            .await;
        let removed = PaneSpec {
            settings: PaneSettings::default(),
            ..shell("echo gone; exit 9")
        };
        let removed = CreateSession {
            name: Some(Name::new("removed").unwrap()),
            pane: removed,
            ..CreateSession::default()
        };
        let removed = client.ok(removed).await;
        assert_eq!(
            client.exit(removed.pane_id).await.exit,
            Some(ExitStatus::Exited { code: 9 })
        );
        eventually("the removal", async || {
            (client.sessions().await.len() == 2).then_some(())
        })
        .await;
        kill_and_restart(&mut daemon, Duration::from_millis(600)).await;
        let client = daemon.client().await;
        let end = client.exit(coded.pane_id).await;
        assert_eq!(end.exit, Some(ExitStatus::Exited { code: 7 }));
        assert!((250..600).contains(&end.duration_ms), "{end:?}");
        assert_eq!(all_text(&client, coded.pane_id).await, "last");
        let signal = ExitStatus::Signaled {
            signal: 10,
            core_dumped: false,
        };
        assert_eq!(client.exit(signalled.pane_id).await.exit, Some(signal));
        // Removed before the kill, and remembered all the same.
        assert_eq!(
            client.exit(removed.pane_id).await.exit,
            Some(ExitStatus::Exited { code: 9 })
        );
    });
}

#[test]
fn a_program_that_is_to_run_is_started_again() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let spec = PaneSpec {
            settings: kept(RestartType::Permanent),
            ..shell("echo life; sleep 0.5; exit 1")
        };
        let create = CreateSession {
            name: Some(Name::new("again").unwrap()),
            pane: spec,
            ..CreateSession::default()
        };
        let made = client.ok(create).await;
        kill_and_restart(&mut daemon, Duration::from_millis(700)).await;
        let client = daemon.client().await;
        let lives = async |count: usize| {
            eventually("another life", async || {
                let text = all_text(&client, made.pane_id).await;
                (text.matches("life").count() >= count).then_some(())
            })
            .await;
        };
        lives(2).await;
        let restarts = client.panes().await[0].status.restarts;
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        assert!(client.panes().await[0].status.restarts >= restarts);
    });
}

#[test]
fn a_keeper_that_died_meanwhile_is_a_lost_pane() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let lost = client.session("lost", "exec sleep 600").await;
        let kept = client.session("kept", "exec sleep 600").await;
        let keeper = client
            .panes()
            .await
            .iter()
            .find(|pane| pane.pane_id == lost.pane_id)
            .unwrap()
            .keeper_pid;
        daemon.signal(Signal::KILL);
        daemon.wait();
        proc::signal(keeper, Signal::KILL);
        daemon.launch();
        let client = daemon.client().await;
        let end = client.exit(lost.pane_id).await.exit;
        assert!(matches!(end, Some(ExitStatus::Lost { .. })), "{end:?}");
        eventually("the end of its program", async || {
            (!proc::lives(lost.pid)).then_some(())
        })
        .await;
        let panes = client.panes().await;
        assert_eq!(panes.len(), 2);
        assert!(proc::lives(kept.pid));
        let killed = client
            .ok(protocol::request::ClosePane {
                pane: lost.pane_id.into(),
                force: false,
                guarded: false,
            })
            .await;
        assert_eq!(killed.panes[0].survivors, Vec::<u32>::new());
        assert!(!proc::lives(lost.pid));
        let socket = daemon
            .paths()
            .panes()
            .join(format!("{}.sock", lost.pane_id));
        assert!(!socket.exists());
    });
}

#[test]
fn a_corrupt_database_is_set_aside_and_the_keepers_tell() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("known", "echo READY; exec sleep 600").await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        for suffix in ["-wal", "-shm"] {
            let mut path = database(&daemon).into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
        std::fs::write(database(&daemon), vec![0x42; 40_000]).unwrap();
        daemon.launch();
        let client = daemon.client().await;
        let panes = client.panes().await;
        assert_eq!((panes[0].pane_id, panes[0].pid), (made.pane_id, made.pid));
        assert_eq!(panes[0].session_name.as_str(), "known");
        assert_eq!(panes[0].command, "echo READY; exec sleep 600");
        assert!(daemon.log().contains("is set aside"), "{}", daemon.log());
        let aside = std::fs::read_dir(daemon.paths().state).unwrap().flatten();
        let aside = aside.filter(|file| {
            file.file_name()
                .to_string_lossy()
                .starts_with("state.db.corrupt-")
        });
        let aside: Vec<_> = aside.collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(std::fs::read(aside[0].path()).unwrap(), vec![0x42; 40_000]);
        // The fresh one works.
        let before = shape(&client).await;
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        assert_eq!(shape(&daemon.client().await).await, before);
    });
}

#[test]
fn a_database_that_cannot_be_written_costs_no_running_pane() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client
            .session("runs", "while read x; do echo \"got $x\"; done")
            .await;
        let mode = std::fs::metadata(database(&daemon))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // As a full disk does, whoever the user is: the next page does not fit.
        daemon.signal(Signal::KILL);
        daemon.wait();
        let state = daemon.paths().state;
        std::fs::rename(database(&daemon), state.join("moved")).unwrap();
        std::fs::create_dir(database(&daemon)).unwrap();
        daemon.launch();
        let client = daemon.client().await;
        let refused = client
            .call(CreateSession {
                name: Some(Name::new("refused").unwrap()),
                pane: shell("exec sleep 600"),
                ..CreateSession::default()
            })
            .await
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::Internal, "{refused}");
        assert!(refused.message.contains("state.db"), "{refused}");
        assert!(
            daemon.log().contains("the state cannot be"),
            "{}",
            daemon.log()
        );
        let panes = client.panes().await;
        assert_eq!(panes.len(), 1, "nothing of the refused one is left");
        assert_eq!(panes[0].pid, made.pid);
        // Possible again, it is written without being asked for.
        std::fs::remove_dir(database(&daemon)).unwrap();
        eventually("a create", async || {
            client
                .call(CreateSession {
                    name: Some(Name::new("later").unwrap()),
                    pane: shell("exec sleep 600"),
                    ..CreateSession::default()
                })
                .await
                .ok()
        })
        .await;
        let before = shape(&client).await;
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        assert_eq!(shape(&daemon.client().await).await, before);
    });
}

/// Makes the session that is called like the key.
async fn keyed(
    client: &Client,
    key: &str,
) -> Result<protocol::reply::PaneCreated, protocol::Error> {
    let create = CreateSession {
        name: Some(Name::new(key).unwrap()),
        pane: shell("exec sleep 600"),
        ..CreateSession::default()
    };
    let connection = &client.connection;
    connection
        .call_with_key(&create, Some(key.to_owned()), LIMIT)
        .await
}

#[test]
fn a_key_makes_one_pane_though_the_daemon_dies_in_between() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let first = keyed(&client, "answered").await.unwrap();
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let again = keyed(&daemon.client().await, "answered").await.unwrap();
        assert_eq!(again.pane_id, first.pane_id);
        let mut random = crate::support::random::Random::new(99);
        for round in 0..8 {
            let key = format!("round-{round}");
            let client = daemon.client().await;
            let pause = Duration::from_micros(random.below(12_000) as u64);
            let (_, made) = tokio::join!(
                async {
                    tokio::time::sleep(pause).await;
                    daemon.signal(Signal::KILL);
                },
                keyed(&client, &key)
            );
            daemon.wait();
            daemon.launch();
            let again = keyed(&daemon.client().await, &key).await.unwrap();
            if let Ok(made) = made {
                assert_eq!(again.pane_id, made.pane_id);
            }
            let count = 2 + round;
            let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
            eventually("one program for each key", async || {
                let client = daemon.client().await;
                let panes = client.panes().await.len();
                // The daemon itself is marked too.
                (panes == count && proc::marked(&marker).len() == count + 1).then_some(())
            })
            .await;
        }
    });
}

/// A commit that falls between a pane's row and its session's: the request was not answered, so it is carried out anew.
#[test]
fn a_session_that_was_written_before_its_pane_is_taken_back() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let first = keyed(&client, "between").await.unwrap();
        daemon.signal(Signal::KILL);
        daemon.wait();
        let database = rusqlite::Connection::open(database(&daemon)).unwrap();
        for sql in [
            "DELETE FROM panes",
            "DELETE FROM pane_records",
            "UPDATE idempotency SET outcome = NULL",
        ] {
            assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
        }
        drop(database);
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(client.sessions().await.len(), 0);
        let again = keyed(&client, "between").await.unwrap();
        assert_ne!(again.pane_id, first.pane_id);
        assert_eq!(client.panes().await.len(), 1);
        eventually("the first program's end", async || {
            (!proc::lives(first.pid)).then_some(())
        })
        .await;
    });
}
