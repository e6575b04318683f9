//! Commands by hand on real programs: signals, what runs, focus, sizes, mirrors, several at once, tmux's words.

use serde_json::Value;

use crate::support::daemon::{Client, Daemon, fugue_exe, with_daemon};
use crate::support::eventually;

/// The output of a command that must do what it says.
fn ok(daemon: &Daemon, args: &[&str]) -> String {
    let ran = daemon.fugue(args);
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.out
}

fn json(daemon: &Daemon, args: &[&str]) -> Value {
    let mut args = args.to_vec();
    args.push("--json");
    serde_json::from_str(&ok(daemon, &args)).unwrap()
}

async fn shows(client: &Client, daemon: &Daemon, pane: &str, text: &str) {
    let _ = client;
    eventually(text, async || {
        ok(daemon, &["read", pane]).contains(text).then_some(())
    })
    .await;
}

#[test]
fn a_signal_reaches_whom_it_is_for() {
    with_daemon(async |daemon, client| {
        let line = "trap 'echo outer' USR1; sh -c 'trap \"echo inner\" USR1; echo ready; while :; do sleep 0.05; done'";
        client.session("web", line).await;
        shows(&client, &daemon, "web", "ready").await;
        ok(&daemon, &["signal", "web", "USR1"]);
        shows(&client, &daemon, "web", "inner").await;
        let sent = json(&daemon, &["signal", "web", "SIGUSR1", "--program"]);
        assert_eq!(sent["processes"], 1);
        for (args, code, said) in [
            (["signal", "web", "NIX"], 2, "no signal has this name"),
            (["signal", "web", "65"], 2, "no signal has this name"),
            (
                ["signal", "nix", "HUP"],
                3,
                "no pane \"nix\". There are: web.",
            ),
        ] {
            let ran = daemon.fugue(&args);
            assert_eq!(ran.code, code, "{ran:?}");
            assert!(ran.err.contains(said), "{ran:?}");
        }
        ok(&daemon, &["signal", "web", "9", "--all"]);
        let ended = daemon.fugue(&["wait", "web"]);
        assert_eq!(ended.code, 137, "{ended:?}");
        let late = daemon.fugue(&["signal", "web", "HUP"]);
        assert_eq!(late.code, 3, "{late:?}");
        assert!(late.err.contains("has ended"), "{late:?}");
    });
}

#[test]
fn what_runs_is_shown_with_what_it_uses() {
    with_daemon(async |daemon, client| {
        client
            .session("busy", "i=0; while :; do i=$((i+1)); done")
            .await;
        client.session("quiet", "exec sleep 600").await;
        let ended = client.session("ended", "exit 3").await;
        client.exit(ended.pane_id).await;
        let used = eventually("the busy one has used something", async || {
            let used = json(&daemon, &["ps"]);
            (used[0]["cpu_ms"].as_u64() > Some(100)).then_some(used)
        })
        .await;
        let names: Vec<_> = used
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["session_name"].clone())
            .collect();
        assert_eq!(names, ["busy", "quiet"]);
        assert!(used[1]["memory_bytes"].as_u64() > Some(100_000), "{used}");
        assert_eq!(used[1]["processes"], 1);
        let text = ok(&daemon, &["ps", "quiet"]);
        assert!(text.contains("quiet.0") && !text.contains("busy"), "{text}");
        let sorted = json(&daemon, &["ps", "--sort", "name"]);
        assert_eq!(sorted[0]["session_name"], "busy");
    });
}

