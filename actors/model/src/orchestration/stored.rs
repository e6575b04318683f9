//! An orchestration as it stands in the database: the plan once, then each fact once.

use std::sync::Arc;
use std::time::Instant;

use protocol::{Name, OrchestrationNumber, OrchestrationUuid, PaneUuid, SessionUuid};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::progress::{Doubt, Fact, Outcome, Started, StopReason};

/// An orchestration of an earlier daemon.
#[derive(Clone, Debug)]
pub struct StoredOrchestration {
    /// Its number.
    pub number: OrchestrationNumber,
    /// What never changes.
    pub job: StoredJob,
    /// What happened.
    pub facts: Vec<StoredFact>,
}

impl StoredOrchestration {
    /// True if there is nothing left to do.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let finished = |fact: &StoredFact| matches!(fact, StoredFact::Finished(_));
        self.facts.iter().any(finished)
    }

    /// True if all facts are about commands and jobs that there are.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let most = self.job.plan.commands.len();
        let mut indexes = self.facts.iter().filter_map(StoredFact::index);
        most > 0 && indexes.all(|index| index < most)
    }
}

/// The part of an orchestration that never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredJob {
    /// Its id.
    pub id: OrchestrationUuid,
    /// The session of its panes.
    pub session: SessionUuid,
    /// What that was called.
    pub session_name: Name,
    /// It made that session.
    pub session_created: bool,
    /// Milliseconds since 1970.
    pub started_at_ms: u64,
    /// The word that begins each report of its shell.
    pub nonce: String,
    /// The idempotency key of the request that began it.
    #[serde(rename = "made_for")]
    pub key: Option<String>,
    /// What it is to do.
    pub plan: Plan,
}

/// A [`Fact`] with times that another process understands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredFact {
    /// A job's pane was ordered.
    Launched(usize),
    /// A command runs in this pane, since that many milliseconds after 1970.
    Started(usize, PaneUuid, u64),
    /// A command has ended.
    Ended(usize, Outcome),
    /// What was told of a step and all later ones does not count.
    Doubted(usize, Doubt),
    /// What a job's program has left running.
    Left(usize, Vec<String>),
    /// A job needs nothing more.
    Closed(usize),
    /// Everything is to end.
    Stopped(StopReason),
    /// The session is let go.
    Released,
    /// It has ended, so many milliseconds after its beginning.
    Finished(u64),
}

impl StoredFact {
    /// As it is stored; `epoch_ms` tells when a moment was, in milliseconds since 1970.
    #[must_use]
    pub fn of(fact: &Fact, epoch_ms: impl Fn(Instant) -> u64) -> Self {
        match fact {
            Fact::Launched(job) => Self::Launched(*job),
            Fact::Started(command, started) => {
                Self::Started(*command, started.pane, epoch_ms(started.at))
            }
            Fact::Ended(command, outcome) => Self::Ended(*command, Outcome::clone(outcome)),
            Fact::Doubted(step, doubt) => Self::Doubted(*step, *doubt),
            Fact::Left(job, left) => Self::Left(*job, Vec::clone(left)),
            Fact::Closed(job) => Self::Closed(*job),
            Fact::Stopped(reason) => Self::Stopped(*reason),
            Fact::Released => Self::Released,
        }
    }

    /// As a fact of this process, whose moments `instant` tells; how long everything took is none.
    #[must_use]
    pub fn fact(self, instant: impl Fn(u64) -> Instant) -> Option<Fact> {
        Some(match self {
            Self::Launched(job) => Fact::Launched(job),
            Self::Started(command, pane, at_ms) => {
                let at = instant(at_ms);
                Fact::Started(command, Started { pane, at })
            }
            Self::Ended(command, outcome) => Fact::Ended(command, Arc::new(outcome)),
            Self::Doubted(step, doubt) => Fact::Doubted(step, doubt),
            Self::Left(job, left) => Fact::Left(job, Arc::new(left)),
            Self::Closed(job) => Fact::Closed(job),
            Self::Stopped(reason) => Fact::Stopped(reason),
            Self::Released => Fact::Released,
            Self::Finished(_) => return None,
        })
    }

    /// Leaves out what was printed, for a file that is not to hold it.
    pub fn forget_output(&mut self) {
        if let Self::Ended(_, outcome) = self {
            outcome.output = None;
        }
    }

    /// The index of the job or command that it is about, if its kind has several.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Launched(index)
            | Self::Started(index, ..)
            | Self::Ended(index, _)
            | Self::Doubted(index, _)
            | Self::Left(index, _)
            | Self::Closed(index) => Some(*index),
            Self::Stopped(_) | Self::Released | Self::Finished(_) => None,
        }
    }
}

/// The name under which a fact is written once.
#[must_use]
pub fn key(fact: &Fact) -> String {
    match fact {
        Fact::Launched(job) => format!("launched-{job}"),
        Fact::Started(command, _) => format!("started-{command}"),
        Fact::Ended(command, _) => format!("ended-{command}"),
        Fact::Doubted(step, _) => format!("doubted-{step}"),
        Fact::Left(job, _) => format!("left-{job}"),
        Fact::Closed(job) => format!("closed-{job}"),
        Fact::Stopped(_) => "stopped".to_owned(),
        Fact::Released => "released".to_owned(),
    }
}
