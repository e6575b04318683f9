//! The reason for which a client takes a call back: somebody wants it ended, or the client's own time for the answer is
//! over.

use std::time::Duration;

use rmcp::model::{CancelledNotificationParam, RequestId};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use tokio::sync::broadcast;

/// Reasons that are remembered for calls that have not looked yet.
const REASONS: usize = 64;

/// The time by which the reason may come after the cancellation itself, which the library tells apart.
const LATER: Duration = Duration::from_millis(250);

/// The behaviour of a run when the call that waits for it is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnCancel {
    /// It ends, unless the client says that its time is over.
    #[default]
    #[serde(skip)]
    ByReason,
    /// It goes on.
    Wait,
    /// It ends.
    Run,
}

/// The schema of what clients may say of it.
pub(crate) fn on_cancel_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["wait", "run"]})
}

/// The cancellations of one connection.
pub(crate) struct Cancellations(broadcast::Sender<CancelledNotificationParam>);

impl Default for Cancellations {
    fn default() -> Self {
        Self(broadcast::Sender::new(REASONS))
    }
}

impl Cancellations {
    /// One came.
    pub(crate) fn note(&self, cancelled: CancelledNotificationParam) {
        // Nobody listens when no call is under way.
        let _ = self.0.send(cancelled);
    }

    /// Those that come from now on, for the call `id`.
    pub(crate) fn of(&self, id: RequestId) -> Reason {
        let told = self.0.subscribe();
        Reason { told, id }
    }
}

/// The reason for which one call was taken back.
pub(crate) struct Reason {
    told: broadcast::Receiver<CancelledNotificationParam>,
    id: RequestId,
}

impl Reason {
    /// True if it was because the client's time for an answer is over. The call has been taken back.
    pub(crate) async fn tells_of_time(mut self) -> bool {
        let find = async {
            loop {
                match self.told.recv().await {
                    Ok(told) if told.request_id.as_ref() == Some(&self.id) => return told.reason,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        };
        let reason = tokio::time::timeout(LATER, find).await.ok().flatten();
        reason.is_some_and(|reason| speaks_of_time(&reason))
    }
}

/// True if a reason is one that SDKs write when their own limit has run out.
fn speaks_of_time(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let words = [
        "timed out",
        "timeout",
        "time out",
        "time-out",
        "time limit",
        "deadline",
    ];
    words.iter().any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests;
