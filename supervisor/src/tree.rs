//! The tree of supervised actors, written by supervisors and read by anyone without asking an actor.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::child_spec::{ChildId, ChildKind};
use crate::clock;
use crate::exit_reason::ExitReason;
use crate::intensity::Intensity;
use crate::supervisor::serve::{Key, SupervisorMsg};
use crate::vitals::{Busy, Vitals, lock};

#[cfg(test)]
mod tests;

/// The number of past ends that are kept per child.
pub const EXITS_KEPT: usize = 8;

/// A shared view of one supervision tree; cheap to clone.
#[derive(Clone, Default)]
pub struct Tree {
    root: Arc<Mutex<Option<Arc<Node>>>>,
}

/// The status of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Its `pre_start` runs.
    Starting,
    /// It runs.
    Running,
    /// It ended, and waits for its back-off or for another try.
    Restarting,
    /// It was told to stop.
    Stopping,
    /// It ended as it should and is not restarted.
    Stopped,
    /// It ended abnormally, or gave up, and is not restarted.
    Failed,
    /// It alone exceeded its intensity ([`crate::DynamicSpec::quarantine`]).
    Quarantined,
}

/// A past end of a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastExit {
    /// Why it ended.
    pub reason: ExitReason,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
}

/// The pulse of an actor: the work that it has, and how much of it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Messages handled since its last start.
    pub handled: u64,
    /// What it is handling now.
    pub busy: Option<Busy>,
    /// Messages that wait.
    pub waiting: usize,
}

/// One actor or supervisor as it is now, with all below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeNode {
    /// Its name within its supervisor.
    pub id: String,
    /// The names from the root down, joined by `/`.
    pub path: String,
    /// What it is.
    pub kind: ChildKind,
    /// Where it stands.
    pub status: Status,
    /// How long it has stood there, in milliseconds.
    pub since_ms: u64,
    /// For a supervisor: restarts of its children within its period. For an actor: its own
    /// restarts within its supervisor's period.
    pub restarts_in_window: u32,
    /// The limit for `restarts_in_window`.
    pub max_restarts: u32,
    /// The length of the window, in milliseconds.
    pub period_ms: u64,
    /// How often it was started again since its child spec was added.
    pub restarts_total: u64,
    /// Its last ends, at most [`EXITS_KEPT`], oldest first.
    pub exits: Vec<PastExit>,
    /// Messages that wait.
    pub mailbox_depth: usize,
    /// How long the oldest of them has waited, in milliseconds.
    pub oldest_message_ms: Option<u64>,
    /// Messages handled since its last start.
    pub handled: u64,
    /// Half of them took at most this, in microseconds, within 20 %.
    pub handler_p50_us: u64,
    /// 99 % of them took at most this, in microseconds, within 20 %.
    pub handler_p99_us: u64,
    /// What it is handling now.
    pub busy: Option<Busy>,
    /// What it says about itself.
    pub details: Vec<(String, String)>,
    /// What is below it, in start order.
    pub children: Vec<TreeNode>,
}

impl Tree {
    /// An empty tree, for one root supervisor.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole tree as it is now; `None` before the root is started.
    #[must_use]
    pub fn snapshot(&self) -> Option<TreeNode> {
        let root = lock(&self.root).clone()?;
        Some(root.snapshot(clock::now()))
    }

    /// The part of the tree at and below this path, such as `root/sessions/a`; `None` if nothing is there.
    #[must_use]
    pub fn snapshot_under(&self, path: &str) -> Option<TreeNode> {
        let node = self.find(path)?;
        Some(node.snapshot(clock::now()))
    }

    /// The pulse of the actor or supervisor at this path; `None` if nothing runs there. Cheap, whatever is below it.
    #[must_use]
    pub fn pulse(&self, path: &str) -> Option<Pulse> {
        let node = self.find(path)?;
        let vitals = lock(&node.record).vitals.clone()?;
        Some(Pulse {
            handled: vitals.handled(),
            busy: vitals.busy(),
            waiting: vitals.mailbox_depth(),
        })
    }

