//! The look of every listing at 80 and at 60 columns, with and without colours and with `--wide`, from fixed replies.
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo nextest run -p fugue-client golden`, and read the difference.

use std::collections::HashSet;

use protocol::fleet::Fleet;
use protocol::paths::Paths;
use protocol::reply::{
    Clients, Orchestration, PaneInfo, SessionInfo, TreeNode, WindowLayout, Windows,
};
use protocol::{PaneUuid, ServerName};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::caller::Caller;
use super::output::style::{ColorChoice, Style};
use super::places::{Named, Places};
use super::{clients, layouts, pane, run, session, tree, window};

/// The time at which all is looked at, in milliseconds since 1970.
const NOW: u64 = 1_800_000_000_000;

fn caller(style: Style) -> Caller {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths {
        runtime: dir.path().to_owned(),
        state: dir.path().to_owned(),
        config: dir.path().join("config.toml"),
    };
    let fleet = Fleet::load(&paths, "fugue", Some("local"), false).unwrap();
    Caller {
        paths,
        fleet,
        chosen: false,
        json: false,
        terminal: false,
        color: ColorChoice::Auto,
        style,
    }
}

/// The listing in every style, each under its title. No line is longer than its style says.
fn looks(draw: impl Fn(&Caller) -> String) -> String {
    let styles = [
        ("80 columns", Style::new(Some(80), false, false)),
        ("60 columns", Style::new(Some(60), false, false)),
        ("80 columns, coloured", Style::new(Some(80), false, true)),
        ("60 columns, coloured", Style::new(Some(60), false, true)),
        ("wide", Style::new(Some(80), true, false)),
    ];
    let mut looks = String::new();
    for (title, style) in styles {
        let text = draw(&caller(style));
        if let Some(cols) = style.cols.filter(|_| !style.colours) {
            for line in text.lines() {
                assert!(line.width() <= cols, "{title}: {line:?}");
            }
        }
        looks.push_str(&format!("== {title}\n{}\n", text.replace('\x1b', "␛")));
    }
    looks
}

fn id(number: u64) -> String {
    format!("019b0000-0000-7000-8000-{number:012}")
}

fn session_info(number: u64, name: &str, more: Value) -> SessionInfo {
    let mut value = json!({
        "session_id": id(number), "number": format!("${number}"), "name": name,
        "windows": 1, "panes": 2, "attached_clients": 0, "active": false,
        "created_at_ms": NOW - 7_800_000, "last_activity_at_ms": NOW - 12_000,
        "size": {"rows": 40, "cols": 120}, "tags": [],
    });
    merge(&mut value, more);
    serde_json::from_value(value).unwrap()
}

fn merge(value: &mut Value, more: Value) {
    let (Value::Object(fields), Value::Object(more)) = (value, more) else {
        panic!("no objects");
    };
    fields.extend(more);
}

fn pane_info(number: u64, index: u32, more: Value) -> PaneInfo {
    let mut value = json!({
        "pane_id": id(number), "number": format!("%{number}"), "session_id": id(1),
        "session_name": "build", "window_id": id(7), "index": index, "pid": 23_700 + number,
        "keeper_pid": 2, "command": "bash", "cwd": "/home/ann", "size": {"rows": 24, "cols": 80},
        "title": "", "status": {"duration_ms": 185_200}, "focused": false, "idle_ms": 61_000,
        "created_at_ms": NOW,
    });
    merge(&mut value, more);
    serde_json::from_value(value).unwrap()
}

fn windows() -> Windows {
    let window = |number: u64, index: u32, name: &str, focused: bool| {
        json!({
            "window_id": id(number), "number": format!("@{number}"), "session_id": id(1),
            "index": index, "name": name, "focused": focused, "focused_pane": id(12),
            "panes": [id(11), id(12)], "layout": "", "size": {"rows": 24, "cols": 80},
        })
    };
    serde_json::from_value(json!({
        "context": {"session_id": id(1), "session_name": "build", "server": "local"},
        "windows": [window(7, 0, "logs", true), window(8, 1, &"w".repeat(64), false)],
    }))
    .unwrap()
}

fn panes() -> (Vec<PaneInfo>, Places) {
    let mut places = Places::default();
    places.add(&windows().windows);
    let away = json!({"since_ms": 1, "reason": "the keeper is stopped", "program_lives": true});
    let ends = [
        json!({}),
        json!({"name": "logs", "focused": true, "command": "tail -f /var/log/syslog", "cwd": "/"}),
        json!({"status": {"duration_ms": 1, "exit": {"kind": "exited", "code": 0}}}),
        json!({"status": {"duration_ms": 1, "exit": {"kind": "exited", "code": 7}, "restarts": 2}}),
        json!({"status": {"duration_ms": 1, "user_ms": 1_500, "sys_ms": 20, "max_rss_kib": 2_048,
            "exit": {"kind": "signaled", "signal": 11, "core_dumped": true}}}),
        json!({"status": {"duration_ms": 1, "exit": {"kind": "out_of_memory"}}}),
        json!({"status": {"duration_ms": 1, "exit": {"kind": "lost", "reason": "no keeper"}}}),
        json!({"status": {"duration_ms": 1, "restarting": true, "restarts": 1,
            "exit": {"kind": "spawn_failed", "reason": "no such file or directory"}}}),
        json!({"status": {"duration_ms": 1, "unreachable": away}}),
        json!({"window_id": id(8), "focused": true, "number": null,
            "command": "make -j8 check LONG_OPTION=with-a-long-value 日本語"}),
        json!({"session_id": id(2), "session_name": "s".repeat(64), "window_id": id(9)}),
    ];
    let panes = ends.into_iter().enumerate();
    let panes = panes.map(|(at, more)| pane_info(11 + at as u64, at as u32, more));
    (panes.collect(), places)
}

#[test]
fn connected_clients() {
    let view = |more: Value| {
        let mut view = json!({
            "session_id": id(1), "session_name": "build", "window_id": id(7), "window_index": 0,
            "pane_id": id(11), "number": "%11", "index": 1, "size": {"rows": 24, "cols": 80},
            "read_only": false, "since_ms": NOW - 61_000,
        });
        merge(&mut view, more);
        view
    };
    let client = |number: u64, kind: &str, views: Value, more: Value| {
        let mut client = json!({
            "client_id": id(number), "kind": kind, "name": "fugue", "pid": 23_700 + number,
            "since_ms": NOW - 7_800_000, "views": views,
        });
        merge(&mut client, more);
        client
    };
    let long = view(json!({"session_name": "s".repeat(64), "size": {"rows": 60, "cols": 240}}));
    let gone = view(json!({"window_index": null, "index": null, "number": null}));
    let clients: Clients = serde_json::from_value(json!({"server": "local", "clients": [
        client(1, "view", json!([view(json!({}))]), json!({"program": "fugue attach build"})),
        client(2, "view", json!([view(json!({"read_only": true})), long]),
            json!({"program": "/home/ann/.local/bin/fugue attach -r with a long command line"})),
        client(3, "view", json!([gone]), json!({})),
        client(4, "mcp", json!([]), json!({"name": "fugue mcp", "program": "fugue mcp"})),
        client(5, "http", json!([]), json!({"name": "fugued http mcp", "pid": null})),
        client(6, "command", json!([]), json!({"program": "fugue wait build"})),
        client(7, "command", json!([]), json!({"asks": true})),
    ]}))
    .unwrap();
    insta::assert_snapshot!(looks(|caller| {
        clients::text(caller, &ServerName::local(), &clients, NOW)
    }));
}

fn placed(number: u64, at: (u16, u16), size: (u16, u16), more: Value) -> Value {
    let mut pane = json!({
        "pane_id": id(number), "number": format!("%{number}"), "name": null, "command": "bash",
        "focused": false, "row": at.0, "col": at.1, "size": {"rows": size.0, "cols": size.1},
    });
    merge(&mut pane, more);
    pane
}

fn window_layout(cols: u16, rows: u16, panes: Vec<Value>) -> WindowLayout {
    let mut window = json!(windows().windows[0]);
    merge(&mut window, json!({"size": {"rows": rows, "cols": cols}}));
    let context = json!({"session_id": id(1), "session_name": "build", "server": "local"});
    let all = json!({"context": context, "window": window, "panes": panes});
    serde_json::from_value(all).unwrap()
}

#[test]
fn pictures_of_windows() {
    let drawn = [
        window_layout(
            80,
            24,
            vec![placed(11, (0, 0), (24, 80), json!({"focused": true}))],
        ),
        window_layout(
            120,
            40,
            vec![
                placed(
                    11,
                    (0, 0),
                    (40, 83),
                    json!({"name": "editor", "focused": true, "command": "vim ."}),
                ),
                placed(
                    12,
                    (0, 84),
                    (19, 36),
                    json!({"command": "make -j8 check LONG_OPTION=value 日本語"}),
                ),
                placed(13, (20, 84), (20, 17), json!({"mirror_of": id(11)})),
                placed(
                    14,
                    (20, 102),
                    (20, 18),
                    json!({"name": "n".repeat(64), "number": null}),
                ),
            ],
        ),
        // A window that became too small, whose panes keep a cell.
        window_layout(
            3,
            2,
            (0..5)
                .map(|at| placed(20 + at, (0, 2 * at as u16), (2, 1), json!({})))
                .collect(),
        ),
    ];
    insta::assert_snapshot!(looks(|caller| {
        let local = ServerName::local();
        drawn
            .iter()
            .map(|layout| layouts::text(caller, &local, layout))
            .collect()
    }));
}

#[test]
fn sessions() {
    let local = ServerName::local();
    let mut sessions = vec![
        session_info(
            1,
            "build",
            json!({"active": true, "attached_clients": 2, "tags": ["ci", "nightly"]}),
        ),
        session_info(2, "日本語", json!({"created_at_ms": NOW})),
    ];
    for number in 3..23 {
        let name = format!("{number:02}-{}", "n".repeat(61));
        sessions.push(session_info(number, &name, json!({})));
    }
    let listed: Vec<_> = sessions.iter().map(|session| (&local, session)).collect();
    insta::assert_snapshot!(looks(|caller| session::sessions_text(caller, &listed, NOW)));
}

#[test]
fn few_short_sessions() {
    let local = ServerName::local();
    let sessions = [
        session_info(1, "build", json!({"active": true, "tags": ["ci"]})),
        session_info(
            2,
            "of-an-older-server",
            json!({"panes": 12, "number": null}),
        ),
    ];
    let listed: Vec<_> = sessions.iter().map(|session| (&local, session)).collect();
    insta::assert_snapshot!(looks(|caller| session::sessions_text(caller, &listed, NOW)));
}

#[test]
fn windows_of_a_session() {
    let windows = windows();
    insta::assert_snapshot!(looks(|caller| window::windows_text(
        caller,
        &ServerName::local(),
        &windows
    )));
}

#[test]
fn panes_of_all_sessions() {
    let (panes, places) = panes();
    insta::assert_snapshot!(looks(|caller| pane::panes_text(
        caller,
        &ServerName::local(),
        &panes,
        &places,
        caller.style.ids
    )));
}

#[test]
fn panes_of_a_quiet_session() {
    let (panes, places) = panes();
    insta::assert_snapshot!(looks(|caller| pane::panes_text(
        caller,
        &ServerName::local(),
        &panes[..2],
        &places,
        caller.style.ids
    )));
}

#[test]
fn only_the_pane_that_keys_go_to_is_marked() {
    let (panes, places) = panes();
    let marked: Vec<_> = panes.iter().filter(|pane| places.has_keys(pane)).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(places.address(marked[0]), "build/0.1");
    let addresses: HashSet<_> = panes.iter().map(|pane| places.address(pane)).collect();
    assert_eq!(addresses.len(), panes.len());
}

#[test]
fn results_of_runs() {
    let command = |name: &str, status: &str, more: Value| {
        let mut value = json!({
            "name": name, "command": format!("make {name}"), "status": status,
            "duration_ms": 4_200, "pane_id": id(11),
        });
        merge(&mut value, more);
        value
    };
    let run: Orchestration = serde_json::from_value(json!({
        "orchestration_id": id(90), "kind": "parallel", "status": "partial",
        "context": {"session_id": id(1), "session_name": "build", "server": "local"},
        "session_created": true, "cleanup": false, "version": 9, "started_at_ms": NOW,
        "duration_ms": 62_300,
        "commands": [
            command("one", "completed", json!({"exit_code": 0, "output": "hello\n"})),
            command(&"n".repeat(64), "failed", json!({"exit_code": 7})),
            command("killed", "failed", json!({"signal": 9, "command": "x".repeat(90)})),
            command("late", "timeout", json!({"signal": 15})),
            command("skipped", "skipped", json!({"duration_ms": null, "pane_id": null})),
            command("nowhere", "failed", json!({"error": "no such file or directory"})),
        ],
    }))
    .unwrap();
    let shown = |id: PaneUuid| id.to_string().replace(&self::id(11), "%11");
    insta::assert_snapshot!(looks(|caller| run::result::text(&run, caller.style, shown)));
}

fn node(path: &str, more: Value) -> Value {
    let mut value = json!({
        "id": path.rsplit('/').next(), "path": path, "kind": "actor", "status": "running",
        "since_ms": 61_000, "restarts_in_window": 0, "max_restarts": 3, "restarts_total": 0,
        "exits": [], "mailbox": 0, "handled": 0, "handler_p50_us": 0, "handler_p99_us": 0,
    });
    merge(&mut value, more);
    value
}

#[test]
fn the_tree() {
    let session = format!("fugued/sessions/{}", id(1));
    let pane = |number: u64, more: Value| {
        let mut value = node(
            &format!("{session}/panes/{}", id(number)),
            json!({
                "details": [["pid", "23753"], ["program", "running"], ["keeper", "23750"], ["command", "bash"]],
            }),
        );
        merge(&mut value, more);
        value
    };
    let of_session = node(
        &format!("{session}/panes"),
        json!({"kind": "dynamic", "children": [
            pane(11, json!({"handled": 12, "handler_p50_us": 8, "handler_p99_us": 1_200})),
            pane(12, json!({"busy": ["Resize", 12_400], "mailbox": 4, "oldest_ms": 1_500})),
            pane(14, json!({"restarts_in_window": 1, "restarts_total": 7,
                "exits": [{"reason": "panicked: x", "age_ms": 2_000}]})),
            pane(99, json!({"status": "quarantined"})),
        ]}),
    );
    let state = node(
        &format!("{session}/state"),
        json!({
            "details": [["name", "build"], ["attached", "0"], ["windows", "2"]],
        }),
    );
    let session = node(
        &session,
        json!({"kind": "supervisor", "children": [of_session, state]}),
    );
    let sessions = node(
        "fugued/sessions",
        json!({"kind": "dynamic", "children": [session]}),
    );
    let client = node(
        &format!("fugued/clients/{}", id(50)),
        json!({
            "details": [["name", "fugue"], ["views", "1"]],
        }),
    );
    let run = node(
        &format!("fugued/orchestrations/{}", id(60)),
        json!({
            "details": [["status", "running"], ["ended", "1 of 3"], ["session", "build"]],
        }),
    );
    let root: TreeNode = serde_json::from_value(node("fugued", json!({
        "kind": "supervisor", "children": [
            node("fugued/store", json!({"details": [["commits", "9"], ["unwritten", "0"], ["failing", "false"]]})),
            sessions,
            node("fugued/orchestrations", json!({"kind": "dynamic", "children": [run]})),
            node("fugued/clients", json!({"kind": "dynamic", "children": [client]})),
        ],
    })))
    .unwrap();
    let (panes, places) = panes();
    let named = Named::new(panes, places);
    insta::assert_snapshot!(looks(|caller| tree::draw(&root, &named, caller.style)));
}
