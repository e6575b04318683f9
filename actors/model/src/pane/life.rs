//! The life of a pane: where it is, and what is counted on the way.

use protocol::reply::{ExitStatus, PaneEnd, Unreachable};

use super::close::{Cause, CloseStep};
use super::state::{Known, Next, PaneState};
use super::{Ended, StoredState};

/// Life of a pane: its state, and what outlasts that.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaneLife {
    state: PaneState,
    last_end: Option<Ended>,
    ends: u64,
    restarts: u32,
    survivors: Vec<u32>,
}

/// A restart that somebody has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    now_ms: u64,
    /// The restarts before it.
    restarts: u32,
}

/// The course that a restart takes which was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is not decided yet.
    UnderWay,
    /// The next life has begun.
    Done,
    /// The program could not be started, or its pane is as this end has left it.
    Failed(ExitStatus),
    /// It cannot be started now, for want of what is not its own, and is tried again.
    PutOff,
    /// The keeper cannot be asked any more, so nobody knows what runs.
    Unreachable,
    /// The pane is being closed.
    Closing,
}

impl PaneLife {
    /// The life of a pane of an earlier daemon.
    #[must_use]
    pub fn restored(stored: &StoredState) -> Self {
        let kept = stored.settled;
        let mut state = PaneState::known(stored.ended.clone().map(|end| Known { end, kept }));
        if stored.closing {
            let cause = match stored.by_itself {
                true => Cause::ByItself,
                false => Cause::Asked,
            };
            state.begin_close(cause, false);
        } else if stored.restart {
            state.ask_restart(0);
        }
        Self {
            state,
            restarts: stored.life,
            ..Self::default()
        }
    }

    /// The state of its life.
    #[must_use]
    pub fn state(&self) -> &PaneState {
        &self.state
    }

    /// End of the program; absent while it runs.
    #[must_use]
    pub fn end(&self) -> Option<&Ended> {
        self.state.end()
    }

