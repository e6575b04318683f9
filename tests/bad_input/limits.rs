//! Limits of the configuration hold exactly, also when many come at once; repeated requests act once.

use futures_util::future::join_all;
use protocol::frame::to_bytes;
use protocol::reply::PaneCreated;
use protocol::request::{Call, ClosePane, CreateSession, KillSession};
use protocol::{Error, ErrorCode, Target, transport};

use super::{peopled, world};
use crate::support::LIMIT;
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::view::named;
use crate::support::{eventually, proc, run};

fn create() -> CreateSession {
    CreateSession {
        pane: shell("exec sleep 600"),
        ..CreateSession::default()
    }
}

#[test]
fn there_are_never_more_panes_than_allowed() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\nmax_panes = 3\n");
        let client = daemon.client().await;
        for round in 0..3 {
            let made = join_all((0..12).map(|_| client.call(create()))).await;
            let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
            assert_eq!(made.len(), 3, "round {round}");
            for error in refused.into_iter().map(Result::unwrap_err) {
                assert_eq!(error.code, ErrorCode::Limit, "{error}");
                assert!(error.hint.contains("max_panes"), "{error}");
            }
            assert_eq!(
                (client.sessions().await.len(), client.panes().await.len()),
                (3, 3)
            );
            for made in made.into_iter().map(Result::unwrap) {
                assert_eq!(
                    client.call(create()).await.unwrap_err().code,
                    ErrorCode::Limit
                );
                client
                    .ok(ClosePane {
                        pane: Target::from(made.pane_id),
                        force: true,
                        guarded: false,
                    })
                    .await;
                let again = client.ok(create()).await;
                client
                    .ok(KillSession {
                        session: Target::from(again.context.session_id),
                        guarded: false,
                    })
                    .await;
                let filler = client.ok(create()).await;
                assert_eq!(client.panes().await.len(), 3, "{}", filler.pane_id);
            }
            for session in client.sessions().await {
                client
                    .ok(KillSession {
                        session: Target::from(session.session_id),
                        guarded: false,
                    })
                    .await;
            }
            // A program that could not be started takes no room.
            let bad = protocol::request::PaneSpec {
                program: protocol::request::Program::Argv(vec!["no-such-program".into()]),
                ..Default::default()
            };
            for _ in 0..5 {
                let error = client
                    .call(CreateSession {
                        pane: bad.clone(),
                        ..CreateSession::default()
                    })
                    .await
                    .unwrap_err();
                assert_eq!(error.code, ErrorCode::SpawnFailed, "{error}");
            }
        }
    });
}

#[test]
fn there_are_never_more_clients_than_allowed() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\nmax_clients = 5\n");
        for round in 0..5 {
            let open = || async {
                let hello = transport::client_hello("crowd");
                let (connection, events) = transport::connect(&daemon.socket(), hello).await?;
                Ok::<_, Error>(Client { connection, events })
            };
            // Those of the round before are gone a moment later.
            eventually("room", async || {
                let client = open().await.ok()?;
                (client.ok(protocol::request::Status {}).await.clients == 1).then_some(())
            })
            .await;
            eventually("five of twenty", async || {
                let opened = join_all((0..20).map(|_| open())).await;
                let (served, refused): (Vec<_>, Vec<_>) =
                    opened.into_iter().partition(Result::is_ok);
                assert!(served.len() <= 5, "round {round}: {}", served.len());
                for error in refused.into_iter().filter_map(Result::err) {
                    assert_eq!(error.code, ErrorCode::Limit, "{error}");
                    assert!(error.hint.contains("max_clients"), "{error}");
                }
                (served.len() == 5).then_some(())
            })
            .await;
        }
    });
}

async fn keyed(client: &Client, key: &str, params: &CreateSession) -> Result<PaneCreated, Error> {
    client
        .connection
        .call_with_key(params, Some(key.to_owned()), LIMIT)
        .await
}

#[test]
fn a_repeated_request_acts_once() {
    run(async {
        let daemon = Daemon::start();
        let (one, two) = (daemon.client().await, daemon.client().await);
        let clients = [&one, &two];
        let params = create();
        let made = join_all((0..20).map(|index| keyed(clients[index % 2], "key", &params))).await;
        let first = made[0].as_ref().unwrap().pane_id;
        for made in &made {
            assert_eq!(made.as_ref().unwrap().pane_id, first);
        }
        assert_eq!(one.panes().await.len(), 1);
        let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
        assert_eq!(
            proc::marked(&marker).len(),
            2,
            "the daemon's keeper has it by inheritance, and the program"
        );
        assert_ne!(
            keyed(&one, "other", &create()).await.unwrap().pane_id,
            first
        );
        let before = world(&daemon, &one).await;
        let different = CreateSession {
            tags: vec!["x".into()],
            ..create()
        };
        let error = keyed(&two, "key", &different).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        let kill = to_bytes(&KillSession {
            session: named("s1"),
            guarded: false,
        });
        let error = one
            .connection
            .call_raw(KillSession::METHOD, kill, Some("key".into()), LIMIT)
            .await
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        for key in ["", &"k".repeat(257), &"k".repeat(1_000_000)] {
            let error = keyed(&one, key, &create()).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        }
        assert_eq!(world(&daemon, &one).await, before);
        // The result is remembered, not the pane.
        one.ok(ClosePane {
            pane: Target::from(first),
            force: true,
            guarded: false,
        })
        .await;
        assert_eq!(keyed(&two, "key", &create()).await.unwrap().pane_id, first);
    });
}

#[test]
fn a_caller_that_goes_away_leaves_a_whole_session_or_none() {
    run(async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        for _ in 0..10 {
            let other = daemon.client().await;
            let asked = other.call(create());
            let _ = tokio::time::timeout(std::time::Duration::from_millis(1), asked).await;
        }
        // Whoever left before the request was sent has made none.
        let sessions = eventually("whole sessions", async || {
            let sessions = client.sessions().await;
            let whole = sessions.iter().all(|session| session.panes > 0);
            whole.then_some(sessions.len())
        })
        .await;
        assert!((3..=13).contains(&sessions), "{sessions}");
    });
}
