//! `fugue service`: the daemon as a unit of the user's systemd.

mod file;
mod systemd;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use protocol::paths::Paths;
use protocol::{Error, ErrorCode, transport};
use serde_json::json;

use self::file::{Present, Unit};
use self::systemd::Systemd;
use super::{Caller, Outcome, output};

/// The unit's name.
const NAME: &str = "fugued.service";

/// `fugue service`.
#[derive(Debug, Subcommand)]
pub(crate) enum UnitArgs {
    /// Write the unit and have systemd start it with each login
    Install(InstallArgs),
    /// Remove the unit; the programs go on
    Uninstall(UninstallArgs),
    /// Say whether the unit is there, enabled and running
    Status,
    /// Print the unit without writing it
    Print,
}

/// `fugue service install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Only say what would be done, and print the unit
    #[arg(long)]
    dry_run: bool,
    /// Replace a unit that somebody has edited
    #[arg(long)]
    force: bool,
    /// Start it too
    #[arg(long)]
    now: bool,
}

/// `fugue service uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Remove a unit that somebody has edited
    #[arg(long)]
    force: bool,
}

pub(crate) use self::systemd::lingers;

/// The state of the unit; absent where no systemd of the user answers.
pub(crate) async fn state() -> Option<Result<systemd::State, Error>> {
    let systemd = Systemd::reach().await.ok()?;
    Some(systemd.state(NAME).await)
}

impl UnitArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        caller.only_here("service")?;
        match self {
            Self::Install(args) => args.run(caller).await,
            Self::Uninstall(args) => args.run(caller).await,
            Self::Status => status(caller).await,
            Self::Print => {
                output::print(&unit(&caller.paths)?.text())?;
                Ok(0)
            }
        }
    }
}

/// The unit for the programs and directories of this environment.
fn unit(paths: &Paths) -> Result<Unit, Error> {
    let found = |what: &str, error: std::io::Error| {
        Error::new(ErrorCode::Internal, format!("{what} is not known: {error}"))
            .hint("name the daemon in FUGUED")
    };
    let fugue = std::env::current_exe().map_err(|error| found("this program's path", error))?;
    let named = transport::daemon_exe();
    let fugued = std::path::absolute(&named).map_err(|error| found("the daemon's path", error))?;
    if !fugued.is_file() {
        return Err(Error::new(
            ErrorCode::NotFound,
            format!("there is no fugued at {}", fugued.display()),
        )
        .hint("install it beside fugue, or name it in FUGUED"));
    }
    Unit::new(&fugued, &fugue, paths, &file::manager_paths())
}

/// The path at which the user's systemd looks for it.
fn path() -> PathBuf {
    file::config_home().join("systemd/user").join(NAME)
}

impl InstallArgs {
    async fn run(self, caller: &Caller) -> Outcome {
        let unit = unit(&caller.paths)?;
        let path = path();
        let present = Present::at(&path)?;
        if present == Present::Edited && !self.force {
            return Err(edited(&path, "replace").into());
        }
        let mut commands = vec![vec!["daemon-reload"], vec!["enable", NAME]];
        if self.now {
            commands.push(vec!["start", NAME]);
        }
        if self.dry_run {
            let said = format!(
                "would write {}:\n\n{}\nand run:\n{}",
                path.display(),
                unit.text(),
                systemd::shown(&commands)
            );
            output::print_line(&said)?;
            return Ok(0);
        }
        file::write(&path, &unit.text())?;
        let mut said = format!("wrote {}\n", path.display());
        let done = Systemd::reach().await;
        match &done {
            Ok(systemd) => {
                if self.now {
                    hand_over(caller)?;
                }
                for command in &commands {
                    systemd.run(command).await?;
                    said.push_str(&format!("ran systemctl --user {}\n", command.join(" ")));
                }
                if !self.now {
                    said.push_str(&start_it(caller));
                }
            }
            Err(why) => {
                commands.truncate(2);
                said.push_str(&format!(
                    "the user's systemd cannot be reached ({why}); where it runs, do:\n{}\n{}",
                    systemd::shown(&commands),
                    start_it(caller)
                ));
            }
        }
        let linger = systemd::lingers();
        if !linger {
            said.push_str(LINGER);
        }
        let told = json!({
            "unit": path, "written": true, "enabled": done.is_ok(),
            "started": done.is_ok() && self.now, "lingers": linger,
        });
        answer(caller, &told, &said)
    }
}

/// The note for somebody who logs out.
const LINGER: &str = "lingering is off: systemd ends fugued and every program when your last login ends; \
`loginctl enable-linger` lets them go on\n";

/// A daemon that systemd has not started holds the directories.
fn hand_over(caller: &Caller) -> Result<(), Error> {
    if transport::is_absent(&caller.paths.socket()) || systemd::runs_in_unit(&caller.paths) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Busy,
        "a fugued that systemd has not started runs already; the unit is written",
    )
    .hint(format!(
        "hand its programs over with `fugue stop --keep-panes && systemctl --user enable --now {NAME}`"
    )))
}

