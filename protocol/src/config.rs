//! The configuration file, shared by the daemon and its clients.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::color::ServerColor;
use crate::error::Error;
use crate::name::ServerName;
use crate::paths::own_uid;
use crate::request::StopRecipe;

/// The whole file; every part has a default, unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Meant when a target names no server.
    pub default_server: Option<ServerName>,
    /// Other servers by name.
    pub servers: BTreeMap<ServerName, ServerEntry>,
    /// What the daemon does.
    pub daemon: DaemonConfig,
    /// The daemon's HTTP listener.
    pub http: HttpConfig,
    /// What `fugue attach` does with the caller's terminal.
    pub attach: AttachConfig,
}

/// The settings of `fugue attach` about the caller's terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttachConfig {
    /// Titles that programs set become the terminal's own.
    pub titles: bool,
    /// What programs copy (OSC 52) reaches the terminal's clipboard.
    pub clipboard: bool,
    /// Notifications and progress of programs are told to the terminal.
    pub notifications: bool,
}

impl Default for AttachConfig {
    fn default() -> Self {
        Self {
            titles: true,
            clipboard: true,
            notifications: true,
        }
    }
}

/// The daemon's HTTP listener, which is off unless it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where it listens, on this machine only; nowhere without it.
    pub listen: Option<SocketAddr>,
    /// The file with the token that callers must show, [`crate::paths::Paths::http_token`] without it.
    pub token_file: Option<PathBuf>,
}

/// Another server: its address, and what belongs to that kind of address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerEntry {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Its unix socket, the older way to say `unix:`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The user whose server it is, when that is another one than the caller; only of a unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The command that ssh runs there instead of `fugue proxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its colour in lists, chosen from its name without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<ServerColor>,
}

impl ServerEntry {
    /// Its address, whichever way it is said.
    #[must_use]
    pub fn address(&self) -> Address {
        let socket = || Address::Unix(self.socket.clone().unwrap_or_default());
        self.address.clone().unwrap_or_else(socket)
    }

    fn check(&self, name: &ServerName) -> Result<(), String> {
        let one = "give address = \"unix:/PATH\" or \"ssh://[USER@]HOST[:PORT]\"";
        match (&self.address, &self.socket) {
            (None, None) => return Err(format!("servers.{name} has no address; {one}")),
            (Some(_), Some(_)) => {
                return Err(format!(
                    "servers.{name} has both address and socket; give one of the two"
                ));
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        match self.address() {
            Address::Unix(_) if self.command.is_some() => Err(format!(
                "servers.{name}.command is for ssh:// addresses; nothing is run for a unix socket"
            )),
            Address::Ssh(_) if self.command.as_ref().is_some_and(|c| c.trim().is_empty()) => Err(
                format!("servers.{name}.command is empty; leave it out for `fugue proxy`"),
            ),
            Address::Ssh(_) if self.uid.is_some() => Err(format!(
                "servers.{name}.uid is for unix sockets; over ssh name the user in the address"
            )),
            Address::Unix(socket) if !socket.is_absolute() => Err(format!(
                "servers.{name}.socket is {}; it must be an absolute path",
                socket.display()
            )),
            Address::Unix(_) | Address::Ssh(_) => Ok(()),
        }
    }
}

/// The settings of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DaemonConfig {
    /// The server's own name.
    pub name: ServerName,
    /// Scrollback of a pane in lines unless it asks for another, at most 100,000.
    pub history_lines: u32,
    /// The journal ring of a pane in bytes, a multiple of [`JOURNAL_STEP_BYTES`].
    pub journal_bytes: u32,
    /// A silent connection is asked for a sign of life after so many milliseconds, and closed
    /// after three times as many without one.
    pub heartbeat_ms: u64,
    /// Live panes at most.
    pub max_panes: u32,
    /// Connections at most.
    pub max_clients: u32,
    /// So long after the text before it Enter is pressed, in milliseconds, where the program takes pastes in brackets: editors of
    /// agents take an Enter that comes with a burst of text for a part of it.
    pub submit_pause_ms: u64,
    /// Where each pane gets a control group of its own.
    pub cgroup: CgroupWish,
    /// The text of panes and the outputs of runs are stored, for after a restart.
    pub store_text: bool,
    /// Environments of sessions, panes and runs are stored, for after a restart.
    pub store_environment: bool,
    /// Whose copies (OSC 52) reach the clipboards of those who look.
    pub clipboard: ClipboardWish,
    /// How programs are asked to end, where a pane has nothing else.
    pub stop: StopConfig,
    /// Variables that a session learns from whoever attaches, for programs started later.
    pub update_environment: Vec<String>,
}

/// The variables that tell programs of a login: its agents, its display, its connection.
///
/// Source: tmux(1), `update-environment`; the others are of the same kind.
const LOGIN_VARIABLES: [&str; 13] = [
    "DISPLAY",
    "KRB5CCNAME",
    "MSYSTEM",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "WAYLAND_DISPLAY",
    "WINDOWID",
    "XAUTHORITY",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
];
/// The programs whose copies (OSC 52) reach the clipboards of those who look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipboardWish {
    /// None.
    Off,
    /// Those of panes that people have made.
    #[default]
    People,
    /// Also those of panes that agents have made.
    All,
}

