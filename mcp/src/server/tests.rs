//! Tests of `server`: MCP in, a fake daemon behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use protocol::reply::{
    Expected, ExpectOutcome, ExitStatus, InputSent, PaneCreated, PaneText, Panes, Sessions,
};
use protocol::{ErrorCode, OrchestrationUuid, PaneUuid, Request, ServerName, WindowUuid};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{self, Client, Daemon, Reply, at_once, until};
use crate::tools::Profile;

/// A client, the fake daemon behind it, and the directory they live in.
async fn start(
    answer: impl Fn(Request, Option<String>) -> Reply + Send + Sync + 'static,
) -> (Client, Daemon, TempDir) {
    let dir = TempDir::new().unwrap();
    let paths = fake::paths(dir.path(), "");
    let daemon = Daemon::start(&paths.socket(), answer);
    let client = Client::connect(fake::front(&paths), Profile::Full).await;
    (client, daemon, dir)
}

/// An answer for each of a few calls; the others are not expected.
fn simple(request: Request) -> Reply {
    match request {
        Request::ListPanes(_) => at_once(Ok(Panes { context: Some(fake::context()), panes: vec![] })),
        Request::ReadPane(params) => at_once(Ok(PaneText {
            context: fake::context(),
            pane_id: PaneUuid::new(),
            text: format!("$ make\nline of {}\n\n   \n", params.lines.unwrap_or(0)),
            cursor: "c1".into(),
            truncated: true,
            dropped_lines: 3,
            status: protocol::reply::PaneStatus {
                exit: Some(ExitStatus::Exited { code: 3 }),
                ..fake::running()
            },
        })),
        Request::CreateSession(_) => at_once(Ok(PaneCreated {
            context: fake::context(),
            window_id: WindowUuid::new(),
            pane_id: PaneUuid::new(),
            pid: 7,
            cursor: "c0".into(),
        })),
        other => at_once::<()>(Err(protocol::Error::new(
            ErrorCode::Unsupported,
            format!("no answer to {}", other.method()),
        ))),
    }
}

#[tokio::test]
async fn unknown_tools_and_malformed_calls_are_protocol_errors() {
    let (mut client, daemon, _dir) = start(|request, _| simple(request)).await;
    let answer = client.request("tools/call", json!({"name": "fugue_read_panes"})).await;
    assert_eq!(answer["error"]["code"], -32602);
    let text = answer["error"]["message"].as_str().unwrap();
    assert!(text.contains("did you mean fugue_read_pane?"), "{text}");
    for params in [json!({"arguments": {}}), json!({"name": "fugue_whoami", "arguments": [1]})] {
        let answer = client.request("tools/call", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let answer = client.request("no/such", json!({})).await;
    assert_eq!(answer["error"]["code"], -32601);
    assert!(daemon.seen.methods().is_empty());
}

#[tokio::test]
async fn the_core_profile_has_only_its_tools() {
    let dir = TempDir::new().unwrap();
    let paths = fake::paths(dir.path(), "");
    let mut client = Client::connect(fake::front(&paths), Profile::Core).await;
    let answer = client.request("tools/list", json!({})).await;
    assert_eq!(answer["result"]["tools"].as_array().unwrap().len(), 13);
    let answer = client.request("tools/call", json!({"name": "fugue_actor_tree"})).await;
    assert_eq!(answer["error"]["code"], -32602);
    assert!(super::INSTRUCTIONS.len() <= 2_048, "{}", super::INSTRUCTIONS.len());
    client.close().await.unwrap();
}

#[tokio::test]
async fn bad_arguments_are_told_to_the_model_and_reach_no_daemon() {
    let (mut client, daemon, _dir) = start(|request, _| simple(request)).await;
    let result = client.call("fugue_read_pane", json!({"pane_id": "a", "line": 5})).await;
    assert_eq!(result["isError"], true);
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "invalid_argument");
    assert!(error["hint"].as_str().unwrap().contains("use lines instead of \"line\""), "{error}");
    assert!(error["candidates"].as_array().unwrap().contains(&json!("since")));
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("invalid_argument: fugue_read_pane has no argument \"line\""), "{text}");
    assert!(daemon.seen.methods().is_empty());
}

