//! The calls of clients about orchestrations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::reply::{Orchestration, Orchestrations};
use protocol::request::{GetOrchestration, RunOptions, RunParallel, RunPipeline};
use protocol::{Error, ErrorCode, OrchestrationUuid, PaneNumber, PaneUuid};

use super::entry::OrchestrationEntry;
use super::{child, guard, kept, running, script, session, stop};
use crate::idempotency;
use crate::registry::Caller;
use crate::rights;
use crate::server::Server;
use crate::session::life;
use crate::slots::Slot;
use crate::spawn::{checked_cwd, usual_shell};
use crate::step::step;
use model::orchestration::plan::Plan;
use model::orchestration::progress::StopReason;

/// Orchestrations that may run at a time.
const MAX_RUNNING: usize = 1_000;

/// Longest wait of one call.
const WAIT_LIMIT: Duration = Duration::from_secs(3600);

/// The time that a cancelled orchestration's programs and panes may take to be gone: all steps of a stop recipe.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);

/// Command lines in a list are cut to so many bytes.
const LISTED_COMMAND_BYTES: usize = 120;

/// Commands that a list holds at most; older orchestrations are listed without theirs.
const LISTED_COMMANDS: usize = 10_000;

/// Runs commands side by side, each in a pane of its own. Returns when it has begun.
///
/// # Errors
/// `invalid_argument` before anything is spawned, `not_found` for a session's id that is gone, `limit`.
pub(crate) async fn run_parallel(
    server: &Arc<Server>,
    caller: &Caller,
    params: RunParallel,
) -> Result<Orchestration, Error> {
    let params = RunParallel {
        options: with_shell(server, params.options),
        ..params
    };
    begin(server, caller, Plan::parallel(params)?).await
}

/// Runs steps one after another in one shell in one pane. Returns when it has begun.
///
/// # Errors
/// As [`run_parallel`], and `unsupported` for a shell that is no POSIX shell.
pub(crate) async fn run_pipeline(
    server: &Arc<Server>,
    caller: &Caller,
    params: RunPipeline,
) -> Result<Orchestration, Error> {
    let params = RunPipeline {
        options: with_shell(server, params.options),
        ..params
    };
    begin(server, caller, script::checked(Plan::pipeline(params)?)?).await
}

/// The shell that nobody has chosen is the usual one where the commands run.
fn with_shell(server: &Server, mut options: RunOptions) -> RunOptions {
    if options.shell.is_none() {
        let given = options.env.get("PATH");
        let callers = || {
            options
                .environment
                .as_ref()
                .unwrap_or(&server.environment)
                .get("PATH")
        };
        let path = given.or_else(callers).map(String::as_str);
        options.shell = Some(usual_shell::usual(path).to_owned());
    }
    options
}

async fn begin(server: &Arc<Server>, caller: &Caller, plan: Plan) -> Result<Orchestration, Error> {
    if let Some(bytes) = plan.memory_max {
        server.cgroups().check_memory(bytes)?;
    }
    for cwd in plan.directories() {
        checked_cwd(cwd)?;
    }
    kept::prune(server);
    let slot = server.registry.run_slots().take(MAX_RUNNING);
    let slot = slot.ok_or_else(|| {
        Error::new(
            ErrorCode::Limit,
            format!("{MAX_RUNNING} orchestrations run already"),
        )
        .hint("wait for some to end, or cancel them")
    })?;
    let server = Arc::clone(server);
    let caller = *caller;
    let plan = Plan {
        key: idempotency::current_key(),
        origin: rights::origin(),
        ..plan
    };
    // A caller that goes away must not leave half of it behind.
    let begun = tokio::spawn(async move { start(&server, &caller, plan, slot).await });
    begun.await.map_err(|error| {
        Error::new(
            ErrorCode::Internal,
            format!("the orchestration did not start: {error}"),
        )
    })?
}

async fn start(
    server: &Arc<Server>,
    caller: &Caller,
    plan: Plan,
    slot: Slot,
) -> Result<Orchestration, Error> {
    let id = OrchestrationUuid::new();
    let (session, created) = session::obtain(server, caller, &plan, id).await?;
    let (kind, commands) = (plan.kind, plan.commands.len());
    let number = server.registry.numbers().orchestration();
    let entry = OrchestrationEntry::new(id, number, plan, session, created, Some(slot));
    let entry = Arc::new(entry);
    server
        .registry
        .orchestrations()
        .insert(id, Arc::clone(&entry));
    let unbegun = Unbegun(Some((Arc::clone(server), Arc::clone(&entry))));
    let begun = async {
        step!("run: it is recorded")?;
        server.store.save(&entry).wait().await?;
        step!("run: its actor")?;
        child::start(server, &entry).await
    };
    if let Err(error) = begun.await {
        unbegun.settled();
        forget(server, &entry).await;
        return Err(error);
    }
    unbegun.settled();
    guard::guard(server, &entry);
    let session = &entry.session;
    tracing::info!(orchestration = %entry.number, orchestration_id = %id, %kind, commands, session = %session.snapshot().name, session_id = %session.id, "orchestration began");
    Ok(numbered(server, entry.reply(&server.name)))
}

