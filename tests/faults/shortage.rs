//! Descriptors that run out while programs are to be started: nothing is started by halves, and nothing ends for want of them.

use std::fs;
use std::time::{Duration, Instant};

use protocol::reply::{ExitStatus, PaneInfo, RunStatus};
use protocol::request::{
    ClosePane, CreateSession, GetOrchestration, PaneSpec, ParallelCommand, RestartType, RunOptions,
    RunParallel, RunStreams,
};

use super::limits::limit;
use crate::adoption::kill_and_restart;
use crate::support::daemon::{Client, Daemon, kept, shell};
use crate::support::{eventually, proc, run_within};

/// So few that nothing more can be opened: the daemon has more already.
const NONE: Option<usize> = Some(5);

/// What is logged when a start is put off.
const PUT_OFF: &str = "cannot be started again now";

#[test]
fn a_command_that_cannot_be_started_for_want_of_descriptors_has_not_run() {
    run_within(Duration::from_secs(60), async {
        for streams in [RunStreams::Terminal, RunStreams::Pipes] {
            let daemon = Daemon::start();
            let client = daemon.client().await;
            let (gate, side) = (
                daemon.dir.path().join("gate"),
                daemon.dir.path().join("side"),
            );
            let lines = [
                format!("until [ -e {} ]; do sleep 0.05; done", gate.display()),
                format!(
                    "echo side >> {0}; sleep 1; echo more >> {0}",
                    side.display()
                ),
                // There is no keeper for it, as there was for the one before.
                format!("echo third >> {}", side.display()),
            ];
            let command = |line: String| ParallelCommand {
                command: line,
                ..ParallelCommand::default()
            };
            let begun = client
                .ok(RunParallel {
                    commands: lines.map(command).into(),
                    max_parallel: Some(1),
                    streams,
                    options: RunOptions::default(),
                })
                .await;
            eventually("the first program", async || {
                client
                    .panes()
                    .await
                    .first()
                    .filter(|pane| pane.pid > 0)
                    .map(drop)
            })
            .await;
            limit(&daemon, "nofile", NONE);
            fs::write(&gate, "").unwrap();
            let ended = client
                .ok(GetOrchestration {
                    orchestration_id: begun.orchestration_id,
                    wait: true,
                    timeout_ms: 18_000,
                    after_version: None,
                })
                .await;
            limit(&daemon, "nofile", None);
            let statuses = ended.commands.iter().map(|command| command.status);
            assert!(
                statuses.eq([RunStatus::Completed, RunStatus::Failed, RunStatus::Failed]),
                "{ended:?}"
            );
            for refused in &ended.commands[1..] {
                let error = refused.error.as_deref().unwrap();
                for said in [
                    "no file descriptors left",
                    "nothing was started",
                    "ulimit -n",
                ] {
                    assert!(error.contains(said), "{error}");
                }
            }
            assert!(!side.exists(), "{:?}", fs::read_to_string(&side));
        }
    });
}

/// A session whose program adds a line to a file in each of its lives, which last a second.
async fn permanent(daemon: &Daemon, client: &Client) -> std::path::PathBuf {
    let lives = daemon.dir.path().join("lives");
    let line = format!("echo $$ >> {}; exec sleep 1", lives.display());
    let pane = PaneSpec {
        settings: kept(RestartType::Permanent),
        ..shell(&line)
    };
    let create = CreateSession {
        pane,
        ..CreateSession::default()
    };
    client.ok(create).await;
    lives
}

fn count(lives: &std::path::Path) -> usize {
    fs::read_to_string(lives)
        .unwrap_or_default()
        .lines()
        .count()
}

/// The only pane, once its start has been put off so often.
async fn put_off(daemon: &Daemon, client: &Client, times: usize) -> PaneInfo {
    eventually("a start that is put off", async || {
        let log = daemon.log();
        (log.matches(PUT_OFF).count() == times).then_some(())
    })
    .await;
    let mut panes = client.panes().await;
    assert_eq!(panes.len(), 1, "{}", daemon.log());
    panes.remove(0)
}

#[test]
fn a_permanent_pane_outlasts_a_time_without_descriptors() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let lives = permanent(&daemon, &client).await;
        eventually("its first life", async || (count(&lives) > 0).then_some(())).await;
        limit(&daemon, "nofile", NONE);
        let short = Instant::now();
        let first = put_off(&daemon, &client, 1).await;
        let before = count(&lives);
        // As long as six counted starts took.
        eventually("the end of the shortage", async || {
            let panes = client.panes().await;
            assert_eq!(panes.len(), 1, "{}", daemon.log());
            let status = &panes[0].status;
            assert!(status.restarting, "{status:?}");
            assert_eq!(status.exit, Some(ExitStatus::Exited { code: 0 }));
            assert_eq!(status.restarts, first.status.restarts);
            (short.elapsed() > Duration::from_secs(8)).then_some(())
        })
        .await;
        assert_eq!(count(&lives), before);
        assert_eq!(daemon.log().matches(PUT_OFF).count(), 1, "said once");
        limit(&daemon, "nofile", None);
        eventually("two more lives", async || {
            (count(&lives) >= before + 2).then_some(())
        })
        .await;
        // And it can be closed during the next shortage.
        limit(&daemon, "nofile", NONE);
        let pane = put_off(&daemon, &client, 2).await;
        let close = ClosePane {
            pane: pane.pane_id.into(),
            force: false,
            guarded: false,
        };
        let end = client.ok(close).await;
        let mut ended = end.panes.iter();
        assert!(ended.all(|pane| pane.survivors.is_empty()), "{end:?}");
        let closed = count(&lives);
        limit(&daemon, "nofile", None);
        eventually("nothing", async || {
            client.panes().await.is_empty().then_some(())
        })
        .await;
        assert_eq!(count(&lives), closed);
        let pids = fs::read_to_string(&lives).unwrap();
        assert!(pids.lines().all(|pid| !proc::lives(pid.parse().unwrap())));
    });
}

#[test]
fn a_start_that_was_put_off_is_taken_up_by_the_next_daemon() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let lives = permanent(&daemon, &client).await;
        limit(&daemon, "nofile", NONE);
        let pane = put_off(&daemon, &client, 1).await;
        let before = count(&lives);
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        eventually("its next life", async || {
            (count(&lives) > before).then_some(())
        })
        .await;
        let panes = client.panes().await;
        assert_eq!(panes.len(), 1);
        assert_eq!(panes[0].pane_id, pane.pane_id);
    });
}
