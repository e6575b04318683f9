//! Tasks: long calls that clients with the tasks extension ask about instead of waiting for them.
//!
//! A run's task is its orchestration in the daemon, so any connection can ask for it. A wait's
//! task lives here, as long as this process.
//!
//! Source: MCP SEP-2663, extension `io.modelcontextprotocol/tasks`.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use protocol::reply::{Orchestration, RunStatus};
use protocol::{Error, ErrorCode, OrchestrationUuid, Target, request};
use rmcp::model::{CallToolResult, DetailedTask, JsonObject, Task, TaskPayload, TaskStatus};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::answer::{Answer, Halves, refusal};
use crate::call::{Call, Front};
use crate::route::{Place, SLOW, resolve_one};
use crate::{tools, waiting};

/// A call that asks for more than this becomes a task.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The time within which what is done is answered at once all the same.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// Waits that are remembered at most. Beyond it the one that ended first is forgotten; when none has
/// ended, a call waits itself.
const MOST: usize = 64;

/// The time for which a result is kept: as long as the daemon keeps a run's.
const KEPT: Duration = Duration::from_secs(3_600);

/// The pause after which a client should ask again, in milliseconds.
const POLL_MS: u64 = 1_000;

/// Begins the id of a wait's task; a run's is its own id.
const WAIT: &str = "wait-";

/// The waits of this process.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<HashMap<String, Wait>>);

struct Wait {
    created: SystemTime,
    updated: SystemTime,
    ttl: Duration,
    state: State,
    work: AbortHandle,
}

enum State {
    Working,
    Done(JsonObject),
    Cancelled,
}

/// Ends the work unless it was handed over.
struct Guard(Option<AbortHandle>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work.abort();
        }
    }
}

impl Tasks {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, Wait>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a wait, when there is room.
    fn enter(&self, id: &str, ttl: Duration, work: AbortHandle) -> Option<Task> {
        let now = SystemTime::now();
        let mut all = self.all();
        let over = |wait: &Wait| wait.created.elapsed().unwrap_or_default() > wait.ttl;
        all.retain(|_, wait| !over(wait));
        if all.len() >= MOST {
            let ended = all
                .iter()
                .filter(|(_, w)| !matches!(w.state, State::Working));
            let first = ended.min_by_key(|(_, wait)| wait.updated)?.0.clone();
            all.remove(&first);
        }
        let wait = Wait {
            created: now,
            updated: now,
            ttl,
            state: State::Working,
            work,
        };
        let task = wait.task(id);
        all.insert(id.to_owned(), wait);
        Some(task)
    }

    fn done(&self, id: &str, result: &CallToolResult) {
        if let Some(wait) = self.all().get_mut(id)
            && matches!(wait.state, State::Working)
        {
            wait.state = State::Done(object(result));
            wait.updated = SystemTime::now();
        }
    }

    fn get(&self, id: &str) -> Option<DetailedTask> {
        let all = self.all();
        let wait = all.get(id)?;
        let payload = match &wait.state {
            State::Working => TaskPayload::Working,
            State::Done(result) => TaskPayload::Completed {
                result: result.clone(),
            },
            State::Cancelled => TaskPayload::Cancelled,
        };
        Some(DetailedTask::new(wait.task(id), payload))
    }

    fn cancel(&self, id: &str) -> bool {
        let mut all = self.all();
        let Some(wait) = all.get_mut(id) else {
            return false;
        };
        if matches!(wait.state, State::Working) {
            wait.state = State::Cancelled;
            wait.updated = SystemTime::now();
            wait.work.abort();
        }
        true
    }
}

impl Wait {
    fn task(&self, id: &str) -> Task {
        let status = match &self.state {
            State::Working => TaskStatus::Working,
            State::Done(_) => TaskStatus::Completed,
            State::Cancelled => TaskStatus::Cancelled,
        };
        Task::new(id, status, stamp(self.created), stamp(self.updated))
            .with_ttl_ms(u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX))
            .with_poll_interval_ms(POLL_MS)
    }
}

fn stamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn result_of(answer: Result<Answer, Error>, halves: Halves) -> CallToolResult {
    match answer {
        Ok(answer) => answer.into_result(halves),
        Err(error) => halves.of_result(refusal(&error)),
    }
}

fn object(result: &CallToolResult) -> JsonObject {
    match serde_json::to_value(result) {
        Ok(Value::Object(object)) => object,
        Ok(_) | Err(_) => JsonObject::new(),
    }
}

/// The answer of a wait that has failed itself.
fn lost() -> Error {
    Error::new(ErrorCode::Internal, "the wait failed")
        .hint("ask again; the logs of `fugue mcp` on standard error say why")
}

/// The answer of a wait, also of one that panics: its task must not look as if it went on.
async fn caught(work: BoxFuture<'static, Result<Answer, Error>>) -> Result<Answer, Error> {
    let answer = AssertUnwindSafe(work).catch_unwind().await;
    answer.unwrap_or_else(|_| Err(lost()))
}

