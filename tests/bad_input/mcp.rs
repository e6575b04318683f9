//! `fugue mcp` over its standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{peopled, world};
use crate::support::LIMIT;
use crate::support::daemon::{Daemon, fugue_exe};
use crate::support::run_within;

struct Mcp {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next_id: u64,
}

impl Mcp {
    fn start(daemon: &Daemon) -> Self {
        let mut command = daemon.command(fugue_exe());
        command
            .arg("mcp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        let mut mcp = Self {
            child,
            input,
            output,
            next_id: 1,
        };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
        let answer = mcp.ask("initialize", &hello);
        assert!(answer["result"]["serverInfo"].is_object(), "{answer}");
        mcp.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        mcp
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.say(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
        loop {
            let mut line = String::new();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "fugue mcp has ended"
            );
            let answer: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if answer["id"] == json!(id) {
                return answer;
            }
        }
    }

    fn tool(&mut self, name: &str, arguments: &Value) -> Value {
        self.ask(
            "tools/call",
            &json!({ "name": name, "arguments": arguments }),
        )
    }

    fn end(mut self) {
        drop(self.input);
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > LIMIT {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("fugue mcp does not end with its input");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn tools_tell_what_is_wrong_and_change_nothing() {
    run_within(Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let mut mcp = Mcp::start(&daemon);
        let rows = [
            ("fugue_read_pane", json!({ "pane_id": "nope" }), "not_found"),
            ("fugue_kill_session", json!({}), "invalid_argument"),
            (
                "fugue_kill_session",
                json!({ "session": "nope" }),
                "not_found",
            ),
            (
                "fugue_close_pane",
                json!({ "pane_id": "twin" }),
                "ambiguous_name",
            ),
            (
                "fugue_create_session",
                json!({ "name": "a.b" }),
                "invalid_argument",
            ),
            (
                "fugue_create_session",
                json!({ "name": "one" }),
                "name_taken",
            ),
            (
                "fugue_create_session",
                json!({ "name": "x".repeat(1_000_000) }),
                "invalid_argument",
            ),
            (
                "fugue_create_session",
                json!({ "no_such_argument": 1 }),
                "invalid_argument",
            ),
            (
                "fugue_create_session",
                json!({ "command": "" }),
                "invalid_argument",
            ),
            (
                "fugue_create_session",
                json!({ "cwd": "/no/such/dir" }),
                "invalid_argument",
            ),
            (
                "fugue_create_session",
                json!({ "command": "no-such-program", "args": [] }),
                "spawn_failed",
            ),
            (
                "fugue_create_pane",
                json!({ "session": "one", "ratio": 0 }),
                "invalid_argument",
            ),
            ("fugue_create_pane", json!({ "session": "tiny" }), "limit"),
            (
                "fugue_expect",
                json!({ "pane_id": "one", "pattern": "(" }),
                "invalid_argument",
            ),
            (
                "fugue_expect",
                json!({ "pane_id": "one", "pattern": "x", "timeout_ms": 99_999_999 }),
                "invalid_argument",
            ),
            (
                "fugue_send_input",
                json!({ "pane_id": "one", "keys": ["Nope"] }),
                "invalid_argument",
            ),
            (
                "fugue_send_input",
                json!({ "pane_id": "one", "input": [7] }),
                "invalid_argument",
            ),
            (
                "fugue_read_pane",
                json!({ "pane_id": "elsewhere:x" }),
                "unknown_server",
            ),
            (
                "fugue_run_parallel",
                json!({ "commands": [] }),
                "invalid_argument",
            ),
            (
                "fugue_run_parallel",
                json!({ "commands": [{ "command": "" }] }),
                "invalid_argument",
            ),
        ];
        let mut wrong = Vec::new();
        for (tool, arguments, code) in rows {
            let answer = mcp.tool(tool, &arguments);
            let result = &answer["result"];
            let told = result["structuredContent"]["error"]["code"]
                .as_str()
                .unwrap_or("nothing");
            if result["isError"] != json!(true) || told != code {
                let shown: String = format!("{tool} {arguments}").chars().take(120).collect();
                wrong.push(format!("{shown}: {told} instead of {code}: {answer:.300}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(mcp.tool("no_such_tool", &json!({}))["error"].is_object());
        assert!(mcp.ask("no/such/method", &json!({}))["error"].is_object());
        mcp.say("this is no JSON");
        mcp.say("{\"jsonrpc\": \"2.0\"}");
        let listed = mcp.tool("fugue_list_sessions", &json!({}));
        assert!(listed.to_string().contains("tiny"), "{listed}");
        mcp.end();
        assert_eq!(world(&daemon, &client).await, before);
    });
}
