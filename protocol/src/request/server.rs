//! Calls about the server itself.

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// Health, version and counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {}

/// Ends the daemon.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StopServer {
    /// Leave every pane's program running under its keeper.
    #[serde(default)]
    pub keep_panes: bool,
}

/// The actor tree, or the part of it that belongs to one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Only this session's subtree.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Forgets what is over: ends of panes with their last output, results of ended runs and of repeated requests, and what was put
/// aside for a restart of the machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Forget {
    /// Only what was in this session, and the stored text of its panes.
    #[serde(default)]
    pub session: Option<Target>,
}

/// A request for the place of the caller, and for what is active.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Whoami {}

/// The connected clients with what they look at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListClients {}
