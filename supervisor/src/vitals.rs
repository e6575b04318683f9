//! Vitals: what one running actor is doing, readable at any time without asking it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::actor::{ActorId, Down};
use crate::clock;
use crate::exit_reason::ExitReason;
use crate::turn;

mod histogram;
mod mailbox;
#[cfg(test)]
mod tests;

use histogram::Histogram;
use mailbox::Mailbox;

/// Tells one monitoring actor that a monitored one has ended.
pub(crate) type Notice = Box<dyn Fn(Down) + Send>;

/// The measurements of one actor, from one start to its end. A restart begins a new one.
pub struct Vitals {
    id: OnceLock<ActorId>,
    mailbox: Mailbox,
    mailbox_limit: Option<usize>,
    /// The message being handled, or the last one.
    label: Mutex<&'static str>,
    busy_since_ns: AtomicU64,
    handled: AtomicU64,
    handler_time: Histogram,
    details: Mutex<Vec<(&'static str, String)>>,
    life: Mutex<LifeState>,
    ended: Notify,
}

#[derive(Default)]
struct LifeState {
    stop_requested: Option<ExitReason>,
    outcome: Option<ExitReason>,
    ended: bool,
    monitors: HashMap<ActorId, Notice>,
    monitoring: HashMap<ActorId, Weak<Vitals>>,
}

/// The message an actor is handling right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// The variant's name.
    pub label: String,
    /// For how long, in milliseconds.
    pub for_ms: u64,
}

impl Vitals {
    pub(crate) fn new(mailbox_limit: Option<usize>) -> Self {
        Self {
            mailbox_limit,
            id: OnceLock::new(),
            mailbox: Mailbox::new(),
            label: Mutex::new(""),
            busy_since_ns: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            handler_time: Histogram::default(),
            details: Mutex::default(),
            life: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Messages sent and not yet begun.
    #[must_use]
    pub fn mailbox_depth(&self) -> usize {
        self.mailbox.depth()
    }

    /// The time for which the oldest waiting message has waited; `None` when none waits.
    ///
    /// Exact while no more than 16 wait; behind that, the age of the message taken before it.
    #[must_use]
    pub fn oldest_message_age(&self) -> Option<Duration> {
        let oldest = self.mailbox.oldest_ns()?;
        Some(Duration::from_nanos(clock::now_ns().saturating_sub(oldest)))
    }

    /// Messages handled since the start.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// The time that half of the handled messages took at most, within 20 %; zero before the first.
    #[must_use]
    pub fn handler_time_p50(&self) -> Duration {
        self.handler_time.quantile(0.50)
    }

    /// The time that 99 % of the handled messages took at most, within 20 %; zero before the first.
    #[must_use]
    pub fn handler_time_p99(&self) -> Duration {
        self.handler_time.quantile(0.99)
    }

    /// The message being handled now; `None` when idle.
    #[must_use]
    pub fn busy(&self) -> Option<Busy> {
        let since_ns = self.busy_since_ns.load(Ordering::Relaxed);
        (since_ns != 0).then(|| Busy {
            label: (*lock(&self.label)).to_owned(),
            for_ms: clock::now_ns().saturating_sub(since_ns) / 1_000_000,
        })
    }

    /// The details that the actor tells of itself ([`crate::Address::set_details`]).
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, String)> {
        lock(&self.details).clone()
    }

    /// The reason for which the actor ended; `None` while it lives.
    #[must_use]
    pub fn exit_reason(&self) -> Option<ExitReason> {
        let life = lock(&self.life);
        if life.ended {
            life.outcome.clone()
        } else {
            None
        }
    }

    /// True if the actor has ended and its state is dropped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        lock(&self.life).ended
    }

    /// Resolves with the reason when the actor has ended and its state is dropped. Safe to cancel.
    pub async fn wait_ended(&self) -> ExitReason {
        loop {
            let notified = self.ended.notified();
            if let Some(reason) = self.exit_reason() {
                return reason;
            }
            notified.await;
        }
    }

    /// True if its turns are noted under this subject.
    pub(crate) fn is_subject(&self, subject: u128) -> bool {
        self.id
            .get()
            .is_some_and(|id| turn::actor_subject(*id) == subject)
    }

    pub(crate) fn set_id(&self, id: ActorId) {
        let _ = self.id.set(id);
    }

