//! Input that a program does not take in time is given up, and the daemon goes on as if it had never been.

use std::fs;
use std::time::Duration;

use protocol::ErrorCode;
use protocol::id::PaneUuid;
use protocol::reply::ExpectOutcome;
use protocol::request::{KillSession, SendInput, Status};

use crate::support::daemon::{Client, Daemon};
use crate::support::pane::{input, pattern};
use crate::support::view::{attach, named};
use crate::support::{eventually, proc, run_within};

/// How input comes to a program that does not read it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// An agent's call, which gives up.
    Sent,
    /// A person's paste, whose view goes.
    Typed,
    /// Answers to what the program has asked its terminal.
    Answers,
}

/// What the program does later.
#[derive(Clone, Copy, Debug)]
enum Later {
    Reads,
    Ends,
    IsClosed,
}

const KINDS: [Kind; 3] = [Kind::Sent, Kind::Typed, Kind::Answers];
const ENDS: [Later; 3] = [Later::Reads, Later::Ends, Later::IsClosed];

/// Longer than answers wait to be read.
const GIVEN_UP: Duration = Duration::from_secs(11);

fn name(kind: Kind, later: Later) -> String {
    format!("{kind:?}-{later:?}")
}

/// A program that reads nothing until there is a file `go` in its directory.
fn program(kind: Kind, later: Later, go: &std::path::Path) -> String {
    let asks = match kind {
        Kind::Answers => "i=0; while [ $i -lt 6000 ]; do printf '\\033[6n'; i=$((i+1)); done; ",
        Kind::Sent | Kind::Typed => "",
    };
    let then = match later {
        Later::Reads => "exec cat >/dev/null",
        Later::Ends | Later::IsClosed => "exit 0",
    };
    format!(
        "stty raw -echo; {asks}echo READY; while [ ! -e {} ]; do sleep 0.1; done; {then}",
        go.display()
    )
}

async fn fill(client: &Client, kind: Kind, later: Later, pane: PaneUuid, daemon: &Daemon) {
    match kind {
        Kind::Sent => {
            let send = SendInput {
                timeout_ms: Some(200),
                ..input(pane, &"x".repeat(60_000))
            };
            let error = client.call(send).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::InputBlocked, "{error}");
        }
        Kind::Typed => {
            let view = daemon.client_named("typist").await;
            view.ok(attach(1, named(&name(kind, later)))).await;
            view.types(1, &"y".repeat(30_000)).await;
            view.detach(1).await.unwrap();
        }
        Kind::Answers => {}
    }
}

/// What was given up turned the whole daemon for good: a terminal with room and nothing to write woke it again and again.
#[test]
fn input_that_was_given_up_leaves_the_daemon_idle_whatever_its_program_does_later() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let go = daemon.runtime().join("go");
        let other = client
            .session("other", "stty -echo; exec cat")
            .await
            .pane_id;
        for kind in KINDS {
            for later in ENDS {
                let line = program(kind, later, &go);
                let pane = client.session(&name(kind, later), &line).await.pane_id;
                client.ok(pattern(pane, "READY")).await;
                fill(&client, kind, later, pane, &daemon).await;
            }
        }
        tokio::time::sleep(GIVEN_UP).await;
        fs::write(&go, "").unwrap();
        for kind in KINDS {
            let closed = named(&name(kind, Later::IsClosed));
            client
                .ok(KillSession {
                    session: closed,
                    guarded: false,
                })
                .await;
        }
        eventually("programs that read or ended", async || {
            let panes = client.panes().await;
            let ended = panes.iter().filter(|pane| pane.status.exit.is_some());
            (ended.count() == KINDS.len()).then_some(())
        })
        .await;
        let before = proc::cpu_ticks(daemon.pid);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let used = proc::cpu_ticks(daemon.pid) - before;
        assert!(used < 50, "the daemon used {used} ticks of 2 s");
        client.ok(Status {}).await;
        client.ok(input(other, "word")).await;
        let found = client.ok(pattern(other, "^word$")).await;
        assert_eq!(found.outcome, ExpectOutcome::Match);
    });
}