/// A journal's ring is mapped in whole pages.
pub const JOURNAL_STEP_BYTES: u32 = 4_096;

/// The steps by which programs are asked to end; the meaning is that of [`StopRecipe`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopConfig {
    /// Keys typed first.
    pub keys: Option<Vec<String>>,
    /// How long they have to work, in milliseconds.
    pub keys_ms: Option<u64>,
    /// How long the first round has to work, in milliseconds.
    pub term_ms: Option<u64>,
    /// How long the second round has to work, in milliseconds.
    pub hup_ms: Option<u64>,
}

impl StopConfig {
    /// As a pane has it, with a value for each step.
    #[must_use]
    pub fn recipe(&self) -> StopRecipe {
        let recipe = StopRecipe {
            keys: Some(self.keys.clone().unwrap_or_default()),
            keys_ms: self.keys_ms,
            term_ms: self.term_ms,
            hup_ms: self.hup_ms,
        };
        let [keys_ms, term_ms, hup_ms] = recipe.times_ms();
        StopRecipe {
            keys_ms: Some(keys_ms),
            term_ms: Some(term_ms),
            hup_ms: Some(hup_ms),
            ..recipe
        }
    }
}

/// The group of cgroup v2 that the daemon may use: `auto`, `own`, `off` or a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CgroupWish {
    /// The one that it was started in, if systemd has marked it as delegated.
    #[default]
    Auto,
    /// The one that it was started in.
    Own,
    /// None.
    Off,
    /// This one, which somebody has made for it.
    Path(PathBuf),
}

impl std::str::FromStr for CgroupWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "own" => Ok(Self::Own),
            "off" => Ok(Self::Off),
            path if path.starts_with('/') => Ok(Self::Path(path.into())),
            other => Err(format!(
                "the cgroup is {other:?}; it is auto, own, off or an absolute path"
            )),
        }
    }
}

impl TryFrom<String> for CgroupWish {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CgroupWish> for String {
    fn from(wish: CgroupWish) -> Self {
        match wish {
            CgroupWish::Auto => "auto".to_owned(),
            CgroupWish::Own => "own".to_owned(),
            CgroupWish::Off => "off".to_owned(),
            CgroupWish::Path(path) => path.to_string_lossy().into_owned(),
        }
    }
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            name: ServerName::local(),
            history_lines: 2_000,
            journal_bytes: 1024 * 1024,
            heartbeat_ms: 5_000,
            max_panes: 4_096,
            max_clients: 1_024,
            submit_pause_ms: 150,
            cgroup: CgroupWish::Auto,
            store_text: true,
            store_environment: true,
            clipboard: ClipboardWish::default(),
            stop: StopConfig::default(),
            update_environment: LOGIN_VARIABLES.map(str::to_owned).to_vec(),
        }
    }
}

