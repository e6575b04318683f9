//! Keepers that cannot be asked when the next daemon starts: nothing of theirs is ended or started twice, and they are found again.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use protocol::reply::{ExitStatus, PaneInfo};
use protocol::request::{ClosePane, CreateSession, PaneSettings, PaneSpec, RestartType};
use protocol::{ErrorCode, Name, PaneUuid};
use rustix::process::{Pid, Signal};

use super::all_text;
use crate::support::daemon::{Client, Daemon, fugued_exe, kept, shell};
use crate::support::left::left_over;
use crate::support::pane::input;
use crate::support::random::Random;
use crate::support::{LIMIT, eventually, proc, run, run_within};

const ECHO: &str = "echo READY; while read word; do echo got $word; done";

/// A keeper that is stopped; it goes on at the end, whatever comes of the test.
struct Stopped(u32);

impl Stopped {
    fn new(pid: u32) -> Self {
        proc::signal(pid, Signal::STOP);
        let begun = Instant::now();
        while !proc::is_stopped(pid) {
            assert!(begun.elapsed() < LIMIT);
            std::thread::yield_now();
        }
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.0 as i32).unwrap();
        let _ = rustix::process::kill_process(pid, Signal::CONT);
    }
}

async fn info(client: &Client, pane: PaneUuid) -> PaneInfo {
    let panes = client.panes().await;
    let found = panes.into_iter().find(|info| info.pane_id == pane);
    found.expect("the pane is shown")
}

async fn reached(client: &Client, pane: PaneUuid) -> PaneInfo {
    eventually("the pane is reached", async || {
        let info = info(client, pane).await;
        info.status.unreachable.is_none().then_some(info)
    })
    .await
}

fn close(pane: PaneUuid) -> ClosePane {
    ClosePane {
        pane: pane.into(),
        force: false,
        guarded: false,
    }
}

/// A program that says which of its lives it is in a file, and is to run for ever.
fn permanent(daemon: &Daemon) -> (PaneSpec, std::path::PathBuf) {
    let lives = daemon.dir.path().join("lives");
    let line = format!("echo life >>{}; {ECHO}", lives.display());
    let spec = PaneSpec {
        settings: kept(RestartType::Permanent),
        ..shell(&line)
    };
    (spec, lives)
}

#[test]
fn a_stopped_keeper_is_an_unreachable_pane_that_is_found_again() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let calm = client.session("calm", ECHO).await;
        let (pane, lives) = permanent(&daemon);
        let create = CreateSession {
            name: Some(Name::new("frozen").unwrap()),
            pane,
            ..CreateSession::default()
        };
        let frozen = client.ok(create).await;
        eventually("it runs", async || {
            client
                .text(frozen.pane_id)
                .await
                .contains("READY")
                .then_some(())
        })
        .await;
        let before = info(&client, frozen.pane_id).await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let stopped = Stopped::new(before.keeper_pid);
        daemon.launch();
        let client = daemon.client().await;
        let shown = info(&client, frozen.pane_id).await;
        let why = shown.status.unreachable.expect("it is unreachable");
        assert!(why.program_lives && why.reason.contains("stopped"), "{why}");
        assert_eq!(
            (shown.pid, shown.keeper_pid),
            (before.pid, before.keeper_pid)
        );
        assert_eq!(shown.status.exit, None);
        for (what, error) in [
            (
                "typing",
                client.call(input(frozen.pane_id, "x")).await.err(),
            ),
            (
                "waiting for a pattern",
                client
                    .call(crate::support::pane::pattern(frozen.pane_id, "x"))
                    .await
                    .err(),
            ),
        ] {
            assert_eq!(
                error.map(|e| e.code),
                Some(ErrorCode::Unreachable),
                "{what}"
            );
        }
        let listed = daemon.fugue(&["panes", "--all"]).out;
        assert!(listed.contains("unreachable: "), "{listed}");
        let tree = daemon.fugue(&["tree"]).out;
        assert!(tree.contains("unreachable: "), "{tree}");
        // Others are served, and the looks for late keepers have come by.
        client.ok(input(calm.pane_id, "hello")).await;
        tokio::time::sleep(Duration::from_millis(800)).await;
        assert!(proc::lives(before.pid) && proc::is_keeper(before.keeper_pid));
        drop(stopped);
        let again = reached(&client, frozen.pane_id).await;
        assert_eq!(
            (again.pid, again.keeper_pid),
            (before.pid, before.keeper_pid)
        );
        client.ok(input(frozen.pane_id, "again")).await;
        eventually("its echo", async || {
            let text = all_text(&client, frozen.pane_id).await;
            (text.contains("READY") && text.contains("got again")).then_some(())
        })
        .await;
        let lives = std::fs::read_to_string(lives).unwrap();
        assert_eq!(lives, "life\n", "it was started once");
    });
}