#[test]
fn focus_sizes_and_mirrors_by_hand() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        ok(&daemon, &["split", "web", "-n", "side", "-d", "--", "cat"]);
        ok(&daemon, &["window", "web", "-n", "logs", "-d", "--", "cat"]);
        ok(&daemon, &["focus", "web.side"]);
        let focused = || {
            let panes = json(&daemon, &["panes", "web"]);
            let panes = panes["panes"].as_array().unwrap().clone();
            let focused = panes.into_iter().find(|pane| pane["focused"] == true);
            focused.unwrap()["name"].clone()
        };
        assert_eq!(focused(), "side");
        let ran = ok(&daemon, &["ps", "web"]);
        assert!(
            ran.contains("web/logs.0") && ran.contains("web/0.1"),
            "{ran}"
        );
        ok(&daemon, &["select", "web/logs"]);
        let windows = json(&daemon, &["windows", "web"]);
        assert_eq!(windows["windows"][1]["focused"], true);
        ok(&daemon, &["resize", "web/0.side", "--cols", "30"]);
        let panes = json(&daemon, &["panes", "web"]);
        assert_eq!(panes["panes"][1]["size"]["cols"], 30);
        let number = ok(
            &daemon,
            &["mirror", "web/0.0", "--to", "web/logs", "-n", "twin", "-q"],
        );
        assert!(number.starts_with('%'), "{number}");
        let told = ok(&daemon, &["mirror", "web/0.0", "--to", "web/logs", "-d"]);
        let told = told.trim_end();
        let is_whole =
            told.starts_with("mirror of web/0.0 is web/logs.2 (%") && told.ends_with(')');
        assert!(is_whole, "{told}");
        let panes = json(&daemon, &["panes", "web"]);
        let twin = panes["panes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|pane| pane["name"] == "twin");
        assert_eq!(twin.unwrap()["mirror_of"], panes["panes"][0]["pane_id"]);
    });
}

#[test]
fn top_ends_with_q_and_leaves_the_terminal_as_it_was() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        let line = format!(
            "{} top; echo left $?; stty -a | grep -o -e '-*icanon' -e '-*echo '; exec cat",
            fugue_exe()
        );
        client.session("outer", &line).await;
        shows(&client, &daemon, "outer", "web.0").await;
        ok(&daemon, &["send", "outer", "x"]);
        ok(&daemon, &["send", "outer", "q"]);
        shows(&client, &daemon, "outer", "left 0\nicanon\necho").await;
        let text = ok(&daemon, &["read", "outer"]);
        assert!(!text.contains("PROCS"), "the screen from before: {text}");
    });
}

#[test]
fn a_manual_page_is_shown_as_one_where_there_is_man() {
    with_daemon(async |daemon, client| {
        let dir = tempfile::tempdir().unwrap();
        let man = dir.path().join("man");
        std::fs::write(&man, "#!/bin/sh\nread line; echo \"[$* $line]\"\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&man, mode).unwrap();
        let line = format!(
            "PATH={}:$PATH {fugue} man; PAGER=cat PATH=/nonexistent {fugue} man; exec cat",
            dir.path().display(),
            fugue = fugue_exe()
        );
        client.session("outer", &line).await;
        let shown = eventually("both are shown", async || {
            let text = ok(&daemon, &["read", "outer", "--scrollback"]);
            text.contains("EXIT STATUS").then_some(text)
        })
        .await;
        assert!(shown.starts_with("[-l - "), "{shown}");
        assert!(shown.contains("Usage: fugue"), "{shown}");
        assert!(!shown.contains(".SH"), "{shown}");
        assert!(
            ok(&daemon, &["man"]).contains(".SH NAME"),
            "the page itself"
        );
    });
}

#[test]
fn what_somebody_looks_at_is_not_ended_by_accident() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        let line = format!("exec {} attach web", fugue_exe());
        client.session("outer", &line).await;
        eventually("it is attached", async || {
            let sessions = client.sessions().await.into_iter();
            let mut web = sessions.filter(|session| session.name.as_str() == "web");
            (web.next()?.attached_clients == 1).then_some(())
        })
        .await;
        for (args, said) in [
            (
                ["kill", "web"],
                "fugue: session web was not ended, because somebody is attached to it; `--force` ends it all the same\n",
            ),
            (
                ["close", "web"],
                "the last one of session web, was not closed, because somebody is attached to it; `--force` ends it all the same\n",
            ),
        ] {
            let ran = daemon.fugue(&args);
            assert_eq!(ran.code, 1, "{ran:?}");
            assert!(ran.err.ends_with(said), "{ran:?}");
        }
        ok(&daemon, &["kill", "web", "--force"]);
    });
}

