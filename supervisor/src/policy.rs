//! OTP's rules as a pure machine: what happened goes in, what to do comes out. No clock, no tokio.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::child_spec::ChildId;
use crate::exit_reason::ExitReason;
use crate::intensity::{Intensity, Window};
use crate::strategy::{AutoShutdown, RestartType, Strategy};

mod group;
#[cfg(test)]
mod tests;

/// A child within its supervisor; ascends in start order and is never used again.
pub type Key = u64;

/// The state of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// Its start has been ordered and has not come back.
    Starting,
    /// It runs.
    Running,
    /// It ended and waits for [`Policy::retry`] with this number.
    Restarting {
        /// Makes later retries of an earlier wait void.
        attempt: u64,
        /// Whether this restart is already counted in the window.
        counted: bool,
    },
    /// Its stop has been ordered and has not come back.
    Stopping,
    /// It does not run, its child spec is kept.
    Stopped,
    /// It alone exceeded its intensity.
    Quarantined,
}

impl ChildState {
    fn is_live(self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Stopping => true,
            Self::Restarting { .. } | Self::Stopped | Self::Quarantined => false,
        }
    }
}

/// The facts about a child that the policy needs.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub id: ChildId,
    /// When it is restarted.
    pub restart: RestartType,
    /// Whether its end can end the supervisor.
    pub significant: bool,
    /// Where it stands.
    pub state: ChildState,
    /// Its own restarts.
    pub window: Window,
    /// How it ended last, or why its start failed.
    pub last_end: Option<ExitReason>,
}

/// One thing to do. Steps are done in order; the first failing [`Step::Start`] ends the list and is
/// reported with [`Policy::start_failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Stop this child, if it runs, and wait until it is gone.
    Stop(Key),
    /// Start this child and report it with [`Policy::started`].
    Start(Key),
    /// This child's spec is no longer kept.
    Forget(Key),
    /// Call [`Policy::retry`] after a pause; other messages are served in between.
    Retry {
        /// The child that is to be started.
        key: Key,
        /// To be handed back.
        attempt: u64,
        /// The pause.
        after: Duration,
    },
}

/// A decision of the policy; its name is the `decision` in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Decision {
    /// Late news of something that is already settled.
    Ignore,
    /// Restart now.
    Restart,
    /// Restart after a pause, because of the back-off.
    BackOff,
    /// The start failed; try again once other messages have had their turn.
    TryAgain,
    /// Leave it stopped and keep its child spec.
    LeaveStopped,
    /// Forget it.
    Forget,
    /// Give up this child alone.
    Quarantine,
    /// Too many restarts: the supervisor ends.
    GiveUp,
    /// A significant child has ended: the supervisor ends.
    AutoShutdown,
}

/// A decision and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// The supervisor is to end with this reason after the steps.
    pub end: Option<ExitReason>,
    /// The restarts that counted for this decision.
    pub restarts_in_window: u32,
}

impl Verdict {
    fn new(decision: Decision, steps: Vec<Step>) -> Self {
        Self {
            decision,
            steps,
            end: None,
            restarts_in_window: 0,
        }
    }

    fn ignore() -> Self {
        Self::new(Decision::Ignore, Vec::new())
    }
}

/// The reasons for which a child cannot be started or deleted by request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such child.
    NotFound,
    /// It runs, or is being started or stopped.
    Running,
    /// It is about to be restarted.
    Restarting,
}

/// The rules by which one supervisor treats its children.
#[derive(Clone, Debug)]
pub struct Policy {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    intensity: Intensity,
    /// For a dynamic supervisor; with a value, restarts are counted per child against it.
    dynamic: Option<Option<Intensity>>,
    window: Window,
    members: BTreeMap<Key, Member>,
    next_key: Key,
    next_attempt: u64,
}

impl Policy {
    /// For children in a fixed order.
    #[must_use]
    pub fn fixed(strategy: Strategy, intensity: Intensity, auto_shutdown: AutoShutdown) -> Self {
        Self {
            strategy,
            auto_shutdown,
            intensity,
            dynamic: None,
            window: Window::default(),
            members: BTreeMap::new(),
            next_key: 0,
            next_attempt: 0,
        }
    }

