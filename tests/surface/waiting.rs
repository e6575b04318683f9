//! Long waits: progress, cancellation, tasks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::stdio::Mcp;
use crate::support::{eventually, run, run_within};

const TASKS: &str = "io.modelcontextprotocol/tasks";

fn with_tasks() -> Value {
    json!({"extensions": {TASKS: {}}})
}

async fn call(mcp: &Mcp, tool: &str, arguments: Value) -> Value {
    let answer = mcp
        .ask("tools/call", json!({"name": tool, "arguments": arguments}))
        .await;
    assert!(answer["result"].is_object(), "{answer}");
    answer["result"].clone()
}

async fn task(mcp: &Mcp, id: &Value) -> Value {
    let answer = mcp.ask("tasks/get", json!({"taskId": id})).await;
    assert!(answer["result"].is_object(), "{answer}");
    answer["result"].clone()
}

/// The task once it has this status.
async fn reached(mcp: &Mcp, id: &Value, status: &str) -> Value {
    eventually(status, async || {
        let task = task(mcp, id).await;
        (task["status"] == status).then_some(task)
    })
    .await
}

#[test]
fn a_long_run_is_a_task_that_any_connection_finds() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::launch(&daemon, &[]);
        let offered = mcp.initialize(with_tasks()).await;
        assert_eq!(offered["capabilities"]["extensions"][TASKS], json!({}));
        // What is done at once is answered at once.
        let quick = json!({"commands": [{"command": "exit 3"}], "wait_timeout_ms": 60_000});
        let result = call(&mcp, "fugue_run_parallel", quick).await;
        assert_eq!(result["structuredContent"]["status"], "failed", "{result}");
        let commands = json!([{"command": "echo out; sleep 3", "name": "slow"}]);
        let long = json!({"commands": commands, "wait_timeout_ms": 60_000, "output_lines": 5});
        let begun = Instant::now();
        let made = call(&mcp, "fugue_run_parallel", long).await;
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        let id = &made["taskId"];
        assert_eq!(made["status"], "working", "{made}");
        let of_it = ["createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"];
        assert!(of_it.iter().all(|name| !made[name].is_null()), "{made}");
        let now = task(&mcp, id).await;
        assert_eq!(now["statusMessage"], "0 of 1 done, running: slow", "{now}");
        // The state is the daemon's: another connection asks for it, too.
        let other = Mcp::launch(&daemon, &[]);
        other.initialize(with_tasks()).await;
        let done = reached(&other, id, "completed").await;
        let state = &done["result"]["structuredContent"];
        assert_eq!(
            [&state["status"], &state["orchestration_id"]],
            [&json!("completed"), id]
        );
        assert_eq!(
            state["commands"][0]["output"].as_str().unwrap().trim(),
            "out"
        );
        let gone = mcp.ask("tasks/get", json!({"taskId": "nope"})).await;
        assert_eq!(gone["error"]["code"], -32_602, "{gone}");
    });
}

#[test]
fn tasks_can_be_cancelled() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::launch(&daemon, &[]);
        mcp.initialize(with_tasks()).await;
        let made = mcp.cat_session("s").await;
        let pane = &made["pane_id"];
        let client = daemon.client().await;
        let long = json!({"commands": [{"command": "sleep 100"}], "wait_timeout_ms": 60_000});
        let run = call(&mcp, "fugue_run_parallel", long).await;
        let wait =
            |pattern: &str| json!({"pane_id": pane, "pattern": pattern, "timeout_ms": 60_000});
        let first = call(&mcp, "fugue_expect", wait("first")).await;
        let never = call(&mcp, "fugue_expect", wait("never")).await;
        for id in [&run["taskId"], &never["taskId"]] {
            let answer = mcp.ask("tasks/cancel", json!({"taskId": id})).await;
            assert!(answer["result"].is_object(), "{answer}");
            reached(&mcp, id, "cancelled").await;
        }
        eventually("the run's pane is gone", async || {
            (client.panes().await.len() == 1).then_some(())
        })
        .await;
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "input": "the first", "submit": true}),
        )
        .await;
        let done = reached(&mcp, &first["taskId"], "completed").await;
        let found = &done["result"]["structuredContent"];
        assert_eq!([&found["outcome"], &found["match"]], ["match", "first"]);
    });
}

#[test]
fn without_the_extension_there_are_no_tasks() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let long = json!({"commands": [{"command": "sleep 2"}], "wait_timeout_ms": 30_000});
        let result = call(&mcp, "fugue_run_parallel", long).await;
        assert_eq!(result["structuredContent"]["status"], "completed");
        let error = mcp.ask("tasks/get", json!({"taskId": "x"})).await;
        assert_eq!(error["error"]["code"], -32_021, "{error}");
        // By the newest revision each request says what its client can do.
        let alone = Mcp::launch(&daemon, &[]);
        let arguments = json!({"commands": [{"command": "sleep 5"}], "wait_timeout_ms": 30_000});
        let long = json!({"name": "fugue_run_parallel", "arguments": arguments});
        let made = alone
            .ask("tools/call", Mcp::alone(long, with_tasks()))
            .await;
        assert_eq!(made["result"]["resultType"], "task", "{made}");
    });
}

