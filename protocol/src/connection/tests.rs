//! Tests of `connection`.

use std::future::Future;

use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio_util::codec::Framed;

use super::*;

use futures_util::{SinkExt, StreamExt};

use crate::codec::FRAME_MAX_BYTES;
use crate::event::Ignored;
use crate::frame::ReplyFrame;
use crate::reply::Done;
use crate::request::{Detach, SendInput, Status};
use crate::target::Target;

const LIMIT: Duration = Duration::from_secs(10);

type Server = Framed<DuplexStream, FrameCodec>;

fn hello(name: &str) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        version: "9".into(),
        name: name.into(),
        instance: None,
        server: None,
        types_once: false,
        caller_pane: None,
        token: None,
    }
}

/// A connection, its events and the server's end of the stream, after the hellos.
async fn open() -> (Connection, mpsc::Receiver<Event>, Server) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let mut server = Framed::new(server, FrameCodec::default());
    server.send(Frame::Hello(hello("den"))).await.unwrap();
    let (connection, events) = Connection::open(client, hello("test"), LIMIT)
        .await
        .unwrap();
    let first = next(&mut server).await;
    assert_eq!(first, Frame::Hello(hello("test")));
    assert_eq!(connection.server().name, "den");
    (connection, events, server)
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("it did not happen in time")
}

async fn next(server: &mut Server) -> Frame {
    within(server.next())
        .await
        .expect("the client left")
        .unwrap()
}

async fn next_request(server: &mut Server) -> RequestFrame {
    let frame = next(server).await;
    let Frame::Request(request) = frame else {
        panic!("not a request: {frame:?}");
    };
    request
}

async fn reply(server: &mut Server, id: u64, params: &Bytes) {
    let result = Ok(params.clone());
    server
        .send(Frame::Reply(ReplyFrame { id, result }))
        .await
        .unwrap();
}

/// A call whose reply is its own parameters.
async fn echo(connection: &Connection, text: &str, limit: Duration) -> Result<String, Error> {
    let params = Bytes::copy_from_slice(text.as_bytes());
    let bytes = connection.call_raw("echo", params, None, limit).await?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn replies_find_their_callers_in_any_order() {
    let (connection, _events, mut server) = open().await;
    let connection = Arc::new(connection);
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let connection = Arc::clone(&connection);
            tokio::spawn(async move { echo(&connection, &format!("call {n}"), LIMIT).await })
        })
        .collect();
    let mut requests = Vec::new();
    for _ in 0..calls.len() {
        requests.push(next_request(&mut server).await);
    }
    // Last in, first out, with a foreign and a repeated reply in between.
    reply(&mut server, 999_999, &"nobody's".into()).await;
    for request in requests.iter().rev() {
        reply(&mut server, request.id, &request.params).await;
        reply(&mut server, request.id, &"again".into()).await;
    }
    for (n, call) in calls.into_iter().enumerate() {
        let answer = within(call).await.unwrap();
        assert_eq!(answer.unwrap(), format!("call {n}"));
    }
}

