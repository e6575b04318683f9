//! The fugue daemon: registry, sessions, panes, clients and orchestrations as supervised actors.
//!
//! Knows nothing of MCP or terminal user interfaces.
#![forbid(unsafe_code)]

mod adopt;
mod cgroup;
mod children;
mod client;
mod clock;
#[cfg(debug_assertions)]
mod crash;
mod cwd;
pub mod daemon;
#[cfg(test)]
mod day;
mod dispatch;
mod escape;
mod heap_trim;
mod housekeeping;
mod http;
mod idempotency;
mod listener;
mod log;
mod notify;
mod orchestration;
mod pane;
mod registry;
mod rights;
mod runtime_dir;
mod scrollback;
mod server;
mod session;
mod slots;
mod spawn;
mod step;
mod store;
pub mod surface;
mod tree;
mod unrecorded;
mod watchdog;
mod wedge;
