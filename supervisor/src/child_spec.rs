//! Child specs, which tell a supervisor how to start a child, when to restart it, how to stop it.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::actor::Actor;
use crate::address::AddressSlot;
use crate::dynamic::DynamicSpec;
use crate::error::StartFailure;
use crate::host::{self, Parent, Running};
use crate::strategy::{RestartType, Shutdown};
use crate::supervisor::serve::{SupervisorActor, SupervisorArgs, SupervisorKind};
use crate::supervisor::{SupervisorRef, SupervisorSlot, SupervisorSpec};
use crate::tree::Node;
use crate::vitals::lock;

/// The time that a child actor may take to start before the start counts as failed.
pub const START_LIMIT: Duration = Duration::from_secs(30);

/// A child's name, unique among the children of one supervisor. It may not be empty or contain `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(Arc<str>);

impl ChildId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_valid(&self) -> bool {
        !self.0.is_empty() && !self.0.contains('/')
    }
}

impl<T: Into<String>> From<T> for ChildId {
    fn from(id: T) -> Self {
        Self(id.into().into())
    }
}

impl Serialize for ChildId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChildId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Borrow<str> for ChildId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The kinds of children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildKind {
    /// An actor that does the work (OTP's `worker`).
    Actor,
    /// A supervisor with a fixed order of children.
    Supervisor,
    /// A dynamic supervisor.
    Dynamic,
}

/// The arguments of a start function.
pub(crate) struct Init {
    pub(crate) node: Arc<Node>,
    pub(crate) parent: Option<Parent>,
    /// Messages that may wait at most.
    pub(crate) mailbox: Option<usize>,
}

pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<Running, StartFailure>> + Send>>;
type StartFn = Arc<dyn Fn(Init) -> Starting + Send + Sync>;

/// A child as its supervisor sees it.
///
/// # Examples
/// ```
/// # use supervisor::{Actor, ActorError, Address};
/// # #[derive(strum::IntoStaticStr)]
/// # enum ClockMsg { Tick }
/// # struct Clock;
/// # impl Actor for Clock {
/// #     type Msg = ClockMsg;
/// #     type State = ();
/// #     type Args = u64;
/// #     async fn pre_start(&self, _: Address<ClockMsg>, _: u64) -> Result<(), ActorError> { Ok(()) }
/// #     async fn handle(&self, _: &Address<ClockMsg>, _: ClockMsg, (): &mut ()) -> Result<(), ActorError> { Ok(()) }
/// # }
/// use std::time::Duration;
/// use supervisor::{ChildSpec, RestartType, Shutdown};
///
/// let spec = ChildSpec::actor("clock", || Clock, || 1_000)
///     .restart(RestartType::Transient)
///     .shutdown(Shutdown::Timeout(Duration::from_secs(1)));
/// ```
#[derive(Clone)]
pub struct ChildSpec {
    pub(crate) id: ChildId,
    pub(crate) restart: RestartType,
    pub(crate) shutdown: Shutdown,
    pub(crate) significant: bool,
    pub(crate) kind: ChildKind,
    pub(crate) start_limit: Option<Duration>,
    mailbox: Option<usize>,
    pub(crate) supervisor_slot: Option<SupervisorSlot>,
    start: StartFn,
}

impl ChildSpec {
    /// An actor, made anew with fresh arguments at each start. Permanent; five seconds to stop.
    pub fn actor<A: Actor>(
        id: impl Into<ChildId>,
        actor: impl Fn() -> A + Send + Sync + 'static,
        args: impl Fn() -> A::Args + Send + Sync + 'static,
    ) -> Self {
        Self::actor_in(id, &AddressSlot::new(), actor, args)
    }

    /// As [`ChildSpec::actor`]; `slot` has its address from each start on.
    pub fn actor_in<A: Actor>(
        id: impl Into<ChildId>,
        slot: &AddressSlot<A::Msg>,
        actor: impl Fn() -> A + Send + Sync + 'static,
        args: impl Fn() -> A::Args + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(move || (actor(), args()));
        let slot = slot.clone();
        Self::new(id.into(), ChildKind::Actor, move |init| {
            let make = Arc::clone(&make);
            let slot = slot.clone();
            Box::pin(async move {
                let (address, started) = host::spawn(init.parent, init.mailbox, |_| make()).await?;
                slot.set(address);
                Ok(started)
            })
        })
    }

    /// An actor that is started once with these very arguments, such as a connection. It is temporary.
    pub fn once<A: Actor>(id: impl Into<ChildId>, actor: A, args: A::Args) -> OnceSpec {
        let parts = Arc::new(Mutex::new(Some((actor, args))));
        let spec = Self::new(id.into(), ChildKind::Actor, move |init| {
            let parts = lock(&parts).take();
            Box::pin(async move {
                let parts = parts.expect("a temporary child is started once");
                let (_, started) = host::spawn(init.parent, init.mailbox, |_| parts).await?;
                Ok(started)
            })
        });
        OnceSpec(spec.restart(RestartType::Temporary))
    }

    /// A supervisor. Permanent; stopped without a limit, as its children have limits.
    pub fn supervisor(id: impl Into<ChildId>, spec: SupervisorSpec) -> Self {
        Self::supervising(
            id.into(),
            ChildKind::Supervisor,
            SupervisorKind::Fixed(spec),
        )
    }

