//! For tests: a daemon that answers as it is told, and an MCP client over an in-memory stream.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use protocol::codec::FrameCodec;
use protocol::fleet::Fleet;
use protocol::frame::{Frame, PROTOCOL_VERSION, ReplyFrame, to_bytes};
use protocol::paths::Paths;
use protocol::reply::{
    CommandResult, Orchestration, OrchestrationKind, PaneStatus, RunStatus, SessionContext,
};
use protocol::{Error, Name, OrchestrationUuid, Request, ServerName, SessionUuid};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, WriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::Framed;

use crate::call::Front;
use crate::tools::Profile;

/// No test waits longer for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) type Reply = BoxFuture<'static, Result<Bytes, Error>>;

/// A reply that is there at once.
pub(crate) fn at_once<T: serde::Serialize>(reply: Result<T, Error>) -> Reply {
    Box::pin(std::future::ready(reply.map(|value| to_bytes(&value))))
}

type Answering = Arc<dyn Fn(Request, Option<String>) -> Reply + Send + Sync>;

/// The requests that a fake daemon has been sent.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Request>>>, Arc<AtomicU64>, Arc<AtomicU64>);

impl Seen {
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn methods(&self) -> Vec<&'static str> {
        self.requests().iter().map(Request::method).collect()
    }

    /// The number of calls that the client no longer waits for.
    pub(crate) fn cancels(&self) -> u64 {
        self.1.load(Ordering::SeqCst)
    }

    /// The number of connections that have ended.
    pub(crate) fn ends(&self) -> u64 {
        self.2.load(Ordering::SeqCst)
    }
}

/// A daemon that answers as it is told.
pub(crate) struct Daemon {
    pub(crate) seen: Seen,
    accepting: tokio::task::JoinHandle<()>,
    connections: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
    socket: PathBuf,
}

