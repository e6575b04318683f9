//! The children of one supervisor: what is started, by whom it was asked for, and what is owned.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::serve::{Key, SupervisorKind, SupervisorMsg, ended_status, log};
use super::stop::KillOnDrop;
use super::{ChildError, ChildInfo, StartChildError};
use crate::actor::ActorId;
use crate::address::{Address, Reply};
use crate::child_spec::{ChildId, ChildKind, ChildSpec, Init};
use crate::clock;
use crate::error::StartFailure;
use crate::exit_reason::ExitReason;
use crate::host::{ExitNotice, Parent};
use crate::policy::{Decision, Policy, Step, Verdict};
use crate::strategy::{AutoShutdown, Shutdown};
use crate::tree::{Node, Status};

/// The state of a supervisor. Dropping it kills whatever it owns.
pub(crate) struct Children {
    pub(super) policy: Policy,
    /// `Some` for a dynamic supervisor.
    pub(super) max_children: Option<usize>,
    pub(super) auto_shutdown: AutoShutdown,
    myself: Address<SupervisorMsg>,
    node: Arc<Node>,
    notice: Arc<ExitNotice>,
    all: HashMap<Key, Child>,
    keys: HashMap<ChildId, Key>,
    next_incarnation: u64,
    /// Starts and stops of a dynamic supervisor that are under way.
    aside: JoinSet<()>,
}

/// One child.
pub(super) struct Child {
    pub(super) spec: ChildSpec,
    pub(super) incarnation: u64,
    node: Arc<Node>,
    alive: Option<KillOnDrop>,
    /// Who asked for the start under way; `None` when the policy did.
    requester: Option<Requester>,
    cancel: Option<oneshot::Sender<()>>,
    stop_replies: Vec<Reply<Result<(), ChildError>>>,
    started_before: bool,
}

/// The requester of a start.
pub(super) enum Requester {
    First(Reply<Result<ChildInfo, StartChildError>>),
    Again(Reply<Result<ChildInfo, ChildError>>),
}

impl Children {
    pub(super) fn new(
        myself: Address<SupervisorMsg>,
        team: &SupervisorKind,
        node: Arc<Node>,
        notice: Arc<ExitNotice>,
    ) -> Self {
        let (policy, max_children, auto_shutdown) = match team {
            SupervisorKind::Fixed(spec) => (
                Policy::fixed(spec.strategy, spec.intensity, spec.auto_shutdown),
                None,
                spec.auto_shutdown,
            ),
            SupervisorKind::Dynamic(spec) => (
                Policy::dynamic(spec.intensity, spec.quarantine),
                Some(spec.max_children),
                AutoShutdown::Never,
            ),
        };
        node.set_intensity(policy.restarts(clock::now()).0);
        Self {
            policy,
            max_children,
            auto_shutdown,
            myself,
            node,
            notice,
            all: HashMap::new(),
            keys: HashMap::new(),
            next_incarnation: 0,
            aside: JoinSet::new(),
        }
    }

    /// Starts the fixed children in order; the first that fails has those before it stopped again.
    pub(super) async fn start_all(&mut self, specs: Vec<ChildSpec>) -> Result<(), StartFailure> {
        let known = self.node.take_children();
        let keys: Vec<Key> = specs
            .into_iter()
            .map(|spec| {
                let node = known
                    .iter()
                    .find(|node| node.id == spec.id && node.kind() == spec.kind)
                    .cloned();
                self.add(spec, node)
            })
            .collect();
        for key in keys {
            let result = self
                .launch(key)
                .await
                .expect("fixed children start in place");
            match result {
                Ok(alive) => self.adopt(key, alive),
                Err(what) => {
                    let id = self.all[&key].spec.id.clone();
                    self.record_start_failure(key, &what, Status::Failed);
                    self.stop_all().await;
                    return Err(StartFailure::Child {
                        id,
                        failure: Box::new(what),
                    });
                }
            }
        }
        Ok(())
    }

