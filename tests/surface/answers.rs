//! What answers hold: no more than a client takes, nothing twice, and what ends the caller only when that is meant.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::stdio::Mcp;
use crate::support::view::named;

/// More text than this in one answer is cut off by some clients.
const MOST_BYTES: usize = 24 * 1024;

/// Every entry of a list, page by page, and how many pages there were.
async fn pages(
    mcp: &Mcp,
    tool: &str,
    asked: Value,
    entries: impl Fn(&Value) -> Vec<Value>,
) -> (Vec<Value>, usize) {
    let (mut all, mut count, mut asked) = (Vec::new(), 0, asked);
    loop {
        let page = mcp.ok(tool, asked.clone()).await;
        assert!(
            page.to_string().len() <= MOST_BYTES,
            "{tool}: {}",
            page.to_string().len()
        );
        all.extend(entries(&page));
        count += 1;
        match page.get("next_cursor") {
            Some(next) => asked["cursor"] = next.clone(),
            None => return (all, count),
        }
    }
}

#[test]
fn long_lists_come_in_pages() {
    const COUNT: usize = 60;
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        for number in 0..COUNT {
            let step = json!([{"command": format!("true {number}")}]);
            mcp.ok("fugue_run_pipeline", json!({"commands": step}))
                .await;
        }
        let mine = json!({"name": "mine", "command": "cat", "args": []});
        mcp.ok("fugue_create_session", mine).await;
        let list = |name: &'static str| move |page: &Value| page[name].as_array().unwrap().clone();
        let (runs, many) = pages(
            &mcp,
            "fugue_get_orchestration",
            json!({}),
            list("orchestrations"),
        )
        .await;
        assert!(runs.len() == COUNT && many > 1, "{} in {many}", runs.len());
        let sessions = |page: &Value| {
            page["servers"]["local"]["sessions"]
                .as_array()
                .unwrap()
                .clone()
        };
        let (sessions, _) = pages(&mcp, "fugue_list_sessions", json!({"limit": 7}), sessions).await;
        // What a person has made comes before what runs have.
        assert_eq!(sessions[0]["name"], "mine");
        let (panes, _) = pages(
            &mcp,
            "fugue_list_panes",
            json!({"all": true}),
            list("panes"),
        )
        .await;
        assert_eq!(panes.len(), sessions.len());
        let parts = |page: &Value| vec![page["text"].clone()];
        let (parts, _) = pages(&mcp, "fugue_actor_tree", json!({}), parts).await;
        let text: String = parts.iter().filter_map(Value::as_str).collect();
        assert!(
            text.starts_with("fugued") && text.contains("orchestrations"),
            "{text}"
        );
        let line =
            "for i in $(seq 200); do echo $i a line of a test that passed, and some more; done";
        let commands = vec![json!({"command": line}); 8];
        let run = json!({"commands": commands, "output_lines": 200});
        let run = mcp.ok("fugue_run_parallel", run).await;
        let bytes = run.to_string().len();
        assert!(bytes <= MOST_BYTES, "{bytes}");
        let output = run["commands"][0]["output"].as_str().unwrap();
        assert!(
            output.contains("left out") && output.contains("200 a line"),
            "{output}"
        );
        let wrong = mcp
            .call("fugue_list_panes", json!({"all": true, "cursor": "x"}))
            .await;
        assert_eq!(wrong["isError"], true, "{wrong}");
        let missing = mcp
            .call("fugue_read_pane", json!({"pane_id": "nobody"}))
            .await;
        assert!(missing.to_string().len() < 1_500, "{missing}");
    });
}

/// Tools with something to answer, one after the other on the same pane.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("fugue_whoami", json!({})),
        (
            "fugue_create_session",
            json!({"name": "a", "command": "cat", "args": []}),
        ),
        ("fugue_list_sessions", json!({})),
        ("fugue_list_windows", json!({})),
        ("fugue_list_panes", json!({"all": true})),
        (
            "fugue_send_input",
            json!({"pane_id": "a", "input": "hello", "submit": true, "read_after_ms": 2000}),
        ),
        (
            "fugue_expect",
            json!({"pane_id": "a", "pattern": "hello", "timeout_ms": 2000}),
        ),
        ("fugue_read_pane", json!({"pane_id": "a"})),
        ("fugue_set_tags", json!({"session": "a", "tags": ["x"]})),
        (
            "fugue_run_parallel",
            json!({"commands": [{"command": "seq 50"}], "output_lines": 50}),
        ),
        (
            "fugue_run_pipeline",
            json!({"commands": [{"command": "seq 50"}], "output_lines": 50}),
        ),
        ("fugue_get_orchestration", json!({})),
        ("fugue_server_status", json!({})),
        ("fugue_actor_tree", json!({})),
        ("fugue_close_pane", json!({"pane_id": "a"})),
    ]
}

