//! The table of bad requests, each with the code that it is refused with.

use protocol::ErrorCode;
use serde_json::{Value, json};

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// A call, its parameters and what it is refused with.
pub(super) type Row = (&'static str, Value, ErrorCode);

/// All of them.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for add in [
        name_rows,
        target_rows,
        unknown_rows,
        spawn_rows,
        number_rows,
        text_rows,
        run_rows,
    ] {
        add(&mut rows);
    }
    rows
}

/// A pane's parameters with one of them changed.
fn pane(key: &str, value: Value) -> Value {
    let mut pane = json!({ "program": { "shell_line": { "line": "sleep 600" } } });
    pane[key] = value;
    json!({ "pane": pane })
}

fn program(program: Value) -> Value {
    pane("program", program)
}

fn bad_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "", " ", "-x", "$x", "@x", "%x", "=x", "{x", " x", "x ", "a:b", "a.b", "a/b", "../x",
        "a\nb", "a\u{7}b", "a\0b", "a\u{85}b", NOBODY,
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("n".repeat(65));
    names.push("ü".repeat(65));
    names.push("n".repeat(1_000_000));
    names
}

fn name_rows(rows: &mut Vec<Row>) {
    use ErrorCode::InvalidArgument;
    for name in bad_names() {
        rows.push(("create_session", json!({ "name": name }), InvalidArgument));
        rows.push((
            "create_session",
            json!({ "window_name": name }),
            InvalidArgument,
        ));
        rows.push(("create_session", pane("name", json!(name)), InvalidArgument));
        rows.push((
            "create_window",
            json!({ "session": "one", "name": name }),
            InvalidArgument,
        ));
        rows.push((
            "update_session",
            json!({ "session": "one", "name": name }),
            InvalidArgument,
        ));
        rows.push((
            "update_window",
            json!({ "window": "one", "name": name }),
            InvalidArgument,
        ));
        rows.push((
            "update_pane",
            json!({ "pane": "one", "name": name }),
            InvalidArgument,
        ));
        // As targets these are a name, and paths whose session is not there.
        let is_form = ["=x", "a.b", "a/b"].contains(&name.as_str());
        if is_form {
            rows.push(("close_pane", json!({ "pane": name }), ErrorCode::NotFound));
        } else if name != NOBODY {
            rows.push(("get_session", json!({ "session": name }), InvalidArgument));
            rows.push(("close_pane", json!({ "pane": name }), InvalidArgument));
        }
    }
    rows.push((
        "create_session",
        json!({ "name": "one" }),
        ErrorCode::NameTaken,
    ));
    rows.push((
        "update_session",
        json!({ "session": "two", "name": "one" }),
        ErrorCode::NameTaken,
    ));
}

/// Texts that look like the forms of targets and are none.
fn target_rows(rows: &mut Vec<Row>) {
    for text in [
        "=",
        "/",
        ".",
        "one/",
        "one.",
        "one/.0",
        "one/0.",
        "one/0/0",
        "one.0.0",
        "$",
        "%1x",
        "one/%1",
        "one/99999999999",
    ] {
        let (session, pane) = (json!({ "session": text }), json!({ "pane": text }));
        rows.push(("get_session", session, ErrorCode::InvalidArgument));
        rows.push(("close_pane", pane, ErrorCode::InvalidArgument));
    }
    for (text, code) in [
        ("one/7", ErrorCode::NotFound),
        ("one.7", ErrorCode::NotFound),
        ("%999999", ErrorCode::NotFound),
        ("@999999", ErrorCode::NotFound),
        ("$999999", ErrorCode::NotFound),
    ] {
        rows.push(("close_pane", json!({ "pane": text }), code));
    }
    for text in ["one/0", "one.0", "%1", "@1"] {
        let session = json!({ "session": text });
        rows.push(("kill_session", session, ErrorCode::InvalidArgument));
    }
}