fn start_it(caller: &Caller) -> String {
    if transport::is_absent(&caller.paths.socket()) {
        return format!("start it with `systemctl --user start {NAME}`\n");
    }
    if systemd::runs_in_unit(&caller.paths) {
        return format!(
            "it runs already; `systemctl --user restart {NAME}` applies changes, and every program goes on\n"
        );
    }
    format!(
        "a fugued runs already; hand its programs over with `fugue stop --keep-panes && systemctl --user start {NAME}`\n"
    )
}

impl UninstallArgs {
    async fn run(self, caller: &Caller) -> Outcome {
        let path = path();
        match Present::at(&path)? {
            Present::Absent => {
                let what = format!("there is no unit at {}", path.display());
                return Err(Error::new(ErrorCode::NotFound, what)
                    .hint("`fugue service install` writes one")
                    .into());
            }
            Present::Edited if !self.force => return Err(edited(&path, "remove").into()),
            Present::Edited | Present::AsWritten => {}
        }
        // The unit's own stop leaves every program running.
        let before = [vec!["disable", "--now", NAME]];
        let after = [vec!["daemon-reload"]];
        if self.dry_run {
            let said = format!(
                "would run:\n{}\nremove {}, and run:\n{}",
                systemd::shown(&before),
                path.display(),
                systemd::shown(&after)
            );
            output::print_line(&said)?;
            return Ok(0);
        }
        let systemd = Systemd::reach().await;
        if let Ok(systemd) = &systemd {
            systemd.run(&before[0]).await?;
        }
        std::fs::remove_file(&path).map_err(|error| file::failed("remove", &path, &error))?;
        let mut said = format!("removed {}\n", path.display());
        match &systemd {
            Ok(systemd) => {
                systemd.run(&after[0]).await?;
                said.push_str("the programs go on; `fugued` takes them over\n");
            }
            Err(why) => said.push_str(&format!(
                "the user's systemd cannot be reached ({why}); where it runs, do:\n{}\n",
                systemd::shown(&[before, after].concat())
            )),
        }
        let told = json!({"unit": path, "removed": true, "disabled": systemd.is_ok()});
        answer(caller, &told, &said)
    }
}

fn edited(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorCode::Denied,
        format!("somebody has edited {}", path.display()),
    )
    .hint(format!(
        "keep changes in a drop-in (`systemctl --user edit {NAME}`), and {what} the file with --force"
    ))
}

async fn status(caller: &Caller) -> Outcome {
    let path = path();
    let present = Present::at(&path)?;
    let (state, why) = match Systemd::reach().await {
        Ok(systemd) => (Some(systemd.state(NAME).await?), None),
        Err(why) => (None, Some(why)),
    };
    let lingers = systemd::lingers();
    let in_unit = systemd::runs_in_unit(&caller.paths);
    let runs = !transport::is_absent(&caller.paths.socket());
    let mut said = format!("unit {}: {}\n", path.display(), present.words());
    match (&state, &why) {
        (Some(state), _) => said.push_str(&format!(
            "systemd: {}, {}{}\n",
            state.active,
            state.enabled,
            if state.text.is_empty() {
                String::new()
            } else {
                format!(", {}", state.text)
            }
        )),
        (None, why) => said.push_str(&format!(
            "systemd: not reached ({})\n",
            why.as_deref().unwrap_or("no reason")
        )),
    }
    said.push_str(match (runs, in_unit) {
        (false, _) => "server: none runs\n",
        (true, true) => "server: runs as this unit\n",
        (true, false) => "server: runs, started by hand\n",
    });
    said.push_str(if lingers { "lingering: on\n" } else { LINGER });
    let told = json!({
        "unit": path, "installed": present != Present::Absent, "edited": present == Present::Edited,
        "active": state.as_ref().map(|state| &state.active),
        "enabled": state.as_ref().map(|state| &state.enabled),
        "runs": runs, "runs_as_unit": in_unit, "lingers": lingers, "unreachable": why,
    });
    answer(caller, &told, &said)?;
    Ok(if present == Present::Absent { 3 } else { 0 })
}

/// Refuses what would take a server out of its unit.
pub(super) fn not_as_unit(pid: u32) -> Result<(), Error> {
    if !systemd::is_of_unit(pid) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        format!("systemd runs this server as {NAME}, and would not know the new one"),
    )
    .hint(format!(
        "put the new programs in their place, run `fugue service install`, then `systemctl --user restart {NAME}`; every program goes on"
    )))
}

fn answer(caller: &Caller, told: &serde_json::Value, said: &str) -> Outcome {
    if caller.json {
        output::print_json(caller, told)?;
    } else {
        output::print_line(said)?;
    }
    Ok(0)
}