#[test]
fn several_are_ended_by_one_command() {
    with_daemon(async |daemon, client| {
        for name in ["a", "b", "c", "d"] {
            client.session(name, "exec cat").await;
        }
        // One that is not there ends none.
        for words in [["kill", "a", "nix", "b"], ["close", "a", "nix", "b"]] {
            let ran = daemon.fugue(&words);
            assert_eq!(ran.code, 3, "{ran:?}");
            assert!(ran.err.contains("\"nix\""), "{ran:?}");
        }
        assert_eq!(client.sessions().await.len(), 4);
        ok(&daemon, &["kill", "a", "b", "a"]);
        // Indexes mean what they meant before the first was closed.
        for name in ["one", "two", "three"] {
            ok(&daemon, &["split", "c", "-n", name, "-d", "--", "cat"]);
        }
        let names = async || {
            let panes = client.panes().await.into_iter();
            let panes = panes.filter(|pane| pane.session_name.as_str() == "c");
            panes.map(|pane| pane.name).collect::<Vec<_>>()
        };
        let before = names().await;
        ok(&daemon, &["close", "c.0", "c.1", "c.0", "--force"]);
        assert_eq!(names().await, before[2..]);
        ok(&daemon, &["close", "c.0", "c.1", "d", "--force"]);
        assert!(client.sessions().await.is_empty());
        // A name that cannot be one ends nothing.
        client.session("e", "exec cat").await;
        let ran = daemon.fugue(&["close", "e", "a..b"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(client.sessions().await.len(), 1);
        let ran = daemon.fugue(&["kill", "e", ""]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(client.sessions().await.len(), 1);
    });
}

#[test]
fn the_words_of_tmux_work() {
    with_daemon(async |daemon, client| {
        ok(&daemon, &["new-session", "-d", "-s", "work", "cat"]);
        ok(&daemon, &["split-window", "-h", "-t", "work", "-d", "cat"]);
        ok(&daemon, &["send-keys", "-t", "work.0", "hello", "Enter"]);
        eventually("it was typed", async || {
            let text = ok(&daemon, &["capture-pane", "-p", "-t", "work.0"]);
            text.contains("hello").then_some(())
        })
        .await;
        ok(&daemon, &["kill-pane", "-t", "work.1"]);
        assert_eq!(client.panes().await.len(), 1);
        ok(&daemon, &["rename-session", "-t", "work", "play"]);
        let instead = daemon.fugue(&["kill-window", "-t", "play"]);
        assert_eq!(instead.code, 2, "{instead:?}");
        assert!(
            instead.err.contains("kill-window is a command of tmux"),
            "{instead:?}"
        );
        ok(&daemon, &["kill-session", "-t", "play"]);
        assert!(client.sessions().await.is_empty());
    });
}

#[test]
fn a_mistake_in_the_configuration_stops_no_command_that_only_talks() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        let config = daemon.paths().config;
        std::fs::write(&config, "[daemon]\nhistory_linse = 5\n").unwrap();
        let ran = daemon.fugue(&["ls"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.err.contains("warning") && ran.err.contains("history_linse"),
            "{ran:?}"
        );
        assert_eq!(daemon.fugue(&["config", "check"]).code, 2);
        // A file that may say which server is meant is not passed over.
        std::fs::write(&config, "default_server = \"far\"\nnonsense = 1\n").unwrap();
        assert_eq!(daemon.fugue(&["kill", "web", "--yes"]).code, 2);
        assert_eq!(client.sessions().await.len(), 1);
        assert_eq!(
            daemon.fugue(&["config", "path"]).out.trim(),
            config.display().to_string()
        );
        std::fs::remove_file(&config).unwrap();
        assert_eq!(daemon.fugue(&["config", "check"]).code, 0);
        assert!(ok(&daemon, &["config", "show"]).contains("history_lines = 2000"));
    });
}

#[test]
fn who_is_connected_is_listed_with_what_they_look_at() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        let view = daemon.client_named("viewer").await;
        view.attach(1, crate::support::view::named("web")).await;
        let agent = daemon.client_named("fugue mcp").await;
        let find = |clients: &Value, name: &str| {
            let mut all = clients["clients"].as_array().unwrap().iter();
            all.find(|one| one["name"] == name).cloned()
        };
        let clients = eventually("the view is listed", async || {
            let clients = json(&daemon, &["clients"]);
            let viewer = find(&clients, "viewer")?;
            // A name is known a moment after its connection.
            let named = find(&clients, "fugue mcp").is_some() && find(&clients, "fugue").is_some();
            (named && viewer["kind"] == "view").then_some(clients)
        })
        .await;
        let viewer = find(&clients, "viewer").unwrap();
        assert_eq!(viewer["pid"], std::process::id());
        let looks = &viewer["views"][0];
        assert_eq!(looks["session_name"], "web");
        assert_eq!(
            (&looks["window_index"], &looks["index"]),
            (&Value::from(0), &Value::from(0))
        );
        assert_eq!(looks["read_only"], false);
        assert_eq!(find(&clients, "fugue mcp").unwrap()["kind"], "mcp");
        assert_eq!(find(&clients, "fugue").unwrap()["asks"], true);
        let text = ok(&daemon, &["clients"]);
        assert!(text.contains("web/0.0") && text.contains("MCP"), "{text}");
        ok(&daemon, &["split", "web", "-n", "side", "--", "cat"]);
        ok(&daemon, &["focus", "web.side"]);
        eventually("the view looks elsewhere", async || {
            ok(&daemon, &["clients"]).contains("web/0.1").then_some(())
        })
        .await;
        drop((view, agent));
        eventually("nobody is left", async || {
            let clients = json(&daemon, &["clients"]);
            find(&clients, "viewer").is_none().then_some(())
        })
        .await;
    });
}

