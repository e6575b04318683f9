//! Requests that an honest client would not send.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::daemon;
use crate::support::daemon::Daemon;
use crate::support::http::{Http, finish, head};
use crate::support::{eventually, run};

/// As many connections as are served at once.
const MOST_CONNECTIONS: usize = 64;

#[test]
fn host_origin_and_token_are_each_enough_to_refuse() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}});
        let token = format!("Bearer {}", http.token);
        let wrong = format!("Bearer {}x", &http.token[1..]);
        let (own, port) = (
            http.address.as_str(),
            http.address.rsplit(':').next().unwrap(),
        );
        let origin = format!("http://localhost:{port}");
        let row = |host, origin, token| (host, origin, token);
        let rows = [
            (200, row(own, None, Some(&token))),
            (200, row(own, Some(origin.as_str()), Some(&token))),
            (
                403,
                row("evil.example", Some(origin.as_str()), Some(&token)),
            ),
            (403, row("evil.example", None, Some(&token))),
            (403, row(own, Some("http://evil.example"), Some(&token))),
            (403, row(own, Some("null"), Some(&token))),
            (403, row("evil.example", Some("http://evil.example"), None)),
            (401, row(own, None, None)),
            (401, row(own, Some(origin.as_str()), None)),
            (401, row(own, None, Some(&wrong))),
            (401, row(own, None, Some(&http.token))),
        ];
        for (status, (host, origin, token)) in rows {
            let mut headers = vec![
                ("host", host),
                ("content-type", "application/json"),
                ("accept", "application/json, text/event-stream"),
            ];
            headers.extend(origin.map(|origin| ("origin", origin)));
            headers.extend(token.map(|token| ("authorization", token.as_str())));
            let answer = http.send("POST /mcp", &headers, &ping.to_string()).await;
            assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
            if status != 200 {
                let error = &answer.json()["error"];
                assert_eq!(error["code"], "denied", "{answer:?}");
                assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
                assert!(!answer.body.contains(&http.token), "{answer:?}");
            }
        }
        // Health tells nothing secret and needs no token, but the right place.
        assert!(http.is_well().await);
        let elsewhere = http
            .send("GET /healthz", &[("host", "evil.example")], "")
            .await;
        assert_eq!(elsewhere.status, 403);
        let nowhere = http.send("GET /", &[("host", own)], "").await;
        assert_eq!(nowhere.status, 404);
        assert!(nowhere.json()["error"]["hint"].to_string().contains("/mcp"));
    });
}

#[test]
fn garbage_is_refused_and_the_next_is_served() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        for garbage in [
            "GARBAGE\r\n\r\n",
            "\0\u{1}\u{2}\r\n\r\n",
            "POST /mcp HTTP/9.9\r\n\r\n",
        ] {
            let mut stream = http.connect().await;
            stream.write_all(garbage.as_bytes()).await.unwrap();
            let answer = finish(stream).await;
            assert!(
                answer.status == 0 || answer.status >= 400,
                "{garbage:?}: {answer:?}"
            );
        }
        let honest = http.honest();
        let headers: Vec<(&str, &str)> = honest.iter().map(|(n, v)| (*n, v.as_str())).collect();
        for body in [
            "",
            "no JSON",
            "[]",
            "{}",
            "{\"jsonrpc\": \"2.0\"}",
            "[1, 2",
            "null",
        ] {
            let answer = http.send("POST /mcp", &headers, body).await;
            assert!((400..500).contains(&answer.status), "{body:?}: {answer:?}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let answer = http.send("POST /mcp", &headers, &deep).await;
        assert!((400..500).contains(&answer.status), "{}", answer.head);
        let put = http.send("PUT /mcp", &headers, "{}").await;
        assert_eq!(put.status, 405, "{put:?}");
        let reply = http.tool(7, "fugue_whoami", &json!({})).await;
        assert_eq!(reply["result"]["isError"], json!(false), "{reply}");
    });
}

#[test]
fn ten_megabytes_are_too_many() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let arguments = json!({"pane_id": "x", "input": "y".repeat(10_000_000)});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "fugue_send_input", "arguments": arguments}});
        let answer = http.post(&call, &[]).await;
        assert_eq!(answer.status, 413, "{}", answer.head);
        assert_eq!(answer.json()["error"]["code"], "limit");
        assert!(http.is_well().await);
    });
}

