//! Waiting, progress and cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use protocol::reply::{ExpectOutcome, Expected, InputSent};
use protocol::{OrchestrationUuid, PaneUuid, Request};
use serde_json::json;
use tokio::sync::Notify;

use super::{simple, start};
use crate::fake::{self, Reply, at_once, until};

#[tokio::test]
async fn a_slow_call_delays_no_other() {
    let (mut client, daemon, _dir) = start(|request, _| match request {
        Request::Expect(_) => Box::pin(std::future::pending()),
        other => simple(other),
    })
    .await;
    let params = json!({"name": "fugue_expect", "arguments": {"pane_id": "a", "pattern": "x"}});
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(client.send("tools/call", params.clone()).await);
    }
    until("the waits are in the daemon", || {
        daemon.seen.methods().len() == 20
    })
    .await;
    let began = Instant::now();
    client.call("fugue_list_panes", json!({})).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    for (_, answer) in &mut slow {
        assert!(answer.try_recv().is_err());
    }
}

#[tokio::test]
async fn cancelling_a_wait_ends_it_in_the_daemon() {
    let (mut client, daemon, _dir) = start(|request, _| match request {
        Request::Expect(_) => Box::pin(std::future::pending()),
        other => simple(other),
    })
    .await;
    let params = json!({"name": "fugue_expect", "arguments": {"pane_id": "a", "until": "exit"}});
    let (id, _answer) = client.send("tools/call", params).await;
    until("the wait is in the daemon", || {
        daemon.seen.methods().len() == 1
    })
    .await;
    client
        .notify("notifications/cancelled", json!({"requestId": id}))
        .await;
    until("the daemon is told", || daemon.seen.cancels() == 1).await;
    assert_eq!(daemon.seen.methods(), ["expect"]);
}

/// A daemon with one orchestration that gets on by one command each time it is looked at, up to `stays`.
fn running_to(stays: usize) -> impl Fn(Request, Option<String>) -> Reply + Send + Sync + 'static {
    let (id, looks) = (OrchestrationUuid::new(), Arc::new(AtomicUsize::new(0)));
    move |request, _| match request {
        Request::RunParallel(_) => at_once(Ok(fake::orchestration(id, 0))),
        Request::CancelOrchestration(_) => at_once(Ok(fake::orchestration(id, 2))),
        Request::GetOrchestration(params) => {
            assert_eq!(params.orchestration_id, id);
            let done = (looks.fetch_add(1, Ordering::SeqCst) / 2).min(stays);
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(params.timeout_ms.min(20))).await;
                Ok(protocol::frame::to_bytes(&fake::orchestration(id, done)))
            })
        }
        other => simple(other),
    }
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_with_progress() {
    let (mut client, daemon, _dir) = start(running_to(2)).await;
    let params = json!({
        "name": "fugue_run_parallel",
        "arguments": {"commands": [{"command": "a"}, {"command": "b", "cwd": "/tmp"}], "output_lines": 5},
        "_meta": {"progressToken": "t"},
    });
    let answer = client.request("tools/call", params).await;
    let result = &answer["result"]["structuredContent"];
    assert_eq!(result["status"], "completed", "{answer}");
    assert_eq!(result["commands"][1]["exit_code"], 0);
    let requests = daemon.seen.requests();
    let Request::RunParallel(run) = &requests[0] else {
        panic!("{requests:?}")
    };
    assert_eq!(run.options.cleanup, Some(true));
    assert_eq!(run.options.timeout_ms, Some(300_000));
    assert_eq!(
        run.options.cwd.as_deref(),
        std::env::current_dir().unwrap().to_str()
    );
    assert_eq!(run.commands[1].cwd.as_deref(), Some("/tmp"));
    let notes = client.notifications.lock().unwrap().clone();
    let progress: Vec<f64> = notes
        .iter()
        .map(|n| n["params"]["progress"].as_f64().unwrap())
        .collect();
    assert!(
        progress.len() >= 2 && progress.is_sorted_by(|a, b| a < b),
        "{progress:?}"
    );
    assert!(
        notes
            .iter()
            .all(|n| n["params"]["progressToken"] == "t" && n["params"]["total"] == 2.0)
    );
    let message = notes[0]["params"]["message"].as_str().unwrap();
    assert_eq!(message, "0 of 2 done, running: task-1, task-2");
}

#[tokio::test]
async fn a_wait_that_runs_over_returns_a_handle() {
    let (mut client, daemon, _dir) = start(running_to(1)).await;
    let arguments = json!({"commands": [{"command": "a"}], "wait_timeout_ms": 200});
    let began = Instant::now();
    let result = client.call("fugue_run_parallel", arguments).await;
    assert!(
        (200..2_000).contains(&began.elapsed().as_millis()),
        "{:?}",
        began.elapsed()
    );
    let state = &result["structuredContent"];
    assert_eq!(state["status"], "running");
    let id = state["orchestration_id"].as_str().unwrap();
    assert!(state["hint"].as_str().unwrap().contains(id));
    assert!(!daemon.seen.methods().contains(&"cancel_orchestration"));
    let arguments = json!({"commands": [{"command": "a"}], "wait": false});
    let result = client.call("fugue_run_parallel", arguments).await;
    assert_eq!(result["structuredContent"]["status"], "running");
    assert_eq!(daemon.seen.methods().last(), Some(&"run_parallel"));
}

#[tokio::test]
async fn cancelling_a_run_cancels_its_orchestration() {
    let (mut client, daemon, _dir) = start(running_to(0)).await;
    let params =
        json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": "a"}]}});
    let (id, _answer) = client.send("tools/call", params).await;
    until("the run is waited for", || {
        daemon.seen.methods().contains(&"get_orchestration")
    })
    .await;
    client
        .notify(
            "notifications/cancelled",
            json!({"requestId": id, "reason": "enough"}),
        )
        .await;
    until("it is cancelled", || {
        daemon.seen.methods().contains(&"cancel_orchestration")
    })
    .await;
}

