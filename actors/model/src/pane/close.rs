//! The close of a pane: who wants it, how far it has come, and what was known of the pane when it began.

use protocol::reply::Unreachable;

use super::state::Known;

/// The next step of a pane's close. Each can be taken again after a failure in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
pub enum CloseStep {
    /// The close is recorded, so that the next daemon goes on with it.
    #[default]
    Record,
    /// The program and all it has started are ended.
    End,
    /// The keeper is let go.
    Release,
    /// The pane is taken out of registry and database, and its end is remembered.
    Remove,
    /// The pane is taken out of the layout, and its actor and its I/O task are stopped.
    TakeOut,
    /// All is done: the end is told.
    Tell,
}

impl CloseStep {
    /// The one after it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        use strum::IntoEnumIterator;
        Self::iter().find(|step| *step > self)
    }
}

/// The cause of a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Asked,
    /// The program ended, and nobody asked for it.
    ByItself,
}

/// A close, from its beginning to what is left to say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Its cause; the first one counts.
    pub cause: Cause,
    /// The program is not asked to end.
    pub force: bool,
    /// Next step that it takes.
    pub step: CloseStep,
    /// The program is being started again: one may be there that the pane does not have yet.
    pub starting: bool,
    /// Reason why the keeper cannot be asked, until the program is ended all the same.
    pub why: Option<Unreachable>,
    /// End of the program; absent while it runs.
    pub known: Option<Known>,
}

impl Closing {
    /// The beginning of a close.
    pub(super) fn begin(cause: Cause, force: bool) -> Self {
        Self {
            cause,
            force,
            step: CloseStep::default(),
            starting: false,
            why: None,
            known: None,
        }
    }

    /// True if the program may still run: what is heard of its keeper counts.
    pub(super) fn is_open(&self) -> bool {
        self.step <= CloseStep::End
    }
}
