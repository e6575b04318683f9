//! Targets, names and servers: what a call means, and that every answer says so.

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::run;
use crate::support::stdio::Mcp;

#[test]
fn new_names_show_in_every_listing() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp.ok("fugue_create_session", json!({"name": "old"})).await;
        let (pane, window) = (made["pane_id"].clone(), made["window_id"].clone());
        let renamed = mcp
            .ok(
                "fugue_rename_session",
                json!({"session": "old", "name": "new"}),
            )
            .await;
        assert_eq!(renamed["session_context"]["session_name"], "new");
        let renamed = mcp
            .ok(
                "fugue_rename_window",
                json!({"window": window, "name": "main"}),
            )
            .await;
        assert_eq!(renamed["session_context"]["session_name"], "new");
        mcp.ok(
            "fugue_rename_pane",
            json!({"pane_id": pane, "name": "shell"}),
        )
        .await;
        // Of a second client, too, and after the session's actor has been restarted from its snapshot.
        let other = Mcp::start(&daemon).await;
        let client = daemon.client().await;
        for round in 0..2 {
            let sessions = other.ok("fugue_list_sessions", json!({})).await;
            assert_eq!(sessions["servers"]["local"]["sessions"][0]["name"], "new");
            let windows = other.ok("fugue_list_windows", json!({})).await;
            assert_eq!(windows["session_context"]["session_name"], "new");
            assert_eq!(windows["windows"][0]["name"], "main");
            let panes = other
                .ok("fugue_list_panes", json!({"window": "main"}))
                .await;
            let entry = &panes["panes"][0];
            assert_eq!([&entry["name"], &entry["session_name"]], ["shell", "new"]);
            let who = other.ok("fugue_whoami", json!({})).await;
            assert_eq!(who["active"]["session_name"], "new");
            let tree = other
                .ok("fugue_actor_tree", json!({"session": "new"}))
                .await;
            assert!(
                tree["text"].as_str().unwrap().contains("name=new"),
                "{tree}"
            );
            assert_eq!(tree["session_context"]["session_name"], "new");
            let error = other
                .refused("fugue_list_panes", json!({"session": "old"}))
                .await;
            assert_eq!(
                [&error["code"], &error["candidates"]],
                [&json!("not_found"), &json!(["new"])]
            );
            if round == 0 {
                client
                    .crash("session", crate::support::view::named("new"))
                    .await
                    .unwrap();
            }
        }
    });
}

#[test]
fn aliases_ids_and_names_mean_the_same() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp.ok("fugue_create_session", json!({"name": "a"})).await;
        let session = made["session_context"]["session_id"].clone();
        mcp.ok("fugue_create_session", json!({"name": "b"})).await;
        for given in [
            json!({"session": "a"}),
            json!({"session": session}),
            json!({"session_id": session}),
            json!({"session": "local:a"}),
            json!({"session": "a", "server": "local"}),
            json!({"window_id": made["window_id"]}),
        ] {
            let panes = mcp.ok("fugue_list_panes", given.clone()).await;
            assert_eq!(panes["panes"][0]["pane_id"], made["pane_id"], "{given}");
            assert_eq!(panes["session_context"]["session_name"], "a", "{given}");
        }
        for given in [json!({"pane": made["pane_id"]}), json!({"pane_id": "a"})] {
            let read = mcp.ok("fugue_read_pane", given.clone()).await;
            assert_eq!(read["pane_id"], made["pane_id"], "{given}");
        }
        // What destroys never guesses, although b is the active session.
        for tool in [
            "fugue_kill_session",
            "fugue_close_pane",
            "fugue_cancel_orchestration",
        ] {
            let error = mcp.refused(tool, json!({})).await;
            assert_eq!(error["code"], "invalid_argument", "{tool}");
        }
        // What looks or creates means the active one.
        let created = mcp.ok("fugue_create_pane", json!({})).await;
        assert_eq!(created["session_context"]["session_name"], "b");
    });
}