#[test]
fn an_unreachable_pane_can_be_closed_and_nothing_of_it_is_left() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client
            .session("frozen", "sleep 600 & exec env -i sleep 601")
            .await;
        let kept = client.session("kept", ECHO).await;
        let before = info(&client, made.pane_id).await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let _stopped = Stopped::new(before.keeper_pid);
        daemon.launch();
        let client = daemon.client().await;
        let closed = client.ok(close(made.pane_id)).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        assert_eq!(closed.panes[0].status.unreachable, None);
        assert!(!proc::lives(before.pid) && !proc::lives(before.keeper_pid));
        let marker = format!("FUGUE_PANE_ID={}", made.pane_id);
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        assert!(!daemon.paths().pane_socket(made.pane_id).exists());
        assert!(proc::lives(kept.pid));
    });
}

#[test]
fn a_keeper_that_dies_while_it_is_unreachable_is_a_lost_pane() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("frozen", "exec env -i sleep 600").await;
        let before = info(&client, made.pane_id).await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let stopped = Stopped::new(before.keeper_pid);
        daemon.launch();
        let client = daemon.client().await;
        assert!(
            info(&client, made.pane_id)
                .await
                .status
                .unreachable
                .is_some()
        );
        proc::signal(before.keeper_pid, Signal::KILL);
        std::mem::forget(stopped);
        let end = client.exit(made.pane_id).await;
        assert!(matches!(end.exit, Some(ExitStatus::Lost { .. })), "{end:?}");
        assert_eq!(end.unreachable, None);
        eventually("its program's end", async || {
            (!proc::lives(made.pid)).then_some(())
        })
        .await;
    });
}

#[test]
fn a_pane_is_closed_within_its_time_though_its_keeper_is_stopped() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client
            .session("p", "trap '' HUP TERM; exec env -i sleep 600")
            .await;
        let keeper = info(&client, made.pane_id).await.keeper_pid;
        let _stopped = Stopped::new(keeper);
        let begun = Instant::now();
        let closed = client.ok(close(made.pane_id)).await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        assert!(
            begun.elapsed() < Duration::from_secs(12),
            "{:?}",
            begun.elapsed()
        );
        assert!(!proc::lives(made.pid) && !proc::lives(keeper));
        assert!(!daemon.paths().pane_socket(made.pane_id).exists());
    });
}

#[test]
fn a_keeper_that_is_stopped_in_the_middle_of_a_close_is_not_waited_for() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "trap 'echo ASKED' TERM; trap '' HUP; echo READY; while :; do sleep 0.05; done";
        let made = client.session("p", line).await;
        eventually("the program", async || {
            let text = client.text(made.pane_id).await;
            text.contains("READY").then_some(())
        })
        .await;
        let keeper = info(&client, made.pane_id).await.keeper_pid;
        let begun = Instant::now();
        let closing = client.ok(close(made.pane_id));
        let stopping = async {
            // Its rounds are under way.
            eventually("the first round", async || {
                let text = client.text(made.pane_id).await;
                text.contains("ASKED").then_some(())
            })
            .await;
            Stopped::new(keeper)
        };
        let (closed, _stopped) = tokio::join!(closing, stopping);
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        // What a keeper may take at most is 10 s more.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(!proc::lives(made.pid) && !proc::lives(keeper));
    });
}

