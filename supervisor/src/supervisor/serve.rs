//! The actor around the policy: it turns messages into events and verdicts into starts and stops.

use std::sync::Arc;

use tracing::{debug, error, info, warn};

use super::children::{Children, Requester};
use super::stop::KillOnDrop;
use super::{ChildCounts, ChildError, ChildInfo, StartChildError, SupervisorSpec, check_child};
use crate::actor::{Actor, ActorError};
use crate::address::{Address, Reply};
use crate::child_spec::{ChildId, ChildKind, ChildSpec};
use crate::dynamic::DynamicSpec;
use crate::error::StartFailure;
use crate::exit_reason::ExitReason;
use crate::host::ExitNotice;
pub(crate) use crate::policy::Key;
use crate::policy::{ChildState, Decision, Refusal, Verdict};
use crate::strategy::AutoShutdown;
use crate::tree::{Node, Status};

/// The messages of a supervisor.
#[derive(strum::IntoStaticStr)]
pub(crate) enum SupervisorMsg {
    /// From a child's last breath; late ones are recognised by the incarnation.
    Exited {
        key: Key,
        incarnation: u64,
        reason: ExitReason,
    },
    /// From itself, after a failed start or a back-off.
    Retry { key: Key, attempt: u64 },
    /// From a start that could not be done at once (dynamic supervisors only).
    StartFinished {
        key: Key,
        incarnation: u64,
        result: Result<KillOnDrop, StartFailure>,
    },
    /// From a stop that was asked for (dynamic supervisors only).
    StopFinished { key: Key, reason: ExitReason },
    /// From [`super::SupervisorRef::start_child`].
    StartChild {
        spec: Box<ChildSpec>,
        reply: Reply<Result<ChildInfo, StartChildError>>,
    },
    /// From [`super::SupervisorRef::terminate_child`].
    TerminateChild {
        id: ChildId,
        reply: Reply<Result<(), ChildError>>,
    },
    /// From [`super::SupervisorRef::restart_child`].
    RestartChild {
        id: ChildId,
        reply: Reply<Result<ChildInfo, ChildError>>,
    },
    /// From [`super::SupervisorRef::delete_child`].
    DeleteChild {
        id: ChildId,
        reply: Reply<Result<(), ChildError>>,
    },
    /// From [`super::SupervisorRef::which_children`].
    WhichChildren(Reply<Vec<ChildInfo>>),
    /// From [`super::SupervisorRef::count_children`].
    CountChildren(Reply<ChildCounts>),
}

/// The spec that a supervisor runs.
#[derive(Clone)]
pub(crate) enum SupervisorKind {
    Fixed(SupervisorSpec),
    Dynamic(DynamicSpec),
}

pub(crate) struct SupervisorArgs {
    pub(crate) team: SupervisorKind,
    pub(crate) node: Arc<Node>,
    pub(crate) notice: Arc<ExitNotice>,
}

pub(crate) struct SupervisorActor;

impl Actor for SupervisorActor {
    type Msg = SupervisorMsg;
    type State = Children;
    type Args = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: Address<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<Children, ActorError> {
        let mut children = Children::new(myself, &args.team, args.node, args.notice);
        if let SupervisorKind::Fixed(spec) = args.team {
            spec.check()?;
            children.start_all(spec.children).await?;
        }
        Ok(children)
    }

