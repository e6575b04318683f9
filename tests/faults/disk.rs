//! A disk that is full, read-only or slow.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::reply::RunStatus;
use protocol::request::{
    CancelOrchestration, ClosePane, CreateSession, KillSession, ParallelCommand, RunParallel,
};
use protocol::{Error, ErrorCode, PaneUuid};
use rustix::process::Signal;

use super::mounts;
use super::surroundings::Surroundings;
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::pane::input;
use crate::support::view::named;
use crate::support::{eventually, proc, run};

const SMALL: &str = "mount -t tmpfs -o size=2m,mode=0700 tmpfs \"$STATE\"";

async fn create(client: &Client) -> Result<PaneUuid, Error> {
    let request = CreateSession {
        pane: shell("exec sleep 600"),
        ..CreateSession::default()
    };
    client.call(request).await.map(|made| made.pane_id)
}

/// Types into a pane that answers, and gives how long the answer took.
async fn answer(client: &Client, pane: PaneUuid, word: &str) -> Duration {
    let begun = Instant::now();
    client.ok(input(pane, word)).await;
    eventually("an answer", async || {
        let text = client.text(pane).await;
        text.contains(&format!("got {word}")).then_some(())
    })
    .await;
    begun.elapsed()
}

/// Fills the disk of the state directory, and gives the file to remove.
fn fill(daemon: &Daemon) -> PathBuf {
    let filler = mounts::seen_by(daemon, &daemon.paths().state.join("filler"));
    let mut file = std::fs::File::create(&filler).unwrap();
    let full = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    filler
}

/// A create is refused for the disk's reason, and nothing is left of it.
async fn refused(client: &Client, reason: &str) {
    let before = client.panes().await.len();
    let error = eventually("a refusal", async || create(client).await.err()).await;
    assert!(
        matches!(error.code, ErrorCode::Limit | ErrorCode::Internal),
        "{error}"
    );
    assert!(error.message.contains(reason), "{error}");
    let after = client.panes().await.len();
    assert!(after >= before, "{before} {after}");
    assert_eq!(client.sessions().await.len(), after);
}

/// There is room again: what could not be written is, and the server ends as it should.
async fn goes_on(daemon: &mut Daemon, client: Client) {
    eventually("a create", async || create(&client).await.ok()).await;
    drop(client);
    mounts::stop(daemon);
}

#[test]
fn a_full_disk_costs_no_running_pane() {
    run(async {
        let Some(mut daemon) = mounts::daemon(SMALL) else {
            return;
        };
        let client = daemon.client().await;
        let runs = client
            .session("runs", "while read x; do echo \"got $x\"; done")
            .await;
        let filler = fill(&daemon);
        refused(&client, "full").await;
        answer(&client, runs.pane_id, "while-full").await;
        assert!(
            daemon.log().contains("the state cannot be"),
            "{}",
            daemon.log()
        );
        std::fs::remove_file(&filler).unwrap();
        goes_on(&mut daemon, client).await;
    });
}

#[test]
fn a_close_that_cannot_be_recorded_says_so() {
    run(async {
        let Some(mut daemon) = mounts::daemon(SMALL) else {
            return;
        };
        let client = daemon.client().await;
        let pane = client.session("pane", "exec sleep 600").await;
        let session = client.session("session", "exec sleep 600").await;
        let filler = fill(&daemon);
        refused(&client, "full").await;
        let closed = client.call(ClosePane {
            pane: pane.pane_id.into(),
            force: false,
            guarded: false,
        });
        let killed = client.call(KillSession {
            session: named("session"),
            guarded: false,
        });
        for error in [closed.await.unwrap_err(), killed.await.unwrap_err()] {
            let told = error
                .message
                .contains("has ended, but that is not recorded");
            assert!(told, "{error}");
        }
        assert!(!proc::lives(pane.pid) && !proc::lives(session.pid));
        std::fs::remove_file(&filler).unwrap();
        goes_on(&mut daemon, client).await;
    });
}

#[test]
fn a_run_is_cancelled_although_that_cannot_be_recorded() {
    run(async {
        let Some(mut daemon) = mounts::daemon(SMALL) else {
            return;
        };
        let client = daemon.client().await;
        let begun = client
            .ok(RunParallel {
                commands: vec![ParallelCommand {
                    command: "sleep 600".to_owned(),
                    ..ParallelCommand::default()
                }],
                ..RunParallel::default()
            })
            .await;
        let program = eventually("its program", async || {
            client.panes().await.first().map(|pane| pane.pid)
        })
        .await;
        let filler = fill(&daemon);
        refused(&client, "full").await;
        let cancel = CancelOrchestration {
            orchestration_id: begun.orchestration_id,
        };
        let ended = client.ok(cancel).await;
        assert_eq!(ended.status, RunStatus::Cancelled, "{ended:?}");
        assert!(!proc::lives(program));
        std::fs::remove_file(&filler).unwrap();
        goes_on(&mut daemon, client).await;
    });
}

#[test]
fn a_server_that_starts_on_a_read_only_disk_takes_over_every_pane() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let runs = client
            .session("runs", "while read x; do echo \"got $x\"; done")
            .await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let read_only = "mount --bind \"$STATE\" \"$STATE\" && mount -o remount,bind,ro \"$STATE\"";
        if !mounts::launch(&mut daemon, read_only) {
            return;
        }
        let client = daemon.client().await;
        assert_eq!(client.panes().await[0].pid, runs.pid);
        refused(&client, "read").await;
        answer(&client, runs.pane_id, "while-read-only").await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        let panes = client.panes().await;
        assert_eq!((panes.len(), panes[0].pid), (1, runs.pid));
        goes_on(&mut daemon, client).await;
    });
}

#[test]
fn a_slow_disk_delays_what_must_be_on_it_and_nothing_else() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let machine = Surroundings::launch(&mut daemon);
        let client = daemon.client().await;
        let runs = client
            .session("runs", "while read x; do echo \"got $x\"; done")
            .await;
        answer(&client, runs.pane_id, "before").await;
        machine.slow_disk(40);
        let other = daemon.client().await;
        let begun = Instant::now();
        let (made, answers) = tokio::join!(create(&other), async {
            let mut longest = Duration::ZERO;
            for round in 0..10 {
                let took = answer(&client, runs.pane_id, &format!("round{round}")).await;
                longest = longest.max(took);
            }
            longest
        });
        let created = begun.elapsed();
        eprintln!("create {created:?}, longest answer {answers:?}");
        assert!(created >= Duration::from_millis(40), "{created:?}");
        assert!(
            answers < created,
            "an answer took {answers:?}, the create {created:?}"
        );
        let made = made.unwrap();
        machine.slow_disk(0);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let panes = daemon.client().await.panes().await;
        assert!(panes.iter().any(|pane| pane.pane_id == made));
    });
}