#[test]
fn progress_comes_at_least_every_ten_seconds() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        mcp.cat_session("s").await;
        let with_token = |tool: &str, arguments: Value, token: &str| json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}});
        let wait = json!({"pane_id": "s", "pattern": "never", "timeout_ms": 11_000});
        let (_, waited) = mcp
            .send("tools/call", with_token("fugue_expect", wait, "wait"))
            .await;
        let commands =
            json!([{"command": "sleep 0.2", "name": "a"}, {"command": "sleep 11", "name": "b"}]);
        let run = json!({"commands": commands});
        let (_, ran) = mcp
            .send("tools/call", with_token("fugue_run_parallel", run, "run"))
            .await;
        waited.await.unwrap();
        ran.await.unwrap();
        let of = |token: &str| {
            let notes = mcp.notes("notifications/progress");
            let mut of_it: Vec<_> = notes
                .into_iter()
                .filter(|n| n["progressToken"] == token)
                .collect();
            let steps: Vec<f64> = of_it
                .iter()
                .map(|n| n["progress"].as_f64().unwrap())
                .collect();
            assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
            of_it
                .drain(..)
                .map(|n| n["message"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert!(!of("wait").is_empty());
        let told = of("run");
        assert!(
            told.iter().any(|text| text == "1 of 2 done, running: b"),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|text| text.starts_with("0 of 2 done, running: a")),
            "{told:?}"
        );
    });
}

#[test]
fn a_clients_own_time_limit_ends_the_wait_and_not_the_run() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let client = daemon.client().await;
        let timed_out = "McpError: MCP error -32001: Request timed out";
        let rows = [
            (json!({}), timed_out, true),
            (json!({}), "AbortError: This operation was aborted", false),
            (json!({"on_cancel": "run"}), timed_out, false),
            (json!({"on_cancel": "wait"}), "enough", true),
        ];
        for (number, (more, reason, goes_on)) in rows.into_iter().enumerate() {
            for tool in ["fugue_run_parallel", "fugue_run_pipeline"] {
                let place = daemon.dir.path().join(format!("go-{number}-{tool}"));
                let line = format!("until [ -e {} ]; do sleep 0.02; done", place.display());
                let mut arguments = json!({"commands": [{"command": line}], "cleanup": true});
                for (name, value) in more.as_object().unwrap() {
                    arguments[name] = value.clone();
                }
                let params = json!({"name": tool, "arguments": arguments});
                let (id, _answer) = mcp.send("tools/call", params).await;
                eventually("it runs", async || {
                    (client.panes().await.len() == 1).then_some(())
                })
                .await;
                let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": reason}});
                mcp.say(cancelled).await;
                if !goes_on {
                    eventually("it ends", async || {
                        client.panes().await.is_empty().then_some(())
                    })
                    .await;
                    continue;
                }
                // A call that is made later is answered, and the run is in its list.
                let runs = mcp.ok("fugue_get_orchestration", json!({})).await;
                assert_eq!(runs["orchestrations"][0]["status"], "running", "{runs}");
                std::fs::write(&place, "").unwrap();
                let wait = json!({"orchestration_id": runs["orchestrations"][0]["orchestration_id"], "wait": true});
                let state = mcp.ok("fugue_get_orchestration", wait).await;
                assert_eq!(state["status"], "completed", "{state}");
            }
        }
    });
}

#[test]
fn a_cancelled_run_is_gone_and_a_dropped_one_runs_on() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let client = daemon.client().await;
        let run = |line: &str| json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": line}]}});
        let (id, _answer) = mcp.send("tools/call", run("sleep 100")).await;
        let running = async |count: usize| {
            eventually("panes", async || {
                (client.panes().await.len() == count).then_some(())
            })
            .await;
        };
        running(1).await;
        let begun = Instant::now();
        mcp.say(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
            .await;
        running(0).await;
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
        let (_, _answer) = mcp.send("tools/call", run("sleep 4; echo done")).await;
        running(1).await;
        mcp.end().await;
        assert_eq!(client.panes().await.len(), 1);
        let other = Mcp::start(&daemon).await;
        let runs = other.ok("fugue_get_orchestration", json!({})).await;
        let runs = runs["orchestrations"].as_array().unwrap().clone();
        let dropped = runs.iter().find(|run| run["status"] == "running").unwrap();
        let wait = json!({"orchestration_id": dropped["orchestration_id"], "wait": true});
        let state = other.ok("fugue_get_orchestration", wait).await;
        assert_eq!(state["status"], "completed", "{state}");
        running(0).await;
    });
}
