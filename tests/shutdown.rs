//! The end of the machine is not the end of anybody's sessions; the end of a daemon that somebody wanted is.
//!
//! A machine that goes down sends its signals to all processes at once. The restart after it is told to the next daemon by
//! another boot id in the database.

use std::time::Duration;

use protocol::reply::{ExitStatus, PaneInfo};
use protocol::request::{
    ClosePane, CreatePane, CreateSession, PaneSettings, PaneSpec, RestartType,
};
use protocol::{Name, Target};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::random::Random;
use crate::support::view::named;
use crate::support::{eventually, proc, run};

/// A pane that goes when its program ends.
fn passing(line: &str) -> PaneSpec {
    PaneSpec {
        settings: PaneSettings::default(),
        ..shell(line)
    }
}

async fn session(client: &Client, name: &str, pane: PaneSpec) -> PaneInfo {
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane,
        ..CreateSession::default()
    };
    let made = client.ok(create).await;
    let panes = client.panes().await;
    panes
        .into_iter()
        .find(|p| p.pane_id == made.pane_id)
        .unwrap()
}

async fn split(client: &Client, name: &str, pane: PaneSpec) {
    let create = CreatePane {
        session: Some(named(name)),
        pane,
        ..CreatePane::default()
    };
    client.ok(create).await;
}

/// Three sessions with five panes, whose programs end on a hang-up in ways of their own.
async fn work(client: &Client) {
    session(client, "plain", passing("exec sleep 600")).await;
    split(
        client,
        "plain",
        passing("trap 'exit 0' HUP TERM; while :; do sleep 0.01; done"),
    )
    .await;
    session(client, "shells", passing("sleep 600; exit 3")).await;
    split(client, "shells", passing("exec sleep 600")).await;
    session(client, "kept", shell("exec sleep 600")).await;
}

/// Names, sizes and places of everything.
async fn places(client: &Client) -> Vec<String> {
    let mut panes = client.panes().await;
    panes.sort_by_key(|pane| pane.pane_id);
    let place = |pane: &PaneInfo| {
        format!(
            "{} {} {} {} {:?} {}",
            pane.pane_id, pane.session_id, pane.session_name, pane.index, pane.size, pane.command
        )
    };
    panes.iter().map(place).collect()
}

