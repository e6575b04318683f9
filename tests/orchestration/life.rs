//! Ends of every kind: time limits, cancels, sessions of others, actors that fail, callers that go away.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::id::OrchestrationUuid;
use protocol::reply::RunStatus;
use protocol::request::{
    CancelOrchestration, CreatePane, GetOrchestration, KillSession, ListOrchestrations, RunOptions,
};
use protocol::{ErrorCode, Target};

use super::{
    assert_nothing_left, cancel, end, in_session, limited, named, now, outputs, pane_ids, parallel,
    pipeline, run_parallel, running, status_of, statuses,
};
use crate::support::daemon::{shell, with_daemon};
use crate::support::eventually;

#[test]
fn a_time_limit_keeps_what_has_finished() {
    with_daemon(async |daemon, client| {
        let mut params = parallel(
            &[
                "echo quick",
                "echo before; sleep 300 & sleep 300",
                "trap '' HUP TERM; echo stubborn; sleep 300",
                "sleep 300",
                "true",
            ],
            RunOptions {
                output_lines: 5,
                ..limited(700)
            },
        );
        params.max_parallel = Some(3);
        let ended = run_parallel(&client, params).await;
        assert_eq!(ended.status, RunStatus::Timeout);
        let timeout = RunStatus::Timeout;
        assert_eq!(
            statuses(&ended),
            [RunStatus::Completed, timeout, timeout, timeout, timeout]
        );
        assert_eq!(&outputs(&ended)[..3], ["quick", "before", "stubborn"]);
        let waiting = &ended.commands[4];
        assert!(
            waiting.pane_id.is_none() && waiting.error.is_some(),
            "{waiting:?}"
        );
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_cancel_waits_for_the_clean_up() {
    with_daemon(async |daemon, client| {
        let begun = client
            .ok(parallel(
                &["sleep 300", "sleep 301 & wait"],
                RunOptions::default(),
            ))
            .await;
        running(&client, &begun, 2).await;
        let cancelled = cancel(&client, &begun).await;
        assert_eq!(cancelled.status, RunStatus::Cancelled);
        assert_eq!(statuses(&cancelled), [RunStatus::Cancelled; 2]);
        assert_nothing_left(&daemon, &client, &cancelled).await;
        let again = cancel(&client, &begun).await;
        assert_eq!(
            again.version, cancelled.version,
            "an ended one stays as it is"
        );

        let unknown = CancelOrchestration {
            orchestration_id: OrchestrationUuid::new(),
        };
        let error = client.call(unknown).await.expect_err("nobody has that id");
        assert_eq!(error.code, ErrorCode::NotFound);
    });
}

#[test]
fn a_cancel_before_anything_runs() {
    with_daemon(async |daemon, client| {
        for _ in 0..5 {
            let begun = client
                .ok(parallel(&["sleep 300"; 40], RunOptions::default()))
                .await;
            let cancelled = cancel(&client, &begun).await;
            assert_eq!(statuses(&cancelled), [RunStatus::Cancelled; 40]);
            assert_nothing_left(&daemon, &client, &cancelled).await;
        }
    });
}

#[test]
fn concurrent_callers_share_one_new_session() {
    with_daemon(async |daemon, client| {
        for round in 0..5 {
            let name = format!("shared-{round}");
            let all =
                (0..8).map(|_| run_parallel(&client, parallel(&["true", "true"], named(&name))));
            let ended = futures_util::future::join_all(all).await;
            for one in &ended {
                assert_eq!(one.status, RunStatus::Completed, "{one:?}");
                assert_eq!(one.context.session_name.as_str(), name);
            }
            assert!(ended.iter().any(|one| one.session_created));
            // As many were made as there were ids: never two at a time under one name.
            let made = ended.iter().filter(|one| one.session_created).count();
            let ids: BTreeSet<_> = ended.iter().map(|one| one.context.session_id).collect();
            assert_eq!(ids.len(), made);
            assert_nothing_left(&daemon, &client, &ended[0]).await;
        }
    });
}

#[test]
fn a_session_of_others_stays() {
    with_daemon(async |_daemon, client| {
        let made = client.session("mine", "sleep 300").await;
        for options in [named("mine"), in_session(made.context.session_id)] {
            let ended = run_parallel(&client, parallel(&["true", "false"], options)).await;
            assert!(!ended.session_created);
            assert_eq!(ended.context.session_id, made.context.session_id);
        }
        assert_eq!(pane_ids(&client).await, [made.pane_id]);
    });
}

#[test]
fn a_pane_that_somebody_added_keeps_the_session() {
    with_daemon(async |_daemon, client| {
        let begun = client.ok(parallel(&["sleep 300"], named("ours"))).await;
        running(&client, &begun, 1).await;
        let added = client
            .ok(CreatePane {
                session: Some(Target::parse("ours").unwrap()),
                pane: shell("sleep 300"),
                ..CreatePane::default()
            })
            .await;
        let ended = cancel(&client, &begun).await;
        assert!(ended.session_created);
        assert_eq!(pane_ids(&client).await, [added.pane_id]);
        assert_eq!(client.sessions().await.len(), 1);
    });
}

#[test]
fn kept_panes_keep_their_session() {
    with_daemon(async |daemon, client| {
        let keep = RunOptions {
            cleanup: Some(false),
            ..limited(500)
        };
        let ended = run_parallel(
            &client,
            parallel(&["echo one", "echo two; sleep 300"], keep),
        )
        .await;
        assert_eq!(ended.status, RunStatus::Timeout);
        let kept = client.panes().await;
        assert_eq!(kept.len(), 2);
        assert!(
            kept.iter().all(|pane| pane.status.exit.is_some()),
            "{kept:?}"
        );
        assert_eq!(
            client.text(ended.commands[1].pane_id.unwrap()).await.trim(),
            "two"
        );
        client
            .ok(KillSession {
                session: Target::from(ended.context.session_id),
                guarded: false,
            })
            .await;
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn an_orchestration_survives_its_actor() {
    with_daemon(async |daemon, client| {
        let dir = tempfile::tempdir().unwrap();
        let go = dir.path().join("go");
        let line = format!("until [ -e {} ]; do sleep 0.02; done; exit 4", go.display());
        let mut params = parallel(&[&line, &line, "exit 5", "true"], RunOptions::default());
        params.max_parallel = Some(2);
        let begun = client.ok(params).await;
        let steps = client.ok(pipeline(
            &["cd /", &line, "true"],
            RunOptions {
                cleanup: Some(true),
                ..RunOptions::default()
            },
        ));
        let steps = steps.await;
        running(&client, &begun, 2).await;
        for one in [&begun, &steps] {
            let version = now(&client, one.orchestration_id).await.version;
            client
                .crash("orchestration", one.orchestration_id)
                .await
                .unwrap();
            assert!(now(&client, one.orchestration_id).await.version >= version);
        }
        std::fs::write(&go, "").unwrap();
        let ended = end(&client, &begun).await;
        let codes: Vec<_> = ended.commands.iter().map(|c| c.exit_code).collect();
        assert_eq!(codes, [Some(4), Some(4), Some(5), Some(0)]);
        let ended = end(&client, &steps).await;
        assert_eq!(ended.failed_at.as_deref(), Some("step-2"));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn no_moment_is_a_bad_one_for_a_crash() {
    with_daemon(async |daemon, client| {
        let lines: Vec<_> = (0..12)
            .map(|n| format!("sleep 0.0{}; exit {n}", n % 3))
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        for round in 0..6u64 {
            let mut params = parallel(&lines, RunOptions::default());
            params.max_parallel = Some(3);
            let begun = client.ok(params).await;
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(3 * round)).await;
                // There may be no actor at this moment.
                let _ = client.crash("orchestration", begun.orchestration_id).await;
            }
            let ended = end(&client, &begun).await;
            let codes: Vec<_> = ended.commands.iter().filter_map(|c| c.exit_code).collect();
            assert_eq!(codes, (0..12).collect::<Vec<_>>(), "round {round}");
            assert_nothing_left(&daemon, &client, &ended).await;
        }
    });
}

#[test]
fn an_actor_that_is_given_up_leaves_nothing() {
    with_daemon(async |daemon, client| {
        let begun = client
            .ok(parallel(&["sleep 300", "true"], RunOptions::default()))
            .await;
        status_of(&client, &begun, 0, RunStatus::Running).await;
        status_of(&client, &begun, 1, RunStatus::Completed).await;
        eventually("it is given up", async || {
            // Refused while there is no actor: then it may be on its way back.
            let _ = client.crash("orchestration", begun.orchestration_id).await;
            let now = now(&client, begun.orchestration_id).await;
            now.status.is_final().then_some(())
        })
        .await;
        let ended = now(&client, begun.orchestration_id).await;
        assert_eq!(ended.status, RunStatus::Failed);
        assert_eq!(statuses(&ended), [RunStatus::Failed, RunStatus::Completed]);
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_caller_that_goes_away_ends_nothing() {
    with_daemon(async |daemon, client| {
        let caller = daemon.client().await;
        let begun = caller
            .ok(parallel(&["sleep 0.5; exit 3"], RunOptions::default()))
            .await;
        drop(caller);
        let ended = end(&client, &begun).await;
        assert_eq!(ended.commands[0].exit_code, Some(3));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_session_that_is_killed_ends_its_orchestrations() {
    with_daemon(async |daemon, client| {
        let mut params = parallel(&["sleep 300"; 4], named("ours"));
        params.max_parallel = Some(2);
        let begun = client.ok(params).await;
        running(&client, &begun, 2).await;
        client
            .ok(KillSession {
                session: Target::parse("ours").unwrap(),
                guarded: false,
            })
            .await;
        let ended = end(&client, &begun).await;
        assert_eq!(statuses(&ended), [RunStatus::Failed; 4]);
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn changes_are_waited_for() {
    with_daemon(async |_daemon, client| {
        let begun = client
            .ok(parallel(&["sleep 0.3", "sleep 0.6"], RunOptions::default()))
            .await;
        let (mut version, mut seen) = (begun.version, 0);
        loop {
            let next = client
                .ok(GetOrchestration {
                    orchestration_id: begun.orchestration_id,
                    after_version: Some(version),
                    wait: false,
                    timeout_ms: 10_000,
                })
                .await;
            assert!(next.version > version, "a wait ends with a change");
            version = next.version;
            seen += 1;
            if next.status.is_final() {
                break;
            }
        }
        assert!(seen >= 3, "{seen} changes");

        let begun = client
            .ok(parallel(&["sleep 300"], RunOptions::default()))
            .await;
        let asked = Instant::now();
        let still = client
            .ok(GetOrchestration {
                orchestration_id: begun.orchestration_id,
                after_version: None,
                wait: true,
                timeout_ms: 100,
            })
            .await;
        assert_eq!(still.status, RunStatus::Running);
        assert!(asked.elapsed() >= Duration::from_millis(100));
        let listed = client.ok(ListOrchestrations {}).await.orchestrations;
        assert_eq!(listed.len(), 2);
        assert_eq!(
            listed[0].orchestration_id, begun.orchestration_id,
            "newest first"
        );
        cancel(&client, &begun).await;
    });
}
