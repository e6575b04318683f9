//! One crash costs one thing: what fails is restarted, and nobody else notices.

mod sessions;

use std::time::Duration;

use protocol::id::PaneUuid;
use protocol::reply::{ExitStatus, ExpectOutcome, PaneInfo, TreeNode};
use protocol::request::{
    ClosePane, CreatePane, CreateWindow, Expect, PaneSettings, ReadPane, Tree, Until,
};
use protocol::{Event, Target};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::pane::{input, pattern};
use crate::support::view::{named, shown};
use crate::support::{eventually, proc, run, run_within};

fn node<'a>(tree: &'a TreeNode, id: &str) -> Option<&'a TreeNode> {
    if tree.id == id {
        return Some(tree);
    }
    tree.children.iter().find_map(|child| node(child, id))
}

async fn node_of(client: &Client, id: &str) -> Option<TreeNode> {
    node(&client.ok(Tree::default()).await, id).cloned()
}

/// Waits until the actor with this id was restarted so often, and runs.
async fn restarted(client: &Client, id: &str, times: u64) {
    eventually(&format!("{times} restarts of {id}"), async || {
        let node = node_of(client, id).await?;
        (node.restarts_total == times && node.status == "running").then_some(())
    })
    .await;
}

fn reading(pane: PaneUuid) -> ReadPane {
    ReadPane {
        pane: Target::from(pane),
        lines: Some(100_000),
        since: None,
        scrollback: true,
        ansi: true,
        max_bytes: Some(8 << 20),
    }
}

/// All of a pane's text, with its colours.
async fn read(client: &Client, pane: PaneUuid) -> String {
    client.ok(reading(pane)).await.text
}

/// What is on its screen, with its colours.
async fn visible(client: &Client, pane: PaneUuid) -> String {
    let read = ReadPane {
        lines: None,
        scrollback: false,
        ..reading(pane)
    };
    client.ok(read).await.text
}

async fn info(client: &Client, pane: PaneUuid) -> PaneInfo {
    let panes = client.panes().await;
    panes
        .into_iter()
        .find(|info| info.pane_id == pane)
        .expect("the pane is listed")
}

async fn shows(client: &Client, pane: PaneUuid, text: &str) {
    let found = client.ok(pattern(pane, text)).await;
    assert_eq!(found.outcome, ExpectOutcome::Match, "no {text}");
}

/// Types a line and sees the program's answer to it.
async fn answers(client: &Client, pane: PaneUuid, word: &str) {
    client.ok(input(pane, word)).await;
    shows(client, pane, &format!("got-{word}")).await;
}

const PROGRAM: &str = "stty -echo; printf '\\033[1;32mSTART\\033[0m\\n'; seq 1 300; echo READY; while read l; do echo got-$l; [ $l = end ] && exit 5; done";

#[test]
fn a_panes_actor_fails_and_its_program_screen_and_end_are_as_they_were() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("s", PROGRAM).await.pane_id;
        shows(&client, pane, "READY").await;
        let (before, text) = (info(&client, pane).await, read(&client, pane).await);
        assert!(text.contains("START") && text.contains("300"));
        for round in 1..=3 {
            client.crash("pane", Target::from(pane)).await.unwrap();
            restarted(&client, &pane.to_string(), round).await;
        }
        let after = info(&client, pane).await;
        assert_eq!(
            (after.pid, after.keeper_pid),
            (before.pid, before.keeper_pid)
        );
        assert_eq!(read(&client, pane).await, text);
        answers(&client, pane, "hello").await;
        client.ok(input(pane, "end")).await;
        // In the moment of the program's end, too.
        client.crash("pane", Target::from(pane)).await.unwrap();
        let status = client.exit(pane).await;
        assert_eq!(status.exit, Some(ExitStatus::Exited { code: 5 }));
        assert!(client.text(pane).await.ends_with("got-end"));
        let node = node_of(&client, &pane.to_string()).await.unwrap();
        assert!(
            node.exits[0].reason.contains("a test asked for it"),
            "{:?}",
            node.exits
        );
    });
}

#[test]
fn a_program_that_ends_while_its_actor_is_restarted_is_still_closed() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("keep", "exec sleep 600").await;
        for round in 0..20 {
            let spec = protocol::request::PaneSpec {
                settings: PaneSettings::default(),
                ..shell("read l")
            };
            let create = CreateWindow {
                session: Some(named("keep")),
                pane: spec,
                ..CreateWindow::default()
            };
            let pane = client.ok(create).await.pane_id;
            let (typed, crashed) = tokio::join!(
                client.call(input(pane, "x")),
                client.crash("pane", Target::from(pane))
            );
            typed.unwrap();
            // It may have been too late for a crash.
            let _ = crashed;
            eventually(&format!("the close in round {round}"), async || {
                (client.panes().await.len() == 1).then_some(())
            })
            .await;
        }
    });
}