#[test]
fn without_descriptors_panes_wait_until_there_are_some() {
    const PANES: usize = 24;
    run_within(Duration::from_secs(120), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let mut made = Vec::new();
        for number in 0..PANES {
            made.push(client.session(&format!("p{number}"), ECHO).await);
        }
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let mut command = daemon.command("sh");
        command
            .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", fugued_exe()])
            .stdin(Stdio::null());
        daemon.launch_as(command);
        let client = daemon.client().await;
        let shown = client.panes().await;
        assert_eq!(shown.len(), PANES);
        let away = shown
            .iter()
            .filter(|pane| pane.status.unreachable.is_some());
        assert!(away.count() > 0);
        let mut left: BTreeSet<_> = made.iter().map(|pane| pane.pane_id).collect();
        // Each that is there is used and closed, which leaves its descriptors to another one.
        while !left.is_empty() {
            let there = eventually("a pane that is there", async || {
                let panes = client.panes().await;
                panes
                    .into_iter()
                    .find(|pane| pane.status.unreachable.is_none())
            })
            .await;
            let before = made
                .iter()
                .find(|pane| pane.pane_id == there.pane_id)
                .unwrap();
            assert_eq!((there.pid, &there.status.exit), (before.pid, &None));
            assert!(
                made.iter()
                    .filter(|pane| left.contains(&pane.pane_id))
                    .all(|pane| proc::lives(pane.pid))
            );
            client.ok(input(there.pane_id, "again")).await;
            eventually("its echo", async || {
                let text = all_text(&client, there.pane_id).await;
                (text.contains("READY") && text.contains("got again")).then_some(())
            })
            .await;
            client.ok(close(there.pane_id)).await;
            left.remove(&there.pane_id);
        }
    });
}

#[test]
fn each_pane_that_is_to_be_closed_is_closed_once() {
    const PANES: usize = 12;
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let mut panes = Vec::new();
        for number in 0..PANES {
            let create = CreateSession {
                name: Some(Name::new(&format!("p{number}")).unwrap()),
                pane: PaneSpec {
                    settings: PaneSettings::default(),
                    ..shell("read line")
                },
                ..CreateSession::default()
            };
            panes.push(client.ok(create).await);
        }
        let stubborn = client
            .session("stubborn", "trap '' HUP TERM; echo READY; sleep 600")
            .await;
        client
            .ok(crate::support::pane::pattern(stubborn.pane_id, "READY"))
            .await;
        // Nobody waits for its end: the daemon is killed while it closes it.
        let other = daemon.client().await;
        let asked = close(stubborn.pane_id);
        let call = tokio::spawn(async move { other.call(asked).await });
        eventually("the close has begun", async || {
            let stored = std::fs::metadata(daemon.paths().state.join("state.db-wal"));
            stored.is_ok_and(|file| file.len() > 0).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let _ = call.await;
        for pane in &panes {
            proc::signal(pane.pid, Signal::TERM);
        }
        daemon.launch();
        let client = daemon.client().await;
        let closes = |id: PaneUuid| {
            let (log, id) = (daemon.log(), id.to_string());
            let closed = |line: &&str| line.contains("pane closed") && line.contains(&id);
            log.lines().filter(closed).count()
        };
        let all = || panes.iter().chain([&stubborn]).map(|pane| pane.pane_id);
        eventually("all are closed", async || {
            let gone = client.panes().await.is_empty() && client.sessions().await.is_empty();
            (gone && all().all(|id| closes(id) > 0)).then_some(())
        })
        .await;
        for id in all() {
            assert_eq!(closes(id), 1, "{id}");
        }
    });
}

