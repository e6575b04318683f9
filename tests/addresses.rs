//! The ways in which sessions, windows and panes are named: paths, short numbers, bare words; and what is refused.

use std::collections::BTreeMap;

use protocol::request::{
    ClosePane, CreatePane, CreateSession, CreateWindow, GetSession, ListWindows, MirrorPane,
    ReadPane, UpdatePane, UpdateSession, UpdateWindow,
};
use protocol::{Error, ErrorCode, Name, PaneUuid, Target};

use crate::support::daemon::{Client, Daemon, fugue_exe, shell, with_daemon};
use crate::support::pane::input;
use crate::support::run;
use crate::support::stdio::Mcp;

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn name(text: &str) -> Option<Name> {
    Some(Name::new(text).unwrap())
}

/// The pane that a target means, as a call that only looks at it says.
async fn meant(client: &Client, text: &str) -> Result<PaneUuid, Error> {
    let read = ReadPane {
        pane: target(text),
        lines: None,
        since: None,
        scrollback: false,
        ansi: false,
        max_bytes: None,
    };
    client.call(read).await.map(|text| text.pane_id)
}

/// Two sessions, `build` with the windows `0`, `logs` and `2`, and `web`, which is the active one.
struct Places {
    panes: BTreeMap<&'static str, PaneUuid>,
}

impl Places {
    async fn made(client: &Client) -> Self {
        let mut panes = BTreeMap::new();
        let build = client.session("build", "exec cat").await;
        panes.insert("build/0.0", build.pane_id);
        for (window, place) in [("logs", "build/logs.0"), ("0", "build/2.0")] {
            let window = CreateWindow {
                session: Some(target("build")),
                name: name(window),
                pane: shell("exec cat"),
                select: window == "logs",
            };
            panes.insert(place, client.ok(window).await.pane_id);
        }
        for (label, place) in [("tail", "build/logs.1"), ("7", "build/logs.2")] {
            let mut pane = shell("exec cat");
            pane.name = name(label);
            let create = CreatePane {
                window: Some(target("build/logs")),
                pane,
                ..CreatePane::default()
            };
            panes.insert(place, client.ok(create).await.pane_id);
        }
        let web = client.session("web", "exec cat").await;
        panes.insert("web", web.pane_id);
        let mut pane = shell("exec cat");
        pane.name = name("tail");
        let create = CreatePane {
            session: Some(target("web")),
            pane,
            ..CreatePane::default()
        };
        panes.insert("web.tail", client.ok(create).await.pane_id);
        Self { panes }
    }
}

#[test]
fn every_form_means_its_pane() {
    with_daemon(async |_, client| {
        let made = Places::made(&client).await;
        let order: Vec<_> = client.panes().await;
        let logs: Vec<_> = order
            .iter()
            .filter(|pane| pane.window_id == order[1].window_id)
            .map(|pane| pane.pane_id)
            .collect();
        assert_eq!(logs.len(), 3);
        let rows = [
            ("build", logs[0]),
            ("build/logs", logs[0]),
            ("build/1", logs[0]),
            ("build/1.1", logs[1]),
            ("build/logs.1", logs[1]),
            // Without a window the focused one is meant.
            ("build.2", logs[2]),
            ("build/0", made.panes["build/0.0"]),
            ("build/2.0", made.panes["build/2.0"]),
        ];
        for (text, pane) in rows {
            assert_eq!(meant(&client, text).await.unwrap(), pane, "{text}");
        }
        for (text, place) in [
            ("build/logs.tail", "build/logs.1"),
            ("build.tail", "build/logs.1"),
            ("build/logs.=7", "build/logs.2"),
            ("build.=7", "build/logs.2"),
            ("7", "build/logs.2"),
            ("=7", "build/logs.2"),
            // The active session's comes before that of another one.
            ("tail", "web.tail"),
            ("logs", "build/logs.0"),
            ("web", "web"),
        ] {
            assert_eq!(
                meant(&client, text).await.unwrap(),
                made.panes[place],
                "{text}"
            );
        }
        // As the lists show them.
        for pane in &order {
            let number = pane.number.unwrap().to_string();
            for text in [number, pane.pane_id.to_string()] {
                assert_eq!(meant(&client, &text).await.unwrap(), pane.pane_id, "{text}");
            }
            let session = &pane.session_name;
            let windows = ListWindows {
                session: Some(target(session.as_str())),
            };
            let windows = client.ok(windows).await.windows;
            let window = windows
                .iter()
                .find(|w| w.window_id == pane.window_id)
                .unwrap();
            for window in [
                window.index.to_string(),
                window.number.unwrap().to_string(),
                window.window_id.to_string(),
            ] {
                let path = format!("{session}/{window}.{}", pane.index);
                assert_eq!(meant(&client, &path).await.unwrap(), pane.pane_id, "{path}");
            }
        }
    });
}