    /// True if the program has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end().is_some()
    }

    /// The end of the last life that ended, also after the next one has begun.
    #[must_use]
    pub fn last_end(&self) -> Option<&Ended> {
        self.last_end.as_ref()
    }

    /// The number of ends while this daemon watched.
    #[must_use]
    pub fn ends(&self) -> u64 {
        self.ends
    }

    /// The number of times that the program was started again.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Processes of it that could not be ended.
    #[must_use]
    pub fn survivors(&self) -> &[u32] {
        &self.survivors
    }

    /// The reason for which its keeper cannot be asked.
    #[must_use]
    pub fn unreachable(&self) -> Option<&Unreachable> {
        match &self.state {
            PaneState::Unreachable { why, .. } => Some(why),
            PaneState::Closing(close) => close.why.as_ref(),
            PaneState::Starting { .. }
            | PaneState::Running
            | PaneState::Stopping { .. }
            | PaneState::Ended { .. }
            | PaneState::Closed { .. } => None,
        }
    }

    /// True if what follows from the end of its program is still to be decided, and can be.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(
            self.state,
            PaneState::Ended {
                next: Next::Undecided,
                ..
            }
        )
    }

    /// The time at which it is to be started again.
    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        match self.state {
            PaneState::Ended {
                next: Next::Restarting { due_ms, .. },
                ..
            } => Some(due_ms),
            PaneState::Ended { .. }
            | PaneState::Starting { .. }
            | PaneState::Running
            | PaneState::Stopping { .. }
            | PaneState::Unreachable { .. }
            | PaneState::Closing(_)
            | PaneState::Closed { .. } => None,
        }
    }

    /// True if it is about to be started again, or is being.
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        self.due_ms().is_some() || matches!(self.state, PaneState::Starting { .. })
    }

    /// True if the program is being ended to be started again.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.state, PaneState::Stopping { .. })
    }

    /// True if somebody has asked for a restart that has neither been done nor failed.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.state.is_asked()
    }

    /// True if a program may be there that the pane does not have yet.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        match &self.state {
            PaneState::Starting { .. } => true,
            PaneState::Closing(close) => close.starting,
            PaneState::Running
            | PaneState::Stopping { .. }
            | PaneState::Unreachable { .. }
            | PaneState::Ended { .. }
            | PaneState::Closed { .. } => false,
        }
    }

    /// True if it is decided that it stays as it is after the end of its program.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.state.is_kept()
    }

    /// True if it is being closed, or is closed.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state.close().is_some()
    }

    /// True if it is closed because its program ended, and nobody asked for it.
    #[must_use]
    pub fn closes_by_itself(&self) -> bool {
        let close = self.state.close();
        close.is_some_and(|close| close.cause == Cause::ByItself)
    }

    /// True if it is to be closed without asking the program.
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.state.close().is_some_and(|close| close.force)
    }

    /// The next step of its close.
    #[must_use]
    pub fn step(&self) -> CloseStep {
        let close = self.state.close();
        close.map_or_else(CloseStep::default, |close| close.step)
    }

    /// The end that is left to tell when it is closed.
    #[must_use]
    pub fn closed(&self) -> Option<&PaneEnd> {
        match &self.state {
            PaneState::Closed { told, .. } => Some(told),
            PaneState::Starting { .. }
            | PaneState::Running
            | PaneState::Stopping { .. }
            | PaneState::Unreachable { .. }
            | PaneState::Ended { .. }
            | PaneState::Closing(_) => None,
        }
    }

    /// Its keeper cannot be asked, for this reason; the time of the first one counts.
    pub fn lose(&mut self, now_ms: u64, reason: String, program_lives: bool) {
        self.state.lose(now_ms, reason, program_lives);
    }

    /// Its keeper answers, or is known to be dead.
    pub fn found(&mut self) {
        self.state.found();
    }

    /// Its keeper answers, and has the program's life of this number, a later one than was known.
    pub fn found_later_life(&mut self, life: u32) {
        if self.state.found_later_life() {
            self.restarts = life;
        }
    }

    /// The present life has ended, unless that is known.
    pub fn note_end(&mut self, ended: Ended) {
        if self.state.note_end(ended.clone()) {
            self.count(ended);
        }
    }

    /// This follows from the end. True when that was undecided.
    pub fn decide(&mut self, next: Next) -> bool {
        self.state.decide(next)
    }

    /// Somebody asks at `now_ms` that the program be ended and started again. Absent when the pane's state forbids that.
    pub fn ask_restart(&mut self, now_ms: u64) -> Option<Asked> {
        let restarts = self.restarts;
        self.state
            .ask_restart(now_ms)
            .then_some(Asked { now_ms, restarts })
    }

    /// The course that a restart has taken which was asked for.
    #[must_use]
    pub fn course(&self, asked: Asked) -> Course {
        if self.restarts > asked.restarts {
            return Course::Done;
        }
        match &self.state {
            PaneState::Starting { .. } | PaneState::Running | PaneState::Stopping { .. } => {
                Course::UnderWay
            }
            PaneState::Ended { end, next } => match next {
                Next::Restarting { due_ms, .. } if *due_ms > asked.now_ms => Course::PutOff,
                Next::Restarting { .. } => Course::UnderWay,
                Next::Undecided | Next::Kept => Course::Failed(end.exit.clone()),
            },
            PaneState::Unreachable { .. } => Course::Unreachable,
            PaneState::Closing(_) | PaneState::Closed { .. } => Course::Closing,
        }
    }

    /// The program is being started again. True when that was decided; who is told so tells when it is over.
    pub fn begin_start(&mut self) -> bool {
        self.state.begin_start(self.restarts + 1)
    }

    /// Nothing is being started any more.
    pub fn end_start(&mut self) {
        self.state.end_start();
    }

    /// Begins the next life with what was started. False when the pane is being closed.
    pub fn begin_life(&mut self) -> bool {
        let begun = self.state.begin_life();
        self.restarts += u32::from(begun);
        begun
    }

    /// The program could not be started again, which is one more end.
    pub fn fail_start(&mut self, ended: Ended) {
        if self.state.fail_start(ended.clone()) {
            self.count(ended);
        }
    }

    /// The program could not be started again for want of what is not its own: it is due at this time, and nothing has ended.
    /// False when it is not to be started any more.
    pub fn put_off_start(&mut self, due_ms: u64) -> bool {
        self.state.put_off_start(due_ms)
    }

    /// It is to be closed. True for the first who wants it.
    pub fn begin_close(&mut self, cause: Cause, force: bool) -> bool {
        self.state.begin_close(cause, force)
    }

    /// The present step of the close is done. False when it was the last one.
    pub fn end_step(&mut self) -> bool {
        self.state.end_step()
    }

    /// These processes could not be ended.
    pub fn note_survivors(&mut self, survivors: Vec<u32>) {
        self.survivors = survivors;
    }

    /// The close is done: this is left to say.
    pub fn tell(&mut self, end: PaneEnd) {
        self.state.tell(end);
    }

    fn count(&mut self, ended: Ended) {
        self.ends += 1;
        self.last_end = Some(ended);
    }
}