    /// The path of the actor or supervisor whose turns have this subject ([`crate::actor_subject`]), with what it is handling.
    #[must_use]
    pub fn running_as(&self, subject: u128) -> Option<String> {
        let root = lock(&self.root).clone()?;
        root.running_as(subject)
    }

    fn find(&self, path: &str) -> Option<Arc<Node>> {
        let root = lock(&self.root).clone()?;
        let mut names = path.split('/');
        if names.next() != Some(root.id.as_str()) {
            return None;
        }
        names.try_fold(root, |node, name| node.child(name))
    }

    /// Takes the place of a root that has ended; false while one lives.
    pub(crate) fn plant(&self, node: &Arc<Node>) -> bool {
        let mut root = lock(&self.root);
        let free = root.as_ref().is_none_or(|old| old.has_ended());
        if free {
            *root = Some(Arc::clone(node));
        }
        free
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tree").field(&self.snapshot()).finish()
    }
}

/// A place in the tree. Written by the supervisor above it, except for `children`, which it fills itself.
pub(crate) struct Node {
    pub(crate) id: ChildId,
    path: String,
    kind: ChildKind,
    record: Mutex<Record>,
    children: Mutex<BTreeMap<Key, Arc<Node>>>,
}

struct Record {
    status: Status,
    since: Duration,
    intensity: Intensity,
    restarts: VecDeque<Duration>,
    restarts_total: u64,
    exits: VecDeque<(ExitReason, Duration)>,
    vitals: Option<Arc<Vitals>>,
    supervisor: Option<Address<SupervisorMsg>>,
}

impl Node {
    pub(crate) fn root(id: ChildId, kind: ChildKind) -> Arc<Self> {
        let path = id.as_str().to_owned();
        Arc::new(Self::new(id, path, kind, Intensity::default()))
    }

    pub(crate) fn below(&self, id: ChildId, kind: ChildKind, intensity: Intensity) -> Arc<Self> {
        let path = format!("{}/{id}", self.path);
        Arc::new(Self::new(id, path, kind, intensity))
    }

