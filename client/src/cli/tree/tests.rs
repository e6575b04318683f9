//! The tree's text.

use protocol::reply::TreeExit;

use super::*;

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
fn one_line_a_node_with_all_its_facts() {
    assert_eq!(
        draw(&sample(), Style::default()),
        "fugued supervisor one_for_one  running 1m01s  mailbox 0  handled 0\n\
         ├─ sessions dynamic  running 1m01s  mailbox 0  handled 0\n\
         │  └─ pane 1 actor  restarting 5ms  restarts 1/3 total 7  last exit panicked: x\u{fffd}y 2.0s ago  \
         mailbox 4/1.5s  handled 12  p50 8µs p99 1.2ms  busy 12.4s in Resize  pid=77\n\
         └─ clients dynamic  running 1m01s  mailbox 0  handled 0\n"
    );
}

#[test]
fn lines_are_cut_to_the_width_and_colours_do_not_count() {
    for colours in [false, true] {
        let style = Style {
            cols: Some(30),
            rows: None,
            colours,
        };
        let text = draw(&sample(), style);
        for line in text.lines() {
            assert!(bare(line).width() <= 30, "{line:?}");
        }
        assert_eq!(text.contains('\u{1b}'), colours);
    }
    let style = Style {
        colours: true,
        ..Style::default()
    };
    let text = draw(&sample(), style);
    assert!(text.contains("\u{1b}[32mrunning 1m01s\u{1b}[0m"), "{text}");
    assert!(text.contains("\u{1b}[33mrestarting 5ms\u{1b}[0m"), "{text}");
    assert!(
        text.contains("\u{1b}[1;31mbusy 12.4s in Resize\u{1b}[0m"),
        "{text}"
    );
    assert_eq!(bare(&text), draw(&sample(), Style::default()));
}

#[test]
fn a_watched_tree_fits_the_screen() {
    let style = Style {
        cols: Some(80),
        rows: Some(3),
        colours: false,
    };
    let text = draw(&sample(), style);
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with("… 2 more\n"), "{text}");
    let style = Style {
        rows: Some(5),
        ..style
    };
    assert_eq!(draw(&sample(), style).lines().count(), 4);
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
