//! The rules that the child specs of all nouns share, and the errors for children that cannot be started.

use std::time::Duration;

use protocol::{Error, ErrorCode};
use supervisor::{DynamicSpec, Intensity, StartChildError};

/// Restarts of one session's, pane's or orchestration's actor before it alone is given up.
const ONE_CHILD: (u32, Duration) = (5, Duration::from_secs(60));

/// Restarts under one dynamic supervisor, all children together: far above what single children may
/// use, since one pane must never end the others.
const ALL_CHILDREN: (u32, Duration) = (1_000, Duration::from_secs(60));

/// Children of one dynamic supervisor: the most panes that a configuration can allow.
const MOST_CHILDREN: usize = 1_000_000;

/// The time that an actor may take for its goodbye.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

pub(crate) fn intensity((max_restarts, period): (u32, Duration)) -> Intensity {
    Intensity::new(max_restarts, period)
}

/// The intensity of one child.
pub(crate) fn one_child() -> Intensity {
    intensity(ONE_CHILD)
}

/// A supervisor of children that come and go.
pub(crate) fn dynamic() -> DynamicSpec {
    DynamicSpec::new()
        .intensity(intensity(ALL_CHILDREN))
        .quarantine(one_child())
        .max_children(MOST_CHILDREN)
}

/// The error for a child that could not be started.
#[must_use]
pub(crate) fn start_error(kind: &str, error: &StartChildError) -> Error {
    match error {
        StartChildError::Full => Error::new(
            ErrorCode::Limit,
            format!("no further {kind} can be started: its supervisor is full"),
        )
        .hint("end some first"),
        StartChildError::ShuttingDown => Error::new(
            ErrorCode::Busy,
            format!("no {kind} can be started: its supervisor is being stopped"),
        )
        .hint("the session or the daemon is ending"),
        StartChildError::AlreadyPresent
        | StartChildError::AlreadyStarted
        | StartChildError::Failed(_)
        | StartChildError::Invalid(_)
        | StartChildError::Timeout => Error::new(
            ErrorCode::Internal,
            format!("the {kind}'s actor did not start: {error}"),
        )
        .hint("see the actor tree, as `fugue tree` or fugue_actor_tree shows it, and the daemon's log (`fugue logs`)"),
    }
}

/// The error while a supervisor is being restarted.
#[must_use]
pub(crate) fn supervisor_away(name: &str) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("the supervisor {name} is not running at this moment"),
    )
    .hint("try again; `fugue tree` or fugue_actor_tree shows its restarts")
}