/// Everything is where it was and is not taken away again.
async fn stays(client: &Client, before: &[String]) {
    for _ in 0..20 {
        assert_eq!(places(client).await, before);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// As if the machine had been started again since.
fn restart_machine(daemon: &Daemon) {
    let path = daemon.paths().state.join("state.db");
    let database = rusqlite::Connection::open(path).unwrap();
    let changed = database.execute("UPDATE facts SET value = 'another' WHERE name = 'boot'", []);
    assert_eq!(changed.unwrap(), 1);
}

async fn next(daemon: &mut Daemon) -> Client {
    daemon.wait();
    proc::kill_marked(&format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display()));
    restart_machine(daemon);
    daemon.launch();
    daemon.client().await
}

/// Everybody's hang-up in a random order, as fast as signals can be sent.
fn hang_up_all(daemon: &Daemon, panes: &[PaneInfo], random: &mut Random) {
    let mut everybody: Vec<u32> = panes.iter().flat_map(|p| [p.pid, p.keeper_pid]).collect();
    everybody.push(daemon.pid);
    for last in (1..everybody.len()).rev() {
        everybody.swap(last, random.below(last + 1));
    }
    for signal in [Signal::TERM, Signal::HUP] {
        for pid in &everybody {
            let pid = rustix::process::Pid::from_raw(*pid as i32).unwrap();
            // One that has ended already has nothing to hear.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

fn has_ended(pane: &PaneInfo) -> bool {
    match &pane.status.exit {
        None => false,
        Some(ExitStatus::Lost { reason }) => reason == "the machine was restarted",
        // Its end was seen before the daemon's own.
        Some(_) => true,
    }
}

#[test]
fn a_hang_up_of_everybody_at_once_loses_no_session() {
    run(async {
        let mut random = Random::new(7);
        for _ in 0..4 {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            work(&client).await;
            let before = places(&client).await;
            let panes = client.panes().await;
            hang_up_all(&daemon, &panes, &mut random);
            let client = next(&mut daemon).await;
            stays(&client, &before).await;
            assert!(client.panes().await.iter().all(has_ended));
        }
    });
}

#[test]
fn programs_that_go_a_moment_before_the_daemon_are_not_taken_for_closed() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        work(&client).await;
        let before = places(&client).await;
        for pane in client.panes().await {
            proc::signal(pane.pid, Signal::HUP);
        }
        // The daemon has taken them all away, but the kept one.
        eventually("the last pane alone", async || {
            (client.panes().await.len() == 1).then_some(())
        })
        .await;
        daemon.signal(Signal::TERM);
        let client = next(&mut daemon).await;
        stays(&client, &before).await;
        assert!(client.panes().await.iter().all(has_ended));
        let kept = client.panes().await;
        let hung_up = ExitStatus::Signaled {
            signal: 1,
            core_dumped: false,
        };
        let exits: Vec<_> = kept.iter().filter_map(|p| p.status.exit.clone()).collect();
        assert!(exits.contains(&hung_up), "what was seen is told: {exits:?}");
        // They are closed as any others, and once is enough.
        for pane in kept {
            client
                .ok(ClosePane {
                    pane: Target::from(pane.pane_id),
                    force: false,
                    guarded: false,
                })
                .await;
        }
        daemon.signal(Signal::TERM);
        let client = next(&mut daemon).await;
        assert_eq!(places(&client).await, Vec::<String>::new());
    });
}

#[test]
fn what_somebody_closed_before_the_machine_went_down_stays_closed() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        work(&client).await;
        assert_eq!(daemon.fugue(&["kill", "shells"]).code, 0);
        let first = session(&client, "over", passing("exec sleep 600")).await;
        client
            .ok(ClosePane {
                pane: Target::from(first.pane_id),
                force: true,
                guarded: false,
            })
            .await;
        daemon.signal(Signal::TERM);
        let client = next(&mut daemon).await;
        let mut names: Vec<_> = client
            .sessions()
            .await
            .into_iter()
            .map(|s| s.name.to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["kept", "plain"]);
    });
}

#[test]
fn programs_that_are_to_run_are_started_again_with_the_machine() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let spec = PaneSpec {
            settings: PaneSettings {
                restart: RestartType::Permanent,
                ..PaneSettings::default()
            },
            ..passing("exec sleep 600")
        };
        let before = session(&client, "always", spec).await;
        daemon.signal(Signal::TERM);
        let client = next(&mut daemon).await;
        let pane = eventually("the restart", async || {
            let panes = client.panes().await;
            panes
                .into_iter()
                .find(|pane| pane.status.exit.is_none() && pane.pid > 0)
        })
        .await;
        assert_eq!(pane.pane_id, before.pane_id);
        assert!(proc::lives(pane.pid));
    });
}

#[test]
fn a_daemon_that_somebody_ends_has_nothing_the_next_time() {
    run(async {
        for stop in ["signal", "fugue stop"] {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            work(&client).await;
            if stop == "signal" {
                daemon.signal(Signal::TERM);
            } else {
                assert_eq!(daemon.fugue(&["stop"]).code, 0);
            }
            assert_eq!(daemon.wait().code(), Some(0));
            daemon.launch();
            let client = daemon.client().await;
            assert!(client.sessions().await.is_empty(), "{stop}");
            assert!(client.panes().await.is_empty(), "{stop}");
            drop(client);
            // Nor after the next restart of the machine: that was no hang-up.
            daemon.signal(Signal::TERM);
            let client = next(&mut daemon).await;
            assert!(client.sessions().await.is_empty(), "{stop}");
        }
    });
}

#[test]
fn a_signal_can_leave_every_program_to_the_next_daemon() {
    run(async {
        let mut daemon = Daemon::prepared("");
        daemon.launch_with(&["--keep-panes"], &[]);
        let client = daemon.client().await;
        work(&client).await;
        let before = places(&client).await;
        let pids: Vec<u32> = client.panes().await.iter().map(|pane| pane.pid).collect();
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait().code(), Some(0));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(pids.iter().all(|pid| proc::lives(*pid)));
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(places(&client).await, before);
        let now: Vec<u32> = client.panes().await.iter().map(|pane| pane.pid).collect();
        assert_eq!(now, pids);
    });
}