/// `FUGUE_SOAK_KILLS` says how often the daemon is killed, `FUGUE_SOAK_SEED` which keepers are stopped.
#[test]
fn kills_with_stopped_keepers_end_nothing_and_start_nothing_twice() {
    const PANES: usize = 20;
    const KILLS: u64 = 5;
    let setting = |name: &str, otherwise: u64| {
        let value = std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok());
        value.unwrap_or(otherwise)
    };
    let kills = setting("FUGUE_SOAK_KILLS", KILLS);
    let mut random = Random::new(setting("FUGUE_SOAK_SEED", 1));
    run_within(Duration::from_secs(60 + 10 * kills), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let lives = daemon.dir.path().join("lives");
        let mut panes = Vec::new();
        for number in 0..PANES {
            let line = format!("echo {number} >>{}; {ECHO}", lives.display());
            let create = CreateSession {
                name: Some(Name::new(&format!("p{number}")).unwrap()),
                pane: PaneSpec {
                    settings: kept(RestartType::Permanent),
                    ..shell(&line)
                },
                ..CreateSession::default()
            };
            let made = client.ok(create).await;
            panes.push(info(&client, made.pane_id).await);
        }
        drop(client);
        for kill in 0..kills {
            daemon.signal(Signal::KILL);
            daemon.wait();
            let tenth = (0..PANES / 10)
                .map(|_| random.below(PANES))
                .collect::<BTreeSet<_>>();
            let stopped: Vec<_> = tenth
                .iter()
                .map(|p| Stopped::new(panes[*p].keeper_pid))
                .collect();
            daemon.launch();
            let client = daemon.client().await;
            for index in &tenth {
                let status = info(&client, panes[*index].pane_id).await.status;
                assert!(status.unreachable.is_some(), "kill {kill}: {status:?}");
            }
            // Every other time the daemon dies before they go on.
            if kill % 2 == 1 {
                drop(stopped);
                for index in &tenth {
                    reached(&client, panes[*index].pane_id).await;
                }
            }
        }
        let client = daemon.client().await;
        for pane in &panes {
            let now = reached(&client, pane.pane_id).await;
            assert_eq!((now.pid, now.keeper_pid), (pane.pid, pane.keeper_pid));
            assert_eq!((now.status.exit, now.status.restarts), (None, 0));
        }
        let started = std::fs::read_to_string(lives).unwrap();
        assert_eq!(started.lines().count(), PANES, "each was started once");
    });
}

/// A pane whose keeper shows itself late to a daemon that has another database, in which this step fails.
async fn late(daemon: &mut Daemon, step: &str) -> (Client, PaneInfo) {
    let client = daemon.client().await;
    let made = client.session("late", "read word; exit 7").await;
    let before = info(&client, made.pane_id).await;
    drop(client);
    daemon.signal(Signal::KILL);
    daemon.wait();
    let stopped = Stopped::new(before.keeper_pid);
    for suffix in ["", "-wal", "-shm"] {
        let file = daemon.paths().state.join(format!("state.db{suffix}"));
        let _ = std::fs::remove_file(file);
    }
    let fails = format!("{step}=fails");
    daemon.launch_with(&[], &[("FUGUE_TEST_STEP", &fails)]);
    let client = daemon.client().await;
    drop(stopped);
    eventually("the step is reached", async || {
        client.crash("step_met", step).await.ok()
    })
    .await;
    (client, before)
}

async fn nothing_left(daemon: &Daemon, client: &Client) {
    eventually("nothing that nobody owns", async || {
        left_over(daemon, client).await.ok()
    })
    .await;
}

#[test]
fn a_late_pane_whose_place_is_not_recorded_is_kept_and_its_end_is_heard() {
    run(async {
        let mut daemon = Daemon::start();
        let (client, before) = late(&mut daemon, "change: it is recorded").await;
        reached(&client, before.pane_id).await;
        nothing_left(&daemon, &client).await;
        client.ok(input(before.pane_id, "go")).await;
        let end = client.exit(before.pane_id).await;
        assert_eq!(end.exit, Some(ExitStatus::Exited { code: 7 }));
    });
}

#[test]
fn a_late_pane_that_gets_no_place_lives_and_can_be_closed() {
    run(async {
        let mut daemon = Daemon::start();
        let (client, before) = late(&mut daemon, "start: its place").await;
        assert!(proc::lives(before.pid));
        let closed = eventually("its close", async || {
            client.call(close(before.pane_id)).await.ok()
        })
        .await;
        assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
        assert!(!proc::lives(before.pid));
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(daemon.wait().code(), Some(0));
    });
}