fn unknown_rows(rows: &mut Vec<Row>) {
    use ErrorCode::{AmbiguousName, InvalidArgument, NotFound};
    for target in ["nope", NOBODY] {
        let one = [
            ("get_session", "session"),
            ("kill_session", "session"),
            ("update_session", "session"),
            ("create_window", "session"),
            ("create_pane", "session"),
            ("create_pane", "window"),
            ("create_pane", "beside"),
            ("list_windows", "session"),
            ("list_panes", "session"),
            ("list_panes", "window"),
            ("list_usage", "session"),
            ("tree", "session"),
            ("update_window", "window"),
            ("update_pane", "pane"),
            ("close_pane", "pane"),
            ("restart_pane", "pane"),
            ("read_pane", "pane"),
        ];
        for (method, key) in one {
            rows.push((method, json!({ key: target }), NotFound));
        }
        rows.push((
            "wait_pane",
            json!({ "pane": target, "timeout_ms": 1 }),
            NotFound,
        ));
        rows.push((
            "send_input",
            json!({ "pane": target, "text": "x" }),
            NotFound,
        ));
        rows.push((
            "signal_pane",
            json!({ "pane": target, "signal": 1 }),
            NotFound,
        ));
        rows.push((
            "expect",
            json!({ "pane": target, "pattern": "x", "timeout_ms": 1 }),
            NotFound,
        ));
        rows.push((
            "attach",
            json!({ "view": 1, "session": target, "size": { "rows": 24, "cols": 80 } }),
            NotFound,
        ));
    }
    for signal in [0, -1, 65] {
        let params = json!({ "pane": "one", "signal": signal });
        rows.push(("signal_pane", params, InvalidArgument));
    }
    for method in ["close_pane", "read_pane", "update_pane"] {
        rows.push((method, json!({ "pane": "twin" }), AmbiguousName));
    }
    for (method, params) in [
        ("kill_session", json!({})),
        ("close_pane", json!({})),
        ("update_window", json!({})),
        ("update_pane", json!({})),
        ("wait_pane", json!({ "pane": "one" })),
        ("expect", json!({ "pane": "one" })),
        ("attach", json!({ "view": 1 })),
        ("attach", json!({ "size": { "rows": 24, "cols": 80 } })),
        ("detach", json!({})),
        ("run_parallel", json!({})),
        ("run_pipeline", json!({})),
        ("get_orchestration", json!({})),
        ("kill_session", json!({ "session": null })),
        ("kill_session", json!({ "session": 7 })),
        ("kill_session", json!({ "session": ["one"] })),
        ("create_session", json!({ "tags": "x" })),
        ("create_session", json!({ "pane": 7 })),
        ("get_orchestration", json!({ "orchestration_id": "x" })),
    ] {
        rows.push((method, params, InvalidArgument));
    }
    rows.push(("detach", json!({ "view": 99 }), NotFound));
    rows.push(("update_view", json!({ "view": 99 }), NotFound));
}

fn spawn_rows(rows: &mut Vec<Row>) {
    use ErrorCode::{InvalidArgument, SpawnFailed};
    let invalid = [
        program(json!({ "argv": [] })),
        program(json!({ "argv": [""] })),
        program(json!({ "argv": ["  "] })),
        program(json!({ "shell_line": { "line": "" } })),
        program(json!({ "shell_line": { "line": " \t\n" } })),
        program(json!({ "shell_line": { "line": "sleep\u{0}600" } })),
        program(json!({ "argv": ["sleep", "6\u{0}0"] })),
        program(json!({ "argv": ["echo", "x".repeat(1_000_000)] })),
        program(json!({ "no_such_kind": [] })),
        program(json!({ "shell_line": {} })),
        pane("cwd", json!("relative/dir")),
        pane("cwd", json!("")),
        pane("cwd", json!("/no/such/dir")),
        pane("cwd", json!("/etc/passwd")),
        pane("cwd", json!("/tmp\u{0}x")),
        pane("cwd", json!("x".repeat(1_000_000))),
        pane("env", json!({ "": "x" })),
        pane("env", json!({ "a=b": "x" })),
        pane("env", json!({ "a\u{0}b": "x" })),
        pane("env", json!({ "A": "x\u{0}y" })),
        pane("history_lines", json!(100_001)),
        pane("history_lines", json!(-1)),
        pane("history_lines", json!(u64::MAX)),
        pane("history_lines", json!(1.5)),
        pane("restart", json!("sometimes")),
        pane("stop", json!({ "keys": ["Nope"], "term_ms": 1 })),
        pane("stop", json!({ "term_ms": u64::MAX })),
        pane(
            "stop",
            json!({ "keys": ["C-c"], "keys_ms": u64::MAX, "term_ms": 1 }),
        ),
        pane("stop", json!({ "term_ms": -1 })),
    ];
    for params in invalid {
        for (method, more) in [
            ("create_session", None),
            ("create_window", Some("one")),
            ("create_pane", Some("one")),
        ] {
            let mut params = params.clone();
            if let Some(session) = more {
                params["session"] = json!(session);
            }
            rows.push((method, params, InvalidArgument));
        }
    }
    for argv in [
        json!(["no-such-program-here"]),
        json!(["/etc/passwd"]),
        json!(["/tmp"]),
    ] {
        rows.push((
            "create_session",
            program(json!({ "argv": argv })),
            SpawnFailed,
        ));
        let mut pane = program(json!({ "argv": argv }));
        pane["session"] = json!("one");
        rows.push(("create_pane", pane, SpawnFailed));
    }
    let shell = json!({ "shell_line": { "line": "true", "shell": "no-such-shell" } });
    rows.push(("create_session", program(shell), SpawnFailed));
    for environment in [
        json!({ "a=b": "x" }),
        json!({ "A": "x\u{0}" }),
        json!({ "": "x" }),
    ] {
        rows.push((
            "create_session",
            json!({ "environment": environment }),
            InvalidArgument,
        ));
    }
}

