//! The user's systemd, asked through `systemctl --user`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use protocol::paths::Paths;
use protocol::{Error, ErrorCode};
use tokio::process::Command;

use super::NAME;

/// The time that systemctl may take. A start takes until the daemon serves.
const LIMIT: Duration = Duration::from_secs(120);

/// The time that it may take to say whether systemd is there.
const REACH_LIMIT: Duration = Duration::from_secs(10);

/// A user manager that answers.
pub(crate) struct Systemd(());

/// The state of a unit, as systemd tells it.
pub(crate) struct State {
    /// `active`, `inactive`, `failed`, …
    pub(crate) active: String,
    /// `enabled`, `disabled`, `not-found`, …
    pub(crate) enabled: String,
    /// The daemon's own line.
    pub(crate) text: String,
}

impl Systemd {
    /// Asks whether there is one; the error is why not, in words.
    pub(crate) async fn reach() -> Result<Self, String> {
        ask(&["show-environment"], REACH_LIMIT).await?;
        Ok(Self(()))
    }

    /// Runs `systemctl --user` with these arguments.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        ask(arguments, LIMIT).await.map_err(|why| {
            let what = format!("systemctl --user {} failed: {why}", arguments.join(" "));
            Error::new(ErrorCode::Internal, what).hint(format!(
                "see `systemctl --user status {NAME}` and `fugue logs`"
            ))
        })
    }

    /// The state of a unit.
    pub(crate) async fn state(&self, unit: &str) -> Result<State, Error> {
        let properties = "--property=ActiveState,UnitFileState,LoadState,StatusText";
        let told = self.run(&["show", unit, properties]).await?;
        let value = |name: &str| {
            let mut lines = told.lines().filter_map(|line| line.split_once('='));
            let found = lines.find(|(key, _)| *key == name);
            found.map_or_else(String::new, |(_, value)| value.to_owned())
        };
        let enabled = match value("UnitFileState") {
            none if none.is_empty() => value("LoadState"),
            state => state,
        };
        Ok(State {
            active: value("ActiveState"),
            enabled,
            text: value("StatusText"),
        })
    }
}

async fn ask(arguments: &[&str], limit: Duration) -> Result<String, String> {
    let asked = Command::new("systemctl")
        .arg("--user")
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(limit, asked)
        .await
        .map_err(|_| format!("no answer within {limit:?}"))?
        .map_err(|error| format!("systemctl: {error}"))?;
    if said.status.success() {
        return Ok(String::from_utf8_lossy(&said.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&said.stderr);
    let line = why.lines().map(str::trim).find(|line| !line.is_empty());
    Err(line.map_or_else(|| said.status.to_string(), str::to_owned))
}

/// The commands as somebody would type them.
pub(crate) fn shown(commands: &[Vec<&str>]) -> String {
    let line = |command: &Vec<&str>| format!("  systemctl --user {}", command.join(" "));
    commands.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// True if the user's processes go on after the last login ends.
///
/// Source: loginctl(1), enable-linger.
pub(crate) fn lingers() -> bool {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let by_uid = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    let user = by_uid.or_else(|| std::env::var("USER").ok());
    let is_file_name = |name: &String| !name.is_empty() && !name.contains('/');
    user.filter(is_file_name)
        .is_some_and(|user| Path::new("/var/lib/systemd/linger").join(user).exists())
}

/// True if the server of these directories runs as the unit.
pub(crate) fn runs_in_unit(paths: &Paths) -> bool {
    let pid = std::fs::read_to_string(paths.lock()).unwrap_or_default();
    pid.trim().parse().is_ok_and(is_of_unit)
}

/// True if a process belongs to the unit.
pub(crate) fn is_of_unit(pid: u32) -> bool {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    groups
        .lines()
        .any(|line| line.split('/').any(|part| part == NAME))
}