    /// A dynamic supervisor. Permanent; stopped without a limit, as its children have limits.
    pub fn dynamic(id: impl Into<ChildId>, spec: DynamicSpec) -> Self {
        Self::supervising(id.into(), ChildKind::Dynamic, SupervisorKind::Dynamic(spec))
    }

    fn supervising(id: ChildId, kind: ChildKind, team: SupervisorKind) -> Self {
        let team = Arc::new(team);
        let mut spec = Self::new(id, kind, move |init| {
            let team = Arc::clone(&team);
            Box::pin(async move { start_supervisor(&team, init).await })
        });
        spec.shutdown = Shutdown::Infinity;
        spec.start_limit = None;
        spec
    }

    fn new(
        id: ChildId,
        kind: ChildKind,
        start: impl Fn(Init) -> Starting + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            restart: RestartType::default(),
            shutdown: Shutdown::default(),
            significant: false,
            kind,
            start_limit: Some(START_LIMIT),
            mailbox: None,
            supervisor_slot: None,
            start: Arc::new(start),
        }
    }

    /// Sets when it is started again.
    #[must_use]
    pub fn restart(mut self, restart: RestartType) -> Self {
        self.restart = restart;
        self
    }

    /// Sets how it is stopped.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Sets whether its end can stop its supervisor ([`crate::AutoShutdown`]). Not for permanent children.
    #[must_use]
    pub fn significant(mut self, significant: bool) -> Self {
        self.significant = significant;
        self
    }

    /// Sets how long a start may take; actors have [`START_LIMIT`], supervisors none.
    #[must_use]
    pub fn start_limit(mut self, limit: Option<Duration>) -> Self {
        self.start_limit = limit;
        self
    }

    /// Limits the messages that may wait for it; a further one is refused with [`crate::SendError::Full`]. Without
    /// limit unless this says so.
    ///
    /// Without effect on supervisors, whose requests are few and are waited for.
    #[must_use]
    pub fn mailbox(mut self, limit: usize) -> Self {
        self.mailbox = Some(limit);
        self
    }

    /// Puts the reference to this supervisor into `slot` at each start. Without effect on actors.
    #[must_use]
    pub fn publish(mut self, slot: &SupervisorSlot) -> Self {
        self.supervisor_slot = Some(slot.clone());
        self
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ChildId {
        &self.id
    }

    pub(crate) fn start(
        &self,
        mut init: Init,
    ) -> impl Future<Output = Result<Running, StartFailure>> + Send + use<> {
        init.mailbox = self.mailbox;
        let node = Arc::clone(&init.node);
        let starting = (self.start)(init);
        let limit = self.start_limit;
        let slot = self.supervisor_slot.clone();
        async move {
            let started = match limit {
                None => starting.await?,
                Some(limit) => tokio::time::timeout(limit, starting)
                    .await
                    .map_err(|_| StartFailure::TimedOut(limit))??,
            };
            if let (Some(slot), Some(reference)) = (slot, SupervisorRef::of(&started, &node)) {
                slot.set(reference);
            }
            Ok(started)
        }
    }
}

/// A child that is started once ([`ChildSpec::once`]): it can be given to [`SupervisorRef::start_child`] alone, and no restart type.
#[derive(Clone, Debug)]
pub struct OnceSpec(ChildSpec);

impl OnceSpec {
    /// Sets how it is stopped.
    #[must_use]
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self(self.0.shutdown(shutdown))
    }

    /// Sets whether its end can stop its supervisor ([`crate::AutoShutdown`]).
    #[must_use]
    pub fn significant(self, significant: bool) -> Self {
        Self(self.0.significant(significant))
    }

    /// Sets how long its start may take; [`START_LIMIT`] unless this says otherwise.
    #[must_use]
    pub fn start_limit(self, limit: Option<Duration>) -> Self {
        Self(self.0.start_limit(limit))
    }

    /// Limits the messages that may wait for it, as [`ChildSpec::mailbox`].
    #[must_use]
    pub fn mailbox(self, limit: usize) -> Self {
        Self(self.0.mailbox(limit))
    }
}

/// A spec that can be started by request: a [`ChildSpec`] or a [`OnceSpec`].
pub trait Startable: sealed::Sealed {}

impl Startable for ChildSpec {}
impl Startable for OnceSpec {}

pub(crate) mod sealed {
    use super::{ChildSpec, OnceSpec};

    pub trait Sealed {
        fn into_spec(self) -> ChildSpec;
    }

    impl Sealed for ChildSpec {
        fn into_spec(self) -> ChildSpec {
            self
        }
    }

    impl Sealed for OnceSpec {
        fn into_spec(self) -> ChildSpec {
            self.0
        }
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("significant", &self.significant)
            .finish_non_exhaustive()
    }
}

pub(crate) async fn start_supervisor(
    team: &SupervisorKind,
    init: Init,
) -> Result<Running, StartFailure> {
    let Init { node, parent, .. } = init;
    let (_, started) = host::spawn(parent, None, |notice| {
        let args = SupervisorArgs {
            team: team.clone(),
            node,
            notice: Arc::clone(notice),
        };
        (SupervisorActor, args)
    })
    .await?;
    Ok(started)
}
