//! fugue's MCP server: terminals as tools, an MCP front over the same protocol client as the CLI.
//!
//! It holds no state: sessions, panes and orchestrations live in the daemon.

mod answer;
mod arguments;
mod call;
mod cancel;
#[cfg(debug_assertions)]
#[allow(
    deprecated,
    reason = "the suite covers revisions that have what the newest one drops"
)]
mod conformance;
#[cfg(test)]
mod fake;
mod http;
mod layouts;
mod orphan;
mod outputs;
mod page;
mod prompts;
mod resources;
mod route;
mod schema;
mod server;
mod shape;
mod stdio;
mod subscriptions;
mod tasks;
mod tools;
mod waiting;

pub use http::{Endpoint, MOST_BODY_BYTES};
pub use layouts::{WantedLayout, layout_from_json, layout_to_json};
pub use stdio::{Options, serve_stdio};
pub use tools::Profile;
