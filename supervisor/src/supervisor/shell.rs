//! The actor around the policy: it turns messages into events and verdicts into starts and stops.

use std::sync::Arc;

use tracing::{debug, error, info, warn};

use super::crew::{Crew, Origin};
use super::stop::Alive;
use super::{ChildCounts, ChildError, ChildInfo, StartChildError, SupervisorSpec, check_child};
use crate::actor::{Actor, ActorError};
use crate::address::{Address, Reply};
use crate::body::Life;
use crate::child_spec::{ChildId, ChildKind, ChildSpec};
use crate::dynamic::DynamicSpec;
use crate::exit_reason::ExitReason;
pub(crate) use crate::policy::Key;
use crate::policy::{Decision, Refusal, Standing, Verdict};
use crate::strategy::AutoShutdown;
use crate::tree::{Node, Status};

/// What a supervisor is sent.
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
        result: Result<Alive, String>,
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

/// What a supervisor runs.
#[derive(Clone)]
pub(crate) enum Team {
    Fixed(SupervisorSpec),
    Dynamic(DynamicSpec),
}

pub(crate) struct ShellArgs {
    pub(crate) team: Team,
    pub(crate) node: Arc<Node>,
    pub(crate) life: Arc<Life>,
}

pub(crate) struct Shell;

impl Actor for Shell {
    type Msg = SupervisorMsg;
    type State = Crew;
    type Args = ShellArgs;

    async fn pre_start(
        &self,
        myself: Address<SupervisorMsg>,
        args: ShellArgs,
    ) -> Result<Crew, ActorError> {
        let mut crew = Crew::new(myself, &args.team, args.node, args.life);
        if let Team::Fixed(spec) = args.team {
            spec.check()?;
            crew.start_all(spec.children).await?;
        }
        Ok(crew)
    }

    async fn handle(
        &self,
        _: &Address<SupervisorMsg>,
        msg: SupervisorMsg,
        crew: &mut Crew,
    ) -> Result<(), ActorError> {
        match msg {
            SupervisorMsg::Exited {
                key,
                incarnation,
                reason,
            } => crew.exited(key, incarnation, reason).await,
            SupervisorMsg::Retry { key, attempt } => crew.retry(key, attempt).await,
            SupervisorMsg::StartFinished {
                key,
                incarnation,
                result,
            } => crew.start_finished(key, incarnation, result).await,
            SupervisorMsg::StopFinished { key, reason } => crew.stop_finished(key, reason),
            SupervisorMsg::StartChild { spec, reply } => crew.start_child(*spec, reply).await,
            SupervisorMsg::TerminateChild { id, reply } => crew.terminate_child(&id, reply).await,
            SupervisorMsg::RestartChild { id, reply } => crew.restart_child(&id, reply).await,
            SupervisorMsg::DeleteChild { id, reply } => reply.send(crew.delete_child(&id)),
            SupervisorMsg::WhichChildren(reply) => reply.send(crew.which_children()),
            SupervisorMsg::CountChildren(reply) => reply.send(crew.count_children()),
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: &Address<SupervisorMsg>,
        crew: &mut Crew,
    ) -> Result<(), ActorError> {
        crew.stop_all().await;
        Ok(())
    }
}

impl Crew {
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

    async fn start_finished(&mut self, key: Key, incarnation: u64, result: Result<Alive, String>) {
        let standing = match self.slot(key) {
            Some(slot) if slot.incarnation == incarnation => self.policy.member(key),
            Some(_) | None => None,
        }
        .map(|member| member.standing);
        match standing {
            Some(Standing::Starting) => {
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
            Some(Standing::Stopping) => match result {
                Ok(alive) => self.stop_aside(key, alive),
                Err(_) => self.stop_finished(key, ExitReason::Shutdown),
            },
            Some(
                Standing::Running
                | Standing::Restarting { .. }
                | Standing::Stopped
                | Standing::Quarantined,
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
            Ok(key) => self.start_for(key, Origin::First(reply)).await,
        }
    }

    fn admit(&mut self, spec: ChildSpec) -> Result<Key, StartChildError> {
        let auto_shutdown = match self.max_children {
            None => self.auto_shutdown,
            Some(_) => AutoShutdown::Never,
        };
        check_child(&spec, auto_shutdown).map_err(StartChildError::Invalid)?;
        if let Some(member) = self.key(&spec.id).and_then(|key| self.policy.member(key)) {
            return Err(match member.standing {
                Standing::Stopped | Standing::Quarantined => StartChildError::AlreadyPresent,
                Standing::Starting
                | Standing::Running
                | Standing::Restarting { .. }
                | Standing::Stopping => StartChildError::AlreadyStarted,
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
            Ok(key) => self.start_for(key, Origin::Again(reply)).await,
        }
    }

    /// A start that somebody asked for: its failure is an answer, not a matter for the policy.
    async fn start_for(&mut self, key: Key, origin: Origin) {
        self.set_origin(key, origin);
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
        let standing = self.policy.member(key).map(|member| member.standing);
        match standing {
            Some(Standing::Running) => {
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
            Some(Standing::Starting) => {
                self.policy.stopping(key);
                self.cancel_start(key);
            }
            Some(Standing::Stopping) => {}
            Some(Standing::Restarting { .. } | Standing::Stopped | Standing::Quarantined)
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
            counts.active += usize::from(member.standing == Standing::Running);
            match self.slot(key).map(|slot| slot.spec.kind) {
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

/// How an end that no restart follows is shown.
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
