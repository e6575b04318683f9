//! Calls about views: what an attached client looks at.

use serde::{Deserialize, Serialize};

use crate::frame::ViewId;
use crate::geometry::Size;
use crate::session_id::Target;

/// Attaches a view of a session to this connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attach {
    /// The client's number for the view; must be free on this connection.
    pub view: ViewId,
    /// Which session; the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// The client's terminal.
    pub size: Size,
    /// Input and size of this view do not reach the session.
    #[serde(default)]
    pub read_only: bool,
}

/// Changes an attached view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpdateView {
    /// Which view of this connection.
    pub view: ViewId,
    /// The client's terminal has this size now.
    #[serde(default)]
    pub size: Option<Size>,
    /// Go so many windows on (or back) and show that window's focused pane.
    #[serde(default)]
    pub window_step: i32,
    /// Go so many panes on (or back) within the window.
    #[serde(default)]
    pub pane_step: i32,
    /// Send the whole screen again.
    #[serde(default)]
    pub redraw: bool,
}

/// Takes an attached view away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detach {
    /// Which view of this connection.
    pub view: ViewId,
}
