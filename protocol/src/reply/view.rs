//! The replies of the calls about views.

use serde::{Deserialize, Serialize};

use super::SessionContext;
use crate::id::{PaneUuid, WindowUuid};

/// A view is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attached {
    /// Which session.
    pub context: SessionContext,
    /// Which window.
    pub window_id: WindowUuid,
    /// Which pane.
    pub pane_id: PaneUuid,
    /// Clients attached to the session now.
    pub attached_clients: u32,
    /// The panes of the session; 0 from a server that does not tell.
    #[serde(default)]
    pub panes: u32,
    /// So many bytes of input may be under way for this view; 0 from a server that does not tell what it has taken, and knows no
    /// parts of pastes.
    #[serde(default)]
    pub input_window: u32,
}