#[test]
fn a_panes_io_task_fails_and_the_journal_gives_the_same_screen() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("s", PROGRAM).await.pane_id;
        shows(&client, pane, "READY").await;
        let (before, text) = (info(&client, pane).await, read(&client, pane).await);
        client.crash("pane_io", Target::from(pane)).await.unwrap();
        restarted(&client, &pane.to_string(), 1).await;
        assert_eq!(read(&client, pane).await, text);
        assert_eq!(info(&client, pane).await.pid, before.pid);
        answers(&client, pane, "hello").await;
        // A wait that was begun before goes on after.
        let wait = client.call(pattern(pane, "got-late"));
        let crash = async {
            client.crash("pane_io", Target::from(pane)).await.unwrap();
            restarted(&client, &pane.to_string(), 2).await;
            client.ok(input(pane, "late")).await;
        };
        let (found, ()) = tokio::join!(wait, crash);
        assert_eq!(found.unwrap().outcome, ExpectOutcome::Match);
        client.ok(input(pane, "end")).await;
        assert_eq!(
            client.exit(pane).await.exit,
            Some(ExitStatus::Exited { code: 5 })
        );
        let text = read(&client, pane).await;
        client.crash("pane_io", Target::from(pane)).await.unwrap();
        restarted(&client, &pane.to_string(), 3).await;
        assert_eq!(read(&client, pane).await, text, "after its program's end");
        let found = client
            .ok(Expect {
                until: Until::Exit,
                ..pattern(pane, "never")
            })
            .await;
        assert_eq!(
            found.outcome,
            ExpectOutcome::Exit,
            "its program has ended before"
        );
        client
            .ok(ClosePane {
                pane: Target::from(pane),
                force: false,
                guarded: false,
            })
            .await;
        eventually("its session ends with it", async || {
            client.sessions().await.is_empty().then_some(())
        })
        .await;
    });
}

#[test]
fn megabytes_of_colours_and_an_alternate_screen_survive_the_io_task() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "stty -echo; awk 'BEGIN { for (i = 0; i < 50000; i++) printf \"\\033[3%dmline %06d\\033[0m and some more text to make it long %d\\n\", i % 8, i, i }'; echo READY; read l; printf '\\033[?1049h\\033[H\\033[44mALTERNATE\\033[0m'; read l; printf '\\033[?1049lBACK\\n'; read l";
        let pane = client.session("s", line).await.pane_id;
        shows(&client, pane, "READY").await;
        let text = read(&client, pane).await;
        let (lines, end) = (text.lines().count(), &text[text.len() - 200..]);
        assert!(
            lines > 1_900 && end.contains('\u{1b}'),
            "{lines} lines that end with {end:?}"
        );
        client.crash("pane_io", Target::from(pane)).await.unwrap();
        restarted(&client, &pane.to_string(), 1).await;
        let again = read(&client, pane).await;
        let differs = text.lines().zip(again.lines()).position(|(a, b)| a != b);
        assert!(
            again == text,
            "differs in line {differs:?}; {} and {} lines",
            text.lines().count(),
            again.lines().count()
        );
        client.ok(input(pane, "")).await;
        shows(&client, pane, "ALTERNATE").await;
        let before = visible(&client, pane).await;
        client.crash("pane_io", Target::from(pane)).await.unwrap();
        restarted(&client, &pane.to_string(), 2).await;
        assert_eq!(visible(&client, pane).await, before);
        client.ok(input(pane, "")).await;
        shows(&client, pane, "BACK").await;
        // Without the first lines, which the last ones have pushed out.
        let kept = text.split_once("line 049000").unwrap().1;
        assert!(
            read(&client, pane)
                .await
                .contains(kept.trim_end_matches("READY\n").trim_end())
        );
    });
}