/// A connection that has shown the token and is in the middle of a body.
async fn trusted(http: &Http) -> tokio::net::TcpStream {
    let mut stream = http.connect().await;
    let token = format!("Bearer {}", http.token);
    let headers = [
        ("host", http.address.as_str()),
        ("authorization", &token),
        ("expect", "100-continue"),
    ];
    let begun = head("POST /mcp", &headers, Some(100));
    stream.write_all(begun.as_bytes()).await.unwrap();
    // It is asked for the body when the token was found to be right.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{").await.unwrap();
    stream
}

#[test]
fn connections_are_bounded_and_come_back() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let mut held = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            held.push(trusted(&http).await);
        }
        let refused = eventually("the connections are taken", async || {
            let answer = http
                .send("GET /healthz", &[("host", &http.address)], "")
                .await;
            (answer.status == 503).then_some(answer)
        });
        let refused = refused.await;
        assert_eq!(refused.json()["error"]["code"], "limit");
        // Nothing else of the daemon is held up by it.
        daemon.client().await.sessions().await;
        drop(held);
        eventually("there is room again", async || {
            http.is_well().await.then_some(())
        })
        .await;
    });
}

#[test]
fn who_has_shown_no_token_gives_way() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let mut known = trusted(&http).await;
        let mut silent = Vec::new();
        for _ in 0..2 * MOST_CONNECTIONS {
            silent.push(http.connect().await);
        }
        for id in 1..4 {
            let reply = http.tool(id, "fugue_whoami", &json!({})).await;
            assert_eq!(reply["result"]["isError"], json!(false), "{reply}");
        }
        // Whoever had shown it is still there.
        known.write_all(b"}").await.unwrap();
        let mut byte = [0];
        let read = known.read(&mut byte);
        let early = tokio::time::timeout(Duration::from_millis(100), read).await;
        assert!(early.is_err(), "{early:?}");
    });
}

#[test]
fn a_token_can_be_rotated_while_it_is_served() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let open = trusted(&http).await;
        let ran = daemon.fugue(&["token", "--rotate", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let file = daemon.paths().http_token();
        assert_eq!(told, json!({"token_file": file, "rotated": true}));
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        assert_eq!(http.post(&ping, &[]).await.status, 401);
        let again = Http::of(&daemon).await;
        assert_ne!(again.token, http.token);
        let reply = again.tool(1, "fugue_whoami", &json!({})).await;
        assert_eq!(reply["result"]["isError"], json!(false), "{reply}");
        // What was opened with the earlier one is closed.
        assert_eq!(finish(open).await.status, 0);
    });
}

#[test]
fn a_taken_port_costs_nothing_but_http() {
    run(async {
        let squatter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = squatter.local_addr().unwrap();
        let daemon = Daemon::start_with(&format!("[http]\nlisten = \"{address}\"\n"));
        let client = daemon.client().await;
        client.session("a", "exec sleep 600").await;
        let status = client.ok(protocol::request::Status {}).await;
        assert_eq!(status.http, None);
        let problem = status.http_problem.unwrap();
        assert!(problem.contains(&address.to_string()), "{problem}");
        assert!(!daemon.paths().http_url().exists());
        let shown = daemon.fugue(&["status"]).out;
        assert!(shown.contains("NOT SERVED"), "{shown}");
        eventually("the tree says so", async || {
            let tree = client.ok(protocol::request::Tree::default()).await;
            format!("{tree:?}").contains("not served").then_some(())
        })
        .await;
        assert!(
            daemon.log().contains("http is not served"),
            "{}",
            daemon.log()
        );
        drop(squatter);
        let http = Http::of(&daemon).await;
        assert_eq!(http.address, address.to_string());
        assert!(http.is_well().await);
        let status = client.ok(protocol::request::Status {}).await;
        assert!(status.http.is_some() && status.http_problem.is_none());
    });
}

#[test]
fn the_listener_stands_in_the_tree_and_knows_its_sessions() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let session = http.session().await;
        let made = http.tool_in(&session, 1, "fugue_whoami", &json!({})).await;
        assert!(super::result(&made)["pane_id"].is_null(), "{made}");
        let tree = daemon.client().await;
        let tree = tree.ok(protocol::request::Tree::default()).await;
        let shown = format!("{tree:?}");
        assert!(shown.contains("fugued/surfaces/http"), "{shown}");
        assert!(shown.contains(&http.address), "{shown}");
        let gone = http
            .post(
                &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
                &[("mcp-session-id", "nobody")],
            )
            .await;
        assert_eq!(gone.status, 404, "{gone:?}");
        tokio::time::timeout(Duration::from_secs(20), async {
            assert!(http.is_well().await)
        })
        .await
        .unwrap();
    });
}
