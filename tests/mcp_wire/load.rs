//! A thousand mixed calls, sixteen in flight, against ten panes that scroll: every reply belongs to its call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::daemon;
use crate::support::http::Http;
use crate::support::mcp::Mcp;
use crate::support::run_within;

const CALLS: u64 = 1_000;
const IN_FLIGHT: usize = 16;
const PANES: u64 = 10;

/// Call number `n`: the tool, its arguments, and what its reply must show that no other one shows.
fn call(n: u64, panes: &[Value]) -> (&'static str, Value, Check) {
    let k = n % PANES;
    let pane = panes[k as usize].clone();
    let mark = format!("call-{n}");
    match n % 8 {
        0 | 1 => (
            "fugue_read_pane",
            json!({"pane_id": pane, "lines": 1 + n % 40}),
            Check::Lines(k),
        ),
        2 => {
            let pattern = format!("P{k} \\d+");
            let arguments = json!({"pane_id": pane, "pattern": pattern, "timeout_ms": 15_000});
            ("fugue_expect", arguments, Check::Match(k))
        }
        3 => (
            "fugue_read_pane",
            json!({"pane_id": mark}),
            Check::Told(mark),
        ),
        4 => (
            "fugue_list_panes",
            json!({"session": format!("scroll-{k}")}),
            Check::Session(k),
        ),
        5 => {
            let line = format!("echo {mark}; exit {}", n % 100);
            let arguments = json!({"commands": [{"command": line}], "output_lines": 1});
            ("fugue_run_parallel", arguments, Check::Ran(mark, n % 100))
        }
        6 => {
            let arguments = json!({"session": format!("scroll-{k}"), "set": {mark.clone(): "x"}});
            ("fugue_set_metadata", arguments, Check::Told(mark))
        }
        _ => {
            let arguments = json!({"pane_id": pane, "pattern": "never", "timeout_ms": 5 + n % 50});
            ("fugue_expect", arguments, Check::TimedOut(k))
        }
    }
}

enum Check {
    Lines(u64),
    Match(u64),
    Told(String),
    Session(u64),
    Ran(String, u64),
    TimedOut(u64),
}

impl Check {
    fn holds(&self, reply: &Value, panes: &[Value]) -> bool {
        let result = &reply["result"]["structuredContent"];
        let of_pane = |k: u64| result["pane_id"] == panes[k as usize];
        let text = result["text"].as_str().unwrap_or_default();
        match self {
            Self::Lines(k) => {
                let prefix = format!("P{k} ");
                of_pane(*k) && text.lines().all(|line| line.starts_with(&prefix))
            }
            Self::Match(k) => {
                let matched = result["match"].as_str().unwrap_or_default();
                of_pane(*k) && matched.starts_with(&format!("P{k} "))
            }
            Self::Told(mark) => result.to_string().contains(mark.as_str()),
            Self::Session(k) => {
                result["session_context"]["session_name"] == json!(format!("scroll-{k}"))
            }
            Self::Ran(mark, code) => {
                let ran = &result["commands"][0];
                ran["output"] == json!(mark) && ran["exit_code"] == json!(code)
            }
            Self::TimedOut(k) => of_pane(*k) && result["outcome"] == "timeout",
        }
    }
}

/// Makes all calls through `ask`, sixteen at a time.
async fn all<F>(
    panes: Arc<Vec<Value>>,
    ask: impl Fn(u64, &'static str, Value) -> F + Send + Sync + 'static,
) where
    F: Future<Output = Value> + Send,
{
    let ask = Arc::new(ask);
    let next = Arc::new(AtomicU64::new(0));
    let callers = (0..IN_FLIGHT).map(|_| {
        let (ask, next, panes) = (Arc::clone(&ask), Arc::clone(&next), Arc::clone(&panes));
        tokio::spawn(async move {
            let mut answered = 0;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= CALLS {
                    return answered;
                }
                let (tool, arguments, check) = call(n, &panes);
                let reply = ask(n, tool, arguments.clone()).await;
                assert!(
                    check.holds(&reply, &panes),
                    "{n} {tool} {arguments}: {reply}"
                );
                answered += 1;
            }
        })
    });
    let mut answered = 0;
    for caller in callers.collect::<Vec<_>>() {
        answered += caller.await.unwrap();
    }
    assert_eq!(answered, CALLS);
}

async fn scrolling(mcp: &Mcp) -> Arc<Vec<Value>> {
    let mut panes = Vec::new();
    for k in 0..PANES {
        // Bursts, because a shell's `sleep` costs a process.
        let line = format!(
            "i=0; while :; do for _ in 1 2 3 4 5 6 7 8; do echo P{k} $i; i=$((i+1)); done; sleep 0.2; done"
        );
        let made = mcp
            .ok(
                "fugue_create_session",
                json!({"name": format!("scroll-{k}"), "command": line}),
            )
            .await;
        panes.push(made["pane_id"].clone());
    }
    Arc::new(panes)
}

#[test]
fn every_reply_over_stdio_belongs_to_its_call() {
    run_within(Duration::from_secs(150), async {
        let daemon = daemon();
        let mcp = Arc::new(Mcp::start(&daemon).await);
        let panes = scrolling(&mcp).await;
        let asked = Arc::clone(&mcp);
        all(panes, move |_, tool, arguments| {
            let mcp = Arc::clone(&asked);
            async move { mcp.call(tool, arguments).await }
        })
        .await;
        assert!(mcp.strays().is_empty());
        assert!(!daemon.log().contains("panicked"));
        Arc::into_inner(mcp).unwrap().end().await;
    });
}

#[test]
fn every_reply_over_http_belongs_to_its_call() {
    run_within(Duration::from_secs(150), async {
        let daemon = daemon();
        let mcp = Mcp::start(&daemon).await;
        let panes = scrolling(&mcp).await;
        let http = Http::of(&daemon).await;
        let session = http.session().await;
        all(panes, move |n, tool, arguments| {
            let (http, session) = (http.clone(), session.clone());
            async move {
                // Both kinds of client at once.
                if n % 3 == 0 {
                    http.tool_in(&session, n, tool, &arguments).await
                } else {
                    http.tool(n, tool, &arguments).await
                }
            }
        })
        .await;
        assert!(!daemon.log().contains("panicked"));
        mcp.end().await;
    });
}
