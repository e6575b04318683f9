//! Whatever comes in from outside: a clear error of the right code, nothing changed, nothing hung.

mod cli;
mod limits;
mod mcp;
mod requests;
mod wire;

use std::collections::BTreeSet;

use protocol::frame::to_bytes;
use protocol::reply::{PaneCreated, TreeNode};
use protocol::request::{CreatePane, CreateSession, PaneSpec, Tree};
use protocol::{Error, Name, Size};
use serde_json::Value;

use crate::support::LIMIT;
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::view::named;

/// Everything that a refused request must leave as it is.
#[derive(Debug, PartialEq)]
struct World {
    sessions: Vec<String>,
    panes: Vec<String>,
    actors: BTreeSet<String>,
    files: usize,
}

fn paths(node: &TreeNode, into: &mut BTreeSet<String>) {
    // Connections come and go with the tests themselves.
    if !node.path.contains("/clients/") {
        into.insert(node.path.clone());
    }
    for child in &node.children {
        paths(child, into);
    }
}

async fn world(daemon: &Daemon, client: &Client) -> World {
    let mut actors = BTreeSet::new();
    paths(&client.ok(Tree::default()).await, &mut actors);
    let sessions = client.sessions().await.into_iter().map(|mut session| {
        session.last_activity_at_ms = 0;
        format!("{session:?}")
    });
    let panes = client.panes().await.into_iter().map(|mut pane| {
        pane.idle_ms = 0;
        pane.output_idle_ms = 0;
        pane.status.duration_ms = 0;
        format!("{pane:?}")
    });
    World {
        sessions: sessions.collect(),
        panes: panes.collect(),
        actors,
        files: daemon.leftovers().len(),
    }
}

fn sleeper(name: &str) -> PaneSpec {
    PaneSpec {
        name: Some(Name::new(name).unwrap()),
        ..shell("exec sleep 600")
    }
}

async fn session(client: &Client, name: &str, size: Size) -> PaneCreated {
    client
        .ok(CreateSession {
            name: Some(Name::new(name).unwrap()),
            pane: sleeper(&format!("{name}-first")),
            size: Some(size),
            ..CreateSession::default()
        })
        .await
}

/// Sessions `one` (with two panes called `twin`), `two`, and `tiny`, which has no room for a split.
async fn peopled(daemon: &Daemon) -> Client {
    let client = daemon.client().await;
    session(&client, "one", Size::DEFAULT).await;
    for _ in 0..2 {
        let twin = CreatePane {
            session: Some(named("one")),
            pane: sleeper("twin"),
            ..CreatePane::default()
        };
        client.ok(twin).await;
    }
    session(&client, "two", Size::DEFAULT).await;
    session(&client, "tiny", Size::new(1, 2)).await;
    client
}

/// Makes a call by its name with parameters as JSON has them.
async fn call(client: &Client, method: &str, params: &Value) -> Result<(), Error> {
    let made = client
        .connection
        .call_raw(method, to_bytes(params), None, LIMIT);
    made.await.map(drop)
}