impl DaemonConfig {
    /// The variables that a session learns from an attach, as they are in `environment`.
    #[must_use]
    pub fn login(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, Option<String>> {
        let names = self.update_environment.iter();
        names
            .map(|name| (name.clone(), environment(name)))
            .collect()
    }

    /// The part of `told` that a session learns.
    #[must_use]
    pub fn told_at_login(
        &self,
        mut told: BTreeMap<String, Option<String>>,
    ) -> BTreeMap<String, Option<String>> {
        told.retain(|name, _| self.update_environment.contains(name));
        told
    }

    fn check_variables(&self) -> Result<(), String> {
        let own = |name: &str| name.starts_with("FUGUE") || name == "PWD";
        for name in &self.update_environment {
            if name.is_empty() || name.contains(['=', '\0']) || own(name) {
                return Err(format!(
                    "daemon.update_environment names {name:?}, which no login can give to a session"
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let bytes = self.journal_bytes;
        if !bytes.is_multiple_of(JOURNAL_STEP_BYTES) {
            let below = bytes - bytes % JOURNAL_STEP_BYTES;
            return Err(format!(
                "daemon.journal_bytes is {bytes}; it must be a multiple of {JOURNAL_STEP_BYTES}, such as {below} or {}",
                below + JOURNAL_STEP_BYTES
            ));
        }
        self.check_variables()?;
        let recipe = self.stop.recipe();
        recipe
            .check()
            .map_err(|error| format!("daemon.stop: {error}"))
    }
}

impl Config {
    /// Reads `path`; a missing file is the default configuration.
    ///
    /// # Errors
    /// `invalid_argument` naming file, line and what is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let read = || {
            let mut file = std::fs::File::open(path)?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            std::io::Result::Ok((text, file.metadata()?.uid()))
        };
        let (text, owner) = match read() {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(Error::invalid(format!(
                    "cannot read {}: {error}",
                    path.display()
                )));
            }
        };
        let parsed = Self::parse(&text).and_then(|config| config.trusted_from(owner));
        parsed.map_err(|why| {
            Error::invalid(format!("{}: {why}", path.display()))
                .hint("mend the file, or name another one in FUGUE_CONFIG")
        })
    }

    /// The settings as a file.
    ///
    /// # Errors
    /// Why they cannot be written as one.
    pub fn to_text(&self) -> Result<String, Error> {
        toml::to_string_pretty(self).map_err(|error| Error::invalid(error.to_string()))
    }

    /// As [`Self::load`] for a command that only talks to servers: a file with a mistake counts as none, unless it may say which
    /// server is meant. Gives the mistake too.
    ///
    /// # Errors
    /// As [`Self::load`], where the file says something of servers.
    pub fn load_or_default(path: &Path) -> Result<(Self, Option<Error>), Error> {
        let error = match Self::load(path) {
            Ok(config) => return Ok((config, None)),
            Err(error) => error,
        };
        let text = std::fs::read_to_string(path).unwrap_or_default();
        match text.contains("server") {
            true => Err(error),
            false => Ok((Self::default(), Some(error))),
        }
    }

    /// The file of another user sends nobody to the servers of others: root may have that user's environment.
    fn trusted_from(self, owner: u32) -> Result<Self, String> {
        let foreign = self.servers.iter().find(|(_, entry)| entry.uid.is_some());
        match foreign {
            Some((name, _)) if owner != own_uid() && owner != 0 => Err(format!(
                "servers.{name}.uid is not taken from a file of user {owner}"
            )),
            Some(_) | None => Ok(self),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| in_line(text, &error))?;
        let daemon = &config.daemon;
        let ranges: [(&str, u64, u64, u64); 6] = [
            ("history_lines", u64::from(daemon.history_lines), 0, 100_000),
            (
                "journal_bytes",
                u64::from(daemon.journal_bytes),
                65_536,
                1 << 30,
            ),
            ("heartbeat_ms", daemon.heartbeat_ms, 50, 3_600_000),
            ("max_panes", u64::from(daemon.max_panes), 1, 1_000_000),
            ("max_clients", u64::from(daemon.max_clients), 1, 1_000_000),
            ("submit_pause_ms", daemon.submit_pause_ms, 0, 5_000),
        ];
        for (key, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(format!(
                    "daemon.{key} is {value}; it must be {low} to {high}"
                ));
            }
        }
        daemon.check()?;
        if let Some(address) = config.http.listen {
            loopback(address).map_err(|error| format!("http.listen: {error}"))?;
        }
        if let Some(file) = config.http.token_file.as_ref().filter(|f| !f.is_absolute()) {
            return Err(format!(
                "http.token_file is {}; it must be an absolute path",
                file.display()
            ));
        }
        for own in [&ServerName::local(), &daemon.name] {
            if config.servers.contains_key(own) {
                return Err(format!(
                    "servers.{own} is the name of this machine's own server; give the other one another name"
                ));
            }
        }
        for (name, entry) in &config.servers {
            entry.check(name)?;
        }
        let known = |name: &ServerName| {
            *name == ServerName::local()
                || *name == daemon.name
                || config.servers.contains_key(name)
        };
        if let Some(name) = config.default_server.as_ref().filter(|name| !known(name)) {
            return Err(format!(
                "default_server is {name}, which is none of the servers in this file"
            ));
        }
        Ok(config)
    }
}

/// `address`, when only programs on this machine can reach it.
///
/// # Errors
/// `invalid_argument` for any other address.
pub fn loopback(address: SocketAddr) -> Result<SocketAddr, Error> {
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(Error::invalid(format!(
        "{address} can be reached from other machines; HTTP is served on loopback addresses only"
    ))
    .hint(format!(
        "use 127.0.0.1:{port} or [::1]:{port}, and `ssh -L` from elsewhere",
        port = address.port()
    )))
}

/// On one line, as every error is; the library's own message draws the place in several.
fn in_line(text: &str, error: &toml::de::Error) -> String {
    let why = error.message().replace('\n', "; ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {why}", before.matches('\n').count() + 1),
        None => why,
    }
}

#[cfg(test)]
mod tests;