#[test]
fn every_answer_about_a_session_says_which() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        mcp.cat_session("s").await;
        let pane = json!({"pane_id": "s"});
        let with = |more: Value| {
            let mut all = pane.clone();
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            all
        };
        let leaf = json!({"pane": {"command": "cat", "args": []}});
        let run = json!([{"command": "true"}]);
        let calls = [
            ("fugue_list_panes", json!({})),
            ("fugue_list_windows", json!({})),
            ("fugue_create_window", json!({"name": "w"})),
            ("fugue_select_window", json!({"window": "w"})),
            ("fugue_rename_window", json!({"window": "w", "name": "v"})),
            ("fugue_create_pane", json!({"name": "p"})),
            (
                "fugue_split_pane",
                json!({"pane_id": "p", "direction": "down", "name": "q"}),
            ),
            ("fugue_rename_pane", json!({"pane_id": "q", "name": "r"})),
            ("fugue_focus_pane", pane.clone()),
            ("fugue_focus_pane", json!({"pane_id": "r"})),
            ("fugue_resize_pane", json!({"pane_id": "r", "rows": 5})),
            ("fugue_retry_pane", json!({"pane_id": "r"})),
            ("fugue_restart_pane", json!({"pane_id": "r"})),
            ("fugue_create_layout", json!({"layout": leaf})),
            ("fugue_mirror_pane", json!({"pane_id": "r", "name": "m"})),
            ("fugue_close_pane", json!({"pane_id": "m"})),
            ("fugue_read_pane", pane.clone()),
            (
                "fugue_send_input",
                with(json!({"input": "x", "read_after_ms": 50})),
            ),
            (
                "fugue_expect",
                with(json!({"until": "idle", "idle_ms": 10})),
            ),
            ("fugue_run_parallel", json!({"commands": run})),
            (
                "fugue_run_pipeline",
                json!({"commands": run, "cleanup": true}),
            ),
            ("fugue_set_environment", json!({"set": {"A": "1"}})),
            ("fugue_get_environment", json!({})),
            ("fugue_set_metadata", json!({"set": {"a": "1"}})),
            ("fugue_get_metadata", json!({})),
            ("fugue_set_tags", json!({"tags": ["t"]})),
            ("fugue_get_tags", json!({})),
            ("fugue_actor_tree", json!({"session": "s"})),
            ("fugue_select_session", json!({"session": "s"})),
            ("fugue_rename_session", json!({"session": "s", "name": "z"})),
            ("fugue_kill_session", json!({"session": "z"})),
        ];
        for (tool, arguments) in calls {
            let answer = mcp.ok(tool, arguments).await;
            let context = &answer["session_context"];
            let named =
                ["session_id", "session_name", "server"].map(|name| context[name].is_string());
            assert_eq!(named, [true; 3], "{tool}: {answer}");
        }
    });
}

#[test]
fn servers_fail_alone_and_by_name() {
    run(async {
        let far = Daemon::start();
        let far_client = far.client().await;
        far_client.session("work", "cat").await;
        let config = format!(
            "[servers.far]\nsocket = {:?}\n[servers.gone]\nsocket = {:?}\n",
            far.socket(),
            far.dir.path().join("nothing.sock"),
        );
        let near = Daemon::start_with(&config);
        let mcp = Mcp::start(&near).await;
        let all = mcp.ok("fugue_list_sessions", json!({})).await;
        let status = ["local", "far", "gone"].map(|name| all["servers"][name]["status"].clone());
        assert_eq!(status, ["connected", "connected", "server_unreachable"]);
        // Ids of another server come with its name and can be given back as they are.
        let session = all["servers"]["far"]["sessions"][0]["session_id"].clone();
        assert!(session.as_str().unwrap().starts_with("far:"), "{session}");
        let made = mcp
            .ok("fugue_create_pane", json!({"session": session}))
            .await;
        assert_eq!(made["session_context"]["server"], "far");
        let read = mcp
            .ok("fugue_read_pane", json!({"pane_id": made["pane_id"]}))
            .await;
        assert_eq!(read["pane_id"], made["pane_id"]);
        let layout = json!({"session": "far:work", "layout": {"pane": {}}});
        let made = mcp.ok("fugue_create_layout", layout).await;
        let pane = made["panes"][0]["pane_id"].clone();
        assert!(pane.as_str().unwrap().starts_with("far:"), "{made}");
        let mirror = mcp
            .ok(
                "fugue_mirror_pane",
                json!({"pane_id": pane, "server": "far"}),
            )
            .await;
        assert_eq!(mirror["mirror_of"], pane);
        // One server for each call, a known one that answers.
        let pane = "far:work";
        let wrong = [
            (
                json!({"pane_id": pane, "server": "local"}),
                "invalid_argument",
            ),
            (json!({"pane_id": "nowhere:work"}), "unknown_server"),
            (
                json!({"pane_id": "x", "server": "nowhere"}),
                "unknown_server",
            ),
            (json!({"pane_id": "gone:work"}), "server_unreachable"),
            (json!({"pane_id": ":work"}), "invalid_argument"),
        ];
        for (given, code) in wrong {
            let error = mcp.refused("fugue_read_pane", given.clone()).await;
            assert_eq!(error["code"], code, "{given}: {error}");
            if code == "unknown_server" {
                assert_eq!(error["candidates"], json!(["far", "gone", "local"]));
            }
        }
        let error = mcp
            .refused("fugue_kill_session", json!({"session": "far:wrok"}))
            .await;
        assert_eq!(error["candidates"], json!(["far:work"]));
    });
}