impl Daemon {
    pub(crate) fn start(
        socket: &Path,
        answer: impl Fn(Request, Option<String>) -> Reply + Send + Sync + 'static,
    ) -> Self {
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(socket).unwrap();
        let (seen, connections) = (Seen::default(), Arc::new(Mutex::new(Vec::new())));
        let answer: Answering = Arc::new(answer);
        let (noted, open) = (seen.clone(), Arc::clone(&connections));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = tokio::spawn(serve(stream, Arc::clone(&answer), noted.clone()));
                open.lock().unwrap().push(serving.abort_handle());
            }
        });
        Self {
            seen,
            accepting,
            connections,
            socket: socket.to_owned(),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.accepting.abort();
        for connection in self.connections.lock().unwrap().drain(..) {
            connection.abort();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn serve(stream: UnixStream, answer: Answering, seen: Seen) {
    let mut framed = Framed::new(stream, FrameCodec::default());
    let (replies, mut ready) = mpsc::channel::<Frame>(64);
    loop {
        tokio::select! {
            Some(frame) = ready.recv() => framed.send(frame).await.unwrap(),
            read = framed.next() => match read {
                Some(Ok(Frame::Hello(mut hello))) => {
                    hello.protocol_version = PROTOCOL_VERSION;
                    framed.send(Frame::Hello(hello)).await.unwrap();
                }
                Some(Ok(Frame::Request(frame))) => {
                    let request = Request::decode(&frame.method, &frame.params).unwrap();
                    seen.0.lock().unwrap().push(request.clone());
                    let (reply, replies) = (answer(request, frame.idempotency_key), replies.clone());
                    tokio::spawn(async move {
                        let result = reply.await;
                        let _ = replies.send(Frame::Reply(ReplyFrame { id: frame.id, result })).await;
                    });
                }
                Some(Ok(Frame::Cancel(_))) => {
                    seen.1.fetch_add(1, Ordering::SeqCst);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    seen.2.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    }
}

/// Paths inside `dir`, with `config` as the configuration file.
pub(crate) fn paths(dir: &Path, config: &str) -> Paths {
    let file = dir.join("config.toml");
    std::fs::write(&file, config).unwrap();
    Paths {
        runtime: dir.join("run"),
        state: dir.join("state"),
        config: file,
    }
}

/// A front over the servers of `paths`.
pub(crate) fn front(paths: &Paths) -> Front {
    let fleet = Fleet::load(paths, "fugue mcp", None, false).unwrap();
    Front {
        heartbeat: Duration::from_millis(50),
        ..Front::new(fleet)
    }
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// An MCP client.
pub(crate) struct Client {
    input: WriteHalf<DuplexStream>,
    waiting: Waiting,
    pub(crate) notifications: Arc<Mutex<Vec<Value>>>,
    next_id: u64,
    pub(crate) served: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Client {
    /// A client that has shaken hands with a server over `front`.
    pub(crate) async fn connect(front: Front, profile: Profile) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (their_input, their_output) = tokio::io::split(theirs);
        let served = tokio::spawn(crate::stdio::serve(
            front,
            profile,
            their_input,
            their_output,
        ));
        let (output, input) = tokio::io::split(ours);
        let waiting = Waiting::default();
        let notifications = Arc::new(Mutex::new(Vec::new()));
        let (answers, notes) = (Arc::clone(&waiting), Arc::clone(&notifications));
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value =
                    serde_json::from_str(&line).expect("only MCP is on the output");
                match message["id"].as_u64() {
                    Some(id) => {
                        let answer = answers.lock().unwrap().remove(&id);
                        answer.map(|answer| answer.send(message));
                    }
                    None => notes.lock().unwrap().push(message),
                }
            }
        });
        let mut client = Self {
            input,
            waiting,
            notifications,
            next_id: 0,
            served,
        };
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        });
        let answer = client.request("initialize", hello).await;
        assert_eq!(answer["result"]["serverInfo"]["name"], "fugue");
        client.notify("notifications/initialized", json!({})).await;
        client
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    async fn write(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    /// Sends a request; its id and its answer to come.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        params: Value,
    ) -> (u64, oneshot::Receiver<Value>) {
        self.next_id += 1;
        let id = self.next_id;
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, answer);
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        (id, answered)
    }

    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let (_, answer) = self.send(method, params).await;
        tokio::time::timeout(LIMIT, answer)
            .await
            .expect("an answer in time")
            .unwrap()
    }

    /// Calls a tool; its result.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.request("tools/call", params).await;
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// Ends the input and waits for the server's end.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        self.input.shutdown().await.unwrap();
        tokio::time::timeout(LIMIT, self.served)
            .await
            .expect("it exits")
            .unwrap()
    }
}

/// A session for answers.
pub(crate) fn context() -> SessionContext {
    SessionContext {
        session_id: SessionUuid::new(),
        session_name: Name::new("work").unwrap(),
        server: ServerName::local(),
    }
}

/// A pane's status while its program runs.
pub(crate) fn running() -> PaneStatus {
    PaneStatus {
        exit: None,
        duration_ms: 5,
        ended_at_ms: None,
        usage: None,
        restarting: false,
        restarts: 0,
        unreachable: None,
        state: None,
    }
}

/// An orchestration of two commands of which `done` have ended.
pub(crate) fn orchestration(id: OrchestrationUuid, done: usize) -> Orchestration {
    let command = |index: usize| CommandResult {
        name: format!("task-{}", index + 1),
        command: "make".into(),
        status: if index < done {
            RunStatus::Completed
        } else {
            RunStatus::Running
        },
        exit_code: (index < done).then_some(0),
        ..CommandResult::default()
    };
    Orchestration {
        orchestration_id: id,
        number: None,
        shell: "bash".to_owned(),
        left_running: Vec::new(),
        kind: OrchestrationKind::Parallel,
        status: if done == 2 {
            RunStatus::Completed
        } else {
            RunStatus::Running
        },
        context: context(),
        session_created: true,
        cleanup: true,
        version: done as u64,
        commands: vec![command(0), command(1)],
        failed_at: None,
        pane_id: None,
        started_at_ms: 1,
        duration_ms: 2,
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + LIMIT;
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what} within {LIMIT:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
