//! The reply of the call that lists who is connected.

use serde::{Deserialize, Serialize};

use crate::geometry::Size;
use crate::id::{ClientUuid, PaneUuid, SessionUuid, WindowUuid};
use crate::name::{Name, ServerName};
use crate::short::PaneNumber;

/// The kind of a connected client.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ClientKind {
    /// It has attached views.
    View,
    /// It makes calls, as a command does.
    Command,
    /// An agent's front on standard input and output.
    Mcp,
    /// The HTTP front of the server itself, on behalf of callers elsewhere.
    Http,
}

/// A view that a client has attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientView {
    /// The session that it looks at.
    pub session_id: SessionUuid,
    /// Its name.
    pub session_name: Name,
    /// The window that it shows.
    pub window_id: WindowUuid,
    /// The window's index; absent when it has just gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_index: Option<u32>,
    /// The pane that it shows.
    pub pane_id: PaneUuid,
    /// The pane's number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The pane's index in its window; absent when it has just gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Size of the client's terminal.
    pub size: Size,
    /// It types nothing and gives the session no size.
    pub read_only: bool,
    /// The time at which it was attached, in milliseconds since 1970.
    pub since_ms: u64,
}

/// A connected client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Its connection.
    pub client_id: ClientUuid,
    /// Its kind.
    pub kind: ClientKind,
    /// The name that it calls itself by: `fugue`, `fugue mcp`.
    pub name: String,
    /// Its process, where that can be seen from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The command that this process executes, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The pane in which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<PaneUuid>,
    /// That pane's number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside_number: Option<PaneNumber>,
    /// The time at which it connected, in milliseconds since 1970.
    pub since_ms: u64,
    /// It is the one that asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// Its views.
    pub views: Vec<ClientView>,
}

/// The connected clients of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clients {
    /// The server's name.
    pub server: ServerName,
    /// Those that have said hello, the longest connected first.
    pub clients: Vec<ClientInfo>,
}
