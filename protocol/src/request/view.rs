//! Calls about views: what an attached client looks at.

use std::collections::BTreeMap;

use rustix::termios::{SpecialCodeIndex, Termios};
use serde::{Deserialize, Serialize};

use crate::frame::ViewId;
use crate::geometry::Size;
use crate::target::Target;
use crate::terminal::TerminalFacts;

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
    /// Variables of the person's login, such as `SSH_AUTH_SOCK`: with their values, or absent there. The session learns
    /// those that the server's `daemon.update_environment` names, for programs started later; not from a view that only looks.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// What is known of the client's terminal: programs that ask are told.
    #[serde(default)]
    pub terminal: TerminalFacts,
}

/// Changes an attached view.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    /// Go so many rows back into the scrollback, or on towards the end again.
    #[serde(default)]
    pub scroll: i32,
    /// This is known of the client's terminal now.
    #[serde(default)]
    pub terminal: Option<TerminalFacts>,
}

/// Gives the server the client's terminal for the case that the client is killed or stopped: its descriptor travels with
/// the bytes of this call (`SCM_RIGHTS`). The server then puts the terminal back as the client would have.
///
/// It is given back by taking the last view away, or by a call with an empty `leave` and no descriptor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GuardTerminal {
    /// What is written to it to undo the modes that the client has set.
    #[serde(with = "serde_bytes")]
    pub leave: Vec<u8>,
    /// Its settings as they were before.
    pub settings: TerminalSettings,
}

/// Settings of a terminal, as numbers of this machine's termios(3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSettings {
    /// `c_iflag`.
    pub input: u32,
    /// `c_oflag`.
    pub output: u32,
    /// `c_cflag`.
    pub control: u32,
    /// `c_lflag`.
    pub local: u32,
    /// `VMIN`.
    pub least: u8,
    /// `VTIME`.
    pub time: u8,
}

impl TerminalSettings {
    /// Those that a terminal has now.
    #[must_use]
    pub fn of(termios: &Termios) -> Self {
        Self {
            input: termios.input_modes.bits(),
            output: termios.output_modes.bits(),
            control: termios.control_modes.bits(),
            local: termios.local_modes.bits(),
            least: termios.special_codes[SpecialCodeIndex::VMIN],
            time: termios.special_codes[SpecialCodeIndex::VTIME],
        }
    }
}

/// Takes an attached view away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detach {
    /// Which view of this connection.
    pub view: ViewId,
}
