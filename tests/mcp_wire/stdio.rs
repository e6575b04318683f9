//! Lines that an honest client would not write, many calls at once, and an early end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::daemon;
use crate::support::mcp::Mcp;
use crate::support::{eventually, run};

#[test]
fn garbage_lines_and_a_large_argument_do_no_harm() {
    run(async {
        let daemon = daemon();
        let mcp = Mcp::start(&daemon).await;
        for garbage in [
            "",
            "no JSON",
            "[]",
            "{}",
            "{\"jsonrpc\": \"2.0\"}",
            "null",
            "\u{0}",
            "{\"id\": 9e99}",
        ] {
            mcp.say(garbage).await;
        }
        mcp.ok(
            "fugue_create_session",
            json!({"name": "s", "command": "cat"}),
        )
        .await;
        let text = "y".repeat(10_000_000);
        let sent = mcp
            .call("fugue_send_input", json!({"pane_id": "s", "input": text}))
            .await;
        let refused = &sent["result"]["structuredContent"]["error"];
        assert!(refused["hint"].is_string(), "{refused}");
        let long = mcp
            .call("fugue_create_session", json!({"name": text}))
            .await;
        let error = &long["result"]["structuredContent"]["error"];
        assert_eq!(
            error["code"],
            "invalid_argument",
            "{:.300}",
            error.to_string()
        );
        assert!(
            long.to_string().len() < 4_000,
            "the argument is not told back"
        );
        assert!(
            mcp.ok("fugue_list_sessions", json!({}))
                .await
                .to_string()
                .contains("\"s\"")
        );
        for stray in mcp.strays() {
            assert!(
                stray["error"].is_object(),
                "only answers to garbage: {stray}"
            );
        }
        mcp.end().await;
    });
}

#[test]
fn a_line_without_an_answer_ends_nothing() {
    run(async {
        let daemon = daemon();
        let mcp = Mcp::start(&daemon).await;
        mcp.say("{\"jsonrpc\": \"2.0\", \"id\": 70, \"method\": \"tools/li")
            .await;
        let padding = "y".repeat(17 << 20);
        let long = json!({"jsonrpc": "2.0", "id": 71, "method": "tools/list", "params": {"cursor": padding}});
        mcp.say(&long.to_string()).await;
        mcp.ok("fugue_list_sessions", json!({})).await;
        let strays = mcp.strays();
        assert!(strays.is_empty(), "{strays:?}");
        // What is JSON and no request is told so.
        mcp.say("{\"jsonrpc\": \"2.0\"}").await;
        mcp.ok("fugue_list_sessions", json!({})).await;
        let strays = mcp.strays();
        assert_eq!(
            strays[0]["error"]["message"], "Invalid request",
            "{strays:?}"
        );
        mcp.end().await;
    });
}

#[test]
fn two_hundred_calls_are_in_flight_at_once() {
    run(async {
        let daemon = daemon();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp
            .ok(
                "fugue_create_session",
                json!({"name": "s", "command": "cat"}),
            )
            .await;
        let pane = made["pane_id"].clone();
        let begun = Instant::now();
        let mut waits = Vec::new();
        for n in 0..200_u64 {
            // The first one is answered last.
            let arguments = json!({"pane_id": pane, "pattern": format!("never-{n}"), "timeout_ms": 3_000 - 10 * n});
            let params = json!({"name": "fugue_expect", "arguments": arguments});
            waits.push(mcp.begin("tools/call", params).await);
        }
        let quick = mcp.ok("fugue_list_panes", json!({"session": "s"})).await;
        assert_eq!(quick["panes"][0]["pane_id"], pane);
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "held up: {:?}",
            begun.elapsed()
        );
        for (n, (id, wait)) in waits.into_iter().enumerate() {
            let reply = wait.await.unwrap();
            assert_eq!(reply["id"], json!(id));
            let result = super::result(&reply);
            assert_eq!(result["outcome"], "timeout", "{reply}");
            let (asked, waited) = (3_000 - 10 * n as u64, result["waited_ms"].as_u64().unwrap());
            assert!(
                (asked..asked + 2_500).contains(&waited),
                "{asked}: {waited}"
            );
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "one after another: {:?}",
            begun.elapsed()
        );
        assert!(mcp.strays().is_empty());
        mcp.end().await;
    });
}

#[test]
fn it_ends_with_its_input_in_the_middle_of_calls() {
    run(async {
        let daemon = daemon();
        let mut mcp = Mcp::start(&daemon).await;
        mcp.ok(
            "fugue_create_session",
            json!({"name": "s", "command": "cat"}),
        )
        .await;
        let wait = json!({"pane_id": "s", "pattern": "never", "timeout_ms": 300_000});
        let (_, _wait) = mcp
            .begin(
                "tools/call",
                json!({"name": "fugue_expect", "arguments": wait}),
            )
            .await;
        let job = json!({"commands": [{"name": "job", "command": "sleep 1; echo through"}], "output_lines": 3});
        let (_, _job) = mcp
            .begin(
                "tools/call",
                json!({"name": "fugue_run_parallel", "arguments": job}),
            )
            .await;
        let client = daemon.client().await;
        eventually("the run began", async || {
            (super::panes(&client).await == 2).then_some(())
        })
        .await;
        let begun = Instant::now();
        mcp.close().await;
        let status = tokio::time::timeout(Duration::from_secs(15), mcp.child.wait()).await;
        assert!(status.expect("it ends").unwrap().success());
        assert!(begun.elapsed() < Duration::from_secs(15));
        let other = Mcp::start(&daemon).await;
        let runs = eventually("the run is through", async || {
            let runs = other
                .ok("fugue_get_orchestration", json!({}))
                .await
                .to_string();
            (!runs.contains("\"running\"")).then_some(runs)
        });
        assert!(runs.await.contains("\"completed\""));
        other.end().await;
    });
}