/// The details of a pane's node in the tree.
fn details(daemon: &Daemon, pane: &str) -> Value {
    let tree = json(daemon, &["tree"]);
    fn find(node: &Value, pane: &str) -> Option<Value> {
        if node["id"] == pane {
            return Some(node["details"].clone());
        }
        let mut children = node["children"].as_array()?.iter();
        children.find_map(|child| find(child, pane))
    }
    find(&tree, pane).unwrap_or_default()
}

fn detail(details: &Value, key: &str) -> Option<String> {
    let mut all = details.as_array()?.iter();
    let found = all.find(|pair| pair[0] == key)?;
    found[1].as_str().map(str::to_owned)
}

#[test]
fn the_tree_says_what_panes_are_called_and_what_hangs() {
    with_daemon(async |daemon, client| {
        let line = "trap '' TERM HUP; echo ready; while :; do sleep 1; done";
        let pane = client.session("web", line).await;
        shows(&client, &daemon, "web", "ready").await;
        let id = pane.pane_id.to_string();
        let told = details(&daemon, &id);
        assert_eq!(
            detail(&told, "address").as_deref(),
            Some("web/0.0"),
            "{told}"
        );
        let number = pane.number.unwrap().to_string();
        assert_eq!(detail(&told, "number"), Some(number));
        assert_eq!(detail(&told, "hangs"), None, "{told}");
        let panes = json(&daemon, &["panes", "web"]);
        let info = &panes["panes"][0];
        assert_eq!(
            (&info["window_index"], &info["window_focused"]),
            (&Value::from(0), &Value::from(true))
        );
        let flood = protocol::request::SendInput {
            timeout_ms: Some(15_000),
            ..crate::support::pane::input(pane.pane_id, &"a line of text\n".repeat(20_000))
        };
        let typed = client.call(flood);
        let hangs = async |what: &str| {
            eventually(what, async || {
                let hangs = detail(&details(&daemon, &id), "hangs")?;
                hangs.contains(what).then_some(hangs)
            })
            .await
        };
        let seen = async {
            let said = hangs("program does not read").await;
            assert!(said.contains("KiB wait"), "{said}");
            let closed = client.call(protocol::request::ClosePane {
                pane: pane.pane_id.into(),
                force: false,
                guarded: false,
            });
            let closing = async {
                let said = hangs("close waits for pid").await;
                assert!(said.contains("since"), "{said}");
            };
            let (closed, ()) = tokio::join!(closed, closing);
            assert!(closed.unwrap().panes[0].survivors.is_empty());
        };
        let (typed, ()) = tokio::join!(typed, seen);
        assert!(typed.is_err(), "{typed:?}");
        assert_eq!(details(&daemon, &id), Value::Null);
    });
}
