//! Actors: four callbacks and a message type that can name its variants.

use std::error::Error;
use std::fmt;
use std::future::{Future, ready};

use crate::address::Address;
use crate::exit_reason::ExitReason;

/// The error of a callback. It ends the actor; its supervisor decides what follows.
pub type ActorError = Box<dyn Error + Send + Sync>;

/// An actor: state touched by nobody else, changed by one message at a time.
///
/// Expected failures belong into replies; an `Err` from a callback means "restart me".
/// What must be freed is freed in `Drop` of the state: [`Actor::post_stop`] does not run after
/// a panic, an error or a kill.
///
/// # Examples
/// ```
/// use supervisor::{Actor, ActorError, Address, Reply};
///
/// #[derive(strum::IntoStaticStr)]
/// enum CounterMsg {
///     Add(u64),
///     Total(Reply<u64>),
/// }
///
/// struct Counter;
///
/// impl Actor for Counter {
///     type Msg = CounterMsg;
///     type State = u64;
///     type Args = u64;
///
///     async fn pre_start(&self, _: Address<CounterMsg>, first: u64) -> Result<u64, ActorError> {
///         Ok(first)
///     }
///
///     async fn handle(
///         &self,
///         _: &Address<CounterMsg>,
///         msg: CounterMsg,
///         total: &mut u64,
///     ) -> Result<(), ActorError> {
///         match msg {
///             CounterMsg::Add(n) => *total += n,
///             CounterMsg::Total(reply) => reply.send(*total),
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Actor: Sized + Send + Sync + 'static {
    /// The type of the messages that it is sent.
    type Msg: Send + Label + 'static;
    /// The state that it keeps between messages; dropped before anybody learns of the actor's end.
    type State: Send + 'static;
    /// The arguments that it is started with.
    type Args: Send + 'static;

    /// Makes the state. The actor counts as started when this returns.
    ///
    /// It runs in the task of whoever starts the actor and must not call that one.
    fn pre_start(
        &self,
        myself: Address<Self::Msg>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::State, ActorError>> + Send;

    /// Handles one message.
    fn handle(
        &self,
        myself: &Address<Self::Msg>,
        msg: Self::Msg,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send;

    /// An actor that this one monitors ([`Address::monitor`]) has ended, and its state is dropped.
    fn handle_down(
        &self,
        myself: &Address<Self::Msg>,
        down: Down,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        let _ = (myself, down, state);
        ready(Ok(()))
    }

    /// Says goodbye after a stop. It does not run after a panic, an error or a kill.
    fn post_stop(
        &self,
        myself: &Address<Self::Msg>,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        let _ = (myself, state);
        ready(Ok(()))
    }
}

/// Names the variant of a message, for the tree: `busy with Resize for 80 ms`.
///
/// Enums get it from `#[derive(strum::IntoStaticStr)]`.
pub trait Label {
    /// The name of this variant.
    fn label(&self) -> &'static str;
}

impl<T> Label for T
where
    for<'a> &'a T: Into<&'static str>,
{
    fn label(&self) -> &'static str {
        self.into()
    }
}

/// The id of one running actor: unique within the process, never used again. It shows itself as `0.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId(u64);

impl ActorId {
    pub(crate) fn of(actor: &ractor::ActorCell) -> Self {
        Self(actor.get_id().pid())
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{}", self.0)
    }
}

/// A monitored actor has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Which one ([`Address::id`]).
    pub id: ActorId,
    /// Why.
    pub reason: ExitReason,
}
