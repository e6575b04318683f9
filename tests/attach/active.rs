//! Which session is meant when none is named.

use std::time::{Duration, Instant};

use protocol::ErrorCode;
use protocol::request::{
    Attach, CreatePane, CreateWindow, GetSession, KillSession, ListPanes, UpdateSession, Whoami,
};

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::view::{attach, named};
use crate::support::{eventually, run};

async fn active(client: &Client) -> String {
    let sessions = client.sessions().await;
    let active: Vec<_> = sessions.iter().filter(|session| session.active).collect();
    assert_eq!(active.len(), 1, "{sessions:?}");
    active[0].name.to_string()
}

/// Later than everything before: use is counted in milliseconds.
async fn next_millisecond() {
    let now = Instant::now();
    while now.elapsed() < Duration::from_millis(2) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn the_active_session_has_most_clients_then_the_latest_use_then_is_the_newest() {
    run(async {
        let daemon = Daemon::start();
        let (one, two, three) = (
            daemon.client().await,
            daemon.client().await,
            daemon.client().await,
        );
        let error = one.call(ListPanes::default()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NoSession, "{error}");
        for name in ["a", "b", "c"] {
            one.session(name, "exec sleep 600").await;
            next_millisecond().await;
        }
        assert_eq!(active(&one).await, "c", "the newest was used last");
        let told = one.ok(Whoami {}).await.active.unwrap();
        assert_eq!(told.session_name.as_str(), "c");
        let select = UpdateSession {
            session: Some(named("a")),
            select: true,
            ..UpdateSession::default()
        };
        one.ok(select).await;
        assert_eq!(active(&one).await, "a", "it was selected");
        next_millisecond().await;
        two.attach(1, named("b")).await;
        assert_eq!(active(&one).await, "b", "it alone has a client");
        next_millisecond().await;
        three.attach(1, named("c")).await;
        assert_eq!(active(&one).await, "c", "as many, used later");
        next_millisecond().await;
        two.types(1, "x").await;
        eventually("b by input", async || {
            (active(&one).await == "b").then_some(())
        })
        .await;
        two.attach(2, named("b")).await;
        next_millisecond().await;
        three.types(1, "x").await;
        eventually("two views are one client", async || {
            (active(&one).await == "c").then_some(())
        })
        .await;
        two.attach(3, named("c")).await;
        assert_eq!(active(&one).await, "c", "two against one");
        next_millisecond().await;
        two.types(1, "x").await;
        assert_eq!(active(&one).await, "c", "input does not outweigh clients");
        drop(three);
        eventually("b again", async || {
            (active(&one).await == "b").then_some(())
        })
        .await;
        two.detach(3).await.unwrap();
        two.detach(1).await.unwrap();
        two.detach(2).await.unwrap();
        one.ok(KillSession {
            session: named("b"),
            guarded: false,
        })
        .await;
        assert_eq!(active(&one).await, "c");
    });
}

#[test]
fn defaults_are_the_callers_own_session_and_then_the_active_one() {
    run(async {
        let daemon = Daemon::start();
        let one = daemon.client().await;
        let own = one.session("own", "exec sleep 600").await;
        next_millisecond().await;
        let other = one.session("other", "exec sleep 600").await;
        let inside = daemon.client_inside(own.pane_id).await;
        let whoami = inside.ok(Whoami {}).await;
        assert_eq!(whoami.session.unwrap().session_id, own.context.session_id);
        assert_eq!(
            (whoami.pane_id, whoami.window_id),
            (Some(own.pane_id), Some(own.window_id))
        );
        assert_eq!(whoami.active.unwrap().session_id, other.context.session_id);
        for (client, place) in [(&inside, &own), (&one, &other)] {
            let id = place.context.session_id;
            assert_eq!(
                client.ok(ListPanes::default()).await.context.unwrap(),
                place.context
            );
            assert_eq!(
                client.ok(GetSession::default()).await.context,
                place.context
            );
            let pane = CreatePane {
                pane: shell("exec sleep 600"),
                ..CreatePane::default()
            };
            assert_eq!(client.ok(pane).await.context, place.context);
            let window = CreateWindow {
                pane: shell("exec sleep 600"),
                ..CreateWindow::default()
            };
            assert_eq!(client.ok(window).await.context.session_id, id);
            // Creating counts as use, so the other one is to be selected for the next round.
            next_millisecond().await;
            let select = UpdateSession {
                session: Some(named("other")),
                select: true,
                ..UpdateSession::default()
            };
            one.ok(select).await;
        }
        let attached = inside
            .ok(Attach {
                session: None,
                ..attach(1, named("x"))
            })
            .await;
        assert_eq!(attached.context, own.context, "a view without a target");
        let explicit = inside
            .ok(ListPanes {
                session: Some(named("other")),
                ..ListPanes::default()
            })
            .await;
        assert_eq!(
            explicit.context.unwrap(),
            other.context,
            "a named one goes before"
        );
        inside.detach(1).await.unwrap();
        one.ok(KillSession {
            session: named("own"),
            guarded: false,
        })
        .await;
        assert_eq!(
            inside.ok(GetSession::default()).await.context,
            other.context,
            "its own is gone"
        );
    });
}