    /// Makes room for one more child, which is to be started now.
    pub(super) fn add(&mut self, spec: ChildSpec, known: Option<Arc<Node>>) -> Key {
        let key = self
            .policy
            .add(spec.id.clone(), spec.restart, spec.significant);
        let started_before = known.is_some();
        let node = known.unwrap_or_else(|| {
            let (intensity, _) = self.policy.restarts(clock::now());
            self.node.below(spec.id.clone(), spec.kind, intensity)
        });
        self.node.insert(key, Arc::clone(&node));
        self.keys.insert(spec.id.clone(), key);
        self.all.insert(
            key,
            Child {
                spec,
                incarnation: 0,
                node,
                alive: None,
                requester: None,
                cancel: None,
                stop_replies: Vec::new(),
                started_before,
            },
        );
        key
    }

    /// Does what was decided, step by step.
    pub(super) async fn carry_out(&mut self, verdict: Verdict) {
        let mut next = Some(verdict);
        while let Some(verdict) = next.take() {
            for step in verdict.steps {
                next = self.carry_out_step(step).await;
                if next.is_some() {
                    break;
                }
            }
            if let Some(reason) = verdict.end {
                self.myself.stop(reason);
            }
        }
    }

    async fn carry_out_step(&mut self, step: Step) -> Option<Verdict> {
        match step {
            Step::Stop(key) => {
                self.stop_in_place(key).await;
                None
            }
            Step::Start(key) => {
                let result = self.launch(key).await?;
                self.settle_start(key, result)
            }
            Step::Forget(key) => {
                self.forget(key);
                None
            }
            Step::Retry {
                key,
                attempt,
                after,
            } => {
                let retry = SupervisorMsg::Retry { key, attempt };
                if after.is_zero() {
                    let _ = self.myself.cast(retry);
                } else {
                    let _ = self.myself.send_after(after, retry);
                }
                None
            }
        }
    }

    /// Starts a child. Fixed children start in place; a dynamic one that is not ready at once goes
    /// on aside, and `None` means that [`SupervisorMsg::StartFinished`] will follow.
    pub(super) async fn launch(&mut self, key: Key) -> Option<Result<KillOnDrop, StartFailure>> {
        while self.aside.try_join_next().is_some() {}
        self.next_incarnation += 1;
        let incarnation = self.next_incarnation;
        let notice = Arc::clone(&self.notice);
        let child = self.all.get_mut(&key)?;
        child.incarnation = incarnation;
        child.node.set_status(Status::Starting);
        if std::mem::replace(&mut child.started_before, true) {
            child.node.count_start_again();
        }
        let mut starting = Box::pin(child.spec.start(Init {
            node: Arc::clone(&child.node),
            parent: Some(Parent {
                address: self.myself.clone(),
                key,
                incarnation,
                notice,
            }),
            mailbox: None,
        }));
        if self.max_children.is_none() {
            return Some(starting.await.map(KillOnDrop));
        }
        let mut at_once = Context::from_waker(Waker::noop());
        if let Poll::Ready(result) = starting.as_mut().poll(&mut at_once) {
            return Some(result.map(KillOnDrop));
        }
        let (cancel, cancelled) = oneshot::channel();
        child.cancel = Some(cancel);
        let myself = self.myself.clone();
        self.aside.spawn(async move {
            let result = tokio::select! {
                result = starting => result.map(KillOnDrop),
                Ok(()) = cancelled => Err(StartFailure::Terminated),
            };
            let _ = myself.cast(SupervisorMsg::StartFinished {
                key,
                incarnation,
                result,
            });
        });
        None
    }

    /// Takes the outcome of a start to whoever asked for it; the policy's own failures make a verdict.
    pub(super) fn settle_start(
        &mut self,
        key: Key,
        result: Result<KillOnDrop, StartFailure>,
    ) -> Option<Verdict> {
        let requester = self.all.get_mut(&key)?.requester.take();
        match (result, requester) {
            (Ok(alive), requester) => {
                self.adopt(key, alive);
                let info = self.info(key)?;
                match requester {
                    Some(Requester::First(reply)) => reply.send(Ok(info)),
                    Some(Requester::Again(reply)) => reply.send(Ok(info)),
                    None => {}
                }
                None
            }
            (Err(what), None) => {
                let reason = self.record_start_failure(key, &what, Status::Restarting);
                let verdict = self.policy.start_failed(key, reason.clone());
                log(self.all[&key].node.path(), &reason, &verdict);
                Some(verdict)
            }
            (Err(what), Some(Requester::First(reply))) => {
                self.policy.remove(key);
                self.forget(key);
                reply.send(Err(StartChildError::Failed(what)));
                None
            }
            (Err(what), Some(Requester::Again(reply))) => {
                self.policy.start_refused(key);
                self.record_start_failure(key, &what, Status::Failed);
                reply.send(Err(ChildError::Failed(what)));
                None
            }
        }
    }