    /// For children that come and go; `quarantine` counts restarts per child.
    #[must_use]
    pub fn dynamic(intensity: Intensity, quarantine: Option<Intensity>) -> Self {
        let mut policy = Self::fixed(Strategy::OneForOne, intensity, AutoShutdown::Never);
        policy.dynamic = Some(quarantine);
        policy
    }

    /// Adds a child behind all others, to be started now.
    pub fn add(&mut self, id: ChildId, restart: RestartType, significant: bool) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        let member = Member {
            id,
            restart,
            significant,
            state: ChildState::Starting,
            window: Window::default(),
            last_end: None,
        };
        self.members.insert(key, member);
        key
    }

    /// The child with this key.
    #[must_use]
    pub fn member(&self, key: Key) -> Option<&Member> {
        self.members.get(&key)
    }

    /// All children in start order.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = (Key, &Member)> {
        self.members.iter().map(|(&key, member)| (key, member))
    }

    /// The number of children, whatever their state.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The intensity that applies, and the supervisor's restarts within its period at `now`.
    #[must_use]
    pub fn restarts(&self, now: Duration) -> (Intensity, u32) {
        let intensity = self.dynamic.flatten().unwrap_or(self.intensity);
        (intensity, self.window.count(now, intensity.period))
    }

    /// A start has come back well.
    pub fn started(&mut self, key: Key) {
        if let Some(member) = self.members.get_mut(&key)
            && member.state == ChildState::Starting
        {
            member.state = ChildState::Running;
        }
    }

    /// A start that was part of a restart has failed: it counts when it is tried again.
    pub fn start_failed(&mut self, key: Key, reason: ExitReason) -> Verdict {
        let attempt = self.attempt();
        let dynamic = self.dynamic.is_some();
        if let Some(member) = self.members.get_mut(&key) {
            member.last_end = Some(reason);
        }
        for (&other, member) in &mut self.members {
            if other == key {
                member.state = ChildState::Restarting {
                    attempt,
                    counted: false,
                };
            } else if !dynamic && member.state == ChildState::Starting {
                member.state = ChildState::Stopped;
            }
        }
        let retry = Step::Retry {
            key,
            attempt,
            after: Duration::ZERO,
        };
        Verdict::new(Decision::TryAgain, vec![retry])
    }

    /// A running child has ended by itself.
    pub fn exited(&mut self, key: Key, reason: &ExitReason, now: Duration) -> Verdict {
        let Some(member) = self.members.get_mut(&key) else {
            return Verdict::ignore();
        };
        if member.state != ChildState::Running {
            return Verdict::ignore();
        }
        let again = match member.restart {
            RestartType::Permanent => true,
            RestartType::Transient => reason.is_abnormal(),
            RestartType::Temporary => false,
        };
        member.state = ChildState::Stopped;
        member.last_end = Some(reason.clone());
        if again {
            self.restart(key, now)
        } else {
            self.leave(key)
        }
    }

    /// The pause that [`Step::Retry`] asked for is over.
    pub fn retry(&mut self, key: Key, attempt: u64, now: Duration) -> Verdict {
        match self.members.get(&key).map(|member| member.state) {
            Some(ChildState::Restarting {
                attempt: current,
                counted,
            }) if current == attempt => {
                if counted {
                    let steps = self.restart_group(key);
                    Verdict::new(Decision::Restart, steps)
                } else {
                    self.restart(key, now)
                }
            }
            _ => Verdict::ignore(),
        }
    }

    /// A start that was asked for: [`Step::Start`] is to be done.
    ///
    /// # Errors
    /// A [`Refusal`] when it runs, is about to, or does not exist.
    pub fn request_start(&mut self, key: Key) -> Result<(), Refusal> {
        let member = self.idle(key)?;
        member.state = ChildState::Starting;
        member.window = Window::default();
        Ok(())
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    /// A [`Refusal`] when it runs, is about to, or does not exist.
    pub fn delete(&mut self, key: Key) -> Result<(), Refusal> {
        self.idle(key)?;
        self.members.remove(&key);
        Ok(())
    }

    /// Its stop, or the cancelling of its start, has been ordered by request.
    pub fn stopping(&mut self, key: Key) {
        if let Some(member) = self.members.get_mut(&key) {
            member.state = ChildState::Stopping;
        }
    }

    /// A child is stopped by request and gone; true if its child spec is kept.
    pub fn stopped(&mut self, key: Key) -> bool {
        let dynamic = self.dynamic.is_some();
        let Some(member) = self.members.get_mut(&key) else {
            return false;
        };
        member.state = ChildState::Stopped;
        let keep = !dynamic && member.restart != RestartType::Temporary;
        if !keep {
            self.members.remove(&key);
        }
        keep
    }

    /// A start that was asked for has failed: the child spec is kept.
    pub fn start_refused(&mut self, key: Key) {
        if let Some(member) = self.members.get_mut(&key) {
            member.state = ChildState::Stopped;
        }
    }

    /// Forgets a child whose first start failed.
    pub fn remove(&mut self, key: Key) {
        self.members.remove(&key);
    }

    fn idle(&mut self, key: Key) -> Result<&mut Member, Refusal> {
        let member = self.members.get_mut(&key).ok_or(Refusal::NotFound)?;
        match member.state {
            ChildState::Stopped | ChildState::Quarantined => Ok(member),
            ChildState::Restarting { .. } => Err(Refusal::Restarting),
            ChildState::Starting | ChildState::Running | ChildState::Stopping => {
                Err(Refusal::Running)
            }
        }
    }

    fn attempt(&mut self) -> u64 {
        self.next_attempt += 1;
        self.next_attempt
    }

    /// An end that is not followed by a restart.
    fn leave(&mut self, key: Key) -> Verdict {
        let Some(member) = self.members.get(&key) else {
            return Verdict::ignore();
        };
        let significant = member.significant;
        let id = member.id.clone();
        let forget = self.dynamic.is_some() || member.restart == RestartType::Temporary;
        let mut verdict = if forget {
            self.members.remove(&key);
            Verdict::new(Decision::Forget, vec![Step::Forget(key)])
        } else {
            Verdict::new(Decision::LeaveStopped, Vec::new())
        };
        if significant && self.ends_after_significant() {
            verdict.decision = Decision::AutoShutdown;
            verdict.end = Some(ExitReason::ShutdownFor(format!(
                "significant child {id} ended"
            )));
        }
        verdict
    }

    /// `Source:` OTP supervisor.erl, `do_auto_shutdown/2`: a child that waits for its restart still counts.
    fn ends_after_significant(&self) -> bool {
        match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => !self
                .members
                .values()
                .any(|member| member.significant && member.state != ChildState::Stopped),
        }
    }

    /// Counts a restart, then orders it, puts it off, or gives up.
    fn restart(&mut self, key: Key, now: Duration) -> Verdict {
        let quarantine = self.dynamic.flatten();
        let intensity = quarantine.unwrap_or(self.intensity);
        let total = self.window.add(now, intensity.period);
        let Some(member) = self.members.get_mut(&key) else {
            return Verdict::ignore();
        };
        let own = member.window.add(now, intensity.period);
        let count = if quarantine.is_some() { own } else { total };
        let mut verdict = if count <= intensity.max_restarts {
            self.restart_after(key, intensity.pause(count))
        } else if quarantine.is_some() {
            member.state = ChildState::Quarantined;
            Verdict::new(Decision::Quarantine, Vec::new())
        } else {
            member.state = ChildState::Stopped;
            let mut verdict = Verdict::new(Decision::GiveUp, Vec::new());
            verdict.end = Some(ExitReason::IntensityExceeded {
                child: member.id.clone(),
                restarts: count,
                cause: member
                    .last_end
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
            });
            verdict
        };
        verdict.restarts_in_window = count;
        verdict
    }

    fn restart_after(&mut self, key: Key, pause: Duration) -> Verdict {
        if pause.is_zero() {
            let steps = self.restart_group(key);
            return Verdict::new(Decision::Restart, steps);
        }
        let mut steps = self.stop_group(key);
        let attempt = self.attempt();
        if let Some(member) = self.members.get_mut(&key) {
            member.state = ChildState::Restarting {
                attempt,
                counted: true,
            };
        }
        steps.push(Step::Retry {
            key,
            attempt,
            after: pause,
        });
        Verdict::new(Decision::BackOff, steps)
    }
}
