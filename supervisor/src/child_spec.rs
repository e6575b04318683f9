//! What a supervisor knows about a child: how to start it, when to restart it, how to stop it.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::actor::Actor;
use crate::address::AddressSlot;
use crate::body::{self, Parent, Started};
use crate::dynamic::DynamicSpec;
use crate::strategy::{RestartType, Shutdown};
use crate::supervisor::shell::{Shell, ShellArgs, Team};
use crate::supervisor::{SupervisorRef, SupervisorSlot, SupervisorSpec};
use crate::tree::Node;
use crate::vitals::lock;

/// How long a child actor may take to start before the start counts as failed.
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

/// What a child is.
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

/// What a start function is given.
pub(crate) struct Birth {
    pub(crate) node: Arc<Node>,
    pub(crate) parent: Option<Parent>,
}

pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<Started, String>> + Send>>;
type StartFn = Arc<dyn Fn(Birth) -> Starting + Send + Sync>;

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
        Self::new(id.into(), ChildKind::Actor, move |birth| {
            let make = Arc::clone(&make);
            let slot = slot.clone();
            Box::pin(async move {
                let (address, started) = body::spawn(birth.parent, |_| make()).await?;
                slot.set(address);
                Ok(started)
            })
        })
    }

    /// An actor that is started once with these very arguments, such as a connection. Temporary.
    ///
    /// Made permanent or transient nevertheless, each restart fails.
    pub fn once<A: Actor>(id: impl Into<ChildId>, actor: A, args: A::Args) -> Self {
        let parts = Arc::new(Mutex::new(Some((actor, args))));
        Self::new(id.into(), ChildKind::Actor, move |birth| {
            let parts = lock(&parts).take();
            Box::pin(async move {
                let parts = parts.ok_or("it can be started only once")?;
                let (_, started) = body::spawn(birth.parent, |_| parts).await?;
                Ok(started)
            })
        })
        .restart(RestartType::Temporary)
    }

    /// A supervisor. Permanent; stopped without a limit, as its children have limits.
    pub fn supervisor(id: impl Into<ChildId>, spec: SupervisorSpec) -> Self {
        Self::team(id.into(), ChildKind::Supervisor, Team::Fixed(spec))
    }

    /// A dynamic supervisor. Permanent; stopped without a limit, as its children have limits.
    pub fn dynamic(id: impl Into<ChildId>, spec: DynamicSpec) -> Self {
        Self::team(id.into(), ChildKind::Dynamic, Team::Dynamic(spec))
    }

    fn team(id: ChildId, kind: ChildKind, team: Team) -> Self {
        let team = Arc::new(team);
        let mut spec = Self::new(id, kind, move |birth| {
            let team = Arc::clone(&team);
            Box::pin(async move { start_team(&team, birth).await })
        });
        spec.shutdown = Shutdown::Infinity;
        spec.start_limit = None;
        spec
    }

    fn new(
        id: ChildId,
        kind: ChildKind,
        start: impl Fn(Birth) -> Starting + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            restart: RestartType::default(),
            shutdown: Shutdown::default(),
            significant: false,
            kind,
            start_limit: Some(START_LIMIT),
            supervisor_slot: None,
            start: Arc::new(start),
        }
    }

    /// When it is started again.
    #[must_use]
    pub fn restart(mut self, restart: RestartType) -> Self {
        self.restart = restart;
        self
    }

    /// How it is stopped.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Whether its end can stop its supervisor ([`crate::AutoShutdown`]). Not for permanent children.
    #[must_use]
    pub fn significant(mut self, significant: bool) -> Self {
        self.significant = significant;
        self
    }

    /// How long a start may take; actors have [`START_LIMIT`], supervisors none.
    #[must_use]
    pub fn start_limit(mut self, limit: Option<Duration>) -> Self {
        self.start_limit = limit;
        self
    }

    /// Where the reference to this supervisor is put at each start. Without effect on actors.
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
        birth: Birth,
    ) -> impl Future<Output = Result<Started, String>> + Send + use<> {
        let node = Arc::clone(&birth.node);
        let starting = (self.start)(birth);
        let limit = self.start_limit;
        let slot = self.supervisor_slot.clone();
        async move {
            let started = match limit {
                None => starting.await?,
                Some(limit) => tokio::time::timeout(limit, starting)
                    .await
                    .map_err(|_| format!("not started within {} ms", limit.as_millis()))??,
            };
            if let (Some(slot), Some(reference)) = (slot, SupervisorRef::of(&started, &node)) {
                slot.set(reference);
            }
            Ok(started)
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

pub(crate) async fn start_team(team: &Team, birth: Birth) -> Result<Started, String> {
    let Birth { node, parent } = birth;
    let (_, started) = body::spawn(parent, |life| {
        let args = ShellArgs {
            team: team.clone(),
            node,
            life: Arc::clone(life),
        };
        (Shell, args)
    })
    .await?;
    Ok(started)
}