    fn adopt(&mut self, key: Key, alive: KillOnDrop) {
        self.policy.started(key);
        if let Some(child) = self.all.get_mut(&key) {
            let address = alive.0.address.downcast_ref::<Address<SupervisorMsg>>();
            child.node.running(&alive.0.vitals, address.cloned());
            child.alive = Some(alive);
            child.cancel = None;
        }
    }

    fn record_start_failure(&self, key: Key, what: &StartFailure, status: Status) -> ExitReason {
        let reason = ExitReason::StartFailed(what.to_string());
        if let Some(child) = self.all.get(&key) {
            child.node.ended(reason.clone(), status);
        }
        reason
    }

    /// Lets go of a child that ended; false for late news of one already replaced or stopped.
    pub(super) fn take_ended(&mut self, key: Key, incarnation: u64) -> bool {
        self.all
            .get_mut(&key)
            .filter(|child| child.incarnation == incarnation)
            .and_then(|child| child.alive.take())
            .is_some()
    }

    /// Writes an end and what was decided into tree and log, before it is carried out.
    pub(super) fn record_end(&self, key: Key, reason: ExitReason, verdict: &Verdict) {
        let Some(child) = self.all.get(&key) else {
            return;
        };
        log(child.node.path(), &reason, verdict);
        let status = match verdict.decision {
            Decision::Restart | Decision::BackOff | Decision::TryAgain => Status::Restarting,
            Decision::Quarantine => Status::Quarantined,
            Decision::GiveUp => Status::Failed,
            Decision::Ignore
            | Decision::LeaveStopped
            | Decision::Forget
            | Decision::AutoShutdown => ended_status(&reason),
        };
        child.node.ended(reason, status);
        self.count_restart(child, verdict);
    }

    pub(super) fn record_retry(&self, key: Key, verdict: &Verdict) {
        let Some(child) = self.all.get(&key) else {
            return;
        };
        match verdict.decision {
            Decision::Quarantine => child.node.set_status(Status::Quarantined),
            Decision::GiveUp => child.node.set_status(Status::Failed),
            Decision::Restart
            | Decision::BackOff
            | Decision::TryAgain
            | Decision::Ignore
            | Decision::LeaveStopped
            | Decision::Forget
            | Decision::AutoShutdown => {}
        }
        if verdict.restarts_in_window > 0
            && let Some(reason) = child.node.last_exit()
        {
            log(child.node.path(), &reason, verdict);
        }
        self.count_restart(child, verdict);
    }

    fn count_restart(&self, child: &Child, verdict: &Verdict) {
        if verdict.restarts_in_window > 0 {
            let now = clock::now();
            self.node.count_restart(now);
            if child.spec.kind == ChildKind::Actor {
                child.node.count_restart(now);
            }
        }
    }

    async fn stop_in_place(&mut self, key: Key) {
        let Some(alive) = self.take_alive(key) else {
            return;
        };
        self.set_status(key, Status::Stopping);
        let reason = alive.stop(self.shutdown_of(key)).await;
        if let Some(child) = self.all.get(&key) {
            child.node.ended(reason, Status::Stopped);
        }
    }

    /// Stops a child of a dynamic supervisor without holding up the others.
    pub(super) fn stop_aside(&mut self, key: Key, alive: KillOnDrop) {
        let myself = self.myself.clone();
        let shutdown = self.shutdown_of(key);
        self.aside.spawn(async move {
            let reason = alive.stop(shutdown).await;
            drop(alive);
            let _ = myself.cast(SupervisorMsg::StopFinished { key, reason });
        });
    }

