//! The replies of the calls about the server itself.

use serde::{Deserialize, Serialize};

use super::SessionContext;
use crate::id::{InstanceUuid, PaneUuid, WindowUuid};
use crate::name::ServerName;
use crate::rights::Rights;
use crate::short::PaneNumber;

/// One step of the health round trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What was asked.
    pub name: String,
    /// It answered in time.
    pub ok: bool,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Why it is not well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Health, version and counts of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The server's name.
    pub server: ServerName,
    /// Its program version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Which process life this is.
    pub instance: InstanceUuid,
    /// Since its start, in milliseconds.
    pub uptime_ms: u64,
    /// Live sessions.
    pub sessions: u32,
    /// Live panes.
    pub panes: u32,
    /// Connections, the asking one included.
    pub clients: u32,
    /// Running orchestrations.
    pub orchestrations: u32,
    /// Resident memory of the daemon in KiB.
    pub resident_kib: u64,
    /// Its memory in KiB with what it shares divided among those that have it; absent from an older server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pss_kib: Option<u64>,
    /// The file that it executes (`os_text`), which no other process of its user can see; absent from an older server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Open file descriptors of the daemon.
    pub open_fds: u32,
    /// The health round trip.
    pub health: Vec<HealthCheck>,
    /// The HTTP listener, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpListener>,
    /// Why HTTP that was asked for is not served; it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_problem: Option<String>,
    /// Why it has started carefully, after wedges that no pane explains: without HTTP, and with no screen entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub careful: Option<String>,
    /// Control groups of panes; absent from an older server, which has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containment: Option<Containment>,
}

/// The containment of panes: each has a control group, or none has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// Each new pane has one.
    pub on: bool,
    /// Its memory can be limited.
    pub memory: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The directory of the group of all panes' groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// The address at which HTTP is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpListener {
    /// The URL of its root; MCP is at `/mcp`.
    pub url: String,
    /// The file with the token that callers must show.
    pub token_file: String,
}

/// The daemon is about to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Its process id, whose end is the end of the stop.
    pub pid: u32,
    /// Panes whose programs are ended.
    pub ended_panes: u32,
    /// Panes whose programs go on.
    pub kept_panes: u32,
}

/// Something is forgotten, in memory and in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Ends of closed panes.
    pub panes: u32,
    /// Results of ended runs.
    pub orchestrations: u32,
    /// Live panes whose text is not stored any more, until they print again.
    pub texts: u32,
}

/// The caller's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Whoami {
    /// The server.
    pub server: ServerName,
    /// The caller's own session, when it runs inside a pane.
    #[serde(default)]
    pub session: Option<SessionContext>,
    /// The caller's own window.
    #[serde(default)]
    pub window_id: Option<WindowUuid>,
    /// The caller's own pane.
    #[serde(default)]
    pub pane_id: Option<PaneUuid>,
    /// That pane's number, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PaneNumber>,
    /// The active session.
    #[serde(default)]
    pub active: Option<SessionContext>,
    /// Clients attached to any session.
    pub attached_clients: u32,
    /// What the caller may do; absent from an older server, which asks nobody.
    #[serde(default)]
    pub rights: Option<Rights>,
}

/// An exit of a supervised child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeExit {
    /// The exit reason in words.
    pub reason: String,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
}

/// One node of the actor tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The child's id within its supervisor.
    pub id: String,
    /// Ids from the root, joined by `/`.
    pub path: String,
    /// `supervisor` with its strategy, `dynamic`, or `actor`.
    pub kind: String,
    /// `running`, `restarting`, `stopped`, `quarantined` and so on.
    pub status: String,
    /// How long it has had this status, in milliseconds.
    pub since_ms: u64,
    /// Restarts within the period of its intensity.
    pub restarts_in_window: u32,
    /// The intensity's limit.
    pub max_restarts: u32,
    /// All restarts.
    pub restarts_total: u64,
    /// The last exits, newest first, at most 8.
    pub exits: Vec<TreeExit>,
    /// Messages waiting.
    pub mailbox: u64,
    /// Age of the oldest waiting message, in milliseconds.
    #[serde(default)]
    pub oldest_ms: Option<u64>,
    /// Messages handled.
    pub handled: u64,
    /// Half of the messages were handled within so many microseconds.
    pub handler_p50_us: u64,
    /// 99 of 100 messages were handled within so many microseconds.
    pub handler_p99_us: u64,
    /// What it is busy with, and for how long in milliseconds.
    #[serde(default)]
    pub busy: Option<(String, u64)>,
    /// Facts of its own: pid, command, attached clients.
    #[serde(default)]
    pub details: Vec<(String, String)>,
    /// In start order.
    #[serde(default)]
    pub children: Vec<TreeNode>,
}