fn number_rows(rows: &mut Vec<Row>) {
    use ErrorCode::{InvalidArgument, Limit};
    for (height, width) in [
        (0, 0),
        (0, 80),
        (24, 0),
        (65_535, 65_535),
        (1_001, 80),
        (70_000, 80),
        (-1, 80),
    ] {
        let size = json!({ "rows": height, "cols": width });
        rows.push(("create_session", json!({ "size": size }), InvalidArgument));
        rows.push((
            "attach",
            json!({ "view": 1, "session": "one", "size": size }),
            InvalidArgument,
        ));
    }
    for (key, value) in [
        ("rows", 0_i64),
        ("cols", 0),
        ("rows", 65_535),
        ("cols", 65_535),
        ("rows", -1),
        ("cols", 1 << 40),
    ] {
        rows.push((
            "update_pane",
            json!({ "pane": "one", key: value }),
            InvalidArgument,
        ));
    }
    for ratio in [
        json!(0),
        json!(1),
        json!(-0.5),
        json!(2),
        json!(1e300),
        json!("half"),
    ] {
        rows.push((
            "create_pane",
            json!({ "session": "one", "ratio": ratio }),
            InvalidArgument,
        ));
    }
    rows.push((
        "create_pane",
        json!({ "session": "one", "direction": "sideways" }),
        InvalidArgument,
    ));
    for direction in ["right", "down"] {
        rows.push((
            "create_pane",
            json!({ "session": "tiny", "direction": direction }),
            Limit,
        ));
    }
    for timeout in [
        json!(-1),
        json!(3_600_001),
        json!(u64::MAX),
        json!("1s"),
        json!(1.5),
    ] {
        rows.push((
            "wait_pane",
            json!({ "pane": "one", "timeout_ms": timeout }),
            InvalidArgument,
        ));
        rows.push((
            "expect",
            json!({ "pane": "one", "pattern": "x", "timeout_ms": timeout }),
            InvalidArgument,
        ));
        rows.push((
            "send_input",
            json!({ "pane": "one", "text": "x", "timeout_ms": timeout }),
            InvalidArgument,
        ));
        rows.push((
            "expect",
            json!({ "pane": "one", "until": "idle", "idle_ms": timeout, "timeout_ms": 1 }),
            InvalidArgument,
        ));
    }
    rows.push((
        "read_pane",
        json!({ "pane": "one", "lines": -1 }),
        InvalidArgument,
    ));
    rows.push((
        "read_pane",
        json!({ "pane": "one", "max_bytes": u64::MAX }),
        InvalidArgument,
    ));
    rows.push((
        "attach",
        json!({ "view": -1, "session": "one", "size": { "rows": 24, "cols": 80 } }),
        InvalidArgument,
    ));
}

