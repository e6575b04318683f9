//! The typed reference to a running actor: every message to it goes through here.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{ActorCell, ActorRef};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use crate::actor::{ActorId, Down};
use crate::exit_reason::ExitReason;
use crate::host::{Content, Envelope};
use crate::vitals::{Vitals, lock};

/// A reference to one running actor; cheap to clone.
///
/// It stays with that one: after a restart there is a new address ([`AddressSlot`] always has the
/// current one).
pub struct Address<M: Send + 'static> {
    actor: ActorRef<Envelope<M>>,
    vitals: Arc<Vitals>,
}

/// The reason why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The actor has ended.
    #[error("the actor has ended")]
    Ended,
    /// As many messages wait for it as may ([`crate::ChildSpec::mailbox`]).
    #[error("the actor's mailbox is full")]
    Full,
}

/// A call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The actor ended, or dropped the call without an answer.
    #[error("the actor ended before it answered")]
    Gone,
    /// As many messages wait for it as may ([`crate::ChildSpec::mailbox`]): this one was not delivered.
    #[error("the actor's mailbox is full")]
    Full,
    /// No answer within the limit. The message may still be handled later.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
}

/// The way back for the answer to a call.
#[derive(Debug)]
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    /// A reply and where its answer arrives, for programs that make their own calls.
    #[must_use]
    pub fn channel() -> (Self, oneshot::Receiver<R>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers. A caller that no longer waits is ignored.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }

    /// True if nobody waits for the answer any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// A message that will be sent later. Dropping this does not cancel it.
#[derive(Clone, Debug)]
#[must_use = "without it the timer cannot be cancelled"]
pub struct Timer(AbortHandle);

impl Timer {
    /// Cancels the message if it has not been sent yet.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

impl<M: Send + 'static> Address<M> {
    pub(crate) fn new(actor: ActorRef<Envelope<M>>, vitals: Arc<Vitals>) -> Self {
        Self { actor, vitals }
    }

    /// Sends a message without waiting for it to be handled.
    ///
    /// `Ok` means delivered to the mailbox; a stop or crash may still come before it is handled.
    ///
    /// # Errors
    /// [`SendError::Ended`]: look up its successor, or give up. [`SendError::Full`]: try later, or refuse what asked for it.
    pub fn cast(&self, msg: M) -> Result<(), SendError> {
        self.deliver(Content::Message(msg))
    }

