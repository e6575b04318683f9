//! Tests of `fleet`.

use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::Framed;

use super::*;

use crate::codec::FrameCodec;
use crate::frame::{Frame, Hello, PROTOCOL_VERSION, ReplyFrame, to_bytes};
use crate::reply::Done;
use crate::request::Detach;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

fn paths(dir: &Path, config: &str) -> Paths {
    let config_path = dir.join("config.toml");
    std::fs::write(&config_path, config).unwrap();
    Paths {
        runtime: dir.to_owned(),
        state: dir.to_owned(),
        config: config_path,
    }
}

const TWO: &str =
    "[daemon]\nname = \"den\"\n[servers.polecats]\nsocket = \"/nowhere/polecats.sock\"\n";

#[test]
fn the_target_and_the_server_given_apart_must_agree() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = Fleet::load(&paths(dir.path(), TWO), "test", None, false).unwrap();
    let polecats = ServerName::new("polecats").unwrap();
    let name = |target: &str, server: Option<&ServerName>| {
        fleet
            .resolve(target, server)
            .map(|(server, target)| format!("{}:{target}", server.name()))
    };
    assert_eq!(name("x", None).unwrap(), "local:x");
    assert_eq!(name("polecats:x", None).unwrap(), "polecats:x");
    assert_eq!(name("x", Some(&polecats)).unwrap(), "polecats:x");
    assert_eq!(name("polecats:x", Some(&polecats)).unwrap(), "polecats:x");

    let error = name("local:x", Some(&polecats)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("local") && error.message.contains("polecats"));

    let own = ServerName::new("den").unwrap();
    assert_eq!(name("local:x", Some(&own)).unwrap(), "local:x");
}

#[test]
fn an_unknown_server_is_refused_with_the_known_names() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path(), TWO);
    let fleet = Fleet::load(&paths, "test", None, false).unwrap();
    let error = fleet.resolve("nowhere:x", None).err().unwrap();
    assert_eq!(error.code, ErrorCode::UnknownServer);
    assert_eq!(error.candidates, ["den", "local", "polecats"]);

    let error = Fleet::load(&paths, "test", Some("nowhere"), false).err();
    assert_eq!(error.unwrap().code, ErrorCode::UnknownServer);
    let error = Fleet::load(&paths, "test", Some("No Where"), false).err();
    assert_eq!(error.unwrap().code, ErrorCode::InvalidArgument);
}

#[test]
fn the_default_server_is_the_one_given_then_the_configured_one() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("default_server = \"polecats\"\n{TWO}");
    let paths = paths(dir.path(), &config);
    let default = |given| {
        let fleet = Fleet::load(&paths, "test", given, false).unwrap();
        fleet.default_server().to_string()
    };
    assert_eq!(default(None), "polecats");
    assert_eq!(default(Some("local")), "local");
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_at_once_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let fleet = Fleet::load(&paths(dir.path(), TWO), "test", None, false).unwrap();
    let (server, _) = fleet.resolve("polecats:x", None).unwrap();
    let start = Instant::now();
    let error = server.connection().await.err().unwrap();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.message.contains("polecats.sock"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

async fn accept(listener: &UnixListener) -> Framed<UnixStream, FrameCodec> {
    let (stream, _) = listener.accept().await.unwrap();
    Framed::new(stream, FrameCodec::default())
}

fn hello(protocol_version: u32) -> Frame {
    Frame::Hello(Hello {
        protocol_version,
        version: "9".into(),
        name: "den".into(),
        instance: None,
        server: None,
        types_once: false,
        caller_pane: None,
        token: None,
    })
}

/// Accepts one connection and answers its first request.
async fn answer_one(listener: &UnixListener) -> Framed<UnixStream, FrameCodec> {
    let mut client = accept(listener).await;
    client.send(hello(PROTOCOL_VERSION)).await.unwrap();
    while let Some(frame) = client.next().await {
        if let Frame::Request(request) = frame.unwrap() {
            let result = Ok(to_bytes(&Done {}));
            let id = request.id;
            client
                .send(Frame::Reply(ReplyFrame { id, result }))
                .await
                .unwrap();
            return client;
        }
    }
    panic!("the client left without a request");
}

#[tokio::test]
async fn a_server_that_restarts_is_reached_again_by_the_next_call() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path(), "");
    let fleet = Fleet::load(&paths, "test", None, false).unwrap();
    let server = fleet.server(fleet.default_server()).unwrap();
    let listener = UnixListener::bind(paths.socket()).unwrap();
    let (first, client) = tokio::join!(
        server.call(&Detach { view: 1 }, LIMIT),
        answer_one(&listener)
    );
    first.unwrap();
    let lost = server.connection().await.unwrap();
    drop(client);
    tokio::time::timeout(LIMIT, lost.closed()).await.unwrap();
    drop(listener);
    std::fs::remove_file(paths.socket()).unwrap();

    let again = async {
        // The call is looking for it, and has to wait.
        let looking = async {
            while server.current.try_lock().is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, looking).await.unwrap();
        let listener = UnixListener::bind(paths.socket()).unwrap();
        answer_one(&listener).await
    };
    let (second, _client) = tokio::join!(server.call(&Detach { view: 1 }, LIMIT), again);
    second.unwrap();
}