#[tokio::test]
async fn screen_text_is_plain_and_followed_by_a_status_line() {
    let (mut client, _daemon, _dir) = start(|request, _| simple(request)).await;
    let result = client.call("fugue_read_pane", json!({"pane": "a"})).await;
    let content = result["content"].as_array().unwrap();
    assert_eq!(content[0]["text"], "$ make\nline of 50");
    let line = content[1]["text"].as_str().unwrap();
    assert!(line.contains("exited(3)") && line.contains("3 lines were lost"), "{line}");
    assert_eq!(content.len(), 2);
    let structured = &result["structuredContent"];
    assert_eq!(structured["text"], "$ make\nline of 50");
    assert_eq!(structured["status"], "exited");
    assert_eq!(structured["exit_code"], 3);
    assert_eq!(structured["session_context"]["session_name"], "work");
}

#[tokio::test]
async fn objects_are_sent_as_structure_and_once_as_text() {
    let (mut client, _daemon, _dir) = start(|request, _| simple(request)).await;
    let result = client.call("fugue_list_panes", json!({})).await;
    let content = result["content"].as_array().unwrap();
    assert_eq!(content.len(), 1);
    let text: Value = serde_json::from_str(content[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
    assert_eq!(text["session_context"]["server"], "local");
}

#[tokio::test]
async fn creating_passes_the_key_the_surroundings_and_the_command() {
    let key = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&key);
    let (mut client, daemon, _dir) = start(move |request, key| {
        *kept.lock().unwrap() = key;
        simple(request)
    })
    .await;
    let arguments = json!({
        "name": "build", "command": "cargo", "args": ["test"], "cwd": "src",
        "size": {"rows": 30, "cols": 100.0}, "idempotency_key": "k1",
    });
    let result = client.call("fugue_create_session", arguments).await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(key.lock().unwrap().as_deref(), Some("k1"));
    let requests = daemon.seen.requests();
    let [Request::CreateSession(made)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(made.pane.program, protocol::request::Program::Argv(vec!["cargo".into(), "test".into()]));
    assert!(made.pane.remain_on_exit);
    let cwd = made.pane.cwd.as_deref().unwrap();
    assert_eq!(cwd, std::env::current_dir().unwrap().join("src").to_str().unwrap());
    assert_eq!(made.size, Some(protocol::Size::new(30, 100)));
    let environment = made.environment.as_ref().unwrap();
    assert!(environment.contains_key("PATH"));
    let own = |name: &String| name.starts_with("FUGUE") || name == "TERM" || name == "COLUMNS";
    assert!(!environment.keys().any(own), "{:?}", environment.keys());

    client.call("fugue_create_session", json!({})).await;
    let requests = daemon.seen.requests();
    let Request::CreateSession(shell) = &requests[1] else { panic!("{requests:?}") };
    assert_eq!(shell.pane.program, protocol::request::Program::LoginShell);
    assert!(!shell.pane.remain_on_exit);
    let result = client.call("fugue_create_session", json!({"args": ["x"]})).await;
    assert_eq!(result["isError"], true);
}

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
    until("the waits are in the daemon", || daemon.seen.methods().len() == 20).await;
    let began = Instant::now();
    client.call("fugue_list_panes", json!({})).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
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
    until("the wait is in the daemon", || daemon.seen.methods().len() == 1).await;
    client.notify("notifications/cancelled", json!({"requestId": id})).await;
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
    let Request::RunParallel(run) = &requests[0] else { panic!("{requests:?}") };
    assert_eq!(run.options.cleanup, Some(true));
    assert_eq!(run.options.timeout_ms, Some(300_000));
    assert_eq!(run.options.cwd.as_deref(), std::env::current_dir().unwrap().to_str());
    assert_eq!(run.commands[1].cwd.as_deref(), Some("/tmp"));
    let notes = client.notifications.lock().unwrap().clone();
    let progress: Vec<f64> = notes.iter().map(|n| n["params"]["progress"].as_f64().unwrap()).collect();
    assert!(progress.len() >= 2 && progress.is_sorted_by(|a, b| a < b), "{progress:?}");
    assert!(notes.iter().all(|n| n["params"]["progressToken"] == "t" && n["params"]["total"] == 2.0));
    let message = notes[0]["params"]["message"].as_str().unwrap();
    assert_eq!(message, "0 of 2 done, running: task-1, task-2");
}

#[tokio::test]
async fn a_wait_that_runs_over_returns_a_handle() {
    let (mut client, daemon, _dir) = start(running_to(1)).await;
    let arguments = json!({"commands": [{"command": "a"}], "wait_timeout_ms": 200});
    let began = Instant::now();
    let result = client.call("fugue_run_parallel", arguments).await;
    assert!((200..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
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
    let params = json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": "a"}]}});
    let (id, _answer) = client.send("tools/call", params).await;
    until("the run is waited for", || daemon.seen.methods().contains(&"get_orchestration")).await;
    client.notify("notifications/cancelled", json!({"requestId": id, "reason": "enough"})).await;
    until("it is cancelled", || daemon.seen.methods().contains(&"cancel_orchestration")).await;
}

#[tokio::test]
async fn a_connection_that_ends_cancels_nothing() {
    let (mut client, daemon, _dir) = start(running_to(0)).await;
    let params = json!({"name": "fugue_run_parallel", "arguments": {"commands": [{"command": "a"}]}});
    let (_, _answer) = client.send("tools/call", params).await;
    until("the run is waited for", || daemon.seen.methods().contains(&"get_orchestration")).await;
    client.close().await.unwrap();
    let asked = daemon.seen.methods().len();
    until("nobody waits any more", || daemon.seen.cancels() > 0 || daemon.seen.methods().len() > asked).await;
    assert!(!daemon.seen.methods().contains(&"cancel_orchestration"));
}

#[tokio::test]
async fn waits_show_that_they_live() {
    let (mut client, _daemon, _dir) = start(|request, _| match request {
        Request::Expect(params) => Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(params.since.as_deref(), Some("c0"));
            at_once(Ok(Expected {
                context: fake::context(),
                pane_id: PaneUuid::new(),
                outcome: ExpectOutcome::Match,
                text: Some("ready 80".into()),
                groups: vec![Some("80".into()), None],
                cursor: "c2".into(),
                status: fake::running(),
                waited_ms: 300,
            }))
            .await
        }),
        other => simple(other),
    })
    .await;
    let params = json!({
        "name": "fugue_expect",
        "arguments": {"pane_id": "a", "pattern": "ready (\\d+)", "since": "c0"},
        "_meta": {"progressToken": 7},
    });
    let answer = client.request("tools/call", params).await;
    let result = &answer["result"];
    assert_eq!(result["structuredContent"]["groups"], json!(["80", null]));
    assert_eq!(result["structuredContent"]["match"], "ready 80");
    assert_eq!(result["structuredContent"]["status"], "running");
    assert_eq!(result["content"][0]["text"], "$ make\nline of 50");
    let line = result["content"][1]["text"].as_str().unwrap();
    assert!(line.starts_with("[match \"ready 80\" after 300 ms"), "{line}");
    let notes = client.notifications.lock().unwrap().clone();
    assert!(notes.len() >= 3, "{notes:?}");
    assert!(notes.iter().all(|note| note["params"]["progressToken"] == 7));
}

#[tokio::test]
async fn typing_can_bring_the_reply_along() {
    let (mut client, daemon, _dir) = start(|request, _| match request {
        Request::SendInput(_) => at_once(Ok(InputSent {
            context: fake::context(),
            pane_id: PaneUuid::new(),
            bytes: 5,
            cursor: "typed".into(),
        })),
        Request::Expect(params) => {
            assert_eq!(params.until, protocol::request::Until::Idle);
            at_once(Ok(Expected {
                context: fake::context(),
                pane_id: PaneUuid::new(),
                outcome: ExpectOutcome::Idle,
                text: None,
                groups: vec![],
                cursor: "c".into(),
                status: fake::running(),
                waited_ms: 1,
            }))
        }
        other => simple(other),
    })
    .await;
    let arguments = json!({"pane_id": "a", "input": "make", "submit": true, "read_after_ms": 500});
    let result = client.call("fugue_send_input", arguments).await;
    assert_eq!(daemon.seen.methods(), ["send_input", "expect", "read_pane"]);
    let requests = daemon.seen.requests();
    let Request::ReadPane(read) = &requests[2] else { panic!("{requests:?}") };
    assert_eq!(read.since.as_deref(), Some("typed"));
    assert_eq!(result["structuredContent"]["bytes"], 5);
    assert_eq!(result["structuredContent"]["outcome"], "idle");
    assert_eq!(result["content"][0]["text"], "$ make\nline of 50");
    let result = client.call("fugue_send_input", json!({"pane_id": "a"})).await;
    assert_eq!(result["structuredContent"]["error"]["code"], "invalid_argument");
}

#[tokio::test]
async fn each_server_fails_alone_and_foreign_ids_carry_their_prefix() {
    let dir = TempDir::new().unwrap();
    let socket = dir.path().join("far.sock");
    let config = format!(
        "[servers.far]\nsocket = {socket:?}\n[servers.gone]\nsocket = {:?}\n",
        dir.path().join("gone.sock")
    );
    let paths = fake::paths(dir.path(), &config);
    let sessions = |request: Request, _| match request {
        Request::ListSessions(_) => {
            at_once(Ok(Sessions { server: ServerName::local(), sessions: vec![] }))
        }
        Request::KillSession(_) => at_once::<()>(Err(protocol::Error::new(ErrorCode::NotFound, "no session x")
            .candidates(["work".to_owned()]))),
        other => simple(other),
    };
    let _near = Daemon::start(&paths.socket(), sessions);
    let far = Daemon::start(&socket, sessions);
    let mut client = Client::connect(fake::front(&paths), Profile::Full).await;

    let servers = &client.call("fugue_list_sessions", json!({})).await["structuredContent"]["servers"];
    assert_eq!(servers["local"]["status"], "connected");
    assert_eq!(servers["far"]["sessions"], json!([]));
    assert_eq!(servers["gone"]["status"], "server_unreachable");
    assert!(servers["gone"]["error"]["hint"].is_string());
    let one = client.call("fugue_list_sessions", json!({"all_servers": false})).await;
    assert_eq!(one["structuredContent"]["servers"].as_object().unwrap().len(), 1);

    let panes = client.call("fugue_list_panes", json!({"session": "far:work"})).await;
    let context = &panes["structuredContent"]["session_context"];
    assert_eq!(context["server"], "far");
    assert!(context["session_id"].as_str().unwrap().starts_with("far:"), "{context}");
    let made = client.call("fugue_create_session", json!({"name": "far:new"})).await;
    assert!(made["structuredContent"]["pane_id"].as_str().unwrap().starts_with("far:"), "{made}");
    assert_eq!(far.seen.methods().last(), Some(&"create_session"));

    let error = client.call("fugue_kill_session", json!({"session": "x", "server": "far"})).await;
    let error = &error["structuredContent"]["error"];
    assert_eq!(error["candidates"], json!(["far:work"]));
    assert!(error["message"].as_str().unwrap().contains("on server far"));
    let arguments = json!({"session": "far:x", "server": "local"});
    let error = client.call("fugue_kill_session", arguments).await;
    assert_eq!(error["structuredContent"]["error"]["code"], "invalid_argument");
    let error = client.call("fugue_kill_session", json!({"session": "near:x"})).await;
    let error = &error["structuredContent"]["error"];
    assert_eq!(error["code"], "unknown_server");
    assert!(error["candidates"].as_array().unwrap().contains(&json!("gone")));
}

#[tokio::test]
async fn it_survives_the_restart_of_the_daemon() {
    let dir = TempDir::new().unwrap();
    let paths = fake::paths(dir.path(), "");
    let first = Daemon::start(&paths.socket(), |request, _| simple(request));
    let mut client = Client::connect(fake::front(&paths), Profile::Full).await;
    client.call("fugue_list_panes", json!({})).await;
    drop(first);
    let params = json!({"name": "fugue_list_panes", "arguments": {}});
    let (_, answer) = client.send("tools/call", params).await;
    let again = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Daemon::start(&paths.socket(), |request, _| simple(request))
    });
    let answer = tokio::time::timeout(fake::LIMIT, answer).await.unwrap().unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    drop(again.await.unwrap());
}

#[tokio::test]
async fn the_stateless_revision_is_spoken_too() {
    let (mut client, _daemon, _dir) = start(|request, _| simple(request)).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let answer = client.request("server/discover", json!({"_meta": meta})).await;
    let versions = answer["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{answer}");
    assert!(versions.contains(&json!("2025-06-18")), "{answer}");
    let params = json!({"name": "fugue_list_panes", "arguments": {}, "_meta": meta});
    let answer = client.request("tools/call", params).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
}
