//! Decides from looks at the threads whether the runtime is wedged. Pure: time and counters are arguments.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use supervisor::Turn;

#[cfg(test)]
mod tests;

/// The time for which one turn, or the silence of the runtime, may last.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// The processor time that one turn must have used to count as turning: more than half of [`LIMIT`].
pub(crate) const TURNING: Duration = Duration::from_secs(6);

/// A look that comes later than this after the one before says that the process was stopped, starved or suspended in between, and
/// what it sees is a new beginning.
const LATE: Duration = Duration::from_secs(2);

/// A thread at one look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadSight {
    /// What it runs.
    pub turn: Turn,
    /// The processor time it has used so far; absent where the kernel does not tell.
    pub used: Option<Duration>,
    /// How long it has waited for a processor so far.
    pub waited: Duration,
}

/// Everything at one look.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// When, by a clock that nobody sets.
    pub at: Duration,
    /// Nudges that the runtime was given.
    pub asked: u64,
    /// Nudges that it has answered.
    pub answered: u64,
    /// Its threads.
    pub threads: Vec<ThreadSight>,
}

/// The ways in which the runtime can be wedged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wedge {
    /// One turn goes on and on and uses its processor.
    Turning {
        /// Whose.
        subject: u128,
        /// For how long.
        lasted: Duration,
        /// How much processor time it has used.
        used: Duration,
    },
    /// No thread of the runtime goes on, and a nudge is not answered.
    Stuck {
        /// For how long.
        lasted: Duration,
        /// Whose turn it is on the one thread that has one; `None` when there are none or several.
        subject: Option<u128>,
    },
}

impl Wedge {
    /// The subject of the turn that explains it.
    #[must_use]
    pub(crate) fn subject(&self) -> Option<u128> {
        match self {
            Self::Turning { subject, .. } => Some(*subject),
            Self::Stuck { subject, .. } => *subject,
        }
    }
}

impl fmt::Display for Wedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turning { lasted, used, .. } => write!(
                f,
                "one turn has lasted {} s and used {} s of a processor",
                lasted.as_secs(),
                used.as_secs()
            ),
            Self::Stuck { lasted, .. } => write!(
                f,
                "nothing has gone on for {} s though there was work",
                lasted.as_secs()
            ),
        }
    }
}

/// The memory of the detector between two looks.
#[derive(Debug, Default)]
pub(crate) struct Detector {
    last_at: Option<Duration>,
    /// Each thread as it was when its present turn was first seen.
    turns: HashMap<u64, (Duration, ThreadSight)>,
    /// When the runtime was last seen to go on, and the threads' waits then.
    alive: Option<(Duration, HashMap<u64, Duration>)>,
}

impl Detector {
    /// Takes a look.
    pub(crate) fn look(&mut self, sight: &Sight) -> Option<Wedge> {
        let on_time = self
            .last_at
            .is_some_and(|last| sight.at.saturating_sub(last) <= LATE);
        self.last_at = Some(sight.at);
        if !on_time {
            self.turns.clear();
            self.alive = None;
        }
        let went_on = self.note_turns(sight);
        let answered = sight.answered >= sight.asked;
        if went_on || answered || self.alive.is_none() {
            let waits = sight.threads.iter().map(|t| (t.turn.thread, t.waited));
            self.alive = Some((sight.at, waits.collect()));
        }
        self.turning(sight).or_else(|| self.stuck(sight))
    }

    /// Remembers the turns that are new; true when there are such, or when one has ended.
    fn note_turns(&mut self, sight: &Sight) -> bool {
        let mut went_on = false;
        for thread in &sight.threads {
            let known = self.turns.get(&thread.turn.thread);
            if known.is_none_or(|(_, first)| first.turn.changes != thread.turn.changes) {
                went_on = true;
                self.turns.insert(thread.turn.thread, (sight.at, *thread));
            }
        }
        let lives = |number: &u64| sight.threads.iter().any(|t| t.turn.thread == *number);
        self.turns.retain(|number, _| lives(number));
        went_on
    }

    fn turning(&self, sight: &Sight) -> Option<Wedge> {
        sight.threads.iter().find_map(|thread| {
            let (since, first) = self.turns.get(&thread.turn.thread)?;
            let subject = thread.turn.subject?;
            let lasted = sight.at.saturating_sub(*since);
            let used = thread.used?.saturating_sub(first.used?);
            (lasted >= LIMIT && used >= TURNING).then_some(Wedge::Turning {
                subject,
                lasted,
                used,
            })
        })
    }

    fn stuck(&self, sight: &Sight) -> Option<Wedge> {
        let (since, waits) = self.alive.as_ref()?;
        let lasted = sight.at.saturating_sub(*since);
        // Threads that wait for a processor are starved, not stuck.
        let starved = sight.threads.iter().any(|thread| {
            let before = waits.get(&thread.turn.thread).copied();
            let waited = thread.waited.saturating_sub(before.unwrap_or_default());
            waited >= lasted / 4
        });
        if lasted < LIMIT || starved {
            return None;
        }
        let mut subjects = sight.threads.iter().filter_map(|t| t.turn.subject);
        let subject = subjects.next().filter(|_| subjects.next().is_none());
        Some(Wedge::Stuck { lasted, subject })
    }
}

impl ThreadSight {
    /// A thread of this process with what the kernel counts of it.
    ///
    /// Source: the kernel's Documentation/scheduler/sched-stats.rst, `/proc/PID/schedstat`: time on a processor, time waiting for one, both in nanoseconds.
    #[must_use]
    pub(crate) fn of(turn: Turn) -> Self {
        let path = format!("/proc/self/task/{}/schedstat", turn.thread);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
        let used = numbers.next().flatten();
        let waited = numbers.next().flatten();
        Self {
            turn,
            used: used.map(Duration::from_nanos),
            waited: waited.map(Duration::from_nanos).unwrap_or_default(),
        }
    }
}
