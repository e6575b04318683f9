//! The tree's text.

use protocol::reply::TreeExit;
use unicode_width::UnicodeWidthStr;

use super::*;

fn drawn(root: &TreeNode, style: Style) -> String {
    draw(root, &Named::default(), style)
}

fn node(id: &str, kind: &str, children: Vec<TreeNode>) -> TreeNode {
    TreeNode {
        id: id.into(),
        path: id.into(),
        kind: kind.into(),
        status: "running".into(),
        since_ms: 61_000,
        restarts_in_window: 0,
        max_restarts: 0,
        restarts_total: 0,
        exits: Vec::new(),
        mailbox: 0,
        oldest_ms: None,
        handled: 0,
        handler_p50_us: 0,
        handler_p99_us: 0,
        busy: None,
        details: Vec::new(),
        children,
    }
}

fn sample() -> TreeNode {
    let mut pane = node("pane 1", "actor", Vec::new());
    pane.status = "restarting".into();
    pane.since_ms = 5;
    pane.restarts_in_window = 1;
    pane.max_restarts = 3;
    pane.restarts_total = 7;
    pane.exits = vec![TreeExit {
        reason: "panicked: x\ny".into(),
        age_ms: 2_000,
    }];
    pane.mailbox = 4;
    pane.oldest_ms = Some(1_500);
    pane.handled = 12;
    pane.handler_p50_us = 8;
    pane.handler_p99_us = 1_200;
    pane.busy = Some(("Resize".into(), 12_400));
    pane.details = vec![("pid".into(), "77".into())];
    node(
        "fugued",
        "supervisor one_for_one",
        vec![
            node("sessions", "dynamic", vec![pane]),
            node("clients", "dynamic", Vec::new()),
        ],
    )
}

#[test]
fn one_line_a_node_with_what_is_not_zero() {
    assert_eq!(
        drawn(&sample(), Style::default()),
        "fugued supervisor one_for_one  running 1m\n\
         ├─ sessions dynamic  running 1m\n\
         │  └─ pane 1  restarting 0s  busy 12.4s in Resize  mailbox 4, oldest 1.5s  \
         restarts 7 (1 of 3 lately)  last exit panicked: x\u{fffd}y 2s ago  pid 77  \
         handled 12  p50 8µs p99 1.2ms\n\
         └─ clients dynamic  running 1m\n"
    );
}

#[test]
fn names_come_first() {
    let (session, pane) = (
        "019b0000-0000-7000-8000-000000000001",
        "019b0000-0000-7000-8000-000000000002",
    );
    let mut pane = node(pane, "actor", Vec::new());
    pane.path = format!("fugued/sessions/{session}/panes/{}", pane.id);
    for (key, value) in [
        ("pid", "23753"),
        ("program", "running"),
        ("keeper", "23750"),
        ("command", "bash"),
        ("hangs", "input queue full"),
    ] {
        pane.details.push((key.into(), value.into()));
    }
    let mut state = node("state", "actor", Vec::new());
    for (key, value) in [("name", "build"), ("attached", "0"), ("windows", "1")] {
        state.details.push((key.into(), value.into()));
    }
    let panes = node("panes", "dynamic", vec![pane]);
    let mut root = node(session, "supervisor", vec![panes, state]);
    root.path = format!("fugued/sessions/{session}");
    assert_eq!(
        drawn(&root, Style::default()),
        "session build  running 1m\n\
         ├─ panes dynamic  running 1m\n\
         │  └─ pane 019b0000 bash pid 23753  running 1m  input queue full  program running  keeper 23750\n\
         └─ state  running 1m  windows 1\n"
    );
    let wide = Style::new(None, true, false);
    let text = drawn(&root, wide);
    assert!(
        text.starts_with(&format!("session build  running 1m  {session}\n")),
        "{text}"
    );
}

#[test]
fn lines_are_cut_to_the_width_and_colours_do_not_count() {
    for colours in [false, true] {
        for cols in [1, 5, 30] {
            let style = Style {
                cols: Some(cols),
                colours,
                ..Style::default()
            };
            let text = drawn(&sample(), style);
            for line in text.lines() {
                assert!(bare(line).width() <= cols, "{line:?}");
            }
            assert_eq!(text.contains('\u{1b}'), colours);
        }
    }
    let style = Style {
        colours: true,
        ..Style::default()
    };
    let text = drawn(&sample(), style);
    assert!(text.contains("\u{1b}[32mrunning 1m\u{1b}[0m"), "{text}");
    assert!(text.contains("\u{1b}[33mrestarting 0s\u{1b}[0m"), "{text}");
    assert!(
        text.contains("\u{1b}[31mbusy 12.4s in Resize\u{1b}[0m"),
        "{text}"
    );
    assert_eq!(bare(&text), drawn(&sample(), Style::default()));
}

#[test]
fn a_watched_tree_fits_the_screen() {
    let style = Style {
        cols: Some(80),
        rows: Some(3),
        ..Style::default()
    };
    let text = drawn(&sample(), style);
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with("… 2 more\n"), "{text}");
    let style = Style {
        rows: Some(5),
        ..style
    };
    assert_eq!(drawn(&sample(), style).lines().count(), 4);
}

/// The text without SGR sequences.
fn bare(text: &str) -> String {
    let mut rest = text;
    let mut bare = String::new();
    while let Some(at) = rest.find('\u{1b}') {
        bare.push_str(&rest[..at]);
        let end = rest[at..].find('m').unwrap();
        rest = &rest[at + end + 1..];
    }
    bare + rest
}
