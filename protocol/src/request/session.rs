//! Calls about sessions and their windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PaneSpec;
use crate::geometry::Size;
use crate::name::Name;
use crate::target::Target;

/// A new session with one window and one pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreateSession {
    /// Unique among the live sessions; a free short one when absent.
    #[serde(default)]
    pub name: Option<Name>,
    /// The first pane.
    #[serde(default)]
    pub pane: PaneSpec,
    /// The first window's name.
    #[serde(default)]
    pub window_name: Option<Name>,
    /// The caller's whole environment, the base for every program of this session; the daemon's own when absent.
    #[serde(default)]
    pub environment: Option<BTreeMap<String, String>>,
    /// Labels for people and programs.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Size until a client attaches.
    #[serde(default)]
    pub size: Option<Size>,
}

/// All sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListSessions {}

/// One session in full; the default session without a target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GetSession {
    /// Which; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Changes a session; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UpdateSession {
    /// Which; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// A new name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Variables to set (a value) or to take out (`null`), for programs started later.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// The new tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// Metadata to set (a value) or to take out (`null`).
    #[serde(default)]
    pub metadata: BTreeMap<String, Option<String>>,
    /// Make it the most recently used session.
    #[serde(default)]
    pub select: bool,
}

/// Ends a session. Never defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KillSession {
    /// Which.
    pub session: Target,
    /// Refuse it when the caller itself runs in the session, or somebody is attached to it.
    #[serde(default)]
    pub guarded: bool,
}

/// A new window with one pane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CreateWindow {
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// The window's name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Its first pane.
    #[serde(default)]
    pub pane: PaneSpec,
    /// Make it the focused window.
    #[serde(default)]
    pub select: bool,
}

/// A session's windows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListWindows {
    /// Of which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
}

/// Renames a window or makes it the focused one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdateWindow {
    /// Where names are looked up first.
    #[serde(default)]
    pub session: Option<Target>,
    /// Which window.
    pub window: Target,
    /// A new name.
    #[serde(default)]
    pub name: Option<Name>,
    /// Make it the session's focused window.
    #[serde(default)]
    pub select: bool,
}
