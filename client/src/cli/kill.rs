//! Ending sessions: one that is named, or all of a server after a confirmation.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::{Killed, PaneEnd, SessionInfo};
use protocol::request::{GetSession, KillSession, ListSessions};
use protocol::{Error, ErrorCode, Target, plain};

use super::failure::{self, note};
use super::units::{COMMAND_CHARS, brief, count};
use super::{Caller, Outcome, output, states};

/// `fugue kill`.
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// Which sessions
    #[arg(
        required_unless_present = "all",
        conflicts_with = "all",
        value_name = "SESSION"
    )]
    sessions: Vec<String>,
    /// All sessions of the server; asks first unless `--yes` is given
    #[arg(long)]
    all: bool,
    /// Do not ask, also for the caller's own session and one that somebody is attached to
    #[arg(long, visible_alias = "force")]
    yes: bool,
}

impl KillArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        if self.all {
            return kill_all(caller, self.yes).await;
        }
        let targets = self.sessions.iter().map(|session| caller.target(session));
        let targets = found(caller, targets.collect::<Result<Vec<_>, _>>()?).await?;
        let mut ended = Several::new(targets.len());
        for (server, session) in targets {
            let mut kill = KillSession {
                session,
                guarded: !self.yes,
            };
            let asked = caller.call(&server, &kill).await;
            let killed = match asked {
                Err(error) if kill.guarded && goes_on(&error)? => {
                    kill.guarded = false;
                    caller.call(&server, &kill).await
                }
                other => other,
            };
            ended.add(caller, &server, killed)?;
        }
        ended.end(caller)
    }
}

type On = (Arc<Remote>, Target);

/// The sessions that several targets mean, each once: found before one of them is ended, so that one that is not there ends none.
async fn found(caller: &Caller, targets: Vec<On>) -> anyhow::Result<Vec<On>> {
    if targets.len() < 2 {
        return Ok(targets);
    }
    let mut found: Vec<On> = Vec::new();
    for (server, session) in targets {
        let session = Some(session);
        let detail = caller.call(&server, &GetSession { session }).await?;
        let id = Target::from(detail.session.session_id);
        let known = |(on, known): &On| on.name() == server.name() && *known == id;
        if !found.iter().any(known) {
            found.push((server, id));
        }
    }
    Ok(found)
}

/// The ends of one or several things, each of which may fail alone.
pub(crate) struct Several {
    count: usize,
    killed: Vec<serde_json::Value>,
    failed: Vec<Error>,
    goes_on: bool,
}

impl Several {
    /// None of so many yet.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            count,
            killed: Vec::new(),
            failed: Vec::new(),
            goes_on: false,
        }
    }

    /// Tells of one of them. A failure is an error at once where there is no other.
    pub(crate) fn add(
        &mut self,
        caller: &Caller,
        server: &Remote,
        ended: Result<Killed, Error>,
    ) -> anyhow::Result<()> {
        let killed = match ended {
            Ok(killed) => killed,
            Err(error) if self.count == 1 => return Err(as_typed(error).into()),
            Err(error) => {
                let error = as_typed(error);
                if !caller.json {
                    note(&format!("fugue: {error}"));
                }
                self.failed.push(error);
                return Ok(());
            }
        };
        self.goes_on |= status_of(&killed) > 0;
        if self.count == 1 || !caller.json {
            output::answer(caller, server.name(), &killed, |killed| {
                killed_text(caller, server, killed)
            })?;
        } else {
            self.killed
                .push(output::json_of(caller, server.name(), &killed)?);
        }
        Ok(())
    }

    /// The exit status of all.
    pub(crate) fn end(self, caller: &Caller) -> Outcome {
        if caller.json && self.count > 1 {
            let all = serde_json::json!({ "killed": self.killed, "failed": self.failed });
            output::print_json(caller, &all)?;
        }
        Ok(self.status())
    }

    /// That of the failures where they have one in common, else 1.
    fn status(&self) -> u8 {
        let mut failed = self
            .failed
            .iter()
            .map(|error| failure::status_of(error.code));
        let first = failed.next().filter(|_| !self.goes_on);
        match first {
            Some(first) if failed.all(|status| status == first) => first,
            _ => u8::from(self.goes_on || !self.failed.is_empty()),
        }
    }
}

/// 1 when something of it goes on.
pub(crate) fn status_of(killed: &Killed) -> u8 {
    u8::from(killed.panes.iter().any(|pane| !pane.survivors.is_empty()))
}