#[tokio::test]
async fn a_late_reply_shifts_nothing() {
    let (connection, _events, mut server) = open().await;
    let error = echo(&connection, "slow", Duration::from_millis(20))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    assert!(error.message.contains("echo"), "{error}");
    let slow = next_request(&mut server).await;
    assert_eq!(next(&mut server).await, Frame::Cancel(slow.id));

    for text in ["a", "b", "c"] {
        let answering = async {
            let request = next_request(&mut server).await;
            reply(&mut server, slow.id, &slow.params).await;
            reply(&mut server, request.id, &request.params).await;
        };
        let (answer, ()) = tokio::join!(echo(&connection, text, LIMIT), answering);
        assert_eq!(answer.unwrap(), text);
    }
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_later_calls_work() {
    let (connection, _events, mut server) = open().await;
    let mut dropped = Box::pin(echo(&connection, "dropped", LIMIT));
    let request = tokio::select! {
        _ = &mut dropped => panic!("nobody answered"),
        request = next_request(&mut server) => request,
    };
    drop(dropped);
    assert_eq!(next(&mut server).await, Frame::Cancel(request.id));
    assert!(connection.shared.pending().waiting.is_empty());
    let answering = async {
        let request = next_request(&mut server).await;
        reply(&mut server, request.id, &request.params).await;
    };
    let (answer, ()) = tokio::join!(echo(&connection, "next", LIMIT), answering);
    assert_eq!(answer.unwrap(), "next");
}

#[tokio::test]
async fn a_typed_call_carries_method_key_and_error() {
    let (connection, _events, mut server) = open().await;
    let wanted = Error::new(ErrorCode::NotFound, "no such view").candidates(["1".to_owned()]);
    let answering = async {
        let request = next_request(&mut server).await;
        assert_eq!(request.method, "detach");
        assert_eq!(request.idempotency_key.as_deref(), Some("k"));
        let id = request.id;
        let result = Err(wanted.clone());
        server
            .send(Frame::Reply(ReplyFrame { id, result }))
            .await
            .unwrap();
        let request = next_request(&mut server).await;
        reply(&mut server, request.id, &to_bytes(&Done {})).await;
        let request = next_request(&mut server).await;
        reply(&mut server, request.id, &to_bytes(&Done {})).await;
    };
    let calling = async {
        let call = Detach { view: 7 };
        let key = Some("k".to_owned());
        let error = connection.call_with_key(&call, key, LIMIT).await;
        assert_eq!(error.unwrap_err(), wanted);
        assert_eq!(connection.call(&call, LIMIT).await.unwrap(), Done {});
        let error = connection.call(&Status {}, LIMIT).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(error.message.contains("status"), "{error}");
    };
    tokio::join!(answering, calling);
}

#[tokio::test]
async fn a_server_that_closes_fails_all_who_wait_and_all_who_come() {
    let (connection, mut events, mut server) = open().await;
    let closing = async {
        next_request(&mut server).await;
        next_request(&mut server).await;
        drop(server);
    };
    let (one, two, ()) = tokio::join!(
        echo(&connection, "1", LIMIT),
        echo(&connection, "2", LIMIT),
        closing
    );
    within(connection.closed()).await;
    let three = echo(&connection, "3", LIMIT).await;
    let input = connection
        .input(1, "x".into())
        .await
        .map(|()| String::new());
    for result in [one, two, three, input] {
        assert_eq!(result.unwrap_err().code, ErrorCode::ServerUnreachable);
    }
    assert!(connection.is_closed());
    assert_eq!(within(events.recv()).await, None);
}

#[tokio::test]
async fn what_the_server_says_before_it_closes_reaches_every_caller() {
    let (connection, _events, mut server) = open().await;
    let wanted = Error::new(ErrorCode::Limit, "too many clients");
    let leaving = async {
        next_request(&mut server).await;
        server.send(Frame::Bye(wanted.clone())).await.unwrap();
    };
    let (waiting, ()) = tokio::join!(echo(&connection, "1", LIMIT), leaving);
    assert_eq!(waiting.unwrap_err(), wanted);
    assert_eq!(echo(&connection, "2", LIMIT).await.unwrap_err(), wanted);
    assert_eq!(connection.why_closed(), wanted);
    // The server's end is still open; nothing may be queued for it all the same.
    let refused = async {
        while connection.ready(1).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(refused).await;
    drop(server);
}

#[tokio::test]
async fn a_refusal_is_heard_even_when_the_hello_comes_too_late() {
    let (client, server) = tokio::io::duplex(1024);
    let mut server = Framed::new(server, FrameCodec::default());
    let wanted = Error::new(ErrorCode::Limit, "too many clients");
    server.send(Frame::Bye(wanted.clone())).await.unwrap();
    drop(server);
    let error = Connection::open(client, hello("test"), LIMIT).await.err();
    assert_eq!(error.unwrap(), wanted);
}

#[tokio::test]
async fn the_older_side_is_told_to_upgrade() {
    for (theirs, advice) in [
        (PROTOCOL_VERSION - 1, "upgrade the server"),
        (PROTOCOL_VERSION + 1, "upgrade the client"),
    ] {
        let (client, server) = tokio::io::duplex(1024);
        let mut server = Framed::new(server, FrameCodec::default());
        let other = Hello {
            protocol_version: theirs,
            ..hello("den")
        };
        server.send(Frame::Hello(other)).await.unwrap();
        let error = Connection::open(client, hello("test"), LIMIT)
            .await
            .err()
            .unwrap();
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert_eq!(error.hint, advice);
        assert!(error.message.contains("den"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_unreachable_after_the_limit() {
    let (client, _server) = tokio::io::duplex(1024);
    let error = Connection::open(client, hello("test"), Duration::from_secs(3))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.message.contains("3s"), "{error}");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let (_connection, _events, mut server) = open().await;
    server.send(Frame::Ping).await.unwrap();
    assert_eq!(next(&mut server).await, Frame::Pong);
}

fn event(body: &impl serde::Serialize, seq: u64) -> Frame {
    Frame::Event {
        seq,
        body: to_bytes(body),
    }
}

#[tokio::test]
async fn events_are_apart_from_replies_and_unknown_things_are_passed_over() {
    let (connection, mut events, mut server) = open().await;
    let detached = Event::Detached {
        view: 1,
        reason: "gone".into(),
    };
    let answering = async {
        let request = next_request(&mut server).await;
        server.send(event(&detached, request.id)).await.unwrap();
        server.send(event(&"fainted", 2)).await.unwrap();
        server
            .send(Frame::Unknown("teleport".into()))
            .await
            .unwrap();
        reply(&mut server, request.id, &request.params).await;
    };
    let (answer, ()) = tokio::join!(echo(&connection, "x", LIMIT), answering);
    assert_eq!(answer.unwrap(), "x");
    assert_eq!(within(events.recv()).await, Some(detached));
    assert_eq!(within(events.recv()).await, Some(Event::Other(Ignored)));
}

#[tokio::test]
async fn events_that_nobody_reads_end_the_connection_and_nothing_else() {
    let (connection, events, mut server) = open().await;
    for seq in 0..=EVENT_QUEUE as u64 {
        server
            .send(event(&Event::Other(Ignored), seq))
            .await
            .unwrap();
    }
    within(connection.closed()).await;
    let error = connection.why_closed();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.message.contains("events"), "{error}");
    assert_eq!(events.len(), EVENT_QUEUE);
}

#[tokio::test]
async fn events_nobody_wants_are_dropped() {
    let (connection, events, mut server) = open().await;
    drop(events);
    for seq in 0..=EVENT_QUEUE as u64 {
        server
            .send(event(&Event::Other(Ignored), seq))
            .await
            .unwrap();
    }
    server.send(Frame::Ping).await.unwrap();
    assert_eq!(next(&mut server).await, Frame::Pong);
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn garbage_from_the_server_closes_the_connection_with_the_reason() {
    let (connection, _events, server) = open().await;
    let mut stream = server.into_inner();
    stream.write_all(&[0, 0, 0, 1, 0xc1]).await.unwrap();
    let error = echo(&connection, "x", LIMIT).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.message.contains("map"), "{error}");

    let (connection, _events, mut server) = open().await;
    let wrong = serde_json::json!({"detached": {"view": "one"}});
    server.send(event(&wrong, 1)).await.unwrap();
    let error = echo(&connection, "x", LIMIT).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ServerUnreachable);
    assert!(error.message.contains("view"), "{error}");
}

#[tokio::test]
async fn a_call_too_large_for_a_frame_is_refused_and_others_go_on() {
    let (connection, _events, mut server) = open().await;
    let call = SendInput {
        pane: Target::parse("p").unwrap(),
        text: "x".repeat(FRAME_MAX_BYTES),
        keys: Vec::new(),
        submit: false,
        paste: None,
        timeout_ms: None,
    };
    let error = connection.call(&call, LIMIT).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Limit);
    let error = connection.input(1, call.text.into()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Limit);
    let answering = async {
        let request = next_request(&mut server).await;
        reply(&mut server, request.id, &request.params).await;
    };
    let (answer, ()) = tokio::join!(echo(&connection, "y", LIMIT), answering);
    assert_eq!(answer.unwrap(), "y");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_costs_a_timeout_and_no_memory() {
    let (connection, _events, mut server) = open().await;
    let text = "x".repeat(32 * 1024);
    for _ in 0..OUT_QUEUE + 20 {
        let error = echo(&connection, &text, Duration::from_secs(1)).await;
        assert_eq!(error.unwrap_err().code, ErrorCode::Timeout);
    }
    assert!(connection.shared.pending().waiting.is_empty());
    // It wakes up: what was queued arrives, at most the queue and the socket's buffer.
    let mut frames = 0;
    while let Ok(Some(frame)) = tokio::time::timeout(LIMIT, server.next()).await {
        frame.unwrap();
        frames += 1;
    }
    assert!(frames <= OUT_QUEUE + 4, "{frames} frames were queued");
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn dropping_the_connection_closes_the_stream() {
    let (connection, _events, mut server) = open().await;
    drop(connection);
    assert!(within(server.next()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn typing_into_a_server_that_does_not_read_ends_after_a_limit() {
    let (connection, _events, _server) = open().await;
    let begun = tokio::time::Instant::now();
    let piece = Bytes::from(vec![b'x'; 1024]);
    let error = loop {
        if let Err(error) = connection.input(1, piece.clone()).await {
            break error;
        }
        // As much as the stream and the queue hold.
        assert!(begun.elapsed() < SEND_LIMIT);
    };
    assert_eq!(error.code, ErrorCode::Timeout, "{error}");
    assert_eq!(begun.elapsed().as_secs(), SEND_LIMIT.as_secs());
    let error = connection.ready(1).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout, "{error}");
}
