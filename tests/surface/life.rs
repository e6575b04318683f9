//! The life of `fugue mcp`: the daemon it starts, restarts that it survives, its own end.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use protocol::request::{Status, StopServer};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, fugue_exe};
use crate::support::stdio::Mcp;
use crate::support::{LIMIT, eventually, proc, run, run_within};

#[test]
fn it_starts_the_daemon_that_it_needs() {
    run(async {
        let daemon = Daemon::prepared("");
        let mcp = Mcp::start(&daemon).await;
        assert!(
            protocol::transport::is_absent(&daemon.socket()),
            "not before a call"
        );
        let made = mcp.ok("fugue_create_session", json!({"name": "s"})).await;
        assert!(made["pane_id"].is_string());
        let status = mcp.ok("fugue_server_status", json!({})).await;
        assert_eq!(status["servers"]["local"]["healthy"], true, "{status}");
        mcp.end().await;
        // The daemon stays.
        let client = daemon.client().await;
        assert_eq!(client.sessions().await.len(), 1);
        client.ok(StopServer { keep_panes: false }).await;
    });
}

#[test]
fn it_survives_the_daemons_restart() {
    run(async {
        let mut daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        mcp.ok("fugue_create_session", json!({"name": "old"})).await;
        for round in 0..3 {
            daemon.signal(Signal::KILL);
            daemon.wait();
            let list = json!({"name": "fugue_list_sessions", "arguments": {}});
            let mut waiting = Vec::new();
            for _ in 0..5 {
                waiting.push(mcp.send("tools/call", list.clone()).await.1);
            }
            for answer in waiting {
                let answer = tokio::time::timeout(Duration::from_secs(8), answer).await;
                let answer = answer.unwrap().unwrap();
                let local = &answer["result"]["structuredContent"]["servers"]["local"];
                assert_eq!(local["status"], "connected", "{round}: {answer}");
            }
            // It was `fugue mcp` that started this one; the test's own takes its place.
            let client = daemon.client().await;
            let pid = client.ok(Status {}).await.pid;
            client.ok(StopServer { keep_panes: false }).await;
            eventually("it stopped", async || (!proc::lives(pid)).then_some(())).await;
            daemon.launch();
            mcp.ok(
                "fugue_create_session",
                json!({"name": format!("new{round}")}),
            )
            .await;
        }
    });
}

#[test]
fn calls_wait_five_seconds_for_a_daemon_that_does_not_come() {
    run(async {
        let mut daemon = Daemon::start();
        let mcp = Mcp::launch_with(&daemon, &[], &[("FUGUED", "/bin/false")]);
        mcp.initialize(json!({})).await;
        mcp.ok("fugue_create_session", json!({})).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        let begun = Instant::now();
        let error = mcp.refused("fugue_list_panes", json!({})).await;
        assert_eq!(error["code"], "server_unreachable", "{error}");
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "{:?}",
            begun.elapsed()
        );
        daemon.launch();
        let all = mcp.ok("fugue_list_sessions", json!({})).await;
        assert_eq!(all["servers"]["local"]["status"], "connected");
    });
}

#[test]
fn it_ends_with_its_input_although_calls_are_under_way() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        mcp.cat_session("s").await;
        let wait = json!({"pane_id": "s", "pattern": "never", "timeout_ms": 600_000});
        for _ in 0..3 {
            let params = json!({"name": "fugue_expect", "arguments": wait});
            let _ = mcp.send("tools/call", params).await;
        }
        mcp.ok("fugue_list_sessions", json!({})).await;
        let begun = Instant::now();
        let status = mcp.end().await;
        assert!(status.success(), "{status}");
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    });
}

