//! Reading, typing and waiting over MCP while panes scroll.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::stdio::Mcp;

/// Reads a pane from cursor to cursor until its program has ended and all is read: the numbered lines
/// seen, in order, and how many were told as dropped before each read.
async fn follow(mcp: &Mcp, pane: &Value, since: &Value, max_bytes: u32) -> (Vec<u64>, u64, u32) {
    let (mut text, mut dropped, mut reads) = (String::new(), 0, 0);
    let mut numbers: Vec<u64> = Vec::new();
    let mut cursor = since.clone();
    loop {
        let asked = json!({"pane_id": pane, "since": cursor, "max_bytes": max_bytes});
        let read = mcp.ok("fugue_read_pane", asked).await;
        reads += 1;
        let lost = read["dropped_lines"].as_u64().unwrap();
        if lost > 0 {
            // A line that was half read has lost its end: what is dropped begins with it.
            assert!(text.is_empty() || !text.contains('\n'), "{text:?}");
            let next = numbers.last().map_or(0, |last| last + 1);
            numbers.extend((next..).take(usize::try_from(lost).unwrap()));
            dropped += lost;
            text.clear();
        }
        text += read["text"].as_str().unwrap();
        while let Some(end) = text.find('\n') {
            let line: String = text.drain(..=end).collect();
            if let Some(number) = line.trim_end().strip_prefix("line ") {
                numbers.push(number.parse().unwrap());
            }
        }
        cursor = read["cursor"].clone();
        let over = read["status"] != "running" && read["truncated"] == false && lost == 0;
        if over && read["text"] == "" {
            return (numbers, dropped, reads);
        }
    }
}

#[test]
fn reading_on_never_loses_or_repeats_a_line() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let count = 1_900;
        // In bursts, so that the pane scrolls between and during reads.
        let line = format!(
            "i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); [ $((i%97)) = 0 ] && sleep 0.01; done"
        );
        for max_bytes in [4096, 333] {
            let made = mcp
                .ok("fugue_create_session", json!({"command": line}))
                .await;
            let begun = Instant::now();
            let (numbers, dropped, reads) =
                follow(&mcp, &made["pane_id"], &made["cursor"], max_bytes).await;
            assert_eq!(dropped, 0);
            assert_eq!(numbers, (0..count).collect::<Vec<u64>>());
            assert!(reads > 5, "{reads} reads in {:?}", begun.elapsed());
        }
    });
}

#[test]
fn lines_that_left_the_scrollback_are_counted() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\nhistory_lines = 40\n");
        let mcp = Mcp::start(&daemon).await;
        let line =
            "read go; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; read end";
        let made = mcp
            .ok("fugue_create_session", json!({"command": line}))
            .await;
        let pane = &made["pane_id"];
        mcp.ok("fugue_send_input", json!({"pane_id": pane, "submit": true}))
            .await;
        let wait = json!({"pane_id": pane, "pattern": "line 2999"});
        mcp.ok("fugue_expect", wait).await;
        let read = mcp
            .ok(
                "fugue_read_pane",
                json!({"pane_id": pane, "since": made["cursor"], "max_bytes": 100_000}),
            )
            .await;
        let lines: Vec<&str> = read["text"].as_str().unwrap().lines().collect();
        let dropped = read["dropped_lines"].as_u64().unwrap();
        // The first row was the Enter that started it.
        assert_eq!(lines[0], format!("line {}", dropped - 1));
        assert_eq!(lines.last(), Some(&"line 2999"));
        assert_eq!(lines.len() as u64 + dropped, 3_001);
    });
}

#[test]
fn an_ended_program_can_be_read_on() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp
            .ok(
                "fugue_create_session",
                json!({"command": "echo one; read x; echo two; exit 3"}),
            )
            .await;
        let pane = &made["pane_id"];
        let one = mcp
            .ok(
                "fugue_expect",
                json!({"pane_id": pane, "pattern": "(o)n(e)", "since": made["cursor"]}),
            )
            .await;
        assert_eq!(
            [&one["outcome"], &one["match"], &one["line"]],
            ["match", "one", "one"]
        );
        assert_eq!(one["groups"], json!(["o", "e"]));
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "keys": ["Enter"]}),
        )
        .await;
        let wait = json!({"pane_id": pane, "until": "exit", "since": one["cursor"]});
        let exit = mcp.ok("fugue_expect", wait).await;
        assert_eq!([&exit["outcome"], &exit["status"]], ["exit", "exited"]);
        assert_eq!(exit["exit_code"], 3);
        let rest = mcp
            .ok(
                "fugue_read_pane",
                json!({"pane_id": pane, "since": one["cursor"]}),
            )
            .await;
        assert_eq!(rest["text"].as_str().unwrap().trim(), "two");
        assert_eq!(
            [&rest["status"], &rest["exit_code"]],
            [&json!("exited"), &json!(3)]
        );
        let again = mcp
            .ok(
                "fugue_read_pane",
                json!({"pane_id": pane, "since": rest["cursor"]}),
            )
            .await;
        assert_eq!(again["text"], "");
        let error = mcp
            .refused("fugue_send_input", json!({"pane_id": pane, "input": "x"}))
            .await;
        assert_eq!(error["code"], "pane_exited");
    });
}

#[test]
fn waits_end_by_what_happens_first() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp.cat_session("s").await;
        let pane = &made["pane_id"];
        let begun = Instant::now();
        let quiet = mcp
            .ok(
                "fugue_expect",
                json!({"pane_id": pane, "until": "idle", "idle_ms": 200}),
            )
            .await;
        assert_eq!(quiet["outcome"], "idle");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(200), "{waited:?}");
        let none = mcp
            .ok(
                "fugue_expect",
                json!({"pane_id": pane, "pattern": "never", "timeout_ms": 100}),
            )
            .await;
        assert_eq!(none["outcome"], "timeout");

        // What was typed before the cursor does not match; the echo of a line before it does not.
        let sent = mcp
            .ok(
                "fugue_send_input",
                json!({"pane_id": pane, "input": "ready", "submit": true, "read_after_ms": 5_000}),
            )
            .await;
        assert_eq!(
            [&sent["bytes"], &sent["outcome"]],
            [&json!(6), &json!("idle")]
        );
        assert_eq!(sent["text"].as_str().unwrap().trim(), "ready");
        let wait = json!({"pane_id": pane, "pattern": "ready", "since": sent["cursor"], "timeout_ms": 100});
        assert_eq!(mcp.ok("fugue_expect", wait).await["outcome"], "timeout");

        // A wait that is under way ends with the output that comes, not by looking again.
        let wait = json!({"name": "fugue_expect", "arguments": {"pane_id": pane, "pattern": "late (\\w+)", "since": sent["cursor"], "timeout_ms": 10_000}});
        let (_, waiting) = mcp.send("tools/call", wait).await;
        let begun = Instant::now();
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "input": "late guest", "keys": ["Enter"]}),
        )
        .await;
        let answer = waiting.await.unwrap();
        let found = &answer["result"]["structuredContent"];
        assert_eq!(
            [&found["outcome"], &found["match"]],
            ["match", "late guest"]
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "keys": ["C-c"]}),
        )
        .await;
        let exit = mcp
            .ok("fugue_expect", json!({"pane_id": pane, "until": "exit"}))
            .await;
        assert_eq!(
            [&exit["status"], &exit["signal_name"]],
            ["signaled", "SIGINT"]
        );
    });
}
