//! Exit reasons: one typed reason from the actor to its supervisor, its monitors and the tree.

use std::error::Error;
use std::fmt::{self, Display, Write as _};

use serde::{Deserialize, Serialize};

use crate::child_spec::ChildId;

#[cfg(test)]
mod tests;

/// The reason for which an actor ended.
///
/// Every restart decision reads this and nothing else.
///
/// `Source:` OTP supervisor(3), restart types: a transient child is restarted unless it ended with
/// `normal`, `shutdown` or `{shutdown, Term}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum ExitReason {
    /// It finished what it was for.
    Normal,
    /// It was told to stop: by its supervisor, or as part of a larger shutdown.
    Shutdown,
    /// As [`ExitReason::Shutdown`], with a reason for people (OTP's `{shutdown, Term}`).
    ShutdownFor(String),
    /// It was killed: by request, because it did not stop in its time, or because its task was cancelled.
    Killed,
    /// A callback returned an error.
    Failed(String),
    /// A callback panicked.
    Panicked(String),
    /// It could not be started.
    StartFailed(String),
    /// A supervisor gave up, because its children needed more restarts than its intensity allows.
    IntensityExceeded {
        /// The child whose end was one too many.
        child: ChildId,
        /// Restarts counted within the period, the refused one included.
        restarts: u32,
        /// How that child ended, as text.
        cause: String,
    },
    /// It was killed and still did not end within [`crate::KILL_LIMIT`]; it was left behind.
    ///
    /// Only code that blocks its thread can cause this.
    Unkillable,
}

impl ExitReason {
    /// True if a transient child that ended so is restarted.
    ///
    /// A supervisor that gave up counts as a shutdown, as in OTP: make supervisors permanent.
    #[must_use]
    pub fn is_abnormal(&self) -> bool {
        match self {
            Self::Normal
            | Self::Shutdown
            | Self::ShutdownFor(_)
            | Self::IntensityExceeded { .. } => false,
            Self::Killed
            | Self::Failed(_)
            | Self::Panicked(_)
            | Self::StartFailed(_)
            | Self::Unkillable => true,
        }
    }

    /// The reason for an error, with its chain of sources.
    #[must_use]
    pub fn failed(error: &(dyn Error + 'static)) -> Self {
        Self::Failed(describe(error))
    }
}

impl Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownFor(why) => write!(f, "shutdown: {why}"),
            Self::Killed => f.write_str("killed"),
            Self::Failed(what) => write!(f, "failed: {what}"),
            Self::Panicked(what) => write!(f, "panicked: {what}"),
            Self::StartFailed(what) => write!(f, "start failed: {what}"),
            Self::IntensityExceeded {
                child,
                restarts,
                cause,
            } => write!(
                f,
                "gave up: {restarts} restarts are too many, last child {child} ended: {cause}"
            ),
            Self::Unkillable => f.write_str("unkillable"),
        }
    }
}

/// An error and its sources on one line, outermost first.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        write!(text, ": {inner}").expect("writing to a String cannot fail");
        source = inner.source();
    }
    text
}

/// The message of a panic.
pub(crate) fn describe_panic(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic that carries no text".to_owned())
}
