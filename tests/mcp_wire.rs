//! MCP on the wire, as no library would send it, and under load: no reply lost or given to another.

mod ends;
mod fuzz;
mod http;
mod load;
mod stdio;

use serde_json::{Value, json};

use crate::support::daemon::{Client, Daemon};
use crate::support::http::ON;

/// A daemon with HTTP.
fn daemon() -> Daemon {
    Daemon::start_with(ON)
}

/// The result of a reply that is no refusal.
fn result(reply: &Value) -> &Value {
    assert_eq!(reply["result"]["isError"], json!(false), "{reply}");
    &reply["result"]["structuredContent"]
}

/// How many panes there are.
async fn panes(client: &Client) -> usize {
    client.panes().await.len()
}
