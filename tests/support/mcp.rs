//! `fugue mcp` as a client sees it that has many calls in flight.

use std::collections::HashMap;
use std::process::Stdio as Pipes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

use super::daemon::{Daemon, fugue_exe};

/// The longest that any call in the tests may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Post {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// What came without being asked for: notifications, replies to nobody, lines that are no JSON.
    strays: Vec<Value>,
}

/// A client on a process of its own.
pub struct Mcp {
    pub child: Child,
    input: tokio::sync::Mutex<Option<ChildStdin>>,
    post: Arc<Mutex<Post>>,
    next_id: AtomicU64,
}

impl Mcp {
    /// Starts `fugue mcp` and begins with `initialize`.
    pub async fn start(daemon: &Daemon) -> Self {
        let mcp = Self::bare(daemon);
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let answer = mcp.ask("initialize", hello).await;
        assert!(answer["result"]["serverInfo"].is_object(), "{answer}");
        mcp.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string())
            .await;
        mcp
    }

    fn bare(daemon: &Daemon) -> Self {
        let mut command = Command::from(daemon.command(fugue_exe()));
        // A shell that carries out nothing.
        command.arg("mcp").env("SHELL", "/bin/cat");
        command.stdin(Pipes::piped()).stdout(Pipes::piped());
        command.stderr(Pipes::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let post = Arc::new(Mutex::new(Post::default()));
        let taken = Arc::clone(&post);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let message = serde_json::from_str(&line).unwrap_or(Value::String(line));
                let mut post = taken.lock().unwrap();
                let id = message["id"]
                    .as_u64()
                    .filter(|_| message["method"].is_null());
                match id.and_then(|id| post.waiting.remove(&id)) {
                    Some(asker) => drop(asker.send(message)),
                    None => post.strays.push(message),
                }
            }
            // Whoever still waits learns that nothing will come.
            taken.lock().unwrap().waiting.clear();
        });
        Self {
            child,
            input: tokio::sync::Mutex::new(input),
            post,
            next_id: AtomicU64::new(1),
        }
    }

    /// Writes a line.
    pub async fn say(&self, line: &str) {
        let mut input = self.input.lock().await;
        let input = input.as_mut().expect("its input is open");
        input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
        input.flush().await.unwrap();
    }

    /// Closes its input.
    pub async fn close(&self) {
        self.input.lock().await.take();
    }

    /// Sends a request; gives its id and where the reply will come.
    pub async fn begin(&self, method: &str, params: Value) -> (u64, oneshot::Receiver<Value>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.post.lock().unwrap().waiting.insert(id, sender);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.say(&request.to_string()).await;
        (id, receiver)
    }

    /// Makes a request and gives the reply.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let (id, reply) = self.begin(method, params).await;
        let reply = tokio::time::timeout(PATIENCE, reply).await;
        reply
            .unwrap_or_else(|_| panic!("no reply to {method} {id}"))
            .unwrap_or_else(|_| panic!("fugue mcp ended before its reply to {method} {id}"))
    }

    /// Calls a tool and gives the reply.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
            .await
    }

    /// Calls a tool that must succeed and gives its result.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.call(tool, arguments).await;
        assert_eq!(reply["result"]["isError"], json!(false), "{tool}: {reply}");
        reply["result"]["structuredContent"].clone()
    }

    /// What came without being asked for.
    pub fn strays(&self) -> Vec<Value> {
        std::mem::take(&mut self.post.lock().unwrap().strays)
    }

    /// Closes its input and waits for its end.
    pub async fn end(mut self) {
        self.close().await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.expect("it ends with its input").unwrap().success());
    }
}
