//! Requests that an honest client would not send.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::daemon;
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

#[test]
fn connections_are_bounded_and_come_back() {
    run(async {
        let daemon = daemon();
        let http = Http::of(&daemon).await;
        let mut idle = Vec::new();
        for n in 0..MOST_CONNECTIONS {
            let mut stream = http.connect().await;
            // Half of them are in the middle of a body that does not come.
            if n % 2 == 0 {
                let token = format!("Bearer {}", http.token);
                let headers = [("host", http.address.as_str()), ("authorization", &token)];
                let begun = head("POST /mcp", &headers, Some(100)) + "{";
                stream.write_all(begun.as_bytes()).await.unwrap();
            }
            idle.push(stream);
        }
        let refused = eventually("the connections are taken", async || {
            let answer = http
                .send("GET /healthz", &[("host", &http.address)], "")
                .await;
            (answer.status != 200).then_some(answer)
        });
        let refused = refused.await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.json()["error"]["code"], "limit");
        // Nothing else of the daemon is held up by it.
        daemon.client().await.sessions().await;
        drop(idle);
        eventually("there is room again", async || {
            http.is_well().await.then_some(())
        })
        .await;
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