impl Call {
    /// True if a wait of `limit` should become a task.
    pub(crate) fn wants_task(&self, limit: Duration) -> bool {
        self.tasks && limit > PATIENCE
    }

    /// Does `work`, which waits at most `limit`: here, or as a task when the client can ask for that.
    pub(crate) async fn wait_or_task(
        &self,
        what: &str,
        limit: Duration,
        work: BoxFuture<'static, Result<Answer, Error>>,
    ) -> Result<Answer, Error> {
        if !self.wants_task(limit) {
            return self.while_waiting(what, limit, work).await;
        }
        let id = format!("{WAIT}{}", OrchestrationUuid::new());
        let (tell, mut told) = oneshot::channel();
        let (tasks, own, halves) = (Arc::clone(&self.front.tasks), id.clone(), self.halves);
        let working = tokio::spawn(async move {
            // Nobody listens any more once the wait has become a task.
            if let Err(answer) = tell.send(caught(work).await) {
                tasks.done(&own, &result_of(answer, halves));
            }
        });
        let mut guard = Guard(Some(working.abort_handle()));
        if let Ok(answer) = tokio::time::timeout(AT_ONCE, &mut told).await {
            return answer.unwrap_or_else(|_| Err(lost()));
        }
        let entered = self
            .front
            .tasks
            .enter(&id, limit + KEPT, working.abort_handle());
        let Some(task) = entered else {
            let answer = self.while_waiting(what, limit, told).await;
            return answer.unwrap_or_else(|_| Err(lost()));
        };
        guard.0 = None;
        // What came between the two looks has no other way to the client.
        told.close();
        if let Ok(answer) = told.try_recv() {
            self.front.tasks.done(&id, &result_of(answer, halves));
        }
        Ok(Answer::task(task))
    }
}

/// The task that a run is.
pub(crate) fn of_run(place: &Place, state: &Orchestration) -> Task {
    let at = |ms: u64| stamp(SystemTime::UNIX_EPOCH + Duration::from_millis(ms));
    let ttl = Duration::from_millis(state.duration_ms) + KEPT;
    Task::new(
        place.id(state.orchestration_id),
        status(state.status),
        at(state.started_at_ms),
        at(state.started_at_ms.saturating_add(state.duration_ms)),
    )
    .with_status_message(waiting::told(&state.commands))
    .with_ttl_ms(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
    .with_poll_interval_ms(POLL_MS)
}

fn status(status: RunStatus) -> TaskStatus {
    match status {
        RunStatus::Cancelled => TaskStatus::Cancelled,
        RunStatus::Pending | RunStatus::Running => TaskStatus::Working,
        RunStatus::Completed
        | RunStatus::Partial
        | RunStatus::Failed
        | RunStatus::Timeout
        | RunStatus::Skipped => TaskStatus::Completed,
    }
}

/// A task now.
///
/// # Errors
/// `not_found`, `server_unreachable`.
pub(crate) async fn get(front: &Front, id: &str, halves: Halves) -> Result<DetailedTask, Error> {
    if id.starts_with(WAIT) {
        return front.tasks.get(id).ok_or_else(|| unknown(id));
    }
    let (place, orchestration_id) = run(front, id)?;
    let state = waiting::present(&place, orchestration_id).await?;
    let task = of_run(&place, &state);
    let payload = if state.status == RunStatus::Cancelled {
        TaskPayload::Cancelled
    } else if state.status.is_final() {
        TaskPayload::Completed {
            result: object(&tools::run_answer(&place, &state).into_result(halves)),
        }
    } else {
        TaskPayload::Working
    };
    Ok(DetailedTask::new(task, payload))
}

/// Ends a task: a run's commands, or a wait.
///
/// # Errors
/// As [`get`].
pub(crate) async fn cancel(front: &Front, id: &str) -> Result<(), Error> {
    if id.starts_with(WAIT) {
        return front
            .tasks
            .cancel(id)
            .then_some(())
            .ok_or_else(|| unknown(id));
    }
    let (place, orchestration_id) = run(front, id)?;
    let params = request::CancelOrchestration { orchestration_id };
    place.act(&params, None, SLOW).await.map(drop)
}

fn run(front: &Front, id: &str) -> Result<(Place, OrchestrationUuid), Error> {
    match resolve_one(&front.fleet, None, "taskId", id)? {
        (place, Target::Id(id)) => Ok((place, id.into())),
        (_, _) => Err(unknown(id)),
    }
}

fn unknown(id: &str) -> Error {
    let shown = protocol::name::shown(id);
    Error::new(ErrorCode::NotFound, format!("there is no task {shown}")).hint(
        "results are kept for an hour, and waits only as long as the server they were begun on",
    )
}

#[cfg(test)]
mod tests;