    fn new(id: ChildId, path: String, kind: ChildKind, intensity: Intensity) -> Self {
        Self {
            id,
            path,
            kind,
            record: Mutex::new(Record {
                status: Status::Starting,
                since: clock::now(),
                intensity,
                restarts: VecDeque::new(),
                restarts_total: 0,
                exits: VecDeque::new(),
                vitals: None,
                supervisor: None,
            }),
            children: Mutex::default(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn kind(&self) -> ChildKind {
        self.kind
    }

    pub(crate) fn child(&self, id: &str) -> Option<Arc<Self>> {
        let children = lock(&self.children);
        children
            .values()
            .find(|child| child.id.as_str() == id)
            .cloned()
    }

    fn running_as(&self, subject: u128) -> Option<String> {
        let vitals = lock(&self.record).vitals.clone();
        if let Some(vitals) = vitals.filter(|vitals| vitals.is_subject(subject)) {
            return Some(match vitals.busy() {
                Some(busy) => format!("{} ({} for {} ms)", self.path, busy.label, busy.for_ms),
                None => self.path.clone(),
            });
        }
        let children: Vec<_> = lock(&self.children).values().cloned().collect();
        children.iter().find_map(|child| child.running_as(subject))
    }

    pub(crate) fn insert(&self, key: Key, child: Arc<Self>) {
        lock(&self.children).insert(key, child);
    }

    pub(crate) fn remove(&self, key: Key) {
        lock(&self.children).remove(&key);
    }

    /// Empties the place for a new start of its supervisor; the old children keep their history.
    pub(crate) fn take_children(&self) -> Vec<Arc<Self>> {
        std::mem::take(&mut *lock(&self.children))
            .into_values()
            .collect()
    }

    pub(crate) fn status(&self) -> Status {
        lock(&self.record).status
    }

    pub(crate) fn set_status(&self, status: Status) {
        let mut record = lock(&self.record);
        record.status = status;
        record.since = clock::now();
    }

    pub(crate) fn running(&self, vitals: &Arc<Vitals>, supervisor: Option<Address<SupervisorMsg>>) {
        let mut record = lock(&self.record);
        record.status = Status::Running;
        record.since = clock::now();
        record.vitals = Some(Arc::clone(vitals));
        record.supervisor = supervisor;
    }

    pub(crate) fn ended(&self, reason: ExitReason, status: Status) {
        let mut record = lock(&self.record);
        let now = clock::now();
        if record.exits.len() == EXITS_KEPT {
            record.exits.pop_front();
        }
        record.exits.push_back((reason, now));
        record.status = status;
        record.since = now;
        record.vitals = None;
        record.supervisor = None;
    }

    /// The intensity a supervisor runs with; for an actor, that of its supervisor.
    pub(crate) fn set_intensity(&self, intensity: Intensity) {
        lock(&self.record).intensity = intensity;
    }

    /// Counts a restart in the window that is shown here.
    pub(crate) fn count_restart(&self, now: Duration) {
        let mut record = lock(&self.record);
        let period = record.intensity.period;
        record.restarts.push_back(now);
        while let Some(&oldest) = record.restarts.front() {
            if now.saturating_sub(oldest) <= period {
                break;
            }
            record.restarts.pop_front();
        }
    }

    pub(crate) fn count_start_again(&self) {
        lock(&self.record).restarts_total += 1;
    }

    pub(crate) fn supervisor(&self) -> Option<Address<SupervisorMsg>> {
        lock(&self.record).supervisor.clone()
    }

    /// The reason for its last end.
    pub(crate) fn last_exit(&self) -> Option<ExitReason> {
        let record = lock(&self.record);
        record.exits.back().map(|(reason, _)| reason.clone())
    }

    fn has_ended(&self) -> bool {
        let record = lock(&self.record);
        if let Some(vitals) = &record.vitals {
            return vitals.has_ended();
        }
        match record.status {
            Status::Stopped | Status::Failed => true,
            Status::Starting
            | Status::Running
            | Status::Restarting
            | Status::Stopping
            | Status::Quarantined => false,
        }
    }

    fn snapshot(&self, now: Duration) -> TreeNode {
        let children: Vec<_> = lock(&self.children).values().cloned().collect();
        let (mut node, vitals) = self.own_snapshot(now);
        if let Some(vitals) = vitals {
            node.mailbox_depth = vitals.mailbox_depth();
            node.oldest_message_ms = vitals.oldest_message_age().map(clock::as_ms);
            node.handled = vitals.handled();
            if node.handled > 0 {
                node.handler_p50_us = as_us(vitals.handler_time_p50());
                node.handler_p99_us = as_us(vitals.handler_time_p99());
            }
            node.busy = vitals.busy();
            node.details = vitals
                .details()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
        }
        node.children = children.iter().map(|child| child.snapshot(now)).collect();
        node
    }

    fn own_snapshot(&self, now: Duration) -> (TreeNode, Option<Arc<Vitals>>) {
        let record = lock(&self.record);
        let age_ms = |at: Duration| clock::as_ms(now.saturating_sub(at));
        let recent = record
            .restarts
            .iter()
            .filter(|&&at| now.saturating_sub(at) <= record.intensity.period)
            .count();
        let node = TreeNode {
            id: self.id.as_str().to_owned(),
            path: self.path.clone(),
            kind: self.kind,
            status: record.status,
            since_ms: age_ms(record.since),
            restarts_in_window: u32::try_from(recent).unwrap_or(u32::MAX),
            max_restarts: record.intensity.max_restarts,
            period_ms: clock::as_ms(record.intensity.period),
            restarts_total: record.restarts_total,
            exits: record
                .exits
                .iter()
                .map(|(reason, at)| PastExit {
                    reason: reason.clone(),
                    age_ms: age_ms(*at),
                })
                .collect(),
            mailbox_depth: 0,
            oldest_message_ms: None,
            handled: 0,
            handler_p50_us: 0,
            handler_p99_us: 0,
            busy: None,
            details: Vec::new(),
            children: Vec::new(),
        };
        (node, record.vitals.clone())
    }
}

fn as_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