    async fn handle(
        &self,
        _: &Address<SupervisorMsg>,
        msg: SupervisorMsg,
        children: &mut Children,
    ) -> Result<(), ActorError> {
        match msg {
            SupervisorMsg::Exited {
                key,
                incarnation,
                reason,
            } => children.exited(key, incarnation, reason).await,
            SupervisorMsg::Retry { key, attempt } => children.retry(key, attempt).await,
            SupervisorMsg::StartFinished {
                key,
                incarnation,
                result,
            } => children.start_finished(key, incarnation, result).await,
            SupervisorMsg::StopFinished { key, reason } => children.stop_finished(key, reason),
            SupervisorMsg::StartChild { spec, reply } => children.start_child(*spec, reply).await,
            SupervisorMsg::TerminateChild { id, reply } => {
                children.terminate_child(&id, reply).await
            }
            SupervisorMsg::RestartChild { id, reply } => children.restart_child(&id, reply).await,
            SupervisorMsg::DeleteChild { id, reply } => reply.send(children.delete_child(&id)),
            SupervisorMsg::WhichChildren(reply) => reply.send(children.which_children()),
            SupervisorMsg::CountChildren(reply) => reply.send(children.count_children()),
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: &Address<SupervisorMsg>,
        children: &mut Children,
    ) -> Result<(), ActorError> {
        children.stop_all().await;
        Ok(())
    }
}

impl Children {
    async fn exited(&mut self, key: Key, incarnation: u64, reason: ExitReason) {
        if !self.take_ended(key, incarnation) {
            return;
        }
        let verdict = self.policy.exited(key, &reason, crate::clock::now());
        self.record_end(key, reason, &verdict);
        self.carry_out(verdict).await;
    }

    async fn retry(&mut self, key: Key, attempt: u64) {
        let verdict = self.policy.retry(key, attempt, crate::clock::now());
        if verdict.decision != Decision::Ignore {
            self.record_retry(key, &verdict);
            self.carry_out(verdict).await;
        }
    }

    async fn start_finished(
        &mut self,
        key: Key,
        incarnation: u64,
        result: Result<KillOnDrop, StartFailure>,
    ) {
        let state = match self.child(key) {
            Some(child) if child.incarnation == incarnation => self.policy.member(key),
            Some(_) | None => None,
        }
        .map(|member| member.state);
        match state {
            Some(ChildState::Starting) => {
                let ended = match &result {
                    Ok(alive) => alive.0.vitals.exit_reason(),
                    Err(_) => None,
                };
                if let Some(verdict) = self.settle_start(key, result) {
                    self.carry_out(verdict).await;
                }
                if let Some(reason) = ended {
                    self.exited(key, incarnation, reason).await;
                }
            }
            Some(ChildState::Stopping) => match result {
                Ok(alive) => self.stop_aside(key, alive),
                Err(_) => self.stop_finished(key, ExitReason::Shutdown),
            },
            Some(
                ChildState::Running
                | ChildState::Restarting { .. }
                | ChildState::Stopped
                | ChildState::Quarantined,
            )
            | None => {}
        }
    }

    async fn start_child(
        &mut self,
        spec: ChildSpec,
        reply: Reply<Result<ChildInfo, StartChildError>>,
    ) {
        match self.admit(spec) {
            Err(error) => reply.send(Err(error)),
            Ok(key) => self.start_for(key, Requester::First(reply)).await,
        }
    }

    fn admit(&mut self, spec: ChildSpec) -> Result<Key, StartChildError> {
        let auto_shutdown = match self.max_children {
            None => self.auto_shutdown,
            Some(_) => AutoShutdown::Never,
        };
        check_child(&spec, auto_shutdown).map_err(StartChildError::Invalid)?;
        if let Some(member) = self.key(&spec.id).and_then(|key| self.policy.member(key)) {
            return Err(match member.state {
                ChildState::Stopped | ChildState::Quarantined => StartChildError::AlreadyPresent,
                ChildState::Starting
                | ChildState::Running
                | ChildState::Restarting { .. }
                | ChildState::Stopping => StartChildError::AlreadyStarted,
            });
        }
        if self
            .max_children
            .is_some_and(|max| self.policy.len() >= max)
        {
            return Err(StartChildError::Full);
        }
        Ok(self.add(spec, None))
    }

    async fn restart_child(&mut self, id: &ChildId, reply: Reply<Result<ChildInfo, ChildError>>) {
        let asked = self
            .key(id)
            .ok_or(Refusal::NotFound)
            .and_then(|key| self.policy.request_start(key).map(|()| key));
        match asked {
            Err(refusal) => reply.send(Err(refusal.into())),
            Ok(key) => self.start_for(key, Requester::Again(reply)).await,
        }
    }

