//! The fugue daemon: registry, sessions, panes, clients and orchestrations as supervised actors.
//!
//! Knows nothing of MCP or terminal user interfaces.
#![forbid(unsafe_code)]

pub mod adopt;
pub mod cgroup;
mod children;
pub mod client;
pub mod clock;
#[cfg(debug_assertions)]
mod crash;
mod cwd;
pub mod daemon;
#[cfg(test)]
mod day;
pub mod dispatch;
mod escape;
mod housekeeping;
pub mod http;
pub mod idempotency;
pub mod listener;
pub mod log;
pub mod memory;
pub mod notify;
pub mod orchestration;
pub mod pane;
pub mod registry;
mod rendezvous;
pub mod rights;
pub mod server;
pub mod session;
pub mod slots;
pub mod spawn;
mod step;
pub mod store;
pub mod surface;
pub mod texts;
pub mod tree;
pub mod watchdog;
pub mod wedge;
