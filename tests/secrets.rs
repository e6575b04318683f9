//! What is deleted is in no file any more.

use std::collections::BTreeMap;

use protocol::Name;
use protocol::request::{
    CreateSession, GetOrchestration, KillSession, ParallelCommand, RunOptions, RunParallel,
};

use crate::support::daemon::{Daemon, shell, with_daemon};
use crate::support::eventually;
use crate::support::run;
use crate::support::view::named;

/// In how many files of the database a text stands.
fn copies(daemon: &Daemon, text: &str) -> usize {
    let files = std::fs::read_dir(daemon.paths().state).unwrap().flatten();
    let has = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    files.filter(|file| has(file.path())).count()
}

fn secret(value: &str) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap();
    BTreeMap::from([
        ("PATH".to_owned(), path),
        ("APP_PASSWORD".to_owned(), value.to_owned()),
    ])
}

#[test]
fn the_environment_of_what_is_gone_is_in_no_file() {
    with_daemon(async |mut daemon, client| {
        client.session("keep", "exec sleep 600").await;
        let create = CreateSession {
            name: Some(Name::new("gone").unwrap()),
            environment: Some(secret("hunter2-session")),
            pane: shell("exec sleep 600"),
            ..CreateSession::default()
        };
        client.ok(create).await;
        assert!(copies(&daemon, "hunter2-session") > 0, "it is stored");
        let mut command = ParallelCommand {
            command: "true".to_owned(),
            ..ParallelCommand::default()
        };
        command.env = secret("hunter2-command");
        let run = RunParallel {
            commands: vec![command],
            options: RunOptions {
                environment: Some(secret("hunter2-run")),
                env: secret("hunter2-all"),
                ..RunOptions::default()
            },
            ..RunParallel::default()
        };
        let run = client.ok(run).await;
        let get = GetOrchestration {
            orchestration_id: run.orchestration_id,
            after_version: None,
            wait: true,
            timeout_ms: 20_000,
        };
        assert_eq!(client.ok(get.clone()).await.commands[0].exit_code, Some(0));
        client
            .ok(KillSession {
                session: named("gone"),
                guarded: false,
            })
            .await;
        let session = "hunter2-session";
        eventually(session, async || {
            (copies(&daemon, session) == 0).then_some(())
        })
        .await;
        // The result can still be had, from the next server too.
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(client.ok(get).await.commands[0].exit_code, Some(0));
        // What a program's end has put aside is forgotten by the next server, or after a minute.
        for gone in ["run", "all", "command"] {
            let text = format!("hunter2-{gone}");
            eventually(&text, async || (copies(&daemon, &text) == 0).then_some(())).await;
        }
        drop(client);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        daemon.wait();
        assert_eq!(copies(&daemon, "hunter2"), 0);
    });
}

#[test]
fn what_is_over_can_be_forgotten() {
    with_daemon(async |daemon, client| {
        let ended = client.session("ended", "echo hunter2-screen").await;
        client.exit(ended.pane_id).await;
        assert_eq!(daemon.fugue(&["close", "ended"]).code, 0);
        let ran = daemon.fugue(&["run", "echo hunter2-run"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = daemon.fugue(&["forget", "--json"]);
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(told["orchestrations"], 1, "{ran:?}");
        assert_eq!(copies(&daemon, "hunter2"), 0);
        let none = client.ok(protocol::request::ListOrchestrations {}).await;
        assert!(none.orchestrations.is_empty());
        let id = ended.pane_id.to_string();
        assert_eq!(daemon.fugue(&["read", &id]).code, 3);
        assert_eq!(daemon.fugue(&["forget", "nobody"]).code, 3);
        assert_eq!(daemon.fugue(&["forget"]).code, 0);
    });
}

#[test]
fn text_and_environment_are_not_stored_where_nobody_wants_it() {
    run(async {
        let off = "[daemon]\nstore_text = false\nstore_environment = false\n";
        let mut daemon = Daemon::start_with(off);
        let client = daemon.client().await;
        let line = "echo hunter''2-screen; while read x; do echo \"got $APP_PASSWORD\"; done";
        let create = CreateSession {
            name: Some(Name::new("kept").unwrap()),
            environment: Some(secret("hunter2-session")),
            pane: shell(line),
            ..CreateSession::default()
        };
        let kept = client.ok(create).await;
        let ended = client.session("ended", "echo hunter''2-end").await;
        client.exit(ended.pane_id).await;
        assert_eq!(daemon.fugue(&["close", "ended"]).code, 0);
        assert_eq!(
            daemon.fugue(&["env", "kept", "LATER=hunter2-later"]).code,
            0
        );
        assert_eq!(copies(&daemon, "hunter2"), 0);
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        // The program goes on with what it has, and so does a restart of it: its keeper knows.
        let client = daemon.client().await;
        client
            .ok(crate::support::pane::input(kept.pane_id, "x"))
            .await;
        eventually("the program", async || {
            let text = client.text(kept.pane_id).await;
            text.contains("got hunter2-session").then_some(())
        })
        .await;
        // Later programs of the session get the daemon's own.
        let window = protocol::request::CreateWindow {
            session: Some(kept.context.session_id.into()),
            pane: shell("echo \"path $PATH. password $APP_PASSWORD.\""),
            ..Default::default()
        };
        let later = client.ok(window).await;
        client.exit(later.pane_id).await;
        let text = client.text(later.pane_id).await.replace('\n', "");
        assert!(
            text.contains("password .") && !text.contains("path ."),
            "{text}"
        );
        assert_eq!(copies(&daemon, "hunter2"), 0);
    });
}