fn text_rows(rows: &mut Vec<Row>) {
    use ErrorCode::{InvalidArgument, Limit};
    let huge = "(((a{1000}){1000}){1000})";
    let long = "x".repeat(5_000);
    for pattern in ["(", "[", "a{2,1}", "(?<n>a)(?<n>b)", "\\", "*", huge, &long] {
        rows.push((
            "expect",
            json!({ "pane": "one", "pattern": pattern, "timeout_ms": 1 }),
            InvalidArgument,
        ));
    }
    rows.push((
        "expect",
        json!({ "pane": "one", "timeout_ms": 1 }),
        InvalidArgument,
    ));
    rows.push((
        "expect",
        json!({ "pane": "one", "until": "idle", "timeout_ms": 1 }),
        InvalidArgument,
    ));
    rows.push((
        "expect",
        json!({ "pane": "one", "until": "never", "timeout_ms": 1 }),
        InvalidArgument,
    ));
    let cursor = "9".repeat(100_000);
    for cursor in [
        "",
        "x",
        "-1",
        "99999999999999999999999",
        "a1-",
        "ü",
        &cursor,
    ] {
        rows.push((
            "read_pane",
            json!({ "pane": "one", "since": cursor }),
            InvalidArgument,
        ));
        rows.push((
            "expect",
            json!({ "pane": "one", "pattern": "x", "since": cursor, "timeout_ms": 1 }),
            InvalidArgument,
        ));
    }
    for key in ["", "Nope", "C-", "F99", "\u{0}", "enter\n"] {
        rows.push((
            "send_input",
            json!({ "pane": "one", "keys": [key] }),
            InvalidArgument,
        ));
        rows.push((
            "send_input",
            json!({ "pane": "one", "text": "typed?", "keys": ["Up", key] }),
            InvalidArgument,
        ));
    }
    rows.push(("send_input", json!({ "pane": "one" }), InvalidArgument));
    rows.push((
        "send_input",
        json!({ "pane": "one", "text": "x".repeat(4 * 1024 * 1024 + 1) }),
        InvalidArgument,
    ));
    rows.push((
        "update_session",
        json!({ "session": "one", "environment": { "a=b": "x" } }),
        InvalidArgument,
    ));
    rows.push((
        "update_session",
        json!({ "session": "one", "environment": { "A": "x\u{0}" } }),
        InvalidArgument,
    ));
    rows.push((
        "update_session",
        json!({ "session": "one", "metadata": { "": "x" } }),
        InvalidArgument,
    ));
    rows.push((
        "update_session",
        json!({ "session": "one", "metadata": { "k": "x".repeat(100_000) } }),
        InvalidArgument,
    ));
    rows.push((
        "update_session",
        json!({ "session": "one", "tags": [""] }),
        InvalidArgument,
    ));
    let many: Vec<String> = (0..1_001).map(|index| format!("t{index}")).collect();
    rows.push((
        "update_session",
        json!({ "session": "one", "tags": many }),
        Limit,
    ));
    rows.push(("create_session", json!({ "tags": many }), Limit));
}

fn run_rows(rows: &mut Vec<Row>) {
    use ErrorCode::InvalidArgument;
    let many: Vec<Value> = (0..257).map(|_| json!({ "command": "true" })).collect();
    for (method, key) in [("run_parallel", "commands"), ("run_pipeline", "steps")] {
        for commands in [
            json!([]),
            json!([{ "command": "" }]),
            json!([{ "command": "  " }]),
            json!([{ "command": "true" }, { "command": "" }]),
            json!([{ "command": "true", "name": "a" }, { "command": "true", "name": "a" }]),
            json!([{ "command": "tr\u{0}ue" }]),
            json!(many),
            json!([{}]),
            json!("true"),
        ] {
            rows.push((method, json!({ key: commands }), InvalidArgument));
        }
        let options = [
            json!({ "cwd": "/no/such/dir" }),
            json!({ "cwd": "relative" }),
            json!({ "env": { "a=b": "x" } }),
            json!({ "session": "a:b" }),
            json!({ "layout": "round" }),
            json!({ "timeout_ms": -1 }),
            json!({ "output_lines": 1_001 }),
        ];
        for options in options {
            let params = json!({ key: [{ "command": "true" }], "options": options });
            rows.push((method, params, InvalidArgument));
        }
    }
    rows.push((
        "run_parallel",
        json!({ "commands": [{ "command": "true", "cwd": "/no/such/dir" }] }),
        InvalidArgument,
    ));
    rows.push((
        "run_parallel",
        json!({ "commands": [{ "command": "true" }], "max_parallel": 0 }),
        InvalidArgument,
    ));
}
