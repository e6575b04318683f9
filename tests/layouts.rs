//! `fugue layout` on real windows: what is shown is made again, and drawn as it is.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::cli::Ran;
use crate::support::daemon::{Daemon, fugue_exe, with_daemon};

/// Runs `fugue` with this on its standard input.
fn piped(daemon: &Daemon, args: &[&str], input: &str) -> Ran {
    let mut command = daemon.command(fugue_exe());
    command.args(args).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const LAYOUT: &str = r#"{"name": "work", "layout": {"direction": "right", "splits": [
    {"ratio": 0.7, "layout": {"pane": {"name": "editor", "command": "cat; true", "env": {"A": "1"}}}},
    {"layout": {"direction": "down", "splits": [
        {"layout": {"pane": {"command": "cat", "args": ["-u"], "restart": "transient", "remain_on_exit": false}}},
        {"ratio": 0.25, "layout": {"pane": {"cwd": "/", "command": "cat", "args": [], "stop": {"term_ms": 10}}}}
    ]}}
]}}"#;

fn shown(daemon: &Daemon, window: &str) -> Value {
    let ran = daemon.fugue(&["layout", "show", window, "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn a_layout_is_made_shown_and_made_again() {
    with_daemon(async |daemon, client| {
        client.session("one", "exec cat").await;
        client.session("two", "exec cat").await;
        let made = piped(&daemon, &["layout", "create", "one"], LAYOUT);
        assert_eq!(made.code, 0, "{made:?}");
        assert_eq!(made.out.lines().count(), 3, "{made:?}");
        let first = shown(&daemon, "one/work");
        assert_eq!(first["name"], "work");
        let editor = &first["layout"]["splits"][0];
        assert_eq!(editor["ratio"], 0.7);
        assert_eq!(editor["layout"]["pane"]["command"], "cat; true");
        assert_eq!(editor["layout"]["pane"]["env"]["A"], "1");
        let again = piped(
            &daemon,
            &["layout", "create", "two", "-"],
            &first.to_string(),
        );
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(shown(&daemon, "two/work"), first);
        // A file, into the right half of a window.
        let file = daemon.dir.path().join("layout.json");
        std::fs::write(&file, first["layout"].to_string()).unwrap();
        let beside = daemon.fugue(&["layout", "create", "two/0", &file.display().to_string()]);
        assert_eq!(beside.code, 0, "{beside:?}");
        let both = shown(&daemon, "two/0");
        assert_eq!(
            both["layout"]["splits"][1]["layout"]["splits"][0]["layout"],
            editor["layout"]
        );
    });
}

#[test]
fn a_window_is_drawn_with_numbers_and_sizes() {
    with_daemon(async |daemon, client| {
        client.session("one", "exec cat").await;
        let ran = daemon.fugue(&["split", "one", "-n", "side", "--", "cat"]);
        let number = ran.out.trim().to_owned();
        let drawn = daemon.fugue(&["layout", "show", "one"]);
        assert_eq!(drawn.code, 0, "{drawn:?}");
        let text = drawn.out;
        assert!(text.starts_with("one/0, "), "{text}");
        assert!(text.contains(&format!("{number}* side")), "{text}");
        assert!(text.contains('┬') && text.contains('┴'), "{text}");
        let panes = client.panes().await;
        for pane in panes {
            let size = format!("{}x{}", pane.size.cols, pane.size.rows);
            assert!(text.contains(&size), "{size}: {text}");
        }
    });
}

#[test]
fn what_is_no_layout_makes_nothing() {
    with_daemon(async |daemon, client| {
        client.session("one", "exec cat").await;
        for (input, code, said) in [
            ("", 2, "no JSON"),
            ("[]", 2, "no JSON object"),
            (r#"{"pane": {"comand": "x"}}"#, 2, "comand"),
            (
                r#"{"layout": {"pane": {}}, "session": "one"}"#,
                2,
                "session",
            ),
            (
                r#"{"pane": {"command": "/nowhere/x", "args": []}}"#,
                1,
                "/nowhere/x",
            ),
        ] {
            let ran = piped(&daemon, &["layout", "create", "one"], input);
            assert_eq!(ran.code, code, "{ran:?}");
            assert!(ran.err.contains(said), "{ran:?}");
        }
        assert_eq!(client.panes().await.len(), 1);
        assert_eq!(daemon.fugue(&["layout", "show", "nix"]).code, 3);
    });
}
