//! Whole layouts and mirrors.

use protocol::request::Detach;
use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::stdio::Mcp;
use crate::support::view::{attach, shown};
use crate::support::{eventually, run};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {value}"))
}

#[test]
fn a_layout_is_made_in_one_call_with_its_ratios() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let size = json!({"rows": 41, "cols": 121});
        let made = mcp
            .ok("fugue_create_session", json!({"name": "dev", "size": size}))
            .await;
        let layout = json!({
            "direction": "right",
            "splits": [
                {"ratio": 0.7, "layout": {"pane": {"command": "echo $WHO; cat", "name": "edit", "env": {"WHO": "ed"}}}},
                {"ratio": 0.3, "layout": {"direction": "down", "splits": [
                    {"ratio": 0.25, "layout": {"pane": {"command": "cat", "args": [], "name": "log"}}},
                    {"layout": {"pane": {}}},
                ]}},
            ],
        });
        let given =
            json!({"session": "dev", "name": "work", "layout": layout, "idempotency_key": "k1"});
        let built = mcp.ok("fugue_create_layout", given.clone()).await;
        assert_eq!(built["session_context"]["session_name"], "dev");
        let place =
            |pane: &Value| ["row", "col", "rows", "cols"].map(|name| pane[name].as_u64().unwrap());
        let panes = built["panes"].as_array().unwrap();
        assert_eq!(place(&panes[0]), [0, 0, 41, 84]);
        assert_eq!(place(&panes[1]), [0, 85, 10, 36]);
        assert_eq!(place(&panes[2]), [11, 85, 30, 36]);
        assert_eq!(
            mcp.ok("fugue_create_layout", given).await,
            built,
            "the same key"
        );
        let listed = mcp
            .ok("fugue_list_panes", json!({"window": built["window_id"]}))
            .await;
        let listed = listed["panes"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 3);
        for (pane, made) in listed.iter().zip(panes) {
            assert_eq!(pane["pane_id"], made["pane_id"]);
            assert_eq!(
                [&pane["rows"], &pane["cols"]],
                [&made["rows"], &made["cols"]]
            );
        }
        assert_eq!(listed[1]["name"], "log");
        mcp.ok("fugue_expect", json!({"pane_id": "edit", "pattern": "ed"}))
            .await;
        let sized = mcp
            .ok("fugue_resize_pane", json!({"pane_id": "log", "ratio": 0.5}))
            .await;
        assert_eq!(sized["rows"], 20);

        // Beside what there is, in its right half.
        let two = json!({"splits": [{"layout": {"pane": {}}}, {"layout": {"pane": {}}}]});
        let window = made["window_id"].clone();
        let beside = mcp
            .ok(
                "fugue_create_layout",
                json!({"window": window, "layout": two}),
            )
            .await;
        let panes = beside["panes"].as_array().unwrap();
        assert_eq!(place(&panes[0]), [0, 61, 41, 30]);
        let windows = mcp
            .ok("fugue_list_windows", json!({"session": "dev"}))
            .await;
        assert_eq!(
            windows["windows"][0]["pane_ids"].as_array().unwrap().len(),
            3
        );
    });
}

#[test]
fn a_layout_with_a_command_that_fails_leaves_nothing() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        mcp.ok("fugue_create_session", json!({"name": "dev"})).await;
        let client = daemon.client().await;
        let before = (client.panes().await.len(), daemon.leftovers().len());
        let with = |bad: Value| {
            let good = json!({"layout": {"pane": {"command": "sleep 100"}}});
            json!({"layout": {"splits": [good, {"layout": bad}, good]}})
        };
        let deep = (0..33).fold(
            json!({"pane": {}}),
            |inner, _| json!({"splits": [{"layout": {"pane": {}}}, {"layout": inner}]}),
        );
        let parts: Vec<_> = (0..64).map(|_| json!({"layout": {"pane": {}}})).collect();
        let cases = [
            (
                with(json!({"pane": {"command": "no-such-program", "args": []}})),
                "spawn_failed",
                "layout.splits[1].layout.pane: cannot start",
            ),
            (
                with(json!({"pane": {"cwd": "/no/such"}})),
                "invalid_argument",
                "layout.splits[1].layout.pane: the working directory",
            ),
            (
                with(json!({"pane": {"command": " "}})),
                "invalid_argument",
                "command is empty",
            ),
            (
                with(json!({"splits": []})),
                "invalid_argument",
                "splits is empty",
            ),
            (
                with(json!({})),
                "invalid_argument",
                "neither a pane nor splits",
            ),
            (
                with(json!({"pane": {}, "direction": "down"})),
                "invalid_argument",
                "a pane together with",
            ),
            (json!({"layout": deep}), "invalid_argument", "deep"),
            (
                json!({"layout": {"splits": parts}}),
                "limit",
                "does not fit a window of 40 × 120",
            ),
            (
                json!({"window": "nope", "layout": {"pane": {}}}),
                "not_found",
                "nope",
            ),
        ];
        for (arguments, code, says) in cases {
            let error = mcp.refused("fugue_create_layout", arguments).await;
            assert_eq!(text(&error, "code"), code, "{error}");
            assert!(text(&error, "message").contains(says), "{error}");
        }
        eventually("nothing is left", async || {
            let now = (client.panes().await.len(), daemon.leftovers().len());
            (now == before).then_some(())
        })
        .await;
    });
}

