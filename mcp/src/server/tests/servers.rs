//! Several servers, and one that is restarted.

use protocol::reply::Sessions;
use protocol::{ErrorCode, Request, ServerName};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::simple;
use crate::fake::{self, Client, Daemon, at_once};
use crate::tools::Profile;

/// A client of a local server, one called `far` and one called `gone` that does not answer.
async fn three() -> (Client, [Daemon; 2], TempDir) {
    let dir = TempDir::new().unwrap();
    let socket = dir.path().join("far.sock");
    let config = format!(
        "[servers.far]\nsocket = {socket:?}\n[servers.gone]\nsocket = {:?}\n",
        dir.path().join("gone.sock")
    );
    let paths = fake::paths(dir.path(), &config);
    let sessions = |request: Request, _| match request {
        Request::ListSessions(_) => at_once(Ok(Sessions {
            server: ServerName::local(),
            sessions: vec![],
        })),
        Request::KillSession(_) => at_once::<()>(Err(protocol::Error::new(
            ErrorCode::NotFound,
            "no session x",
        )
        .candidates(["work".to_owned()]))),
        other => simple(other),
    };
    let near = Daemon::start(&paths.socket(), sessions);
    let far = Daemon::start(&socket, sessions);
    let client = Client::connect(fake::front(&paths), Profile::Full).await;
    (client, [near, far], dir)
}

#[tokio::test]
async fn each_server_fails_alone() {
    let (mut client, _daemons, _dir) = three().await;
    let all = client.call("fugue_list_sessions", json!({})).await;
    let servers = &all["structuredContent"]["servers"];
    assert_eq!(servers["local"]["status"], "connected");
    assert_eq!(servers["far"]["sessions"], json!([]));
    assert_eq!(servers["gone"]["status"], "server_unreachable");
    assert!(servers["gone"]["error"]["hint"].is_string());
    let arguments = json!({"all_servers": false});
    let one = client.call("fugue_list_sessions", arguments).await;
    let servers = one["structuredContent"]["servers"].as_object().unwrap();
    assert_eq!(servers.len(), 1);
}

#[tokio::test]
async fn ids_of_another_server_carry_its_name() {
    let (mut client, [near, far], _dir) = three().await;
    let arguments = json!({"session": "far:work"});
    let panes = client.call("fugue_list_panes", arguments).await;
    let context = &panes["structuredContent"]["session_context"];
    assert_eq!(context["server"], "far");
    let session_id = context["session_id"].as_str().unwrap();
    assert!(session_id.starts_with("far:"), "{context}");
    let arguments = json!({"name": "far:new"});
    let made = client.call("fugue_create_session", arguments).await;
    let pane_id = made["structuredContent"]["pane_id"].as_str().unwrap();
    assert!(pane_id.starts_with("far:"), "{made}");
    assert_eq!(far.seen.methods(), ["list_panes", "create_session"]);
    assert!(near.seen.methods().is_empty());
}

#[tokio::test]
async fn errors_say_which_server() {
    let (mut client, _daemons, _dir) = three().await;
    let mut refused = async |arguments| {
        let result = client.call("fugue_kill_session", arguments).await;
        result["structuredContent"]["error"].clone()
    };
    let error = refused(json!({"session": "x", "server": "far"})).await;
    assert_eq!(error["candidates"], json!(["far:work"]));
    assert!(error["message"].as_str().unwrap().contains("on server far"));
    let error = refused(json!({"session": "far:x", "server": "local"})).await;
    assert_eq!(error["code"], "invalid_argument");
    let error = refused(json!({"session": "near:x"})).await;
    assert_eq!(error["code"], "unknown_server");
    let names = error["candidates"].as_array().unwrap();
    assert!(names.contains(&json!("gone")), "{names:?}");
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
        // Whoever comes before it serves again is turned away, and the call must try again.
        let closing = UnixListener::bind(paths.socket()).unwrap();
        let turned_away = tokio::time::timeout(fake::LIMIT, closing.accept()).await;
        drop((turned_away.unwrap().unwrap(), closing));
        std::fs::remove_file(paths.socket()).unwrap();
        Daemon::start(&paths.socket(), |request, _| simple(request))
    });
    let answer = tokio::time::timeout(fake::LIMIT, answer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    drop(again.await.unwrap());
}
