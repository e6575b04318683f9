//! Tests of `server`: MCP in, a fake daemon behind.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a fake daemon answers a few of the calls"
)]

use std::sync::Arc;

use protocol::paths::{UMASK_VARIABLE, own_umask};
use protocol::reply::{ExitStatus, PaneCreated, PaneText, Panes};
use protocol::{ErrorCode, PaneUuid, Request, WindowUuid};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{self, Client, Daemon, Reply, at_once};
use crate::tools::Profile;

mod servers;
mod waits;

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
        Request::ListPanes(_) => at_once(Ok(Panes {
            context: Some(fake::context()),
            panes: vec![],
        })),
        Request::ReadPane(params) => at_once(Ok(PaneText {
            context: fake::context(),
            pane_id: PaneUuid::new(),
            text: format!("$ make\nline of {}\n\n   \n", params.lines.unwrap_or(0)),
            cursor: "c1".into(),
            truncated: params.since.is_none(),
            alternate: false,
            joined_rows: 0,
            rewritten: false,
            dropped_lines: if params.since.is_none() { 3 } else { 0 },
            status: protocol::reply::PaneStatus {
                exit: Some(ExitStatus::Exited { code: 3 }),
                ..fake::running()
            },
        })),
        Request::CreateSession(_) => at_once(Ok(PaneCreated {
            context: fake::context(),
            window_id: WindowUuid::new(),
            pane_id: PaneUuid::new(),
            number: Some(12.into()),
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
    let answer = client
        .request("tools/call", json!({"name": "fugue_read_panes"}))
        .await;
    assert_eq!(answer["error"]["code"], -32602);
    let text = answer["error"]["message"].as_str().unwrap();
    assert!(text.contains("did you mean fugue_read_pane?"), "{text}");
    for params in [
        json!({"arguments": {}}),
        json!({"name": "fugue_whoami", "arguments": [1]}),
    ] {
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
    let answer = client
        .request("tools/call", json!({"name": "fugue_actor_tree"}))
        .await;
    assert_eq!(answer["error"]["code"], -32602);
    assert!(
        super::INSTRUCTIONS.len() <= 2_048,
        "{}",
        super::INSTRUCTIONS.len()
    );
    client.close().await.unwrap();
}

#[tokio::test]
async fn bad_arguments_are_told_to_the_model_and_reach_no_daemon() {
    let (mut client, daemon, _dir) = start(|request, _| simple(request)).await;
    let result = client
        .call("fugue_read_pane", json!({"pane_id": "a", "line": 5}))
        .await;
    assert_eq!(result["isError"], true);
    let error = &result["structuredContent"]["error"];
    assert_eq!(error["code"], "invalid_argument");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("use lines instead of \"line\""),
        "{error}"
    );
    assert!(
        error["candidates"]
            .as_array()
            .unwrap()
            .contains(&json!("since"))
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("invalid_argument: fugue_read_pane has no argument \"line\""),
        "{text}"
    );
    assert!(daemon.seen.methods().is_empty());
}

#[tokio::test]
async fn screen_text_is_plain_and_followed_by_a_status_line() {
    let (mut client, _daemon, _dir) = start(|request, _| simple(request)).await;
    let result = client.call("fugue_read_pane", json!({"pane": "a"})).await;
    let content = result["content"].as_array().unwrap();
    assert_eq!(content[0]["text"], "$ make\nline of 50");
    let line = content[1]["text"].as_str().unwrap();
    assert!(
        line.contains("exit 3") && line.contains("3 lines were lost"),
        "{line}"
    );
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
    let [Request::CreateSession(made)] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        made.pane.program,
        protocol::request::Program::Argv(vec!["cargo".into(), "test".into()])
    );
    assert!(made.pane.settings.remain_on_exit);
    let cwd = made.pane.cwd.as_deref().unwrap();
    assert_eq!(
        cwd,
        std::env::current_dir()
            .unwrap()
            .join("src")
            .to_str()
            .unwrap()
    );
    assert_eq!(made.size, Some(protocol::Size::new(30, 100)));
    let environment = made.environment.as_ref().unwrap();
    assert!(environment.contains_key("PATH"));
    // Of its own variables only the umask, which the programs are to have.
    let umask = own_umask().expect("a process has a umask");
    assert_eq!(environment.get(UMASK_VARIABLE), Some(&umask));
    let own = |name: &str| name.starts_with("FUGUE") || name == "TERM" || name == "COLUMNS";
    let mut names = environment.keys().filter(|name| *name != UMASK_VARIABLE);
    assert!(!names.any(|name| own(name)), "{:?}", environment.keys());

    client.call("fugue_create_session", json!({})).await;
    let requests = daemon.seen.requests();
    let Request::CreateSession(shell) = &requests[1] else {
        panic!("{requests:?}")
    };
    assert_eq!(shell.pane.program, protocol::request::Program::LoginShell);
    assert!(!shell.pane.settings.remain_on_exit);
    let result = client
        .call("fugue_create_session", json!({"args": ["x"]}))
        .await;
    assert_eq!(result["isError"], true);
}

#[tokio::test]
async fn the_stateless_revision_is_spoken_too() {
    let (mut client, _daemon, _dir) = start(|request, _| simple(request)).await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let answer = client
        .request("server/discover", json!({"_meta": meta}))
        .await;
    let versions = answer["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{answer}");
    assert!(versions.contains(&json!("2025-06-18")), "{answer}");
    let params = json!({"name": "fugue_list_panes", "arguments": {}, "_meta": meta});
    let answer = client.request("tools/call", params).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
}
