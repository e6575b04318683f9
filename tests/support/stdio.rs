//! `fugue mcp` as a client sees it: calls that run side by side, notifications, its end.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex as Turn, oneshot};

use super::LIMIT;
use super::daemon::{Daemon, fugue_exe};

type Pending = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A running `fugue mcp`.
pub struct Mcp {
    pub child: Child,
    input: Turn<Option<ChildStdin>>,
    next_id: AtomicU64,
    pending: Pending,
    notes: Arc<Mutex<Vec<Value>>>,
}

impl Mcp {
    /// Starts one beside `daemon` and shakes hands by the revision of 2025-11-25.
    pub async fn start(daemon: &Daemon) -> Self {
        let mcp = Self::launch(daemon, &[]);
        mcp.initialize(json!({})).await;
        mcp
    }

    /// Starts one that no handshake was made with.
    pub fn launch(daemon: &Daemon, args: &[&str]) -> Self {
        Self::launch_with(daemon, args, &[])
    }

    /// The same with more in its environment.
    pub fn launch_with(daemon: &Daemon, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::from(daemon.command(fugue_exe()));
        command
            .arg("mcp")
            .args(args)
            .envs(env.iter().copied())
            .current_dir(daemon.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        let (pending, notes) = (Pending::default(), Arc::new(Mutex::new(Vec::new())));
        let (waiting, heard) = (Arc::clone(&pending), Arc::clone(&notes));
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
                let answers = message.get("method").is_none();
                match message["id"].as_u64().filter(|_| answers) {
                    Some(id) => {
                        let reply = waiting.lock().unwrap().remove(&id);
                        let reply = reply.unwrap_or_else(|| panic!("nobody asked: {line}"));
                        let _ = reply.send(message);
                    }
                    None => heard.lock().unwrap().push(message),
                }
            }
            waiting.lock().unwrap().clear();
        });
        Self {
            child,
            input: Turn::new(Some(input)),
            next_id: AtomicU64::new(1),
            pending,
            notes,
        }
    }

    /// Shakes hands, declaring `capabilities`.
    pub async fn initialize(&self, capabilities: Value) -> Value {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let answer = self.ask("initialize", hello).await;
        self.say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        answer["result"].clone()
    }

    /// Parameters by the revision of 2026-07-28, in which each request stands alone.
    pub fn alone(params: Value, capabilities: Value) -> Value {
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        params
    }

    /// Writes one message.
    pub async fn say(&self, message: Value) {
        let mut line = message.to_string();
        line.push('\n');
        let mut input = self.input.lock().await;
        let input = input.as_mut().expect("its input is open");
        input.write_all(line.as_bytes()).await.unwrap();
        input.flush().await.unwrap();
    }

    /// Sends a request; its id, and its answer when it comes.
    pub async fn send(&self, method: &str, params: Value) -> (u64, oneshot::Receiver<Value>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.pending.lock().unwrap().insert(id, reply);
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        (id, answer)
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let (_, answer) = self.send(method, params).await;
        tokio::time::timeout(LIMIT, answer)
            .await
            .unwrap_or_else(|_| panic!("no answer to {method}"))
            .unwrap_or_else(|_| panic!("fugue mcp ended before it answered {method}"))
    }

    /// Calls a tool; its result, which may be an error.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self
            .ask("tools/call", json!({"name": tool, "arguments": arguments}))
            .await;
        assert!(answer["result"].is_object(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// Calls a tool that must succeed; its object.
    pub async fn ok(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments.clone()).await;
        assert_ne!(result["isError"], true, "{tool} {arguments}: {result}");
        result["structuredContent"].clone()
    }

    /// A session in which `cat` runs, without a shell around it.
    pub async fn cat_session(&self, name: &str) -> Value {
        let session = json!({"name": name, "command": "cat", "args": []});
        self.ok("fugue_create_session", session).await
    }

    /// Calls a tool that must fail; its error.
    pub async fn refused(&self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{tool} {arguments}: {result}");
        result["structuredContent"]["error"].clone()
    }

    /// The notifications of this method so far.
    pub fn notes(&self, method: &str) -> Vec<Value> {
        let notes = self.notes.lock().unwrap();
        let of_it = notes.iter().filter(|note| note["method"] == method);
        of_it.map(|note| note["params"].clone()).collect()
    }

    /// Ends its input and waits for its end.
    pub async fn end(mut self) -> std::process::ExitStatus {
        drop(self.input.lock().await.take());
        tokio::time::timeout(Duration::from_secs(10), self.child.wait())
            .await
            .expect("it ends with its input")
            .unwrap()
    }
}
