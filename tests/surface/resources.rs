//! Resources, their updates, and prompts.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Daemon;
use crate::support::stdio::Mcp;
use crate::support::{eventually, run};

const UPDATED: &str = "notifications/resources/updated";

fn screen(pane: &Value) -> String {
    format!("fugue://local/pane/{}/screen", pane.as_str().unwrap())
}

async fn text(mcp: &Mcp, uri: &str) -> String {
    let answer = mcp.ask("resources/read", json!({"uri": uri})).await;
    let contents = &answer["result"]["contents"][0];
    assert_eq!(contents["uri"], uri, "{answer}");
    contents["text"].as_str().unwrap().to_owned()
}

fn updates(mcp: &Mcp, uri: &str) -> usize {
    let notes = mcp.notes(UPDATED);
    notes.iter().filter(|note| note["uri"] == uri).count()
}

async fn updated(mcp: &Mcp, uri: &str, before: usize) {
    eventually("an update", async || {
        (updates(mcp, uri) > before).then_some(())
    })
    .await;
}

#[test]
fn panes_and_the_tree_can_be_listed_and_read() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::launch(&daemon, &[]);
        let offered = mcp.initialize(json!({})).await["capabilities"].clone();
        // Nothing is offered that is not delivered.
        assert_eq!(offered["resources"], json!({"subscribe": true}));
        assert_eq!(offered["prompts"], json!({}));
        let made = mcp
            .ok(
                "fugue_create_session",
                json!({"name": "s", "command": "echo hello; exit 1"}),
            )
            .await;
        let wait = json!({"pane_id": made["pane_id"], "until": "exit"});
        mcp.ok("fugue_expect", wait).await;
        let list = mcp.ask("resources/list", json!({})).await;
        let list = list["result"]["resources"].as_array().unwrap().clone();
        let uris: Vec<_> = list
            .iter()
            .map(|entry| entry["uri"].as_str().unwrap())
            .collect();
        assert_eq!(
            uris,
            ["fugue://local/tree".to_owned(), screen(&made["pane_id"])]
        );
        let about = list[1]["description"].as_str().unwrap();
        assert_eq!(about, "Screen of a pane in session s: exit 1");
        assert_eq!(text(&mcp, uris[1]).await, "hello");
        assert_eq!(text(&mcp, "fugue://local/pane/s/screen").await, "hello");
        let tree = text(&mcp, uris[0]).await;
        assert!(
            tree.starts_with("fugued [") && tree.contains("name=s"),
            "{tree}"
        );
        let templates = mcp.ask("resources/templates/list", json!({})).await;
        assert_eq!(
            templates["result"]["resourceTemplates"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        for (uri, code) in [
            ("fugue://local/pane/nope/screen", -32_002),
            ("fugue://nowhere/tree", -32_002),
            ("file:///etc/passwd", -32_602),
        ] {
            let error = mcp.ask("resources/read", json!({"uri": uri})).await["error"].clone();
            assert_eq!(error["code"], code, "{error}");
            assert!(error["data"]["code"].is_string(), "{error}");
        }
    });
}