#[tokio::test]
async fn a_clients_time_limit_cancels_no_orchestration() {
    let (mut client, daemon, _dir) = start(running_to(0)).await;
    let params =
        json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": "a"}]}});
    let (id, _answer) = client.send("tools/call", params).await;
    until("the run is waited for", || {
        daemon.seen.methods().contains(&"get_orchestration")
    })
    .await;
    let told = json!({"requestId": id, "reason": "Request timed out"});
    client.notify("notifications/cancelled", told).await;
    until("nobody waits any more", || daemon.seen.cancels() > 0).await;
    assert!(!daemon.seen.methods().contains(&"cancel_orchestration"));
}

#[tokio::test]
async fn a_connection_that_ends_cancels_nothing() {
    let (mut client, daemon, _dir) = start(running_to(0)).await;
    let params =
        json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": "a"}]}});
    let (_, _answer) = client.send("tools/call", params).await;
    until("the run is waited for", || {
        daemon.seen.methods().contains(&"get_orchestration")
    })
    .await;
    client.close().await.unwrap();
    until("nobody waits any more", || daemon.seen.ends() > 0).await;
    assert!(!daemon.seen.methods().contains(&"cancel_orchestration"));
}

#[tokio::test]
async fn waits_show_that_they_live() {
    let shown = Arc::new(Notify::new());
    let ready = Arc::clone(&shown);
    let (mut client, _daemon, _dir) = start(move |request, _| match request {
        Request::Expect(params) => {
            let ready = Arc::clone(&ready);
            Box::pin(async move {
                ready.notified().await;
                assert_eq!(params.since.as_deref(), Some("c0"));
                at_once(Ok(Expected {
                    number: None,
                    context: fake::context(),
                    pane_id: PaneUuid::new(),
                    outcome: ExpectOutcome::Match,
                    text: Some("ready 80".into()),
                    line: None,
                    groups: vec![Some("80".into()), None],
                    cursor: "c2".into(),
                    status: fake::running(),
                    waited_ms: 300,
                    alternate: false,
                    output_idle_ms: None,
                }))
                .await
            })
        }
        other => simple(other),
    })
    .await;
    let params = json!({
        "name": "fugue_expect",
        "arguments": {"pane_id": "a", "pattern": "ready (\\d+)", "since": "c0"},
        "_meta": {"progressToken": 7},
    });
    let (_, answer) = client.send("tools/call", params).await;
    let notes = Arc::clone(&client.notifications);
    until("it is told three times", || {
        notes.lock().unwrap().len() >= 3
    })
    .await;
    shown.notify_one();
    let answer = tokio::time::timeout(fake::LIMIT, answer).await;
    let answer = answer.expect("an answer in time").unwrap();
    let result = &answer["result"];
    assert_eq!(result["structuredContent"]["groups"], json!(["80", null]));
    assert_eq!(result["structuredContent"]["match"], "ready 80");
    assert_eq!(result["structuredContent"]["status"], "running");
    assert_eq!(result["content"][0]["text"], "$ make\nline of 50");
    let line = result["content"][1]["text"].as_str().unwrap();
    assert!(
        line.starts_with("[match \"ready 80\" after 300 ms"),
        "{line}"
    );
    assert!(
        notes
            .lock()
            .unwrap()
            .iter()
            .all(|note| note["params"]["progressToken"] == 7)
    );
}

#[tokio::test]
async fn typing_can_bring_the_reply_along() {
    let (mut client, daemon, _dir) = start(|request, _| match request {
        Request::SendInput(_) => at_once(Ok(InputSent {
            context: fake::context(),
            pane_id: PaneUuid::new(),
            bytes: 5,
            cursor: "typed".into(),
            pasted: false,
            submitted: false,
        })),
        Request::Expect(params) => {
            let first = params.until == protocol::request::Until::Match;
            assert_eq!(params.since.as_deref(), Some("typed"));
            at_once(Ok(Expected {
                number: None,
                context: fake::context(),
                pane_id: PaneUuid::new(),
                outcome: if first {
                    ExpectOutcome::Match
                } else {
                    ExpectOutcome::Idle
                },
                text: None,
                line: None,
                groups: vec![],
                cursor: "c".into(),
                status: fake::running(),
                waited_ms: 1,
                alternate: false,
                output_idle_ms: None,
            }))
        }
        other => simple(other),
    })
    .await;
    let arguments = json!({"pane_id": "a", "input": "make", "submit": true, "read_after_ms": 500});
    let result = client.call("fugue_send_input", arguments).await;
    assert_eq!(
        daemon.seen.methods(),
        ["send_input", "expect", "expect", "read_pane"]
    );
    let requests = daemon.seen.requests();
    let Request::ReadPane(read) = &requests[3] else {
        panic!("{requests:?}")
    };
    assert_eq!(read.since.as_deref(), Some("typed"));
    assert_eq!(result["structuredContent"]["bytes"], 5);
    assert_eq!(result["structuredContent"]["outcome"], "idle");
    let text = result["content"][0]["text"].as_str().unwrap();
    // As it is: what is read on from the cursor goes on right after it.
    assert_eq!(text.trim_end(), "$ make\nline of 50");
    assert!(text.ends_with('\n'), "{text:?}");
    let result = client
        .call("fugue_send_input", json!({"pane_id": "a"}))
        .await;
    assert_eq!(
        result["structuredContent"]["error"]["code"],
        "invalid_argument"
    );
}
