//! `fugue orchestrations` and `fugue last`: what was begun within the last hour, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use protocol::fleet::Remote;
use protocol::reply::{Orchestration, OrchestrationTarget, Orchestrations};
use protocol::request::{CancelOrchestration, GetOrchestration, ListOrchestrations};
use protocol::{Error, ErrorCode, OrchestrationUuid, PaneUuid, ServerName};

use super::args::duration;
use super::caller::Again;
use super::failure::{TIMED_OUT, note};
use super::output::table::{Cell, Column, table};
use super::run::{CANCEL_LIMIT, POLL, kept_panes, poll, result};
use super::units::{ago, now_ms, span};
use super::{Caller, Outcome, output};

/// `fugue orchestrations`.
#[derive(Debug, Args)]
pub(crate) struct OrchestrationsArgs {
    #[command(subcommand)]
    what: Option<OrchestrationsCommand>,
}

#[derive(Debug, Subcommand)]
enum OrchestrationsCommand {
    /// List those that run or ended within the last hour, newest first; so it is when nothing is said
    List,
    /// Show how its commands are or ended, and the end of what failed
    Show {
        /// Its number or its id [default: the newest]
        orchestration: Option<String>,
    },
    /// End its commands and clean up
    Cancel {
        /// Its number or its id
        orchestration: String,
    },
    /// Wait for its end and show it; exits as `fugue run` would
    Wait {
        /// Its number or its id
        orchestration: String,
        /// Wait at most so long; then exit with 124
        #[arg(long, value_parser = duration)]
        timeout: Option<Duration>,
    },
}

impl OrchestrationsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        match self.what {
            None | Some(OrchestrationsCommand::List) => list(caller).await,
            Some(OrchestrationsCommand::Show { orchestration }) => {
                show(caller, orchestration.as_deref()).await
            }
            Some(OrchestrationsCommand::Cancel { orchestration }) => {
                cancel(caller, &orchestration).await
            }
            Some(OrchestrationsCommand::Wait {
                orchestration,
                timeout,
            }) => wait(caller, &orchestration, timeout).await,
        }
    }
}

/// `fugue last`.
pub(crate) async fn last(caller: &Caller) -> Outcome {
    show(caller, None).await
}

async fn show(caller: &Caller, named: Option<&str>) -> Outcome {
    let (server, id) = find(caller, named).await?;
    let state = caller.call(&server, &now(id)).await?;
    tell(caller, &server, &state).await?;
    Ok(0)
}

async fn cancel(caller: &Caller, named: &str) -> Outcome {
    let (server, orchestration_id) = find(caller, Some(named)).await?;
    let order = CancelOrchestration { orchestration_id };
    let state = server.call(&order, CANCEL_LIMIT).await?;
    tell(caller, &server, &state).await?;
    Ok(0)
}

async fn wait(caller: &Caller, named: &str, limit: Option<Duration>) -> Outcome {
    let (server, id) = find(caller, Some(named)).await?;
    let begun = Instant::now();
    let mut state = caller.call(&server, &now(id)).await?;
    let mut again = Again::default();
    while !state.status.is_final() {
        let left = limit.map_or(POLL, |limit| limit.saturating_sub(begun.elapsed()));
        if left.is_zero() {
            tell(caller, &server, &state).await?;
            return Ok(TIMED_OUT);
        }
        match poll(&server, id, state.version, left.min(POLL)).await {
            Ok(changed) => {
                state = changed;
                again = Again::default();
            }
            // A server that is restarted in between is asked again: a look changes nothing.
            Err(error) => again.after(&server, error).await?,
        }
    }
    tell(caller, &server, &state).await?;
    Ok(result::worst(&state))
}

/// A look at its state as it is.
fn now(orchestration_id: OrchestrationUuid) -> GetOrchestration {
    GetOrchestration {
        orchestration_id,
        after_version: None,
        wait: false,
        timeout_ms: 0,
    }
}

/// Prints an orchestration, and where to look when its panes are kept.
async fn tell(caller: &Caller, server: &Arc<Remote>, state: &Orchestration) -> anyhow::Result<()> {
    let panes = kept_panes(caller, server, state).await;
    let pane = |id: PaneUuid| {
        let number = panes.pane(id).and_then(|pane| pane.number);
        caller.pane(server.name(), number, id)
    };
    output::answer_styled(caller, server.name(), state, |state| {
        result::text(state, caller.style, pane)
    })?;
    if !caller.json && state.status.is_final() {
        let session = caller.shown(server.name(), &state.context.session_name);
        let hint = result::hint(state, &session, pane);
        hint.iter().for_each(|hint| note(hint));
    }
    Ok(())
}

/// The orchestration that is named, else the newest of the default server.
async fn find(
    caller: &Caller,
    named: Option<&str>,
) -> anyhow::Result<(Arc<Remote>, OrchestrationUuid)> {
    let Some(text) = named else {
        let server = caller.server()?;
        let all = caller.call(&server, &ListOrchestrations {}).await?;
        let newest = all.orchestrations.first().ok_or_else(|| {
            Error::new(
                ErrorCode::NotFound,
                "there was no orchestration within the last hour",
            )
            .hint("`fugue run` begins one")
        })?;
        return Ok((server, newest.orchestration_id));
    };
    let (server, target) = caller.target(text)?;
    let id = match target.to_string().parse()? {
        OrchestrationTarget::Id(id) => id,
        OrchestrationTarget::Number(number) => {
            let all = caller.call(&server, &ListOrchestrations {}).await?;
            all.numbered(number)?
        }
    };
    Ok((server, id))
}

async fn list(caller: &Caller) -> Outcome {
    let server = caller.server()?;
    let all = caller.call(&server, &ListOrchestrations {}).await?;
    if all.orchestrations.is_empty() && !caller.json {
        note("no orchestrations within the last hour; `fugue run` begins one");
        return Ok(0);
    }
    output::answer_styled(caller, server.name(), &all, |all| {
        listed(caller, server.name(), all, now_ms())
    })?;
    Ok(0)
}

const COLUMNS: [Column; 6] = [
    Column::new("NUMBER"),
    Column::new("RESULT").cut_to(18),
    Column::new("STARTED"),
    Column::new("DURATION").left_out(2),
    Column::new("KIND").left_out(1),
    Column::new("COMMANDS").cut_to(10),
];

/// The table of orchestrations at a time.
fn listed(caller: &Caller, server: &ServerName, all: &Orchestrations, now_ms: u64) -> String {
    let rows = all.orchestrations.iter().map(|one| {
        let names: Vec<_> = one.commands.iter().map(|c| c.name.as_str()).collect();
        let sum = match one.commands.is_empty() {
            true => one.status.to_string(),
            false => result::sum_failed_first(one),
        };
        vec![
            // An older server has no numbers.
            caller
                .short(server, one.number, one.orchestration_id)
                .into(),
            Cell::toned(sum, result::tone(one.status)),
            ago(one.started_at_ms, now_ms).into(),
            span(one.duration_ms).into(),
            one.kind.to_string().into(),
            names.join(", ").into(),
        ]
    });
    table(&COLUMNS, rows.collect(), caller.style)
}