#[test]
fn windows_are_named_like_panes() {
    with_daemon(async |_, client| {
        Places::made(&client).await;
        let windows = ListWindows {
            session: Some(target("build")),
        };
        let windows = client.ok(windows).await.windows;
        let renamed = async |text: &str, new: &str| {
            let update = UpdateWindow {
                session: None,
                window: target(text),
                name: name(new),
                select: false,
            };
            client.call(update).await.map(|window| window.window_id)
        };
        let ids: Vec<_> = windows.iter().map(|window| window.window_id).collect();
        let number = windows[2].number.unwrap().to_string();
        for (text, id) in [
            ("build/1", ids[1]),
            ("build/logs", ids[1]),
            ("logs", ids[1]),
            ("build", ids[1]),
            ("build/2", ids[2]),
            (number.as_str(), ids[2]),
        ] {
            assert_eq!(renamed(text, "logs").await.unwrap(), id, "{text}");
            let restore = if id == ids[1] { "logs" } else { "0" };
            renamed(&id.to_string(), restore).await.unwrap();
        }
        // Two windows of one name, and a path that says more than a window.
        let error = renamed("build/=0", "x").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AmbiguousName);
        assert_eq!(error.candidates, ["build/0", "build/2"]);
        let error = renamed("build/1.0", "x").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    });
}

#[test]
fn what_is_not_there_is_refused_with_what_there_is() {
    with_daemon(async |_, client| {
        Places::made(&client).await;
        let before = client.panes().await.len();
        for (text, code, said) in [
            (
                "biuld",
                ErrorCode::NotFound,
                "no pane \"biuld\". There are: build, ",
            ),
            (
                "build/3",
                ErrorCode::NotFound,
                "no window 3 in build. There are: build/0, build/logs, build/2.",
            ),
            (
                "build/nix",
                ErrorCode::NotFound,
                "no window nix in build. There are: build/0, ",
            ),
            (
                "build/logs.3",
                ErrorCode::NotFound,
                "no pane 3 in build/logs. There are: build/logs.0, build/logs.1, build/logs.2.",
            ),
            (
                "build/logs.=tial",
                ErrorCode::NotFound,
                "no pane =tial in build/logs. There are: build/logs.tail, ",
            ),
            (
                "nix/logs",
                ErrorCode::NotFound,
                "no session \"nix\". There are: ",
            ),
            (
                "%999",
                ErrorCode::NotFound,
                "no pane %999. There are: build/0.0, build/logs.0, build/logs.1, build/logs.2, build/2.0, web.0, web.1.",
            ),
            (
                "@999",
                ErrorCode::NotFound,
                "no window @999. There are: build/0, build/logs, build/2, web/0.",
            ),
            ("tial", ErrorCode::NotFound, "no pane \"tial\". There are: "),
            (
                "$999",
                ErrorCode::NotFound,
                "no session $999. There are: build, web.",
            ),
            (
                "build/=0.0",
                ErrorCode::AmbiguousName,
                "0 fits 2 windows: build/0",
            ),
        ] {
            let close = ClosePane {
                pane: target(text),
                force: true,
                guarded: false,
            };
            let error = client.call(close).await.unwrap_err();
            assert_eq!(error.code, code, "{text}: {error}");
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        for (text, said) in [
            ("%1", "%1 is a pane, and a session is meant here"),
            ("@1", "@1 is a window, and a session is meant here"),
            (
                "build/logs",
                "build/logs is a window, and a session is meant here; its session is build",
            ),
            ("build.1", "build.1 is a pane, and a session is meant here"),
        ] {
            let update = UpdateSession {
                session: Some(target(text)),
                name: name("x"),
                ..UpdateSession::default()
            };
            let error = client.call(update).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}: {error}");
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        assert_eq!(client.panes().await.len(), before);
    });
}

#[test]
fn a_program_means_its_own_session_first_and_knows_its_number() {
    with_daemon(async |_, client| {
        let build = client.session("build", "exec sh").await;
        for (session, line) in [("build", "exec cat"), ("web", "exec cat")] {
            if session == "web" {
                client.session("web", "exec cat").await;
            }
            let mut pane = shell(line);
            pane.name = name("tail");
            let create = CreatePane {
                session: Some(target(session)),
                pane,
                ..CreatePane::default()
            };
            client.ok(create).await;
        }
        let line = format!("{} read tail --json; echo \"[$FUGUE_PANE]\"\n", fugue_exe());
        client.ok(input(build.pane_id, &line)).await;
        let number = build.number.unwrap();
        let end = format!("[{number}]");
        crate::support::eventually("it has answered", async || {
            let text = client.text(build.pane_id).await;
            text.contains(&end).then_some(())
        })
        .await;
        let text = client.text(build.pane_id).await.replace('\n', "");
        assert!(text.contains("\"session_name\": \"build\""), "{text}");
    });
}

#[test]
fn numbers_are_never_given_twice_also_after_a_kill() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let first = client.session("first", "exec cat").await;
        let second = client.session("second", "exec cat").await;
        let mirror = MirrorPane {
            pane: second.pane_id.into(),
            session: Some(target("first")),
            window: None,
            new_window: true,
            direction: protocol::Direction::Right,
            ratio: None,
            name: None,
            select: false,
        };
        let mirror = client.ok(mirror).await;
        let numbers = async |client: &Client| {
            let sessions = client.sessions().await.into_iter();
            let mut all: Vec<String> = sessions.map(|s| s.number.unwrap().to_string()).collect();
            for session in ["first", "second"] {
                let windows = ListWindows {
                    session: Some(target(session)),
                };
                let windows = client.ok(windows).await.windows.into_iter();
                all.extend(windows.map(|w| w.number.unwrap().to_string()));
            }
            let panes = client.panes().await.into_iter();
            all.extend(panes.map(|pane| pane.number.unwrap().to_string()));
            all
        };
        let before = numbers(&client).await;
        assert_eq!(before.len(), 8, "{before:?}");
        assert!(before.contains(&mirror.number.unwrap().to_string()));
        // The newest of each kind goes, and its numbers with it.
        let third = client.session("third", "exec cat").await;
        let third_session = client
            .ok(GetSession {
                session: Some(target("third")),
            })
            .await;
        let close = ClosePane {
            pane: target("third"),
            force: true,
            guarded: false,
        };
        client.ok(close).await;
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(numbers(&client).await, before);
        let fourth = client.session("fourth", "exec cat").await;
        let fourth_session = client
            .ok(GetSession {
                session: Some(target("fourth")),
            })
            .await;
        assert!(fourth.number > third.number, "{fourth:?} {third:?}");
        assert!(fourth_session.session.number > third_session.session.number);
        assert!(fourth_session.windows[0].number > third_session.windows[0].number);
        // The end of a pane is found by its number as long as it is remembered.
        let gone = third.number.unwrap().to_string();
        let error = meant(&client, &gone).await;
        assert_eq!(error.unwrap(), third.pane_id);
        let error = client
            .call(ClosePane {
                pane: target(&gone),
                force: true,
                guarded: false,
            })
            .await
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::PaneExited, "{error}");
        assert!(
            error.message.contains(&format!("pane {gone} is gone")),
            "{error}"
        );
        drop(first);
    });
}