#[test]
fn agents_get_nothing_twice() {
    run(async {
        let daemon = Daemon::start();
        for (client, both) in [
            ("claude-code", false),
            ("codex-mcp-client", false),
            ("Cursor", false),
            ("test", true),
        ] {
            let mcp = Mcp::launch(&daemon, &[]);
            let hello = json!({
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": client, "version": "1"},
            });
            mcp.ask("initialize", hello).await;
            mcp.say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
                .await;
            for (tool, arguments) in calls() {
                let answer = mcp.call(tool, arguments).await;
                assert_ne!(answer["isError"], true, "{client} {tool}: {answer}");
                let texts = answer["content"].as_array().unwrap().iter();
                let text: usize = texts
                    .map(|block| block["text"].as_str().unwrap().len())
                    .sum();
                assert!(text > 0, "{client} {tool}: {answer}");
                let object = answer
                    .get("structuredContent")
                    .map_or(0, |object| object.to_string().len());
                assert_eq!(object > 0, both, "{client} {tool}");
                if !both {
                    assert!(
                        (text + object) * 5 <= text.max(object) * 6,
                        "{client} {tool}"
                    );
                }
            }
        }
    });
}

#[test]
fn nobody_ends_itself_by_an_ordinary_call() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("own", "cat").await.pane_id;
        let other = client.session("other", "cat").await.pane_id;
        let id = pane.to_string();
        let inside = [("FUGUE_PANE_ID", id.as_str())];
        let mcp = Mcp::launch_with(&daemon, &[], &inside);
        mcp.initialize(json!({})).await;
        for (tool, arguments) in [
            ("fugue_close_pane", json!({"pane_id": id})),
            ("fugue_kill_session", json!({"session": "own"})),
        ] {
            let refused = mcp.call(tool, arguments).await;
            let error = &refused["structuredContent"]["error"];
            assert_eq!(error["code"], "denied", "{tool}: {refused}");
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .contains("the caller runs in it"),
                "{refused}"
            );
            assert!(
                error["hint"].as_str().unwrap().contains("force"),
                "{refused}"
            );
        }
        // The same on the command line of a program, which nobody can ask.
        let mut command = daemon.command(crate::support::daemon::fugue_exe());
        command
            .args(["kill", "own"])
            .envs(inside)
            .stdin(std::process::Stdio::null());
        assert!(!command.output().unwrap().status.success());
        mcp.ok("fugue_close_pane", json!({"pane_id": other.to_string()}))
            .await;
        mcp.ok(
            "fugue_kill_session",
            json!({"session": "own", "force": true}),
        )
        .await;
    });
}

#[test]
fn the_end_of_a_session_that_people_look_at_is_told_first() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("looked", "cat").await.pane_id;
        let watcher = daemon.client().await;
        watcher.attach(1, named("looked")).await;
        let mcp = Mcp::start(&daemon).await;
        for (tool, arguments) in [
            ("fugue_close_pane", json!({"pane_id": pane.to_string()})),
            ("fugue_kill_session", json!({"session": "looked"})),
        ] {
            let refused = mcp.call(tool, arguments).await;
            let error = &refused["structuredContent"]["error"];
            assert_eq!(error["code"], "denied", "{tool}: {refused}");
            assert!(
                error["message"].as_str().unwrap().contains("attached"),
                "{refused}"
            );
        }
        let told = daemon.fugue(&["kill", "looked"]);
        assert!(told.code != 0 && told.err.contains("attached"), "{told:?}");
        let ended = daemon.fugue(&["kill", "looked", "--force"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        drop(watcher);
    });
}

#[test]
fn clients_write_values_as_text() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let cat = json!({"name": "a", "command": "cat", "args": "[]"});
        mcp.ok("fugue_create_session", cat).await;
        for (tool, arguments) in [
            ("fugue_read_pane", json!({"pane_id": "a", "lines": "20"})),
            (
                "fugue_send_input",
                json!({"pane_id": "a", "input": "hi", "submit": "true"}),
            ),
            (
                "fugue_send_input",
                json!({"pane_id": "a", "keys": "[\"ctrl+u\", \"page_down\"]"}),
            ),
            ("fugue_run_parallel", json!({"commands": ["true", "true"]})),
            (
                "fugue_run_parallel",
                json!({"commands": "[{\"command\": \"true\"}]"}),
            ),
            (
                "fugue_create_session",
                json!({"name": "b", "command": "test $PORT = 3000", "env": {"PORT": 3000}}),
            ),
        ] {
            mcp.ok(tool, arguments).await;
        }
        let ended = mcp
            .ok("fugue_expect", json!({"pane_id": "b", "until": "exit"}))
            .await;
        assert_eq!(ended["exit_code"], 0, "{ended}");
    });
}
