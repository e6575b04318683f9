//! What fails in sessions and clients.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use protocol::reply::{ExitStatus, PaneInfo, TreeNode};
use protocol::request::{
    CreatePane, CreateWindow, GetSession, ListWindows, Status, Tree, UpdateSession, Whoami,
};
use protocol::{ErrorCode, Name};

use super::{PROGRAM, answers, info, read, restarted, shows};
use crate::support::daemon::{Daemon, shell};
use crate::support::pane::input;
use crate::support::view::{attach, named};
use crate::support::{eventually, run};

#[test]
fn a_sessions_actor_fails_and_everything_it_knew_is_there() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("s", PROGRAM).await;
        let split = CreatePane {
            session: Some(named("s")),
            ratio: Some(0.3),
            pane: shell("exec sleep 600"),
            ..CreatePane::default()
        };
        client.ok(split).await;
        let window = CreateWindow {
            session: Some(named("s")),
            name: Some(Name::new("w").unwrap()),
            pane: shell("exec sleep 600"),
            select: true,
        };
        client.ok(window).await;
        let update = UpdateSession {
            session: Some(named("s")),
            name: Some(Name::new("renamed").unwrap()),
            environment: BTreeMap::from([("KEY".to_owned(), Some("value".to_owned()))]),
            tags: Some(vec!["tag".to_owned()]),
            metadata: BTreeMap::from([("m".to_owned(), Some("1".to_owned()))]),
            select: false,
        };
        client.ok(update).await;
        let clients = [
            daemon.client().await,
            daemon.client().await,
            daemon.client().await,
        ];
        for client in &clients {
            client.attach(1, named("renamed")).await;
        }
        let detail = || async {
            client
                .ok(GetSession {
                    session: Some(named("renamed")),
                })
                .await
        };
        let windows = || async {
            client
                .ok(ListWindows {
                    session: Some(named("renamed")),
                })
                .await
        };
        let (before, layout, panes) = (detail().await, windows().await, client.panes().await);
        client.crash("session", named("renamed")).await.unwrap();
        let path = format!("sessions/{}/state", made.context.session_id);
        eventually("its restart", async || {
            let tree = client.ok(Tree::default()).await;
            let state = find_path(&tree, &path)?;
            (state.restarts_total == 1 && state.status == "running").then_some(())
        })
        .await;
        let after = detail().await;
        assert_eq!(after, before);
        assert_eq!(windows().await, layout);
        let ids = |panes: &[PaneInfo]| {
            panes
                .iter()
                .map(|p| (p.pane_id, p.pid, p.size))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&client.panes().await), ids(&panes));
        assert_eq!(after.session.attached_clients, 3);
        clients[0].detach(1).await.unwrap();
        assert_eq!(client.attached("renamed").await, 2);
        let env = CreateWindow {
            session: Some(named("renamed")),
            pane: shell("echo key=$KEY; exec sleep 600"),
            ..CreateWindow::default()
        };
        let pane = client.ok(env).await.pane_id;
        shows(&client, pane, "key=value").await;
        answers(&client, made.pane_id, "hello").await;
    });
}

fn find_path<'a>(tree: &'a TreeNode, path: &str) -> Option<&'a TreeNode> {
    if tree.path.ends_with(path) {
        return Some(tree);
    }
    tree.children
        .iter()
        .find_map(|child| find_path(child, path))
}

#[test]
fn clients_that_come_and_go_while_the_sessions_actor_is_restarted_are_counted() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for round in 0..10 {
            let name = format!("s{round}");
            client.session(&name, "exec sleep 600").await;
            let stays = daemon.client().await;
            let leaves = daemon.client().await;
            let comes = daemon.client().await;
            let dies = [daemon.client().await, daemon.client().await];
            for client in [&stays, &leaves, &dies[0], &dies[1]] {
                client.attach(1, named(&name)).await;
            }
            let crash = async {
                for _ in 0..3 {
                    eventually("an actor to fail", async || {
                        client.crash("session", named(&name)).await.ok()
                    })
                    .await;
                }
            };
            let leave = async {
                eventually("the detach", async || leaves.detach(1).await.ok()).await;
            };
            let come = async {
                eventually("the attach", async || {
                    comes.call(attach(1, named(&name))).await.ok()
                })
                .await;
            };
            let die = async { drop(dies) };
            tokio::join!(crash, leave, come, die);
            eventually(&format!("two in round {round}"), async || {
                (client.attached(&name).await == 2).then_some(())
            })
            .await;
            drop((stays, leaves, comes));
            eventually("none", async || {
                (client.attached(&name).await == 0).then_some(())
            })
            .await;
        }
    });
}

#[test]
fn who_attaches_while_the_sessions_actor_fails_is_attached() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for round in 0..5 {
            let name = format!("s{round}");
            client.session(&name, "exec sleep 600").await;
            let mut comes = Vec::new();
            for _ in 0..8 {
                comes.push(daemon.client().await);
            }
            let come = join_all(comes.iter().map(|come| come.ok(attach(1, named(&name)))));
            let (crashed, _) = tokio::join!(client.crash("session", named(&name)), come);
            crashed.unwrap();
            assert_eq!(client.attached(&name).await, 8);
        }
    });
}

#[test]
fn a_session_whose_actor_fails_again_and_again_keeps_its_programs() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("s", PROGRAM).await.pane_id;
        let other = client.session("other", PROGRAM).await;
        shows(&client, pane, "READY").await;
        shows(&client, other.pane_id, "READY").await;
        let (before, text) = (info(&client, pane).await, read(&client, pane).await);
        for _ in 0..8 {
            eventually("an actor to fail", async || {
                client.crash("session", named("s")).await.ok()
            })
            .await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        eventually("an actor that works", async || {
            client
                .call(UpdateSession {
                    session: Some(named("s")),
                    select: true,
                    ..UpdateSession::default()
                })
                .await
                .ok()
        })
        .await;
        assert_eq!(info(&client, pane).await.pid, before.pid);
        assert_eq!(read(&client, pane).await, text);
        answers(&client, pane, "hello").await;
        restarted(&client, &pane.to_string(), 0).await;
        let tree = client.ok(Tree::default()).await;
        let state = find_path(&tree, &format!("{}/state", other.context.session_id)).unwrap();
        assert_eq!(state.restarts_total, 0);
        client.ok(input(pane, "end")).await;
        assert_eq!(
            client.exit(pane).await.exit,
            Some(ExitStatus::Exited { code: 5 })
        );
    });
}

#[test]
fn a_clients_actor_fails_and_only_its_connection_is_closed() {
    run(async {
        let daemon = Daemon::start();
        let (one, two) = (
            daemon.client_named("one").await,
            daemon.client_named("two").await,
        );
        one.session("s", "exec sleep 600").await;
        one.attach(1, named("s")).await;
        two.attach(1, named("s")).await;
        // The name is told to the actor after the hello.
        eventually("the crash", async || one.crash("client", "two").await.ok()).await;
        two.connection.closed().await;
        eventually("one client", async || {
            (one.attached("s").await == 1).then_some(())
        })
        .await;
        assert_eq!(one.ok(Status {}).await.clients, 1);
        let error = two.call(Whoami {}).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ServerUnreachable, "{error}");
    });
}
