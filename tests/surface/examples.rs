//! The worked examples of `docs/mcp.md`: made by calling every tool, and compared with the page.
//! `FUGUE_WRITE_DOCS=1` writes them into it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::stdio::Mcp;

const BEGIN: &str = "<!-- examples, written by a test -->\n";
const END: &str = "<!-- end of the examples -->";

/// Makes what differs from run to run the same: ids, cursors, times, process ids, directories.
struct Steady {
    dir: String,
    ids: HashMap<String, String>,
    cursors: HashMap<String, String>,
}

impl Steady {
    fn id(&mut self, id: &str) -> String {
        let next = self.ids.len() + 1;
        let steady = || format!("019b0000-0000-7000-8000-{next:012}");
        self.ids.entry(id.to_owned()).or_insert_with(steady).clone()
    }

    fn text(&mut self, text: &str) -> String {
        let text = text.replace(&self.dir, "/home/you/project");
        let mut steady = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            if let Some(id) = rest.get(..36).filter(|part| is_uuid(part)) {
                steady += &self.id(id);
                rest = &rest[36..];
            } else {
                let first = rest.chars().next().unwrap();
                steady.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        for counted in ["pid=", "keeper=", "mailbox="] {
            steady = without_number(&steady, counted);
        }
        steady
    }

    fn value(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    self.value(key, value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(key, item)),
            Value::String(text) if key == "cursor" || key == "since" => {
                let next = self.cursors.len() + 1;
                let cursor = self.cursors.entry(text.clone());
                *text = cursor.or_insert_with(|| format!("t0.{next}.0.0")).clone();
            }
            Value::String(text) if key == "version" => *text = "0.1.0".to_owned(),
            Value::String(text) => *text = self.text(text),
            Value::Number(_) => {
                if let Some(steady) = steady_number(key) {
                    *value = steady;
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.char_indices().all(|(at, c)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    })
}

fn without_number(text: &str, name: &str) -> String {
    let mut parts = text.split(name);
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        steady += name;
        steady += "0";
        steady += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    steady
}

fn steady_number(key: &str) -> Option<Value> {
    match key {
        _ if key.ends_with("_at_ms") => Some(json!(1_767_225_600_000_u64)),
        _ if key.ends_with("_ms") || key.ends_with("_us") => Some(json!(12)),
        "pid" => Some(json!(4711)),
        "resident_kib" => Some(json!(20_000)),
        "max_rss_kib" => Some(json!(4_000)),
        "open_fds" => Some(json!(32)),
        "clients" => Some(json!(1)),
        _ => None,
    }
}

/// The calls so far, as a page shows them.
struct Page<'a> {
    mcp: &'a Mcp,
    steady: Steady,
    text: String,
    shown: Vec<String>,
}

impl Page<'_> {
    /// Calls a tool and shows it.
    async fn show(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.mcp.ok(tool, arguments.clone()).await;
        let (mut given, mut shown) = (arguments, answer.clone());
        self.steady_arguments(&mut given);
        self.steady.value("", &mut shown);
        let shown = serde_json::to_string_pretty(&shown).unwrap();
        write!(
            self.text,
            "\n### {tool}\n```json\n{given}\n```\n```json\n{shown}\n```\n"
        )
        .unwrap();
        self.shown.push(tool.to_owned());
        answer
    }

    /// Numbers in arguments are the caller's own.
    fn steady_arguments(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    match value {
                        Value::String(_) => self.steady.value(key, value),
                        _ => self.steady_arguments(value),
                    }
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.steady_arguments(item)),
            Value::String(text) => *text = self.steady.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

async fn story(page: &mut Page<'_>) {
    let made = page
        .show(
            "fugue_create_session",
            json!({"name": "work", "command": "cat", "args": [], "size": {"rows": 24, "cols": 80}, "tags": ["demo"]}),
        )
        .await;
    let pane = made["pane_id"].clone();
    page.show("fugue_whoami", json!({})).await;
    page.show("fugue_list_sessions", json!({})).await;
    let typed = json!({"pane_id": pane, "input": "hello", "submit": true, "read_after_ms": 2_000});
    page.show("fugue_send_input", typed).await;
    let wait = json!({"pane_id": pane, "pattern": "(h)ello", "since": made["cursor"]});
    page.show("fugue_expect", wait).await;
    page.show(
        "fugue_read_pane",
        json!({"pane_id": pane, "since": made["cursor"]}),
    )
    .await;
    let commands = json!([
        {"command": "echo fine", "name": "lint"},
        {"command": "echo broken; exit 3", "name": "test"},
    ]);
    let run = json!({"commands": commands, "max_parallel": 1, "output_lines": 5});
    let run = page.show("fugue_run_parallel", run).await;
    let steps = json!([{"command": "cd /tmp", "name": "go"}, {"command": "pwd", "name": "where"}]);
    page.show(
        "fugue_run_pipeline",
        json!({"commands": steps, "output_lines": 5, "cleanup": true}),
    )
    .await;
    let id = run["orchestration_id"].clone();
    page.show("fugue_get_orchestration", json!({"orchestration_id": id}))
        .await;
    let slow = json!({"commands": [{"command": "sleep 100"}], "wait": false});
    let slow = page.mcp.ok("fugue_run_parallel", slow).await;
    let id = slow["orchestration_id"].clone();
    page.show(
        "fugue_cancel_orchestration",
        json!({"orchestration_id": id}),
    )
    .await;

    let log = json!({"session": "work", "name": "log", "command": "cat", "args": [], "direction": "down", "ratio": 0.25});
    let log = page.show("fugue_create_pane", log).await;
    page.show("fugue_list_panes", json!({"session": "work"}))
        .await;
    let split =
        json!({"pane_id": log["pane_id"], "direction": "right", "command": "cat", "args": []});
    let split = page.show("fugue_split_pane", split).await;
    page.show(
        "fugue_rename_pane",
        json!({"pane_id": split["pane_id"], "name": "aside"}),
    )
    .await;
    page.show("fugue_focus_pane", json!({"pane_id": "aside"}))
        .await;
    page.show(
        "fugue_resize_pane",
        json!({"pane_id": "aside", "ratio": 0.3}),
    )
    .await;
    page.show("fugue_retry_pane", json!({"pane_id": "aside"}))
        .await;
    page.show("fugue_restart_pane", json!({"pane_id": "aside"}))
        .await;
    page.show("fugue_close_pane", json!({"pane_id": "aside"}))
        .await;
    let window = json!({"session": "work", "name": "server", "command": "cat", "args": []});
    page.show("fugue_create_window", window).await;
    page.show(
        "fugue_rename_window",
        json!({"window": "server", "name": "web"}),
    )
    .await;
    page.show("fugue_select_window", json!({"window": "web"}))
        .await;
    let cat = |name: &str| json!({"pane": {"command": "cat", "args": [], "name": name}});
    let layout = json!({"direction": "right", "splits": [
        {"ratio": 0.7, "layout": cat("editor")},
        {"ratio": 0.3, "layout": {"direction": "down", "splits": [
            {"layout": cat("tests")}, {"layout": cat("server")},
        ]}},
    ]});
    page.show(
        "fugue_create_layout",
        json!({"session": "work", "name": "dev", "layout": layout}),
    )
    .await;
    page.show(
        "fugue_mirror_pane",
        json!({"pane_id": "tests", "window": "web"}),
    )
    .await;
    page.show("fugue_list_windows", json!({"session": "work"}))
        .await;
    page.show(
        "fugue_set_environment",
        json!({"session": "work", "set": {"RUST_LOG": "debug"}, "unset": ["CI"]}),
    )
    .await;
    page.show("fugue_get_environment", json!({"session": "work"}))
        .await;
    page.show(
        "fugue_set_metadata",
        json!({"session": "work", "set": {"issue": "17"}}),
    )
    .await;
    page.show("fugue_get_metadata", json!({"session": "work"}))
        .await;
    page.show(
        "fugue_set_tags",
        json!({"session": "work", "tags": ["demo", "ci"]}),
    )
    .await;
    page.show("fugue_get_tags", json!({"session": "work"}))
        .await;
    page.show("fugue_select_session", json!({"session": "work"}))
        .await;
    page.show(
        "fugue_rename_session",
        json!({"session": "work", "name": "play"}),
    )
    .await;
    page.show("fugue_server_status", json!({})).await;
    let other = json!({"name": "small", "command": "cat", "args": []});
    page.mcp.ok("fugue_create_session", other).await;
    page.show("fugue_actor_tree", json!({"session": "small"}))
        .await;
    page.show("fugue_kill_session", json!({"session": "small"}))
        .await;
}

#[test]
fn docs_mcp_examples() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\ncgroup = \"off\"\n");
        let mcp = Mcp::start(&daemon).await;
        let dir = std::fs::canonicalize(daemon.dir.path()).unwrap();
        let mut page = Page {
            mcp: &mcp,
            steady: Steady {
                dir: dir.display().to_string(),
                ids: HashMap::new(),
                cursors: HashMap::new(),
            },
            text: String::new(),
            shown: Vec::new(),
        };
        story(&mut page).await;
        let list = mcp.ask("tools/list", json!({})).await;
        for tool in list["result"]["tools"].as_array().unwrap() {
            let name = tool["name"].as_str().unwrap().to_owned();
            assert!(page.shown.contains(&name), "{name} has no example");
        }
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/mcp.md");
        let written = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = written
            .split_once(BEGIN)
            .expect("the page has a place for them");
        let (old, after) = rest.split_once(END).expect("the place has an end");
        if std::env::var_os("FUGUE_WRITE_DOCS").is_some() {
            let new = format!("{before}{BEGIN}{}\n{END}{after}", page.text);
            std::fs::write(&path, new).unwrap();
        } else if old.trim() != page.text.trim() {
            let both = old.trim().lines().zip(page.text.trim().lines());
            let differ = both.enumerate().find(|(_, (old, new))| old != new);
            panic!(
                "docs/mcp.md is not what the tools answer; write it anew with FUGUE_WRITE_DOCS=1: {differ:?}"
            );
        }
    });
}
