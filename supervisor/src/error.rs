//! The reasons why something was not started.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::ActorError;
use crate::child_spec::ChildId;
use crate::exit_reason::describe;

/// A contradiction in a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The id is empty or contains `/`.
    #[error("{:?} is not a child id: it is empty or contains /", .0.as_str())]
    BadId(ChildId),
    /// Two children of one supervisor have this id.
    #[error("two children are called {0}")]
    Duplicate(ChildId),
    /// The child is significant although it is always restarted.
    #[error("child {0} is permanent, so it cannot be significant")]
    PermanentSignificant(ChildId),
    /// The child is significant, and its supervisor takes no notice of that.
    #[error("child {0} is significant, but its supervisor has no auto shutdown")]
    NoAutoShutdown(ChildId),
}

/// The reason why an actor did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartFailure {
    /// Its `pre_start` returned this.
    #[error("{0}")]
    Failed(Cause),
    /// It panicked; the text is the panic's.
    #[error("panicked: {0}")]
    Panicked(String),
    /// It took longer than its start limit.
    #[error("not started within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It was terminated before it had started.
    #[error("it was terminated")]
    Terminated,
    /// It is a supervisor, and this child of it did not start.
    #[error("child {id} did not start: {failure}")]
    Child {
        /// The child.
        id: ChildId,
        /// Its own reason.
        failure: Box<StartFailure>,
    },
    /// It is a supervisor whose spec contradicts itself.
    #[error("{0}")]
    Invalid(#[from] SpecError),
}

/// An actor's own error. It shows itself with its sources on one line; [`Cause::get`] has the error itself.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// An error, or its text.
    #[must_use]
    pub fn new(error: impl Into<ActorError>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The error, to be downcast.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(&*self.0))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq for Cause {
    /// True if they read the same.
    fn eq(&self, other: &Self) -> bool {
        describe(&*self.0) == describe(&*other.0)
    }
}

impl Eq for Cause {}

impl StartFailure {
    /// The failure that travelled through the actor runtime as this error.
    pub(crate) fn of(error: ActorError) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self::Failed(Cause::new(error)),
        }
    }
}