/// The text about what was ended: a line for the session, one for each pane, and one for each process that is still there.
pub(crate) fn killed_text(caller: &Caller, server: &Remote, killed: &Killed) -> String {
    let session = caller.shown(server.name(), &killed.context.session_name);
    let mut lines = Vec::new();
    if killed.session_ended {
        lines.push(format!("ended session {session}"));
    }
    // The pids of another machine mean something else here.
    let own = caller.is_own(server);
    for pane in &killed.panes {
        let number = caller.number(server.name(), pane.number, pane.pane_id);
        lines.push(closed_line(&session, &number, pane));
        let left = pane.survivors.iter().map(|pid| {
            let command = own.then(|| command_of(*pid)).flatten();
            survivor_line(*pid, command.as_deref())
        });
        lines.extend(left);
    }
    lines
        .into_iter()
        .map(|line| output::printable(line) + "\n")
        .collect()
}

/// `closed web.logs (tail -f /dev/null), ended by SIGHUP`; a pane without a name is told by its number.
fn closed_line(session: &str, number: &str, pane: &PaneEnd) -> String {
    let pane_of = match &pane.name {
        Some(name) => format!("{session}.{name}"),
        None => format!("{number} in {session}"),
    };
    let command = brief(&pane.command, COMMAND_CHARS);
    let how = match (&pane.status.exit, &pane.status.unreachable) {
        (Some(exit), _) => format!(", {}", states::ended(exit)),
        (None, Some(_)) => format!(", {}", states::program(&pane.status).words),
        (None, None) => String::new(),
    };
    format!("closed {pane_of} ({command}){how}")
}

fn survivor_line(pid: u32, command: Option<&str>) -> String {
    let command = command.map(|command| format!(" ({})", brief(command, COMMAND_CHARS)));
    format!(
        "not ended: pid {pid}{} is still there",
        command.unwrap_or_default()
    )
}

/// The command line of a process of this machine, or its name where it has none.
///
/// Source: proc_pid_cmdline(5), proc_pid_comm(5).
fn command_of(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = bytes
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy)
        .collect();
    let line = words.join(" ");
    if !line.trim().is_empty() {
        return Some(line.trim().to_owned());
    }
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim().to_owned())
}

async fn kill_all(caller: &Caller, yes: bool) -> Outcome {
    let server = caller.server()?;
    let sessions = caller.call(&server, &ListSessions {}).await?.sessions;
    if !sessions.is_empty() && !yes && !confirmed(&sessions)? {
        return Err(Error::new(ErrorCode::Cancelled, "nothing was ended").into());
    }
    let (mut killed, mut failed) = (Vec::new(), Vec::new());
    for session in sessions {
        let kill = KillSession {
            session: session.session_id.into(),
            guarded: false,
        };
        match caller.call(&server, &kill).await {
            Ok(reply) => killed.push(reply),
            // It ended by itself in the meantime.
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => failed.push(error),
        }
    }
    if caller.json {
        let killed = output::json_of(caller, server.name(), &killed)?;
        output::print_json(
            caller,
            &serde_json::json!({ "killed": killed, "failed": failed }),
        )?;
    } else {
        let text: String = killed
            .iter()
            .map(|killed| killed_text(caller, &server, killed))
            .collect();
        output::print(&text)?;
        failed
            .iter()
            .for_each(|error| note(&format!("fugue: {error}")));
    }
    let goes_on = killed.iter().any(|killed| status_of(killed) > 0);
    Ok(u8::from(goes_on || !failed.is_empty()))
}

/// Says what would be ended and has it confirmed by the word `yes`.
fn confirmed(sessions: &[SessionInfo]) -> anyhow::Result<bool> {
    let panes: u32 = sessions.iter().map(|session| session.panes).sum();
    let what = format!(
        "{} with {} ({})",
        count(sessions.len(), "session"),
        count(panes as usize, "pane"),
        sessions
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    if !std::io::stdin().is_terminal() {
        let message = format!("this would end {what} and was not confirmed");
        return Err(Error::invalid(message).hint("add --yes").into());
    }
    says_yes(&format!("This ends {what}."))
}

/// Asks, and is true if somebody at a terminal who is told why a call was refused says that it shall be done all the
/// same.
pub(crate) fn goes_on(refused: &Error) -> anyhow::Result<bool> {
    if refused.code != ErrorCode::Denied || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    says_yes(&format!("{}.", output::printable(refused.message.clone())))
}

/// A refusal with the option that is typed in the place of the argument that agents give.
fn as_typed(mut refused: Error) -> Error {
    if let Some(rest) = refused.hint.strip_prefix("force ") {
        refused.hint = format!("`--force` {rest}");
    }
    refused
}

fn says_yes(what: &str) -> anyhow::Result<bool> {
    let mut out = std::io::stderr();
    write!(out, "{} Type yes to go on: ", plain::plain_line(what))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

#[cfg(test)]
mod tests;