    /// A start that somebody asked for: its failure is an answer, not a matter for the policy.
    async fn start_for(&mut self, key: Key, requester: Requester) {
        self.set_requester(key, requester);
        if let Some(result) = self.launch(key).await
            && let Some(verdict) = self.settle_start(key, result)
        {
            self.carry_out(verdict).await;
        }
    }

    async fn terminate_child(&mut self, id: &ChildId, reply: Reply<Result<(), ChildError>>) {
        let Some(key) = self.key(id) else {
            reply.send(Err(ChildError::NotFound));
            return;
        };
        self.await_stop(key, reply);
        let state = self.policy.member(key).map(|member| member.state);
        match state {
            Some(ChildState::Running) => {
                self.policy.stopping(key);
                self.set_status(key, Status::Stopping);
                if let Some(alive) = self.take_alive(key) {
                    if self.max_children.is_some() {
                        self.stop_aside(key, alive);
                    } else {
                        let reason = alive.stop(self.shutdown_of(key)).await;
                        self.stop_finished(key, reason);
                    }
                }
            }
            Some(ChildState::Starting) => {
                self.policy.stopping(key);
                self.cancel_start(key);
            }
            Some(ChildState::Stopping) => {}
            Some(ChildState::Restarting { .. } | ChildState::Stopped | ChildState::Quarantined)
            | None => self.stop_finished(key, ExitReason::Shutdown),
        }
    }

    fn delete_child(&mut self, id: &ChildId) -> Result<(), ChildError> {
        let key = self.key(id).ok_or(ChildError::NotFound)?;
        self.policy.delete(key)?;
        self.forget(key);
        Ok(())
    }

    fn count_children(&self) -> ChildCounts {
        let mut counts = ChildCounts::default();
        for (key, member) in self.policy.members() {
            counts.specs += 1;
            counts.active += usize::from(member.state == ChildState::Running);
            match self.child(key).map(|child| child.spec.kind) {
                Some(ChildKind::Supervisor | ChildKind::Dynamic) => counts.supervisors += 1,
                Some(ChildKind::Actor) | None => counts.actors += 1,
            }
        }
        counts
    }
}

impl From<Refusal> for ChildError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Running => Self::Running,
            Refusal::Restarting => Self::Restarting,
        }
    }
}

/// The status that is shown of an end that no restart follows.
pub(crate) fn ended_status(reason: &ExitReason) -> Status {
    match reason {
        ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownFor(_) => Status::Stopped,
        ExitReason::Killed
        | ExitReason::Failed(_)
        | ExitReason::Panicked(_)
        | ExitReason::StartFailed(_)
        | ExitReason::IntensityExceeded { .. }
        | ExitReason::Unkillable => Status::Failed,
    }
}

/// One line per decision, with the same field names everywhere.
pub(super) fn log(child: &str, reason: &ExitReason, verdict: &Verdict) {
    let decision: &'static str = verdict.decision.into();
    let restarts_in_window = verdict.restarts_in_window;
    match verdict.decision {
        Decision::Ignore => {}
        Decision::GiveUp | Decision::Quarantine => error!(
            child,
            exit_reason = %reason,
            restarts_in_window,
            decision,
            "supervisor decision"
        ),
        Decision::Restart | Decision::BackOff | Decision::TryAgain => warn!(
            child,
            exit_reason = %reason,
            restarts_in_window,
            decision,
            "supervisor decision"
        ),
        // What ends as it should is not news.
        Decision::LeaveStopped | Decision::Forget if !reason.is_abnormal() => debug!(
            child,
            exit_reason = %reason,
            restarts_in_window,
            decision,
            "supervisor decision"
        ),
        Decision::LeaveStopped | Decision::Forget | Decision::AutoShutdown => info!(
            child,
            exit_reason = %reason,
            restarts_in_window,
            decision,
            "supervisor decision"
        ),
    }
}