#[test]
fn a_mirror_shows_its_pane_and_ends_nothing() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp.cat_session("a").await;
        mcp.ok("fugue_create_session", json!({"name": "b"})).await;
        let pane = made["pane_id"].clone();
        let given = json!({"pane_id": pane, "session": "b", "name": "look", "direction": "down", "select": true});
        let mirror = mcp.ok("fugue_mirror_pane", given).await;
        assert_eq!(mirror["mirror_of"], pane);
        assert_eq!(mirror["session_context"]["session_name"], "b");
        let listed = mcp.ok("fugue_list_panes", json!({"session": "b"})).await;
        let entry = &listed["panes"][1];
        assert_eq!(
            [&entry["pane_id"], &entry["mirror_of"], &entry["name"]],
            [&mirror["pane_id"], &pane, &json!("look")]
        );
        assert!(listed["panes"][0].get("mirror_of").is_none());

        // It shows what the pane shows, to readers and to those who attach.
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "input": "seen twice", "submit": true}),
        )
        .await;
        let found = mcp
            .ok(
                "fugue_expect",
                json!({"pane_id": "look", "pattern": "twice"}),
            )
            .await;
        assert_eq!(found["line"], "seen twice");
        let mut client = daemon.client().await;
        let attached = client.ok(attach(1, crate::support::view::named("b"))).await;
        assert_eq!(json!(attached.pane_id.to_string()), mirror["pane_id"]);
        while !shown(&client.screen(1).await).contains("seen twice") {}

        // Nobody types into it.
        let error = mcp
            .refused("fugue_send_input", json!({"pane_id": "look", "input": "x"}))
            .await;
        assert_eq!(text(&error, "code"), "denied");
        assert_eq!(error["candidates"], json!(["%1"]));
        client.types(1, "typed into a mirror\r").await;
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "input": "end", "submit": true}),
        )
        .await;
        mcp.ok("fugue_expect", json!({"pane_id": pane, "pattern": "^end$"}))
            .await;
        let read = mcp.ok("fugue_read_pane", json!({"pane_id": pane})).await;
        assert!(!text(&read, "text").contains("typed into"), "{read}");
        client.ok(Detach { view: 1 }).await;

        // Closed, it ends nothing; renamed, resized, it is a place as any other.
        mcp.ok(
            "fugue_rename_pane",
            json!({"pane_id": "look", "name": "watch"}),
        )
        .await;
        let sized = mcp
            .ok(
                "fugue_resize_pane",
                json!({"pane_id": "watch", "ratio": 0.25}),
            )
            .await;
        assert_eq!(sized["mirror_of"], pane);
        mcp.ok("fugue_close_pane", json!({"pane_id": "watch"}))
            .await;
        let listed = mcp.ok("fugue_list_panes", json!({"session": "b"})).await;
        assert_eq!(listed["panes"].as_array().unwrap().len(), 1);
        let read = mcp.ok("fugue_read_pane", json!({"pane_id": pane})).await;
        assert_eq!(read["status"], "running");

        // The end of the pane is the end of its mirrors, a mirror's mirror among them.
        let first = mcp
            .ok(
                "fugue_mirror_pane",
                json!({"pane_id": pane, "session": "b"}),
            )
            .await;
        let again = json!({"pane_id": first["pane_id"], "session": "b", "new_window": true});
        let second = mcp.ok("fugue_mirror_pane", again).await;
        assert_eq!(second["mirror_of"], pane);
        mcp.ok("fugue_kill_session", json!({"session": "a"})).await;
        eventually("the mirrors are gone", async || {
            let listed = mcp.ok("fugue_list_panes", json!({"all": true})).await;
            (listed["panes"].as_array().unwrap().len() == 1).then_some(())
        })
        .await;
        let windows = mcp.ok("fugue_list_windows", json!({"session": "b"})).await;
        assert_eq!(windows["windows"].as_array().unwrap().len(), 1);
        mcp.end().await;
    });
}