#[test]
fn subscribers_are_told_of_changes_and_of_nothing_else() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let made = mcp.cat_session("s").await;
        let pane = &made["pane_id"];
        let (uri, tree) = (screen(pane), "fugue://local/tree");
        for uri in [&uri, tree] {
            let answer = mcp.ask("resources/subscribe", json!({"uri": uri})).await;
            assert!(answer["result"].is_object(), "{answer}");
        }
        let error = mcp
            .ask(
                "resources/subscribe",
                json!({"uri": "fugue://local/pane/nope/screen"}),
            )
            .await;
        assert!(error["error"].is_object(), "{error}");
        // Quiet panes say nothing, and reading changes nothing.
        tokio::time::sleep(Duration::from_millis(400)).await;
        mcp.ok("fugue_read_pane", json!({"pane_id": pane})).await;
        assert_eq!((updates(&mcp, &uri), updates(&mcp, tree)), (0, 0));
        mcp.ok(
            "fugue_send_input",
            json!({"pane_id": pane, "input": "seen", "submit": true}),
        )
        .await;
        updated(&mcp, &uri, 0).await;
        eventually("the text", async || {
            (text(&mcp, &uri).await.contains("seen")).then_some(())
        })
        .await;
        // Under a flood there are few of them.
        let before = updates(&mcp, &uri);
        let begun = Instant::now();
        for _ in 0..200 {
            mcp.ok(
                "fugue_send_input",
                json!({"pane_id": pane, "input": "x", "submit": true}),
            )
            .await;
        }
        updated(&mcp, &uri, before).await;
        let most = begun.elapsed().as_millis() / 250 + 2;
        let count = updates(&mcp, &uri) - before;
        assert!(
            count as u128 <= most,
            "{count} updates in {:?}",
            begun.elapsed()
        );
        // The tree changes with what is in it.
        let before = updates(&mcp, tree);
        mcp.ok("fugue_create_window", json!({})).await;
        updated(&mcp, tree, before).await;
        // An end is a change; after unsubscribing there is none.
        let before = updates(&mcp, &uri);
        mcp.ok("fugue_close_pane", json!({"pane_id": pane})).await;
        updated(&mcp, &uri, before).await;
        mcp.ask("resources/unsubscribe", json!({"uri": tree})).await;
        let before = updates(&mcp, tree);
        mcp.ok("fugue_create_window", json!({})).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(updates(&mcp, tree), before);
        mcp.end().await;
    });
}

#[test]
fn clients_of_the_newest_revision_listen() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::launch(&daemon, &[]);
        let ask = async |method: &str, params: Value| {
            let answer = mcp.ask(method, Mcp::alone(params, json!({}))).await;
            assert!(answer["result"].is_object(), "{method}: {answer}");
            answer["result"].clone()
        };
        let found = ask("server/discover", json!({})).await;
        assert_eq!(
            found["capabilities"]["resources"],
            json!({"subscribe": true})
        );
        let call =
            json!({"name": "fugue_create_session", "arguments": {"command": "cat", "args": []}});
        let made = ask("tools/call", call).await["structuredContent"].clone();
        let uri = screen(&made["pane_id"]);
        let wanted = json!({"notifications": {
            "toolsListChanged": true,
            "resourcesListChanged": true,
            "resourceSubscriptions": [uri, "file:///etc/passwd"],
        }});
        let (id, answer) = mcp
            .send("subscriptions/listen", Mcp::alone(wanted, json!({})))
            .await;
        let accepted = eventually("an acknowledgment", async || {
            mcp.notes("notifications/subscriptions/acknowledged").pop()
        })
        .await;
        assert_eq!(
            accepted["notifications"],
            json!({"resourceSubscriptions": [uri]})
        );
        // Its first look at the pane must be over before something changes.
        let type_it = json!({"name": "fugue_send_input", "arguments": {"pane_id": made["pane_id"], "input": "x", "submit": true}});
        eventually("an update", async || {
            ask("tools/call", type_it.clone()).await;
            (updates(&mcp, &uri) > 0).then_some(())
        })
        .await;
        mcp.say(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
            .await;
        drop(answer);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = updates(&mcp, &uri);
        ask("tools/call", type_it).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(updates(&mcp, &uri), before);
        mcp.end().await;
    });
}

#[test]
fn prompts_are_listed_and_filled_in() {
    run(async {
        let daemon = Daemon::start();
        let mcp = Mcp::start(&daemon).await;
        let list = mcp.ask("prompts/list", json!({})).await;
        assert_eq!(list["result"]["prompts"][0]["name"], "run_checks");
        let given =
            json!({"name": "run_checks", "arguments": {"commands": "make lint\nmake test"}});
        let prompt = mcp.ask("prompts/get", given).await;
        let text = prompt["result"]["messages"][0]["content"]["text"]
            .as_str()
            .unwrap();
        assert!(
            text.contains("- `make test`") && text.contains("fugue_run_parallel"),
            "{text}"
        );
        let wrong = mcp.ask("prompts/get", json!({"name": "watch_pane"})).await;
        assert_eq!(wrong["error"]["code"], -32_602, "{wrong}");
    });
}
