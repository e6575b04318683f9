//! The ractor actor that every actor runs in: it measures, and it knows why the actor ended.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use ractor::{ActorCell, ActorProcessingErr, ActorRef, SpawnErr};

use crate::actor::{Actor, ActorError, ActorId, Down, Label};
use crate::address::Address;
use crate::error::StartFailure;
use crate::exit_reason::{ExitReason, describe_panic};
use crate::supervisor::serve::{Key, SupervisorMsg};
use crate::turn;
use crate::vitals::Vitals;

/// An entry of the ractor mailbox.
pub(crate) struct Envelope<M> {
    pub(crate) sent_ns: u64,
    pub(crate) content: Content<M>,
}

pub(crate) enum Content<M> {
    Message(M),
    Down(Down),
}

/// The supervisor that is told of the end of an actor.
pub(crate) struct Parent {
    pub(crate) address: Address<SupervisorMsg>,
    pub(crate) key: Key,
    /// Which start of the child this is, so that late news of an earlier one is recognised.
    pub(crate) incarnation: u64,
    /// Keeps the supervisor's own end from being told before this actor's.
    pub(crate) notice: Arc<ExitNotice>,
}

/// Held by everything that belongs to one running actor: when the last holder lets go, nothing of
/// the actor or of its descendants is left, and its end is told.
pub(crate) struct ExitNotice {
    vitals: Arc<Vitals>,
    parent: Option<Parent>,
    started: AtomicBool,
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        let reason = self.vitals.finish();
        if let Some(parent) = self.parent.take()
            && *self.started.get_mut()
        {
            let _ = parent.address.cast(SupervisorMsg::Exited {
                key: parent.key,
                incarnation: parent.incarnation,
                reason,
            });
            drop(parent.notice);
        }
    }
}

/// A started actor, whatever its type.
pub(crate) struct Running {
    pub(crate) cell: ActorCell,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) address: Arc<dyn Any + Send + Sync>,
}

impl Running {
    pub(crate) fn stop(&self, reason: ExitReason) {
        self.vitals.request_stop(reason);
        self.cell.stop(None);
    }
}

/// Starts an actor and returns when its `pre_start` has.
///
/// Cancelling the future drops the half-started actor.
pub(crate) async fn spawn<A: Actor>(
    parent: Option<Parent>,
    mailbox: Option<usize>,
    make: impl FnOnce(&Arc<ExitNotice>) -> (A, A::Args),
) -> Result<(Address<A::Msg>, Running), StartFailure> {
    let vitals = Arc::new(Vitals::new(mailbox));
    let notice = Arc::new(ExitNotice {
        vitals: Arc::clone(&vitals),
        parent,
        started: AtomicBool::new(false),
    });
    let (actor, args) = catch_unwind(AssertUnwindSafe(|| make(&notice)))
        .map_err(|panic| StartFailure::Panicked(describe_panic(&*panic)))?;
    let args = HostArgs {
        actor,
        args,
        notice,
    };
    match ractor::Actor::spawn(None, Host(PhantomData::<fn() -> A>), args).await {
        Ok((actor, _)) => {
            let started = Running {
                cell: actor.get_cell(),
                vitals: Arc::clone(&vitals),
                address: Arc::new(Address::new(actor.clone(), Arc::clone(&vitals))),
            };
            Ok((Address::new(actor, vitals), started))
        }
        Err(SpawnErr::StartupFailed(error)) => Err(StartFailure::of(error)),
        Err(error @ (SpawnErr::ActorAlreadyStarted | SpawnErr::ActorAlreadyRegistered(_))) => {
            Err(StartFailure::of(error.into()))
        }
    }
}

struct Host<A>(PhantomData<fn() -> A>);

struct HostArgs<A: Actor> {
    actor: A,
    args: A::Args,
    notice: Arc<ExitNotice>,
}

/// The fields are dropped in this order: the end is told when all else is gone.
struct HostState<A: Actor> {
    state: A::State,
    actor: A,
    myself: Address<A::Msg>,
    _notice: Arc<ExitNotice>,
}

impl<A: Actor> ractor::Actor for Host<A> {
    type Msg = Envelope<A::Msg>;
    type State = HostState<A>;
    type Arguments = HostArgs<A>;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        HostArgs {
            actor,
            args,
            notice,
        }: HostArgs<A>,
    ) -> Result<HostState<A>, ActorProcessingErr> {
        let id = ActorId::of(&myself);
        notice.vitals.set_id(id);
        let subject = turn::actor_subject(id);
        let myself = Address::new(myself, Arc::clone(&notice.vitals));
        let result = outcome(subject, actor.pre_start(myself.clone(), args)).await;
        match result {
            Ok(state) => {
                notice.started.store(true, Ordering::Relaxed);
                Ok(HostState {
                    state,
                    actor,
                    myself,
                    _notice: notice,
                })
            }
            Err((reason, error)) => {
                let failure = if let ExitReason::Panicked(text) = reason {
                    StartFailure::Panicked(text)
                } else {
                    StartFailure::of(error)
                };
                let text = failure.to_string();
                notice.vitals.failed(ExitReason::StartFailed(text));
                Err(Box::new(failure))
            }
        }
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        running: &mut HostState<A>,
    ) -> Result<(), ActorProcessingErr> {
        let HostState {
            state,
            actor,
            myself,
            _notice: notice,
        } = running;
        let sent_ns = envelope.sent_ns;
        let subject = turn::actor_subject(myself.id());
        let (since_ns, result) = match envelope.content {
            Content::Message(msg) => {
                let since_ns = notice.vitals.begin(msg.label(), sent_ns);
                (
                    since_ns,
                    outcome(subject, actor.handle(myself, msg, state)).await,
                )
            }
            Content::Down(down) => {
                let since_ns = notice.vitals.begin("Down", sent_ns);
                (
                    since_ns,
                    outcome(subject, actor.handle_down(myself, down, state)).await,
                )
            }
        };
        notice.vitals.end(since_ns);
        result.map_err(|(reason, error)| {
            notice.vitals.failed(reason);
            error
        })
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        running: &mut HostState<A>,
    ) -> Result<(), ActorProcessingErr> {
        let HostState {
            state,
            actor,
            myself,
            _notice: notice,
        } = running;
        match outcome(
            turn::actor_subject(myself.id()),
            actor.post_stop(myself, state),
        )
        .await
        {
            Ok(()) => {
                notice.vitals.stopped();
                Ok(())
            }
            Err((reason, error)) => {
                notice.vitals.failed(reason);
                Err(error)
            }
        }
    }
}

/// The outcome of a callback: its value, or the typed reason with the error for ractor.
async fn outcome<T>(
    subject: u128,
    callback: impl Future<Output = Result<T, ActorError>>,
) -> Result<T, (ExitReason, ActorError)> {
    let mut callback = pin!(callback);
    let caught = poll_fn(|cx| {
        let _turn = turn::begin(subject);
        match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    match caught {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err((ExitReason::failed(&*error), error)),
        Err(panic) => {
            let text = describe_panic(&*panic);
            Err((ExitReason::Panicked(text.clone()), text.into()))
        }
    }
}
