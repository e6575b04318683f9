//! The daemon's HTTP listener: MCP and health, on this machine only, for callers with the token.
//!
//! It reaches the daemon as every client does, over the unix socket, and knows nothing of actors.

mod connections;
mod gate;
mod refusal;
mod routes;
mod surface;
mod token;

pub use connections::{MOST_CONNECTIONS, Traffic};
pub use surface::Surface;