    /// Sends a message with a [`Reply`] in it and awaits the answer.
    ///
    /// Cancelling the future forgets the answer; the message is handled all the same.
    ///
    /// # Errors
    /// [`CallError::Gone`]: the actor ended or did not answer. [`CallError::Full`]: too many wait already. [`CallError::Timeout`]: it is
    /// too busy; whether it will still handle the message is unknown.
    pub async fn call<R>(
        &self,
        make: impl FnOnce(Reply<R>) -> M,
        limit: Duration,
    ) -> Result<R, CallError> {
        let (reply, answer) = Reply::channel();
        self.cast(make(reply)).map_err(|error| match error {
            SendError::Ended => CallError::Gone,
            SendError::Full => CallError::Full,
        })?;
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(|_| CallError::Gone),
            Err(_) => Err(CallError::Timeout(limit)),
        }
    }

    /// Sends a message after a delay, unless the actor ends first.
    ///
    /// Must be called within a tokio runtime.
    pub fn send_after(&self, delay: Duration, msg: M) -> Timer {
        let address = self.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => {
                    let _ = address.cast(msg);
                }
                _ = address.vitals.wait_ended() => {}
            }
        });
        Timer(task.abort_handle())
    }

    /// The actor's id, unique within the process and never used again.
    #[must_use]
    pub fn id(&self) -> ActorId {
        ActorId::of(&self.actor)
    }

    /// True if the actor has not ended yet; one that is stopping still lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.vitals.has_ended()
    }

    /// Asks the actor to stop after the message it is handling; waiting messages are dropped.
    ///
    /// It ends with `reason`, or with what went wrong in its `post_stop`. Its supervisor decides as
    /// for any end: stopping a permanent child restarts it.
    pub fn stop(&self, reason: ExitReason) {
        self.vitals.request_stop(reason);
        self.actor.stop(None);
    }

    /// Ends the actor at its next await; it ends with [`ExitReason::Killed`].
    ///
    /// Code that blocks its thread is not interrupted.
    pub fn kill(&self) {
        self.actor.kill();
    }

    /// Asks for [`crate::Actor::handle_down`] at this actor when `target` has ended.
    ///
    /// Exactly one notice follows `true`. Unlike Erlang's, a monitor of an actor that has already
    /// ended gives no notice: `false` says so at once. Monitoring twice is the same as once.
    pub fn monitor<N: Send + 'static>(&self, target: &Address<N>) -> bool {
        let myself = self.clone();
        self.vitals.remember_monitoring(target.id(), &target.vitals);
        let notice = Box::new(move |down: Down| {
            myself.vitals.forget_monitoring(down.id);
            let _ = myself.deliver(Content::Down(down));
        });
        let alive = target.vitals.add_monitor(self.id(), notice);
        if !alive {
            self.vitals.forget_monitoring(target.id());
        }
        alive
    }

    /// Takes the monitor back. A notice that is already in the mailbox still arrives.
    pub fn unmonitor<N: Send + 'static>(&self, target: &Address<N>) {
        target.vitals.remove_monitor(self.id());
        self.vitals.forget_monitoring(target.id());
    }

    /// Its measurements, also after its end.
    #[must_use]
    pub fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }

    /// Replaces what the tree shows about this actor, such as a pid or a command.
    pub fn set_details(&self, details: Vec<(&'static str, String)>) {
        self.vitals.set_details(details);
    }

    /// The ractor actor underneath. Messages sent to it directly are refused, as their type is
    /// private; a `stop` there ends the actor with [`ExitReason::Normal`].
    #[must_use]
    pub fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    fn deliver(&self, content: Content<M>) -> Result<(), SendError> {
        let bounded = matches!(content, Content::Message(_));
        let sent_ns = self.vitals.message_sent(bounded).ok_or(SendError::Full)?;
        self.actor
            .send_message(Envelope { sent_ns, content })
            .map_err(|_| {
                self.vitals.message_refused();
                SendError::Ended
            })
    }
}

impl<M: Send + 'static> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self {
            actor: self.actor.clone(),
            vitals: Arc::clone(&self.vitals),
        }
    }
}

impl<M: Send + 'static> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.id())
    }
}

/// The place where the current address of a supervised actor is found, whatever restarts it has behind it.
///
/// A cheap shared cell: give one clone to [`crate::ChildSpec::actor_in`] and keep others.
pub struct AddressSlot<M: Send + 'static>(Arc<Current<M>>);

struct Current<M: Send + 'static> {
    address: Mutex<Option<Address<M>>>,
    replaced: Notify,
}

impl<M: Send + 'static> AddressSlot<M> {
    /// An empty slot.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Current {
            address: Mutex::new(None),
            replaced: Notify::new(),
        }))
    }

    /// The address, if the actor lives at this moment.
    #[must_use]
    pub fn get(&self) -> Option<Address<M>> {
        lock(&self.0.address).clone().filter(Address::is_alive)
    }

    /// The address of the actor that lives, waited for while there is none; one with this id is not meant.
    ///
    /// For ever when no actor is started any more: give it a limit, or something else to wait for.
    pub async fn next_after(&self, ended: Option<ActorId>) -> Address<M> {
        loop {
            // Before the look: what is put there afterwards wakes this.
            let replaced = self.0.replaced.notified();
            let found = self.get().filter(|found| Some(found.id()) != ended);
            if let Some(address) = found {
                return address;
            }
            replaced.await;
        }
    }

    pub(crate) fn set(&self, address: Address<M>) {
        *lock(&self.0.address) = Some(address);
        self.0.replaced.notify_waiters();
    }
}

impl<M: Send + 'static> Default for AddressSlot<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Send + 'static> Clone for AddressSlot<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Send + 'static> fmt::Debug for AddressSlot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AddressSlot").field(&self.get()).finish()
    }
}
