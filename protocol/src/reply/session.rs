//! The replies of the calls about sessions and windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::geometry::Size;
use crate::id::{ClientUuid, OrchestrationUuid, PaneUuid, SessionUuid, WindowUuid};
use crate::name::{Name, ServerName};
use crate::short::{SessionNumber, WindowNumber};

/// A session as it stands in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The immutable id.
    pub session_id: SessionUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<SessionNumber>,
    /// The name, unique among the live sessions.
    pub name: Name,
    /// How many windows.
    pub windows: u32,
    /// How many panes.
    pub panes: u32,
    /// How many clients are attached.
    pub attached_clients: u32,
    /// It is the active session.
    pub active: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last used, in milliseconds since 1970.
    pub last_activity_at_ms: u64,
    /// Size of its windows.
    pub size: Size,
    /// Its tags.
    pub tags: Vec<String>,
    /// The orchestration that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<OrchestrationUuid>,
}

impl SessionInfo {
    /// True if an orchestration made it for itself alone: nobody has named it, so people need not see it in lists.
    #[must_use]
    pub fn is_out_of_sight(&self) -> bool {
        self.made_by
            .is_some_and(|id| self.name.is_of_orchestration(id))
    }
}

/// All sessions of one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// The server's name.
    pub server: ServerName,
    /// In order of creation.
    pub sessions: Vec<SessionInfo>,
}

/// The session that an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionContext {
    /// The immutable id.
    pub session_id: SessionUuid,
    /// The name at the time of the answer.
    pub session_name: Name,
    /// The server that holds it.
    pub server: ServerName,
}

/// One session in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// As in a list.
    pub session: SessionInfo,
    /// Which session this is.
    pub context: SessionContext,
    /// Variables set for this session on top of its base environment; `null` takes one out.
    pub environment: BTreeMap<String, Option<String>>,
    /// Metadata.
    pub metadata: BTreeMap<String, String>,
    /// Windows in order.
    pub windows: Vec<WindowInfo>,
    /// The ids of the attached clients.
    pub clients: Vec<ClientUuid>,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowInfo {
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<SessionContext>,
    /// The immutable id.
    pub window_id: WindowUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<WindowNumber>,
    /// Its session's id.
    pub session_id: SessionUuid,
    /// Position in the session, from 0.
    pub index: u32,
    /// The label.
    pub name: Name,
    /// It is its session's focused window.
    pub focused: bool,
    /// Its focused pane.
    pub focused_pane: PaneUuid,
    /// The panes in layout order.
    pub panes: Vec<PaneUuid>,
    /// The split tree in words: `right(0.50: pane-id, down(0.30: …))`.
    pub layout: String,
    /// Its size.
    pub size: Size,
}

/// A session's windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    /// Which session.
    pub context: SessionContext,
    /// In order.
    pub windows: Vec<WindowInfo>,
}
