//! `fugue ls`: the sessions of all configured servers.

use std::sync::Arc;

use clap::Args;
use protocol::fleet::{Fleet, Remote};
use protocol::reply::{SessionInfo, Sessions};
use protocol::request::ListSessions;
use protocol::{Error, ServerName};

use crate::cli::caller::CALL_LIMIT;
use crate::cli::failure::note;
use crate::cli::output::table::{Cell, Column, table};
use crate::cli::units::{ago, now_ms, size};
use crate::cli::{Caller, Outcome, output, sight};

/// `fugue ls`.
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Also those that orchestrations made for themselves
    #[arg(short, long)]
    all: bool,
    /// Show them again and again, with the state of each server, until `q` or Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

impl LsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        match self.watch {
            true => super::watch::watch(caller, self.all).await,
            false => list(caller, self.all).await,
        }
    }
}

/// Prints the sessions of the servers that are meant.
pub(super) async fn list(caller: &Caller, all: bool) -> Outcome {
    let mut answers = ask_all(caller).await?;
    let answered = answers
        .iter_mut()
        .filter_map(|(_, answer)| answer.as_mut().ok());
    let left_out: usize = answered.map(|sessions| sight::seen(sessions, all)).sum();
    let answered = answers.iter().any(|(_, answer)| answer.is_ok());
    let first_error = answers
        .iter()
        .find_map(|(_, answer)| answer.as_ref().err().cloned());
    if let (false, Some(error)) = (answered, first_error.filter(|_| answers.len() == 1)) {
        return Err(error.into());
    }
    if caller.json {
        let mut servers = Vec::new();
        for (server, answer) in &answers {
            servers.push(match answer {
                Ok(sessions) => output::json_of(caller, server, sessions)?,
                Err(error) => serde_json::json!({ "server": server, "error": error }),
            });
        }
        output::print_json(caller, &serde_json::json!({ "servers": servers }))?;
    } else {
        for (server, answer) in &answers {
            if let Err(error) = answer {
                note(&format!("fugue: {server}: {error}"));
            }
        }
        let listed = listed(&answers);
        if listed.is_empty() && answered {
            note("no sessions; `fugue new` makes one");
            if left_out > 0 {
                note(&sight::told(left_out));
            }
        } else if answered {
            output::print_styled(&sessions_text(caller, &listed, now_ms()))?;
        }
    }
    Ok(if answered { 0 } else { 4 })
}

pub(super) fn listed(answers: &[ServerSessions]) -> Vec<(&ServerName, &SessionInfo)> {
    let mut listed = Vec::new();
    for (server, answer) in answers {
        if let Ok(reply) = answer {
            listed.extend(reply.sessions.iter().map(|session| (server, session)));
        }
    }
    listed
}

const COLUMNS: [Column; 9] = [
    Column::new("NAME").name(8),
    Column::new("ID"),
    Column::new("WINDOWS").left_out(4),
    Column::new("PANES"),
    Column::new("ATTACHED"),
    Column::new("SIZE").left_out(3),
    Column::new("CREATED").left_out(1),
    Column::new("USED"),
    Column::new("TAGS").cut_to(6).left_out(2),
];

/// The table of sessions at a time.
pub(crate) fn sessions_text(
    caller: &Caller,
    sessions: &[(&ServerName, &SessionInfo)],
    now: u64,
) -> String {
    let mut columns = COLUMNS.to_vec();
    if caller.style.ids {
        columns.push(Column::new("UUID"));
    }
    let row = |(server, session): &(&ServerName, &SessionInfo)| row(caller, server, session, now);
    table(&columns, sessions.iter().map(row).collect(), caller.style)
}

fn row(caller: &Caller, server: &ServerName, session: &SessionInfo, now: u64) -> Vec<Cell> {
    let active = if session.active { "*" } else { "" };
    let mut row = vec![
        caller.cell(server, &session.name).tail(active),
        caller
            .short(server, session.number, session.session_id)
            .into(),
        session.windows.to_string().into(),
        session.panes.to_string().into(),
        session.attached_clients.to_string().into(),
        size(session.size).into(),
        ago(session.created_at_ms, now).into(),
        ago(session.last_activity_at_ms, now).into(),
        session.tags.join(",").into(),
    ];
    if caller.style.ids {
        row.push(caller.shown(server, session.session_id).into());
    }
    row
}

type ServerSessions = (ServerName, Result<Sessions, Error>);

/// Asks every configured server, or the chosen one, at the same time.
async fn ask_all(caller: &Caller) -> anyhow::Result<Vec<ServerSessions>> {
    let servers = caller.fleet.distinct(!caller.chosen)?;
    let ask = |server: Arc<Remote>| async move { server.call(&ListSessions {}, CALL_LIMIT).await };
    let mut answers = Vec::new();
    for gathered in Fleet::gather(servers, ask).await {
        match gathered.same_as {
            Some(other) => note(&format!(
                "fugue: {} is the same server as {other}",
                gathered.server
            )),
            None => answers.push((gathered.server, gathered.answer)),
        }
    }
    Ok(answers)
}
