//! Replies: one type a call, shared by CLI, MCP and HTTP.

use serde::{Deserialize, Serialize};

mod clients;
mod layout;
mod pane;
mod run;
mod server;
mod session;
mod told;
mod view;
mod watch;

pub use clients::*;
pub use layout::*;
pub use pane::*;
pub use run::*;
pub use server::*;
pub use session::*;
pub use told::*;
pub use view::*;
pub use watch::*;

/// Done; there is nothing else to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}
