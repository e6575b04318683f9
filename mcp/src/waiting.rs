//! Waiting: time limits, progress notifications, and following an orchestration to its end.

use std::time::{Duration, Instant};

use protocol::reply::{CommandResult, Orchestration, RunStatus};
use protocol::request::{CancelOrchestration, GetOrchestration};
use protocol::{Error, ErrorCode, OrchestrationUuid};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};

use crate::call::Call;
use crate::cancel::OnCancel;
use crate::route::{Place, QUICK};

/// Time beyond a wait's own limit within which the daemon must have said so.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// The time for which a waiting tool waits when the caller does not say: below the 30 to 60 s after which common
/// clients give a call up.
pub(crate) const DEFAULT_WAIT_MS: u64 = 25_000;

/// For serde.
pub(crate) fn default_wait_ms() -> u64 {
    DEFAULT_WAIT_MS
}

/// Progress notifications for one call, when its caller gave a token.
pub(crate) struct Progress(Option<(Peer<RoleServer>, ProgressToken)>);

impl Progress {
    /// To `peer` under `token`; nothing without a token.
    pub(crate) fn new(peer: Peer<RoleServer>, token: Option<ProgressToken>) -> Self {
        Self(token.map(|token| (peer, token)))
    }

    /// To nobody.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Sends one notification. A client that does not read loses it.
    async fn notify(&self, progress: f64, total: f64, message: String) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let Some((peer, token)) = &self.0 else { return };
        let notification = ProgressNotificationParam::new(token.clone(), progress)
            .with_total(total)
            .with_message(message);
        let sent = peer.notify_progress(notification);
        if !matches!(tokio::time::timeout(PATIENCE, sent).await, Ok(Ok(()))) {
            tracing::debug!("a progress notification was not taken");
        }
    }
}

impl Call {
    /// Does `work`, which takes at most `limit`, with a notification each heartbeat.
    pub(crate) async fn while_waiting<T>(
        &self,
        what: &str,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> T {
        let began = Instant::now();
        let mut ticks = tokio::time::interval(self.front.heartbeat);
        ticks.reset();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let waited = began.elapsed().as_secs_f64();
                    let message = format!("{what}: {waited:.0} of {:.0} s", limit.as_secs_f64());
                    self.progress.notify(waited, limit.as_secs_f64(), message).await;
                }
            }
        }
    }

    /// Waits until `state` is final, at most `limit`, and returns what is known then.
    /// `on_cancel` tells whether a call that is taken back ends the orchestration or only the wait; absent, it never ends it.
    pub(crate) async fn follow(
        &self,
        place: &Place,
        mut state: Orchestration,
        limit: Duration,
        on_cancel: Option<OnCancel>,
    ) -> Result<Orchestration, Error> {
        let deadline = Instant::now() + limit;
        let mut steps = Steps::default();
        let cancels = matches!(on_cancel, Some(OnCancel::ByReason | OnCancel::Run));
        let gives_up = on_cancel != Some(OnCancel::Run);
        while !state.status.is_final() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let changed = tokio::select! {
                biased;
                () = self.cancelled.cancelled(), if cancels => {
                    return cancel(place, state.orchestration_id).await;
                }
                () = self.cancelled.cancelled(), if !cancels => return Ok(state),
                () = self.given_up.cancelled(), if gives_up => return Ok(state),
                () = self.given_up.cancelled(), if !gives_up => {
                    return cancel(place, state.orchestration_id).await;
                }
                next = changed(place, &state, left.min(self.front.heartbeat)) => next,
            };
            state = changed.map_err(|error| lost(place, &state, error))?;
            if let Some((progress, total)) = steps.next(&state.commands) {
                self.progress
                    .notify(progress, total, told(&state.commands))
                    .await;
            }
        }
        Ok(state)
    }
}

/// The state at once.
pub(crate) async fn present(
    place: &Place,
    orchestration_id: OrchestrationUuid,
) -> Result<Orchestration, Error> {
    let params = GetOrchestration {
        orchestration_id,
        after_version: None,
        wait: false,
        timeout_ms: 0,
    };
    place.look(&params, QUICK).await
}

/// The state once it has changed, or as it is after `limit`.
async fn changed(
    place: &Place,
    state: &Orchestration,
    limit: Duration,
) -> Result<Orchestration, Error> {
    // A server that answers at once without a change must not be asked in a hot loop.
    const SOONEST: Duration = Duration::from_millis(50);
    let asked = Instant::now();
    let params = GetOrchestration {
        orchestration_id: state.orchestration_id,
        after_version: Some(state.version),
        wait: false,
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1),
    };
    let next = match place.look(&params, limit + GRACE).await {
        Err(error) if error.code == ErrorCode::Timeout => state.clone(),
        answer => answer?,
    };
    if next.version == state.version && !next.status.is_final() && asked.elapsed() < SOONEST {
        tokio::time::sleep(SOONEST.min(limit)).await;
    }
    Ok(next)
}

async fn cancel(
    place: &Place,
    orchestration_id: OrchestrationUuid,
) -> Result<Orchestration, Error> {
    let params = CancelOrchestration { orchestration_id };
    let cancelled = place.act(&params, None, QUICK).await;
    if let Err(error) = &cancelled {
        tracing::warn!(%orchestration_id, %error, "a cancelled call's orchestration goes on");
    }
    cancelled
}

fn lost(place: &Place, state: &Orchestration, mut error: Error) -> Error {
    let id = place.id(state.orchestration_id);
    error.message = format!("orchestration {id} was started, then: {}", error.message);
    if error.hint.is_empty() {
        error.hint = format!("look with fugue_get_orchestration orchestration_id={id}");
    }
    error
}

/// Makes notifications grow although several can come between two ends of commands.
#[derive(Default)]
struct Steps {
    done: usize,
    since: u32,
}

impl Steps {
    /// The number of commands that are done, plus a part of one for each notification since; of how many. Nothing when
    /// all are done and that has been said.
    fn next(&mut self, commands: &[CommandResult]) -> Option<(f64, f64)> {
        let done = commands
            .iter()
            .filter(|command| command.status.is_final())
            .count();
        if done == commands.len() && self.done == done {
            return None;
        }
        if done > self.done {
            *self = Self { done, since: 0 };
        } else {
            self.since += 1;
        }
        #[allow(clippy::cast_precision_loss, reason = "at most 256 commands")]
        let (whole, total) = (self.done as f64, commands.len() as f64);
        Some((whole + 1.0 - 1.0 / f64::from(self.since + 1), total))
    }
}

/// The commands that run and those that are done, in a line.
pub(crate) fn told(commands: &[CommandResult]) -> String {
    const NAMED: usize = 8;
    let named = |wanted: &dyn Fn(RunStatus) -> bool| {
        let names: Vec<&str> = commands
            .iter()
            .filter(|command| wanted(command.status))
            .map(|command| command.name.as_str())
            .collect();
        let more = names.len().saturating_sub(NAMED);
        let mut text = names[..names.len() - more].join(", ");
        if more > 0 {
            text += &format!(" and {more} more");
        }
        (names.len(), text)
    };
    let (done, _) = named(&RunStatus::is_final);
    let (failed, failures) = named(&|status| status.is_final() && status != RunStatus::Completed);
    let (running, runners) = named(&|status| status == RunStatus::Running);
    let mut text = format!("{done} of {} done", commands.len());
    if failed > 0 {
        text += &format!(", not completed: {failures}");
    }
    if running > 0 {
        text += &format!(", running: {runners}");
    }
    text
}

#[cfg(test)]
mod tests;