#[test]
fn who_is_attached_sees_a_redraw_at_most() {
    run(async {
        let daemon = Daemon::start();
        let (mut viewer, client) = (daemon.client().await, daemon.client().await);
        let pane = client.session("s", PROGRAM).await.pane_id;
        shows(&client, pane, "READY").await;
        viewer.attach(1, named("s")).await;
        assert!(viewer.screen(1).await.full);
        for (round, kind) in ["pane_io", "pane", "session", "pane_io"]
            .into_iter()
            .enumerate()
        {
            match kind {
                "session" => client.crash(kind, named("s")).await.unwrap(),
                _ => client.crash(kind, Target::from(pane)).await.unwrap(),
            }
            let word = format!("round{round}");
            viewer.types(1, &format!("{word}\r")).await;
            // Typed in the moment of the crash it may be lost; then it is typed again.
            let mut seen = String::new();
            eventually(&format!("{word} after {kind}"), async || {
                match tokio::time::timeout(Duration::from_millis(500), viewer.event()).await {
                    Ok(Event::Screen { update, .. }) => {
                        if update.full {
                            seen.clear();
                        }
                        seen.push_str(&shown(&update));
                        viewer.connection.ready(1).await.unwrap();
                    }
                    Ok(other) => panic!("after {kind}: {other:?}"),
                    Err(_) => viewer.types(1, &format!("{word}\r")).await,
                }
                seen.contains(&format!("got-{word}")).then_some(())
            })
            .await;
            assert_eq!(client.attached("s").await, 1, "after {kind}");
        }
    });
}

#[test]
fn a_pane_whose_actor_fails_too_often_is_quarantined_alone() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let bad = client.session("s", PROGRAM).await.pane_id;
        let split = CreatePane {
            session: Some(named("s")),
            pane: shell(PROGRAM),
            ..CreatePane::default()
        };
        let good = client.ok(split).await.pane_id;
        let other = client.session("t", PROGRAM).await.pane_id;
        shows(&client, bad, "READY").await;
        let pids: Vec<_> = client.panes().await.iter().map(|pane| pane.pid).collect();
        let node = eventually("the quarantine", async || {
            let _ = client.crash("pane", Target::from(bad)).await;
            node_of(&client, &bad.to_string())
                .await
                .filter(|node| node.status == "quarantined")
        })
        .await;
        assert!(
            node.exits[0].reason.contains("a test asked for it"),
            "{node:?}"
        );
        assert!(node.restarts_total >= 5, "{node:?}");
        for pane in [good, other] {
            let node = node_of(&client, &pane.to_string()).await.unwrap();
            assert_eq!((node.restarts_total, node.status.as_str()), (0, "running"));
            answers(&client, pane, "hello").await;
        }
        // Nobody decides about it any more, but it can be used and closed.
        answers(&client, bad, "hello").await;
        assert_eq!(
            client
                .panes()
                .await
                .iter()
                .map(|pane| pane.pid)
                .collect::<Vec<_>>(),
            pids
        );
        let ended = client
            .ok(ClosePane {
                pane: Target::from(bad),
                force: false,
                guarded: false,
            })
            .await;
        assert_eq!(ended.panes[0].survivors, Vec::<u32>::new());
        assert!(
            node_of(&client, &bad.to_string()).await.is_none(),
            "its node is still there"
        );
        assert_eq!(client.panes().await.len(), 2);
    });
}

#[test]
fn a_killed_keeper_costs_its_own_pane() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "trap '' HUP; (setsid sh -c 'trap \"\" HUP; sleep 301') & echo READY; sleep 302; echo later; sleep 303";
        let lost = client.session("s", line).await;
        let other = client.session("t", PROGRAM).await.pane_id;
        shows(&client, lost.pane_id, "READY").await;
        let marker = format!("FUGUE_PANE_ID={}", lost.pane_id);
        eventually("its processes", async || {
            (proc::marked(&marker).len() >= 3).then_some(())
        })
        .await;
        proc::signal(info(&client, lost.pane_id).await.keeper_pid, Signal::KILL);
        let status = client.exit(lost.pane_id).await;
        let Some(ExitStatus::Lost { reason }) = &status.exit else {
            panic!("{status:?}")
        };
        assert!(reason.contains("keeper"), "{reason}");
        assert!(client.text(lost.pane_id).await.contains("READY"));
        answers(&client, other, "hello").await;
        let ended = client
            .ok(ClosePane {
                pane: Target::from(lost.pane_id),
                force: false,
                guarded: false,
            })
            .await;
        assert_eq!(ended.panes[0].survivors, Vec::<u32>::new());
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        answers(&client, other, "again").await;
        eventually("nothing left", async || {
            (daemon.leftovers().len() == 2 && proc::zombies_of(daemon.pid).is_empty()).then_some(())
        })
        .await;
    });
}
