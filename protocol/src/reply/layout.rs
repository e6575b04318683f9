//! The reply of the call that shows a window's layout.

use serde::{Deserialize, Serialize};

use super::{SessionContext, WindowInfo};
use crate::geometry::Size;
use crate::id::PaneUuid;
use crate::name::Name;
use crate::request::LayoutNode;
use crate::short::PaneNumber;

/// A pane or a mirror in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlacedPane {
    /// The pane.
    pub pane_id: PaneUuid,
    /// Its number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The label.
    #[serde(default)]
    pub name: Option<Name>,
    /// The command that is executed.
    pub command: String,
    /// It is its window's focused pane.
    pub focused: bool,
    /// First row in the window, from 0.
    pub row: u16,
    /// First column in the window, from 0.
    pub col: u16,
    /// Size of its place in cells.
    pub size: Size,
    /// It is a read-only view of this pane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror_of: Option<PaneUuid>,
}

/// A window's layout: what is where, and what would make it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WindowLayout {
    /// The session that it is in.
    pub context: SessionContext,
    /// The window.
    pub window: WindowInfo,
    /// In layout order.
    pub panes: Vec<PlacedPane>,
    /// As `create_layout` takes it; mirrors have no place in it. Absent when there is nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutNode>,
}
