//! The words of a line, the arguments that name things, and the names of what was found.

use serde_json::json;

use super::names::Found;
use super::*;

/// Arguments whose text nobody can know beforehand: names to be given, text, patterns, commands, marks.
const FREE: [&str; 14] = [
    "add",
    "address",
    "commands",
    "key",
    "name",
    "new_name",
    "regex",
    "set",
    "signal",
    "since",
    "subcommand",
    "text",
    "to",
    "shell",
];

fn line(words: &str) -> Line {
    let call = format!("fugue|--|{words}");
    Line::of(call.split('|').map(OsString::from))
}

#[test]
fn the_words_before_the_cursor_count() {
    assert_eq!(Line::of(["fugue".into()].into_iter()), Line::default());
    assert_eq!(line("fugue|kill|bu"), Line::default());
    assert!(line("fugue|kill|--force").option);
    assert_eq!(line("fugue|-s|far|kill|").server.as_deref(), Some("far"));
    assert_eq!(
        line("fugue|kill|--server=far|").server.as_deref(),
        Some("far")
    );
    assert_eq!(line("fugue|new|--|").program, Some(0));
    assert_eq!(line("fugue|split|build|--|ls|-l|").program, Some(2));
    assert_eq!(line("fugue|new|--|x|-s|far|").server, None);
    assert_eq!(line("fugue|new|--").program, None);
}

fn positionals(command: &Command, found: &mut Vec<String>) {
    let name = command.get_name();
    for arg in command.get_positionals() {
        let id = arg.get_id().as_str();
        let known = arg.get::<ArgValueCompleter>().is_some()
            || arg.get_value_parser().possible_values().is_some()
            || arg.get_value_hint() != clap::ValueHint::Unknown
            || arg.is_last_set()
            || FREE.contains(&id);
        if !known {
            found.push(format!("{name} {id}"));
        }
    }
    for below in command.get_subcommands() {
        positionals(below, found);
    }
}

#[test]
fn every_argument_that_names_something_is_completed() {
    let mut unknown = Vec::new();
    positionals(&Line::default().command(), &mut unknown);
    assert!(
        unknown.is_empty(),
        "give them a kind or call them free: {unknown:?}"
    );
}

fn completed(line: &Line, words: &[&str]) -> Vec<String> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let at = words.len() - 1;
    let mut command = line.command();
    let found = clap_complete::engine::complete(&mut command, words, at, None).unwrap();
    let text = |one: CompletionCandidate| one.get_value().to_string_lossy().into_owned();
    found.into_iter().map(text).collect()
}

#[test]
fn options_are_offered_to_whoever_begins_one() {
    let commands = completed(&line("fugue|"), &["fugue", ""]);
    assert!(commands.contains(&"kill".to_owned()), "{commands:?}");
    assert!(
        commands.iter().all(|word| !word.starts_with('-')),
        "{commands:?}"
    );
    let options = completed(&line("fugue|kill|--f"), &["fugue", "kill", "--f"]);
    assert_eq!(options, ["--force"]);
    let values = completed(&line("fugue|--color|"), &["fugue", "--color", ""]);
    assert_eq!(values, ["auto", "always", "never"]);
}

#[test]
fn programs_come_after_two_hyphens() {
    let words = ["fugue", "split", "--", "bas"];
    let found = completed(&line("fugue|split|--|bas"), &words);
    assert!(found.contains(&"bash".to_owned()), "{found:?}");
}

fn found() -> Found {
    let id = |number: u64| format!("019b0000-0000-7000-8000-{number:012}");
    let session = |number: u64, name: &str, windows: u64, panes: u64| {
        serde_json::from_value(json!({
            "session_id": id(number), "number": format!("${number}"), "name": name, "windows": windows,
            "panes": panes, "attached_clients": 0, "active": false, "created_at_ms": 0,
            "last_activity_at_ms": 0, "size": {"rows": 24, "cols": 80}, "tags": [],
        }))
        .unwrap()
    };
    let window = |number: u64, of: u64, index: u64, name: &str, panes: &[u64]| {
        serde_json::from_value(json!({
            "window_id": id(number), "number": format!("@{number}"), "session_id": id(of), "index": index,
            "name": name, "focused": index == 0, "focused_pane": id(panes[0]), "layout": "",
            "panes": panes.iter().map(|pane| id(*pane)).collect::<Vec<_>>(),
            "size": {"rows": 24, "cols": 80},
        }))
        .unwrap()
    };
    let pane = |number: u64, session: &str, window: u64, index: u64, name: Option<&str>| {
        serde_json::from_value(json!({
            "pane_id": id(number), "number": format!("%{number}"), "session_id": id(1),
            "session_name": session, "window_id": id(window), "index": index, "name": name, "pid": 1,
            "keeper_pid": 2, "command": "bash", "cwd": "/", "size": {"rows": 24, "cols": 80}, "title": "",
            "status": {"duration_ms": 1}, "focused": false, "idle_ms": 1, "created_at_ms": 1,
        }))
        .unwrap()
    };
    Found {
        sessions: vec![session(1, "build", 2, 4), session(2, "one", 1, 1)],
        windows: vec![
            window(11, 1, 0, "2", &[21, 22]),
            window(12, 1, 1, "logs", &[23, 24]),
            window(13, 2, 0, "bash", &[25]),
        ],
        panes: vec![
            pane(21, "build", 11, 0, None),
            pane(22, "build", 11, 1, Some("tail")),
            pane(23, "build", 12, 0, Some("x")),
            pane(24, "build", 12, 1, Some("x")),
            pane(25, "one", 13, 0, None),
        ],
        orchestrations: Vec::new(),
    }
}

#[test]
fn things_have_the_shortest_names_that_mean_them() {
    let names = |kind, current| -> Vec<String> {
        let mut found = found();
        // Where panes are meant the only window of a session is not asked for.
        if kind == Kind::Pane {
            found.windows.pop();
        }
        let all = found.candidates(kind, current);
        let text = |one: CompletionCandidate| one.get_value().to_string_lossy().into_owned();
        all.into_iter().map(text).collect()
    };
    assert_eq!(names(Kind::Session, ""), ["build", "one"]);
    // A window called `2` is not the one with the index 2.
    assert_eq!(
        names(Kind::Window, ""),
        ["build/0", "build/logs", "one/bash"]
    );
    assert_eq!(names(Kind::Window, "@"), ["@11", "@12", "@13"]);
    let panes = [
        "build",
        "one",
        "build/0",
        "build/logs",
        "build.0",
        "build.tail",
        "build/logs.0",
        "build/logs.1",
    ];
    assert_eq!(names(Kind::Pane, ""), panes);
    assert_eq!(names(Kind::Pane, "%2"), ["%21", "%22", "%23", "%24", "%25"]);
    for name in panes {
        assert!(protocol::Target::parse(name).is_ok(), "{name}");
    }
}