    pub(crate) fn set_details(&self, details: Vec<(&'static str, String)>) {
        *lock(&self.details) = details;
    }

    /// A message is about to enter the mailbox; returns when.
    ///
    /// `None` when there are as many as may be and this one counts.
    pub(crate) fn message_sent(&self, counts: bool) -> Option<u64> {
        let now_ns = clock::now_ns();
        self.mailbox.sent(now_ns);
        if counts
            && self
                .mailbox_limit
                .is_some_and(|limit| self.mailbox.depth() > limit)
        {
            self.mailbox.refused();
            return None;
        }
        Some(now_ns)
    }

    pub(crate) fn message_refused(&self) {
        self.mailbox.refused();
    }

    /// A message leaves the mailbox and is being handled from now on; returns since when.
    pub(crate) fn begin(&self, label: &'static str, sent_ns: u64) -> u64 {
        let now_ns = clock::now_ns();
        self.mailbox.taken(sent_ns);
        *lock(&self.label) = label;
        self.busy_since_ns.store(now_ns, Ordering::Relaxed);
        now_ns
    }

    /// The message that was begun at `since_ns` is done. Called by the actor's own task only.
    pub(crate) fn end(&self, since_ns: u64) {
        let took_ns = clock::now_ns().saturating_sub(since_ns);
        self.busy_since_ns.store(0, Ordering::Relaxed);
        let handled = self.handled.load(Ordering::Relaxed);
        self.handled.store(handled + 1, Ordering::Relaxed);
        self.handler_time.record(took_ns);
    }

    /// The reason to end with if the stop that follows goes well; the first one counts.
    pub(crate) fn request_stop(&self, reason: ExitReason) {
        lock(&self.life).stop_requested.get_or_insert(reason);
    }

    /// The stop went well.
    pub(crate) fn stopped(&self) {
        let mut life = lock(&self.life);
        let reason = life.stop_requested.take().unwrap_or(ExitReason::Normal);
        life.outcome.get_or_insert(reason);
    }

    /// A callback went wrong.
    pub(crate) fn failed(&self, reason: ExitReason) {
        lock(&self.life).outcome.get_or_insert(reason);
    }

    /// Adds a monitor; false, and no notice ever, when the actor has ended.
    pub(crate) fn add_monitor(&self, monitor: ActorId, notice: Notice) -> bool {
        let mut life = lock(&self.life);
        if !life.ended {
            life.monitors.insert(monitor, notice);
        }
        !life.ended
    }

    pub(crate) fn remove_monitor(&self, monitor: ActorId) {
        lock(&self.life).monitors.remove(&monitor);
    }

    /// Remembers whom this actor monitors, so that its end removes the entries there.
    pub(crate) fn remember_monitoring(&self, id: ActorId, target: &Arc<Self>) {
        let mut life = lock(&self.life);
        if life.monitoring.len().is_power_of_two() {
            life.monitoring
                .retain(|_, target| target.upgrade().is_some_and(|target| !target.has_ended()));
        }
        life.monitoring.insert(id, Arc::downgrade(target));
    }

    pub(crate) fn forget_monitoring(&self, id: ActorId) {
        lock(&self.life).monitoring.remove(&id);
    }

    /// The actor is gone: tells its monitors and returns why. No outcome means it was cut off.
    pub(crate) fn finish(&self) -> ExitReason {
        let (reason, monitors, monitoring) = {
            let mut life = lock(&self.life);
            let reason = life.outcome.get_or_insert(ExitReason::Killed).clone();
            life.ended = true;
            (
                reason,
                std::mem::take(&mut life.monitors),
                std::mem::take(&mut life.monitoring),
            )
        };
        self.busy_since_ns.store(0, Ordering::Relaxed);
        self.mailbox.close();
        if let Some(&id) = self.id.get() {
            for target in monitoring.into_values().filter_map(|weak| weak.upgrade()) {
                target.remove_monitor(id);
            }
            for notice in monitors.into_values() {
                notice(Down {
                    id,
                    reason: reason.clone(),
                });
            }
        }
        self.ended.notify_waiters();
        reason
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals")
            .field("id", &self.id.get())
            .field("mailbox_depth", &self.mailbox_depth())
            .field("handled", &self.handled())
            .field("exit_reason", &self.exit_reason())
            .finish_non_exhaustive()
    }
}

/// A lock whose holder never panics half way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