#[tokio::test]
async fn a_servers_own_refusal_is_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path(), "");
    let fleet = Fleet::load(&paths, "test", None, true).unwrap();
    let server = fleet.server(fleet.default_server()).unwrap();
    let listener = UnixListener::bind(paths.socket()).unwrap();
    let refuse = async {
        let mut client = accept(&listener).await;
        client.send(hello(PROTOCOL_VERSION + 1)).await.unwrap();
        client
    };
    let start = Instant::now();
    let (result, _client) = tokio::join!(server.connection(), refuse);
    let error = result.err().unwrap();
    assert_eq!(error.code, ErrorCode::Unsupported, "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_call_keeps_to_its_limit_however_slow_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path(), "");
    let listener = UnixListener::bind(paths.socket()).unwrap();
    let limit = Duration::from_millis(1_500);
    let call = async |hello_after: Duration| {
        let fleet = Fleet::load(&paths, "test", None, false).unwrap();
        let server = fleet.server(fleet.default_server()).unwrap();
        let silent = async {
            let mut client = accept(&listener).await;
            tokio::time::sleep(hello_after).await;
            // Too late for a caller that has given up.
            let _ = client.send(hello(PROTOCOL_VERSION)).await;
            std::future::pending::<()>().await;
        };
        let start = Instant::now();
        let asked = Detach { view: 1 };
        let error = tokio::select! {
            result = server.call(&asked, limit) => result.unwrap_err(),
            () = silent => panic!("it waits for ever"),
        };
        let took = start.elapsed();
        assert!(
            limit <= took && took < limit + Duration::from_millis(700),
            "{took:?}"
        );
        error
    };
    let late = call(Duration::from_secs(60)).await;
    assert_eq!(late.code, ErrorCode::ServerUnreachable, "{late}");
    let unanswered = call(Duration::from_secs(1)).await;
    assert_eq!(unanswered.code, ErrorCode::Timeout, "{unanswered}");
}

#[test]
fn a_look_that_is_made_again_has_the_rest_of_its_time() {
    let wait = crate::request::WaitPane {
        pane: crate::PaneUuid::new().into(),
        timeout_ms: 5_000,
    };
    let rest = |passed| remote::rest_of(&wait, Duration::from_millis(passed)).unwrap();
    assert_eq!(rest(1_500).pane, wait.pane);
    assert_eq!(rest(1_500).timeout_ms, 3_500);
    assert_eq!(rest(9_000).timeout_ms, 1);
    assert!(remote::rest_of(&crate::request::Status {}, Duration::ZERO).is_none());
}