#[test]
fn agents_use_the_same_forms() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = Places::made(&client).await;
        let mcp = Mcp::start(&daemon).await;
        for (text, place) in [
            ("build/logs.tail", "build/logs.1"),
            ("web", "web"),
            ("local:build/0", "build/0.0"),
        ] {
            let read = serde_json::json!({"pane_id": text});
            let read = mcp.ok("fugue_read_pane", read).await;
            assert_eq!(read["pane_id"], made.panes[place].to_string(), "{text}");
        }
        let panes = mcp
            .ok("fugue_list_panes", serde_json::json!({"session": "web"}))
            .await;
        let number = panes["panes"][0]["number"].as_str().unwrap().to_owned();
        let read = mcp
            .ok("fugue_read_pane", serde_json::json!({"pane_id": number}))
            .await;
        assert_eq!(read["pane_id"], panes["panes"][0]["pane_id"]);
    });
}

#[test]
fn a_rename_keeps_the_number() {
    with_daemon(async |_, client| {
        let made = client
            .ok(CreateSession {
                name: name("one"),
                pane: shell("exec cat"),
                ..CreateSession::default()
            })
            .await;
        let number = made.number.unwrap();
        let update = UpdatePane {
            pane: target(&number.to_string()),
            name: name("cat"),
            focus: false,
            rows: None,
            cols: None,
            ratio: None,
        };
        assert_eq!(client.ok(update).await.number, Some(number));
    });
}

#[test]
fn a_view_begins_where_its_target_says_and_tells_of_the_rest() {
    with_daemon(async |_, client| {
        let made = Places::made(&client).await;
        for (view, (text, place)) in (1..).zip([
            ("build/logs.tail", "build/logs.1"),
            ("build/2", "build/2.0"),
            ("build", "build/logs.0"),
        ]) {
            let attached = client.attach(view, target(text)).await;
            assert_eq!(attached.pane_id, made.panes[place], "{text}");
            assert_eq!(attached.panes, 5);
            client.detach(view).await.unwrap();
        }
        let line = format!("exec {} attach build/2 --read-only", fugue_exe());
        let outer = client.session("outer", &line).await;
        let text = crate::support::eventually("it says so", async || {
            let text = client.text(outer.pane_id).await;
            text.contains("read-only").then_some(text)
        })
        .await;
        assert!(text.contains("one of 5 panes"), "{text}");
    });
}
