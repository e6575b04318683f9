//! How a call ends before its answer: cancelled, it takes its run with it; with its connection gone,
//! the run goes on and its result is kept.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{daemon, panes, result};
use crate::support::daemon::{Client, Daemon};
use crate::support::http::{Http, head, legacy_call};
use crate::support::mcp::Mcp;
use crate::support::{LIMIT, eventually, run};

fn job(line: &str) -> Value {
    let commands: Vec<Value> = (0..4).map(|_| json!({"command": line})).collect();
    json!({"commands": commands, "wait_timeout_ms": 60_000, "output_lines": 2})
}

async fn begun(client: &Client) {
    eventually("the run began", async || {
        (panes(client).await == 4).then_some(())
    })
    .await;
}

/// The only run, once it is final.
async fn only_run(daemon: &Daemon) -> Value {
    let mcp = Mcp::start(daemon).await;
    let run = eventually("the run ended", async || {
        let runs = mcp.ok("fugue_get_orchestration", json!({})).await;
        let runs = runs["orchestrations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert_eq!(runs.len(), 1, "{runs:?}");
        let id = runs[0]["orchestration_id"].clone();
        let run = mcp
            .ok("fugue_get_orchestration", json!({"orchestration_id": id}))
            .await;
        (run["status"] != "running").then_some(run)
    });
    let run = run.await;
    mcp.end().await;
    run
}

async fn all_gone(client: &Client, since: Instant) {
    eventually("the panes are gone", async || {
        (panes(client).await == 0).then_some(())
    })
    .await;
    assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
}

#[test]
fn a_cancelled_call_takes_its_run_with_it() {
    run(async {
        let daemon = daemon();
        let client = daemon.client().await;
        let mcp = Mcp::start(&daemon).await;
        let params = json!({"name": "fugue_run_parallel", "arguments": job("sleep 600")});
        let (id, mut reply) = mcp.begin("tools/call", params).await;
        begun(&client).await;
        let asked = Instant::now();
        mcp.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string()).await;
        all_gone(&client, asked).await;
        assert_eq!(only_run(&daemon).await["status"], "cancelled");
        assert!(reply.try_recv().is_err(), "a cancelled call has no reply");
        mcp.end().await;
    });
}

#[test]
fn a_call_cancelled_in_an_http_session_takes_its_run_with_it() {
    run(async {
        let daemon = daemon();
        let client = daemon.client().await;
        let http = Http::of(&daemon).await;
        let session = http.session().await;
        let _stream = begin_in(&http, &session).await;
        begun(&client).await;
        let asked = Instant::now();
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
        let answer = http.post(&cancel, &[("mcp-session-id", &session)]).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        all_gone(&client, asked).await;
        assert_eq!(only_run(&daemon).await["status"], "cancelled");
    });
}

/// A run as call 5 of a session, on a connection that stays open.
async fn begin_in(http: &Http, session: &str) -> tokio::net::TcpStream {
    let body = legacy_call(5, "fugue_run_parallel", &job("sleep 600")).to_string();
    let honest = http.honest();
    let mut headers: Vec<(&str, &str)> = honest.iter().map(|(n, v)| (*n, v.as_str())).collect();
    headers.push(("mcp-session-id", session));
    let mut stream = http.connect().await;
    let text = head("POST /mcp", &headers, Some(body.len())) + &body;
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

#[test]
fn a_run_outlives_the_client_that_was_killed() {
    run(async {
        let daemon = daemon();
        let client = daemon.client().await;
        let mut mcp = Mcp::start(&daemon).await;
        let params =
            json!({"name": "fugue_run_parallel", "arguments": job("sleep 1; echo through")});
        let (_, _reply) = mcp.begin("tools/call", params).await;
        begun(&client).await;
        mcp.child.kill().await.unwrap();
        let run = only_run(&daemon).await;
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(run["commands"][3]["output"], "through", "{run}");
    });
}

#[test]
fn a_run_outlives_its_http_connection() {
    run(async {
        let daemon = daemon();
        let client = daemon.client().await;
        let http = Http::of(&daemon).await;
        let text = http.call_text(1, "fugue_run_parallel", &job("sleep 1; echo through"));
        let mut stream = http.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        begun(&client).await;
        drop(stream);
        let run = only_run(&daemon).await;
        assert_eq!(run["status"], "completed", "{run}");
        let id = &run["orchestration_id"];
        let kept = http
            .tool(
                2,
                "fugue_get_orchestration",
                &json!({"orchestration_id": id}),
            )
            .await;
        assert_eq!(result(&kept)["commands"][0]["output"], "through", "{kept}");
    });
}

#[test]
fn a_run_outlives_its_http_session() {
    run(async {
        let daemon = daemon();
        let client = daemon.client().await;
        let http = Http::of(&daemon).await;
        let session = http.session().await;
        let stream = begin_in(&http, &session).await;
        begun(&client).await;
        let token = format!("Bearer {}", http.token);
        let headers = [
            ("host", http.address.as_str()),
            ("authorization", &token),
            ("mcp-session-id", &session),
        ];
        let ended = http.send("DELETE /mcp", &headers, "").await;
        assert_eq!(ended.status, 204, "{ended:?}");
        drop(stream);
        // Its end is told to the session's calls within moments; a run that it took along would go then.
        let listed = http.tool(3, "fugue_get_orchestration", &json!({})).await;
        let id = result(&listed)["orchestrations"][0]["orchestration_id"].clone();
        let waited = http
            .tool(
                4,
                "fugue_get_orchestration",
                &json!({"orchestration_id": id, "wait": true, "timeout_ms": 7_000}),
            )
            .await;
        assert_eq!(result(&waited)["status"], "running", "{waited}");
        assert_eq!(panes(&client).await, 4);
        let ended = http
            .tool(
                5,
                "fugue_cancel_orchestration",
                &json!({"orchestration_id": id}),
            )
            .await;
        assert_eq!(result(&ended)["status"], "cancelled", "{ended}");
    });
}
