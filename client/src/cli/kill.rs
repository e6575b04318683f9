//! Ending sessions: one that is named, or all of a server after a confirmation.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use protocol::reply::{Killed, SessionInfo};
use protocol::request::{KillSession, ListSessions};
use protocol::{Error, ErrorCode, ServerName, plain};

use super::failure::note;
use super::units::{COMMAND_CHARS, brief, count};
use super::{Caller, Outcome, output};

/// `fugue kill`.
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// Which session
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    session: Option<String>,
    /// All sessions of the server; asks first unless `--yes` is given
    #[arg(long)]
    all: bool,
    /// Do not ask, also for the caller's own session and one that somebody is attached to
    #[arg(long, visible_alias = "force")]
    yes: bool,
}

impl KillArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let Some(session) = self.session else {
            return kill_all(caller, self.yes).await;
        };
        let (server, session) = caller.target(&session)?;
        let mut kill = KillSession {
            session,
            guarded: !self.yes,
        };
        let asked = caller.call(&server, &kill).await;
        let killed = match asked {
            Err(error) if kill.guarded && goes_on(&error)? => {
                kill.guarded = false;
                caller.call(&server, &kill).await?
            }
            other => other?,
        };
        output::answer(caller, server.name(), &killed, |killed| {
            killed_text(caller, server.name(), killed)
        })?;
        Ok(status_of(&killed))
    }
}

/// 1 when something of it goes on.
pub(crate) fn status_of(killed: &Killed) -> u8 {
    u8::from(killed.panes.iter().any(|pane| !pane.survivors.is_empty()))
}

/// The text about what was ended, a line for it and one for each pane.
pub(crate) fn killed_text(caller: &Caller, server: &ServerName, killed: &Killed) -> String {
    let mut text = String::new();
    if killed.session_ended {
        let name = caller.shown(server, &killed.context.session_name);
        text.push_str(&format!("session {name} ended\n"));
    }
    for pane in &killed.panes {
        text.push_str(&output::printable(format!(
            "pane {} {}: {}",
            caller.shown(server, pane.pane_id),
            super::units::program_status(&pane.status),
            brief(&pane.command, COMMAND_CHARS)
        )));
        if !pane.survivors.is_empty() {
            text.push_str(&format!(", processes that go on: {:?}", pane.survivors));
        }
        text.push('\n');
    }
    text
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
            .map(|killed| killed_text(caller, server.name(), killed))
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

fn says_yes(what: &str) -> anyhow::Result<bool> {
    let mut out = std::io::stderr();
    write!(out, "{} Type yes to go on: ", plain::plain_line(what))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
