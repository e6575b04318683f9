//! After a kill, whoever needs the server starts the next one: nobody has to make something new.

use std::time::{Duration, Instant};

use protocol::reply::{ExitStatus, PaneInfo};
use rustix::process::Signal;
use serde_json::json;

use super::all_text;
use crate::support::daemon::Daemon;
use crate::support::mcp::Mcp;
use crate::support::{LIMIT, eventually, proc, run};

const ECHO: &str = "echo READY; while read word; do echo got $word; done";

/// Ends the daemon that a command has started, which is no child of the test.
pub(super) struct Next(u32);

impl Next {
    pub(super) fn of(daemon: &Daemon) -> Self {
        let pid = std::fs::read_to_string(daemon.paths().lock()).unwrap();
        Self(pid.trim().parse().unwrap())
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        let begun = Instant::now();
        while proc::lives(self.0) && begun.elapsed() < LIMIT {
            proc::signal(self.0, Signal::TERM);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn killed(daemon: &mut Daemon) {
    daemon.signal(Signal::KILL);
    daemon.wait();
}

#[test]
fn a_command_that_only_looks_starts_the_server_that_has_left_programs_behind() {
    for words in [
        &["ls"][..],
        &["read", "work"],
        &["status"],
        &["panes", "--all"],
        &["tree"],
    ] {
        run(async {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            let made = client.session("work", ECHO).await;
            eventually("it runs", async || {
                client
                    .text(made.pane_id)
                    .await
                    .contains("READY")
                    .then_some(())
            })
            .await;
            drop(client);
            killed(&mut daemon);
            let ran = daemon.fugue(words);
            assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
            let _next = Next::of(&daemon);
            let client = daemon.client().await;
            assert!(all_text(&client, made.pane_id).await.contains("READY"));
            assert!(proc::lives(made.pid), "{words:?}");
        });
    }
}

/// Kills the daemon and then all that it has left.
fn all_killed(daemon: &mut Daemon, panes: &[PaneInfo]) {
    killed(daemon);
    for pid in panes.iter().flat_map(|pane| [pane.keeper_pid, pane.pid]) {
        proc::signal(pid, Signal::KILL);
        let begun = Instant::now();
        while proc::lives(pid) {
            assert!(begun.elapsed() < LIMIT);
            std::thread::yield_now();
        }
    }
}

#[test]
fn where_no_program_lives_the_next_server_is_started_to_tell_how_all_has_ended() {
    for words in [&["ls"][..], &["status"], &["read", "work"], &["mcp"]] {
        run(async {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            client.session("work", ECHO).await;
            let panes = client.panes().await;
            drop(client);
            all_killed(&mut daemon, &panes);
            if *words == ["mcp"] {
                let mcp = Mcp::start(&daemon).await;
                mcp.ok("fugue_list_panes", json!({"all": true})).await;
                mcp.end().await;
            } else {
                let ran = daemon.fugue(words);
                assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
            }
            let _next = Next::of(&daemon);
            let client = daemon.client().await;
            let told = client.exit(panes[0].pane_id).await;
            assert!(
                matches!(told.exit, Some(ExitStatus::Lost { .. })),
                "{words:?}: {told:?}"
            );
        });
    }
}

#[test]
fn after_an_end_in_order_nothing_is_left_to_tell() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("work", ECHO).await;
        drop(client);
        assert!(daemon.paths().unfinished().exists());
        daemon.signal(Signal::TERM);
        daemon.wait();
        assert!(!daemon.paths().unfinished().exists());
        let ran = daemon.fugue(&["status"]);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(!daemon.socket().exists());
        // What lives on has an end that is still to be told.
        daemon.launch();
        let client = daemon.client().await;
        client.session("kept", ECHO).await;
        let panes = client.panes().await;
        drop(client);
        assert_eq!(daemon.fugue(&["stop", "--keep-panes"]).code, 0);
        daemon.wait();
        assert!(daemon.paths().unfinished().exists());
        for pid in panes.iter().flat_map(|pane| [pane.keeper_pid, pane.pid]) {
            if pid != 0 {
                proc::signal(pid, Signal::KILL);
            }
        }
        let ran = daemon.fugue(&["ls"]);
        let _next = Next::of(&daemon);
        assert_eq!(ran.code, 0, "{ran:?}");
    });
}