/// An orchestration without an actor. Unless that is settled, it is forgotten: also by a panic on the way.
struct Unbegun(Option<(Arc<Server>, Arc<OrchestrationEntry>)>);

impl Unbegun {
    fn settled(mut self) {
        self.0 = None;
    }
}

impl Drop for Unbegun {
    fn drop(&mut self) {
        if let Some((server, entry)) = self.0.take() {
            tokio::spawn(async move { forget(&server, &entry).await });
        }
    }
}

async fn forget(server: &Server, entry: &OrchestrationEntry) {
    server.registry.orchestrations().remove(&entry.id);
    let _ = server.store.forget_orchestration(entry.id);
    life::release(&entry.session, entry.id).await;
}

fn find(server: &Arc<Server>, id: OrchestrationUuid) -> Result<Arc<OrchestrationEntry>, Error> {
    kept::prune(server);
    let entry = server
        .registry
        .orchestrations()
        .get(&id)
        .map(|entry| Arc::clone(&entry));
    entry.ok_or_else(|| {
        Error::new(
            ErrorCode::NotFound,
            format!("no orchestration has the id {id}"),
        )
        .hint("results are kept for an hour after the end; `fugue orchestrations` or fugue_get_orchestration lists them")
    })
}

/// An orchestration's state, at once or when it has changed or ended; after the given time in any case.
///
/// # Errors
/// `not_found`.
pub(crate) async fn get(
    server: &Arc<Server>,
    params: GetOrchestration,
) -> Result<Orchestration, Error> {
    let entry = find(server, params.orchestration_id)?;
    let limit = Duration::from_millis(params.timeout_ms).min(WAIT_LIMIT);
    let after = params.after_version;
    if params.wait {
        wait(&entry, limit, |_| false).await;
    } else if let Some(after) = after {
        wait(&entry, limit, |version| version > after).await;
    }
    Ok(told(server, &entry).await)
}

/// The answer; that it has ended is told when the next daemon would say so too.
async fn told(server: &Server, entry: &OrchestrationEntry) -> Orchestration {
    let mut reply = numbered(server, entry.reply(&server.name));
    if !reply.status.is_final() {
        running::describe(server, &mut reply).await;
    } else {
        // What cannot be written now stays marked, and is logged.
        let _ = server.store.flush().await;
    }
    reply
}

/// The answer with the numbers of the panes that are known.
fn numbered(server: &Server, mut reply: Orchestration) -> Orchestration {
    for command in &mut reply.commands {
        command.number = command.pane_id.and_then(|id| number_of(server, id));
    }
    reply
}

fn number_of(server: &Server, id: PaneUuid) -> Option<PaneNumber> {
    match server.registry.pane(id) {
        Some(pane) => pane.record.number.told(),
        None => server.registry.ended_pane(id)?.end.number,
    }
}

/// Waits until it has ended, or until it has a version that is enough.
async fn wait(entry: &OrchestrationEntry, limit: Duration, enough: impl Fn(u64) -> bool) {
    let mut changes = entry.changes();
    let reached =
        changes.wait_for(|progress| progress.status.is_final() || enough(progress.version));
    // The answer says how far it is, in time or not.
    let _ = tokio::time::timeout(limit, reached).await;
}

/// All orchestrations that are known, newest first, without output and with shortened command lines.
#[must_use]
pub(crate) fn list(server: &Arc<Server>) -> Orchestrations {
    kept::prune(server);
    let mut left = LISTED_COMMANDS;
    let listed = kept::newest_first(server).into_iter().map(|entry| {
        let mut orchestration = numbered(server, entry.reply(&server.name));
        if orchestration.commands.len() > left {
            left = 0;
            orchestration.commands.clear();
        }
        left -= orchestration.commands.len();
        for command in &mut orchestration.commands {
            command.output = None;
            command.stderr = None;
            shorten(&mut command.command);
        }
        orchestration
    });
    Orchestrations {
        orchestrations: listed.collect(),
    }
}

fn shorten(line: &mut String) {
    if line.len() > LISTED_COMMAND_BYTES {
        line.truncate(line.floor_char_boundary(LISTED_COMMAND_BYTES));
        line.push('…');
    }
}

/// Ends an orchestration and waits for its clean-up. One that has ended stays as it is.
///
/// # Errors
/// `not_found`.
pub(crate) async fn cancel(
    server: &Arc<Server>,
    id: OrchestrationUuid,
) -> Result<Orchestration, Error> {
    let entry = find(server, id)?;
    if !entry.snapshot().status.is_final() {
        stop::stop(server, &entry, StopReason::Cancelled);
        let begun = Instant::now();
        wait(&entry, CANCEL_LIMIT, |_| false).await;
        tracing::info!(orchestration = %entry.number, orchestration_id = %id, took = ?begun.elapsed(), "orchestration cancelled");
    }
    Ok(told(server, &entry).await)
}

#[cfg(test)]
mod tests;