    /// A stop by request is done.
    pub(super) fn stop_finished(&mut self, key: Key, reason: ExitReason) {
        let kept = self.policy.stopped(key);
        let Some(child) = self.all.get_mut(&key) else {
            return;
        };
        let replies = std::mem::take(&mut child.stop_replies);
        match child.requester.take() {
            Some(Requester::First(reply)) => {
                reply.send(Err(StartChildError::Failed(StartFailure::Terminated)));
            }
            Some(Requester::Again(reply)) => {
                reply.send(Err(ChildError::Failed(StartFailure::Terminated)));
            }
            None => {}
        }
        if kept {
            child.node.ended(reason, Status::Stopped);
        } else {
            self.forget(key);
        }
        for reply in replies {
            reply.send(Ok(()));
        }
    }

    /// Stops all children: fixed ones one by one in reverse start order, dynamic ones side by side.
    pub(super) async fn stop_all(&mut self) {
        if self.max_children.is_none() {
            let keys: Vec<Key> = self.policy.members().map(|(key, _)| key).collect();
            for key in keys.into_iter().rev() {
                self.stop_in_place(key).await;
            }
            return;
        }
        for child in self.all.values_mut() {
            if let Some(cancel) = child.cancel.take() {
                let _ = cancel.send(());
            }
        }
        let keys: Vec<Key> = self.all.keys().copied().collect();
        for key in keys {
            if let Some(alive) = self.take_alive(key) {
                self.set_status(key, Status::Stopping);
                self.stop_aside(key, alive);
            }
        }
        while self.aside.join_next().await.is_some() {}
        for key in std::mem::take(&mut self.all).into_keys() {
            self.node.remove(key);
        }
    }

    pub(super) fn which_children(&self) -> Vec<ChildInfo> {
        let members = self.policy.members();
        members.filter_map(|(key, _)| self.info(key)).collect()
    }

    fn info(&self, key: Key) -> Option<ChildInfo> {
        let child = self.all.get(&key)?;
        let alive = child.alive.as_ref().map(|alive| &alive.0);
        Some(ChildInfo {
            id: child.spec.id.clone(),
            actor: alive.map(|started| ActorId::of(&started.cell)),
            kind: child.spec.kind,
            restart: child.spec.restart,
            status: child.node.status(),
            node: Arc::clone(&child.node),
            address: alive.map(|started| Arc::clone(&started.address)),
        })
    }

    pub(super) fn forget(&mut self, key: Key) {
        self.node.remove(key);
        if let Some(child) = self.all.remove(&key) {
            self.keys.remove(&child.spec.id);
        }
    }

    pub(super) fn key(&self, id: &ChildId) -> Option<Key> {
        self.keys.get(id).copied()
    }

    pub(super) fn child(&self, key: Key) -> Option<&Child> {
        self.all.get(&key)
    }

    pub(super) fn take_alive(&mut self, key: Key) -> Option<KillOnDrop> {
        self.all.get_mut(&key)?.alive.take()
    }

    pub(super) fn shutdown_of(&self, key: Key) -> Shutdown {
        self.all
            .get(&key)
            .map_or(Shutdown::BrutalKill, |child| child.spec.shutdown)
    }

    pub(super) fn set_status(&self, key: Key, status: Status) {
        if let Some(child) = self.all.get(&key) {
            child.node.set_status(status);
        }
    }

    pub(super) fn set_requester(&mut self, key: Key, requester: Requester) {
        if let Some(child) = self.all.get_mut(&key) {
            child.requester = Some(requester);
        }
    }

    pub(super) fn await_stop(&mut self, key: Key, reply: Reply<Result<(), ChildError>>) {
        if let Some(child) = self.all.get_mut(&key) {
            child.stop_replies.push(reply);
        }
    }

    pub(super) fn cancel_start(&mut self, key: Key) {
        if let Some(child) = self.all.get_mut(&key)
            && let Some(cancel) = child.cancel.take()
        {
            let _ = cancel.send(());
        }
    }
}