#[test]
fn a_server_that_does_not_start_is_told_with_what_was_killed() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("work", ECHO).await;
        let panes = client.panes().await;
        drop(client);
        all_killed(&mut daemon, &panes);
        let mut command = daemon.command(crate::support::daemon::fugue_exe());
        command.env("FUGUED", "/no/such/program").args(["ls"]);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(told.contains("what it had has ended since"), "{told}");
    });
}

#[test]
fn where_nothing_is_left_nothing_is_started() {
    let daemon = Daemon::prepared("");
    let ran = daemon.fugue(&["status"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(!ran.err.contains("alive"), "{ran:?}");
    assert!(!daemon.socket().exists());
}

#[test]
fn a_server_that_does_not_start_is_told_with_the_programs_that_live() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("work", ECHO).await;
        drop(client);
        killed(&mut daemon);
        let mut command = daemon.command(crate::support::daemon::fugue_exe());
        command.env("FUGUED", "/no/such/program").args(["ls"]);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert!(
            told.contains("1 program is alive without a server"),
            "{told}"
        );
        assert!(told.contains("`fugued` takes it over"), "{told}");
        assert!(proc::lives(made.pid));
        daemon.launch();
    });
}

#[test]
fn a_server_that_is_started_in_a_pane_does_not_end_with_it() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let (go, done) = (daemon.dir.path().join("go"), daemon.dir.path().join("done"));
        let line = format!(
            "until [ -e {} ]; do sleep 0.02; done; {} ls && touch {}; sleep 600",
            go.display(),
            crate::support::daemon::fugue_exe(),
            done.display()
        );
        let inside = client.session("inside", &line).await;
        let other = client.session("other", ECHO).await;
        let keeper = client.panes().await;
        let keeper = keeper.iter().find(|pane| pane.pane_id == inside.pane_id);
        let keeper = keeper.unwrap().keeper_pid;
        drop(client);
        killed(&mut daemon);
        std::fs::write(&go, "").unwrap();
        eventually("the next server", async || done.exists().then_some(())).await;
        let next = Next::of(&daemon);
        eventually("it has left the pane", async || {
            (!proc::ancestors(next.0).contains(&keeper)).then_some(())
        })
        .await;
        let client = daemon.client().await;
        let later = client.session("later", ECHO).await;
        let close = protocol::request::ClosePane {
            pane: inside.pane_id.into(),
            force: true,
            guarded: false,
        };
        let closed = client.ok(close).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        assert!(proc::lives(next.0) && proc::lives(other.pid) && proc::lives(later.pid));
        assert_eq!(client.panes().await.len(), 2);
    });
}

#[test]
fn an_attached_view_waits_and_is_there_again() {
    run(async {
        let mut daemon = Daemon::start();
        let desk = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("work", ECHO).await;
        drop(client);
        let paths = daemon.paths();
        let line = format!(
            "unset FUGUE FUGUE_PANE_ID FUGUE_SESSION_ID FUGUE_SERVER FUGUE_TOKEN; \
             export FUGUE_RUNTIME_DIR={} FUGUE_STATE_DIR={} FUGUE_CONFIG={}; exec {} attach work",
            paths.runtime.display(),
            paths.state.display(),
            paths.config.display(),
            crate::support::daemon::fugue_exe(),
        );
        let person = desk.client().await;
        let view = person.session("view", &line).await;
        let shows = async |what: &str| {
            eventually(what, async || {
                person.text(view.pane_id).await.contains(what).then_some(())
            })
            .await;
        };
        shows("READY").await;
        killed(&mut daemon);
        shows("the server is gone").await;
        eventually("the next server", async || {
            (!protocol::transport::is_absent(&paths.socket())).then_some(())
        })
        .await;
        let _next = Next::of(&daemon);
        // What is typed into the view reaches the program of before.
        eventually("its echo", async || {
            person
                .ok(crate::support::pane::input(view.pane_id, "hello"))
                .await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            person
                .text(view.pane_id)
                .await
                .contains("got hello")
                .then_some(())
        })
        .await;
        assert!(proc::lives(made.pid));
    });
}
