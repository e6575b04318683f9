//! The daemon's HTTP listener, spoken to byte by byte.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::daemon::Daemon;
use super::{LIMIT, eventually};

/// The configuration that turns HTTP on.
pub const ON: &str = "[http]\nlisten = \"127.0.0.1:0\"\n";

/// The revision whose requests stand alone.
pub const MODERN: &str = "2026-07-28";

/// Where it listens and what opens it.
#[derive(Clone)]
pub struct Http {
    pub address: String,
    pub token: String,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The messages in it, whether as one JSON or as events.
    pub fn messages(&self) -> Vec<Value> {
        if self.head.contains("text/event-stream") {
            let data = self.body.lines().filter_map(|l| l.strip_prefix("data:"));
            data.filter_map(|text| serde_json::from_str(text).ok())
                .collect()
        } else {
            serde_json::from_str(&self.body).into_iter().collect()
        }
    }
}

impl Http {
    /// The listener of a daemon that was started with [`ON`].
    pub async fn of(daemon: &Daemon) -> Self {
        let paths = daemon.paths();
        let url = eventually("the URL's file", async || {
            std::fs::read_to_string(paths.http_url()).ok()
        });
        let url = url.await;
        let token = std::fs::read_to_string(paths.http_token()).unwrap();
        Self {
            address: url.trim().strip_prefix("http://").unwrap().to_owned(),
            token: token.trim().to_owned(),
        }
    }

    /// A connection.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, what: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.connect().await;
        let text = head(what, headers, Some(body.len())) + body;
        // A server that refuses at once may close before everything was sent.
        let _ = stream.write_all(text.as_bytes()).await;
        finish(stream).await
    }

    /// The headers of an honest MCP client.
    pub fn honest(&self) -> Vec<(&str, String)> {
        vec![
            ("host", self.address.clone()),
            ("authorization", format!("Bearer {}", self.token)),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
        ]
    }

    /// Posts a message as an honest client, with more headers.
    pub async fn post(&self, message: &Value, more: &[(&str, &str)]) -> Answer {
        let honest = self.honest();
        let mut headers: Vec<(&str, &str)> = honest.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.extend(more);
        self.send("POST /mcp", &headers, &message.to_string()).await
    }

    /// The text of a call of a tool that stands alone, to be sent as it is.
    pub fn call_text(&self, id: u64, tool: &str, arguments: &Value) -> String {
        let body = modern_call(id, tool, arguments).to_string();
        let honest = self.honest();
        let mut headers: Vec<(&str, &str)> = honest.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.extend(modern_headers(tool));
        head("POST /mcp", &headers, Some(body.len())) + &body
    }

    /// Calls a tool in a request that stands alone, and gives the reply.
    pub async fn tool(&self, id: u64, tool: &str, arguments: &Value) -> Value {
        let answer = self
            .post(&modern_call(id, tool, arguments), &modern_headers(tool))
            .await;
        reply(&answer, id)
    }

    /// Begins a session with `initialize` and gives its id.
    pub async fn session(&self) -> String {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = self.post(&hello, &[]).await;
        let session = answer.header("mcp-session-id");
        let session = session.unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let answer = self.post(&ready, &[("mcp-session-id", &session)]).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        session
    }

    /// Calls a tool in a session.
    pub async fn tool_in(&self, session: &str, id: u64, tool: &str, arguments: &Value) -> Value {
        let message = legacy_call(id, tool, arguments);
        let answer = self.post(&message, &[("mcp-session-id", session)]).await;
        reply(&answer, id)
    }

    /// Whether a round trip through the daemon works.
    pub async fn is_well(&self) -> bool {
        let answer = self
            .send("GET /healthz", &[("host", &self.address)], "")
            .await;
        answer.status == 200 && answer.json()["ok"] == json!(true)
    }
}

/// A call of a tool in a session.
pub fn legacy_call(id: u64, tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn modern_call(id: u64, tool: &str, arguments: &Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

fn modern_headers(tool: &str) -> [(&str, &str); 3] {
    [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ]
}

fn reply(answer: &Answer, id: u64) -> Value {
    let mut replies = answer.messages();
    replies.retain(|message| message["id"] == json!(id));
    assert_eq!(replies.len(), 1, "one reply to {id}: {answer:?}");
    replies.remove(0)
}

/// A request's head.
pub fn head(what: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
    let mut text = format!("{what} HTTP/1.1\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(length) = length {
        text += &format!("content-length: {length}\r\n");
    }
    text + "connection: close\r\n\r\n"
}

/// Reads until the server closes.
pub async fn finish(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(LIMIT + Duration::from_secs(20), async {
        let mut part = vec![0; 65_536];
        loop {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend_from_slice(&part[..count]),
            }
        }
    });
    read.await.expect("the server closes");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        body: if head.to_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        },
        head: head.to_owned(),
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        whole += chunk;
        body = rest.get(size + 2..).unwrap_or("");
    }
    whole
}