/// Starts `fugue mcp` under a shell that runs `script` with the program as `$0`; its pid, and the shell.
fn under_shell(daemon: &Daemon, script: &str) -> (u32, std::process::Child) {
    let mut command = daemon.command("/bin/sh");
    let mut shell = command
        .args(["-c", script, fugue_exe()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut errors = BufReader::new(shell.stderr.take().unwrap());
    errors.read_line(&mut told).unwrap();
    (told.trim().parse().unwrap(), shell)
}

fn hello(shell: &mut std::process::Child) {
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    });
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    let input = shell.stdin.as_mut().unwrap();
    writeln!(input, "{message}").unwrap();
    input.flush().unwrap();
    let mut answer = String::new();
    let output = shell.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut answer).unwrap();
    assert!(answer.contains("serverInfo"), "{answer}");
}

#[test]
fn it_ends_when_its_parent_is_killed() {
    let daemon = Daemon::start();
    let script = "exec 3<&0; \"$0\" mcp <&3 & echo $! >&2; wait";
    let (pid, mut shell) = under_shell(&daemon, script);
    hello(&mut shell);
    shell.kill().unwrap();
    shell.wait().unwrap();
    // The pipe to it is still open here.
    let begun = Instant::now();
    while proc::lives(pid) {
        assert!(begun.elapsed() < LIMIT, "fugue mcp outlives its client");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_launcher_that_goes_away_is_not_the_client() {
    let daemon = Daemon::start();
    let script = "exec 3<&0; \"$0\" mcp <&3 & echo $! >&2";
    let (pid, mut shell) = under_shell(&daemon, script);
    // Waiting for it would close the pipe that it has left to `fugue mcp`.
    let mut input = shell.stdin.take();
    shell.wait().unwrap();
    shell.stdin = input.take();
    hello(&mut shell);
    std::thread::sleep(Duration::from_millis(300));
    assert!(proc::lives(pid));
    hello(&mut shell);
    drop(shell.stdin.take());
    let begun = Instant::now();
    while proc::lives(pid) {
        assert!(begun.elapsed() < LIMIT, "fugue mcp outlives its input");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_thousand_calls_side_by_side_get_their_own_answers() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let mut panes = Vec::new();
        for number in 0..10 {
            let line = format!("while :; do echo pane-{number}; sleep 0.005; done");
            let name = format!("s{number}");
            let made = mcp
                .ok(
                    "fugue_create_session",
                    json!({"name": name, "command": line}),
                )
                .await;
            panes.push(made["pane_id"].clone());
        }
        let (mcp, panes) = (&mcp, &panes);
        let one = async |worker: usize| {
            for step in 0..63 {
                let number = (worker * 7 + step) % 10;
                let (pane, name) = (&panes[number], format!("s{number}"));
                let context = |answer: &Value| {
                    assert_eq!(answer["session_context"]["session_name"], name, "{answer}");
                };
                match step % 5 {
                    0 => {
                        let read = mcp
                            .ok("fugue_read_pane", json!({"pane_id": pane, "lines": 3}))
                            .await;
                        let text = read["text"].as_str().unwrap();
                        let own = format!("pane-{number}");
                        assert!(text.lines().all(|line| line == own), "{text}");
                        context(&read);
                    }
                    1 => context(&mcp.ok("fugue_list_panes", json!({"session": name})).await),
                    2 => {
                        let wait = json!({"pane_id": pane, "pattern": "pane-(\\d)"});
                        let found = mcp.ok("fugue_expect", wait).await;
                        assert_eq!(found["groups"][0], number.to_string());
                        context(&found);
                    }
                    3 => {
                        let tags = json!({"session": name, "tags": [format!("{worker}-{step}")]});
                        let set = mcp.ok("fugue_set_tags", tags.clone()).await;
                        assert_eq!(set["session_context"]["session_name"], name);
                    }
                    _ => {
                        let error = mcp
                            .refused(
                                "fugue_read_pane",
                                json!({"pane_id": format!("no-{worker}-{step}")}),
                            )
                            .await;
                        let message = error["message"].as_str().unwrap();
                        assert!(
                            message.contains(&format!("no-{worker}-{step}")),
                            "{message}"
                        );
                    }
                }
            }
        };
        futures_util::future::join_all((0..16).map(one)).await;
    });
}
