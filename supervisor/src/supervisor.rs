//! Supervisors from outside: their specs, how to start one, and what can be asked of it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::error;

use crate::actor::ActorId;
use crate::address::{Address, CallError, Reply};
use crate::child_spec::{ChildId, ChildKind, ChildSpec, Init, Startable, start_supervisor};
use crate::error::{SpecError, StartFailure};
use crate::exit_reason::ExitReason;
use crate::host::Running;
use crate::intensity::Intensity;
use crate::strategy::{AutoShutdown, RestartType, Strategy};
use crate::tree::{Node, Status, Tree};
use crate::vitals::lock;

mod children;
pub(crate) mod serve;
mod stop;

pub use stop::KILL_LIMIT;

use serve::{SupervisorKind, SupervisorMsg};

/// The time that a request to a supervisor may take: it answers in turn, after the starts and stops before it.
pub const CALL_LIMIT: Duration = Duration::from_secs(60);

/// A supervisor with a fixed order of children.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use supervisor::{ChildSpec, DynamicSpec, Intensity, Strategy, SupervisorSlot, SupervisorSpec};
///
/// let jobs = SupervisorSlot::new();
/// let spec = SupervisorSpec::new(Strategy::RestForOne)
///     .intensity(Intensity::new(3, Duration::from_secs(10)))
///     .child(ChildSpec::dynamic("jobs", DynamicSpec::new()).publish(&jobs));
/// ```
#[derive(Clone, Debug)]
pub struct SupervisorSpec {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) children: Vec<ChildSpec>,
}

impl SupervisorSpec {
    /// No children yet, OTP's default intensity, no auto shutdown.
    #[must_use]
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            intensity: Intensity::default(),
            auto_shutdown: AutoShutdown::default(),
            children: Vec::new(),
        }
    }

    /// Sets how many restarts it makes before it gives up.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// Sets whether it ends with its significant children.
    #[must_use]
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// One more child, started after those before it and stopped before them.
    #[must_use]
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }

    /// Several more children.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = ChildSpec>) -> Self {
        self.children.extend(children);
        self
    }

    fn check(&self) -> Result<(), SpecError> {
        let mut seen = std::collections::HashSet::new();
        for child in &self.children {
            check_child(child, self.auto_shutdown)?;
            if !seen.insert(child.id.as_str()) {
                return Err(SpecError::Duplicate(child.id.clone()));
            }
        }
        Ok(())
    }
}

/// `Source:` OTP supervisor.erl, `check_significant/3`.
fn check_child(child: &ChildSpec, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
    let id = || child.id.clone();
    if !child.id.is_valid() {
        return Err(SpecError::BadId(id()));
    }
    if child.significant && child.restart == RestartType::Permanent {
        return Err(SpecError::PermanentSignificant(id()));
    }
    if child.significant && auto_shutdown == AutoShutdown::Never {
        return Err(SpecError::NoAutoShutdown(id()));
    }
    Ok(())
}

/// The reasons for which a root supervisor was not started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The spec contradicts itself.
    #[error("invalid spec: {0}")]
    Invalid(SpecError),
    /// A child did not start. Those started before it are stopped again.
    #[error("{0}")]
    Failed(StartFailure),
    /// The tree already has a root that lives.
    #[error("the tree already has a running root")]
    TreeTaken,
}

/// The reasons for which [`SupervisorRef::start_child`] did not start a child.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartChildError {
    /// A child with this id is kept and does not run: restart or delete it.
    #[error("a child with this id exists and does not run")]
    AlreadyPresent,
    /// A child with this id runs, or is just starting or stopping.
    #[error("a child with this id runs")]
    AlreadyStarted,
    /// Its start failed; nothing is kept of it.
    #[error("it did not start: {0}")]
    Failed(StartFailure),
    /// The dynamic supervisor has as many children as it may.
    #[error("the supervisor has as many children as it may")]
    Full,
    /// The spec contradicts itself or its supervisor's.
    #[error("invalid spec: {0}")]
    Invalid(SpecError),
    /// The supervisor is ending or has ended.
    #[error("the supervisor is shutting down")]
    ShuttingDown,
    /// No answer within [`CALL_LIMIT`]; the child may still start.
    #[error("the supervisor did not answer in time")]
    Timeout,
}

/// The reasons for which a request about an existing child was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// There is no such child.
    #[error("there is no such child")]
    NotFound,
    /// It runs: terminate it first.
    #[error("it runs")]
    Running,
    /// It is waiting for its restart: terminate it first.
    #[error("it is about to be restarted")]
    Restarting,
    /// It did not start; its child spec is kept.
    #[error("it did not start: {0}")]
    Failed(StartFailure),
    /// The supervisor is ending or has ended.
    #[error("the supervisor is shutting down")]
    ShuttingDown,
    /// No answer within [`CALL_LIMIT`]; the request may still be carried out.
    #[error("the supervisor did not answer in time")]
    Timeout,
}

impl From<CallError> for StartChildError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Gone => Self::ShuttingDown,
            CallError::Timeout(_) | CallError::Full => Self::Timeout,
        }
    }
}

impl From<CallError> for ChildError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Gone => Self::ShuttingDown,
            CallError::Timeout(_) | CallError::Full => Self::Timeout,
        }
    }
}

/// A child of a supervisor at the moment of asking.
#[derive(Clone)]
pub struct ChildInfo {
    /// Its name.
    pub id: ChildId,
    /// The actor's id; `None` while it does not run.
    pub actor: Option<ActorId>,
    /// What it is.
    pub kind: ChildKind,
    /// When it is restarted.
    pub restart: RestartType,
    /// Where it stands.
    pub status: Status,
    node: Arc<Node>,
    address: Option<Arc<dyn Any + Send + Sync>>,
}

impl ChildInfo {
    /// Its address, if it runs and `M` is the type of its messages.
    #[must_use]
    pub fn address<M: Send + 'static>(&self) -> Option<Address<M>> {
        self.address.as_ref()?.downcast_ref::<Address<M>>().cloned()
    }

    /// The supervisor it is, if it is one and runs.
    #[must_use]
    pub fn supervisor(&self) -> Option<SupervisorRef> {
        let address = self.address()?;
        let node = Arc::clone(&self.node);
        Some(SupervisorRef { address, node })
    }
}

impl fmt::Debug for ChildInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildInfo")
            .field("id", &self.id)
            .field("actor", &self.actor)
            .field("kind", &self.kind)
            .field("restart", &self.restart)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The numbers of a supervisor's children.
///
/// `Source:` OTP supervisor(3), count_children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildCounts {
    /// Child specs, running or not.
    pub specs: usize,
    /// Children that run.
    pub active: usize,
    /// Child specs of actors.
    pub actors: usize,
    /// Child specs of supervisors.
    pub supervisors: usize,
}

/// A reference to one running supervisor; cheap to clone. A [`SupervisorSlot`] has its successor after a restart.
#[derive(Clone)]
pub struct SupervisorRef {
    address: Address<SupervisorMsg>,
    node: Arc<Node>,
}

impl SupervisorRef {
    pub(crate) fn of(started: &Running, node: &Arc<Node>) -> Option<Self> {
        let address = started.address.downcast_ref::<Address<SupervisorMsg>>()?;
        Some(Self {
            address: address.clone(),
            node: Arc::clone(node),
        })
    }

    /// Starts one more child, behind all others, and returns when it has started.
    ///
    /// Cancelling the future does not cancel the start. Not to be called from a callback of an actor
    /// that this supervisor is just starting or stopping: it would wait for itself.
    ///
    /// # Errors
    /// A [`StartChildError`], each with what it means for the child.
    pub async fn start_child(&self, spec: impl Startable) -> Result<ChildInfo, StartChildError> {
        let spec = Box::new(spec.into_spec());
        self.call(|reply| SupervisorMsg::StartChild { spec, reply })
            .await?
    }

    /// Stops a child in its own time and returns when it is gone. It is not restarted.
    ///
    /// The child spec is kept for [`SupervisorRef::restart_child`], unless the child is temporary or
    /// the supervisor dynamic. A child that waits for its restart is cancelled.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::ShuttingDown`], [`ChildError::Timeout`].
    pub async fn terminate_child(&self, id: impl Into<ChildId>) -> Result<(), ChildError> {
        let id = id.into();
        self.call(|reply| SupervisorMsg::TerminateChild { id, reply })
            .await?
    }

    /// Starts a child again that was terminated, ended for good, or is quarantined.
    ///
    /// # Errors
    /// Any [`ChildError`].
    pub async fn restart_child(&self, id: impl Into<ChildId>) -> Result<ChildInfo, ChildError> {
        let id = id.into();
        self.call(|reply| SupervisorMsg::RestartChild { id, reply })
            .await?
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    /// Any [`ChildError`] but `Failed`.
    pub async fn delete_child(&self, id: impl Into<ChildId>) -> Result<(), ChildError> {
        let id = id.into();
        self.call(|reply| SupervisorMsg::DeleteChild { id, reply })
            .await?
    }

    /// All children in start order.
    ///
    /// # Errors
    /// [`CallError`], as for any call.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        self.call(SupervisorMsg::WhichChildren).await
    }

    /// The numbers of its children.
    ///
    /// # Errors
    /// [`CallError`], as for any call.
    pub async fn count_children(&self) -> Result<ChildCounts, CallError> {
        self.call(SupervisorMsg::CountChildren).await
    }

    /// The supervisor at this path below this one, such as `sessions/a`, if it runs. Asks no actor.
    #[must_use]
    pub fn child_supervisor(&self, path: &str) -> Option<Self> {
        let node = path
            .split('/')
            .try_fold(Arc::clone(&self.node), |node, name| node.child(name))?;
        let address = node.supervisor()?;
        Some(Self { address, node })
    }

    /// Stops everything below in order, then the supervisor itself, and awaits the end.
    ///
    /// Its own supervisor, if it has one, decides as for any end and restarts a permanent one.
    /// Cancelling the future does not cancel the stop.
    ///
    /// # Errors
    /// [`CallError::Timeout`]: not done within `limit`; the stop goes on, [`SupervisorRef::kill`] ends it.
    pub async fn shutdown(
        &self,
        reason: ExitReason,
        limit: Duration,
    ) -> Result<ExitReason, CallError> {
        if self.is_alive() {
            self.node.set_status(Status::Stopping);
        }
        self.address.stop(reason);
        tokio::time::timeout(limit, self.wait())
            .await
            .map_err(|_| CallError::Timeout(limit))
    }

    /// Kills the supervisor and everything below it, in no order.
    pub fn kill(&self) {
        self.address.kill();
    }

    /// Resolves with the reason when the supervisor and everything below it have ended. Safe to cancel.
    pub async fn wait(&self) -> ExitReason {
        self.address.vitals().wait_ended().await
    }

    /// True if it has not ended yet.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.address.is_alive()
    }

    /// The supervisor's own actor id.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.address.id()
    }

    /// The names from the root down to this supervisor, joined by `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.node.path()
    }

    async fn call<R>(&self, make: impl FnOnce(Reply<R>) -> SupervisorMsg) -> Result<R, CallError> {
        self.address.call(make, CALL_LIMIT).await
    }
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SupervisorRef({}, {})", self.path(), self.id())
    }
}

/// The place where the current reference of a nested supervisor is found, whatever restarts it has behind it.
#[derive(Clone, Debug, Default)]
pub struct SupervisorSlot(Arc<Mutex<Option<SupervisorRef>>>);

impl SupervisorSlot {
    /// An empty slot, for [`ChildSpec::publish`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The supervisor, if it lives at this moment.
    #[must_use]
    pub fn get(&self) -> Option<SupervisorRef> {
        lock(&self.0).clone().filter(SupervisorRef::is_alive)
    }

    pub(crate) fn set(&self, reference: SupervisorRef) {
        *lock(&self.0) = Some(reference);
    }
}

/// Starts a root supervisor and all its children in order; `name` is the root of all paths in `tree`.
///
/// Nobody restarts a root: [`SupervisorRef::wait`] tells when and why it ended. Dropping the
/// reference does not stop it. Must be called within a tokio runtime.
///
/// # Errors
/// A [`StartError`]; nothing is left running then.
pub async fn start(
    name: impl Into<ChildId>,
    spec: SupervisorSpec,
    tree: &Tree,
) -> Result<SupervisorRef, StartError> {
    let name = name.into();
    if !name.is_valid() {
        return Err(StartError::Invalid(SpecError::BadId(name)));
    }
    spec.check().map_err(StartError::Invalid)?;
    let node = Node::root(name, ChildKind::Supervisor);
    if !tree.plant(&node) {
        return Err(StartError::TreeTaken);
    }
    let init = Init {
        node: Arc::clone(&node),
        parent: None,
        mailbox: None,
    };
    let started = match start_supervisor(&SupervisorKind::Fixed(spec), init).await {
        Ok(started) => started,
        Err(what) => {
            node.ended(ExitReason::StartFailed(what.to_string()), Status::Failed);
            return Err(StartError::Failed(what));
        }
    };
    let reference = SupervisorRef::of(&started, &node)
        .expect("a started supervisor has a supervisor's address");
    node.running(&started.vitals, Some(reference.address.clone()));
    let vitals = Arc::clone(&started.vitals);
    tokio::spawn(async move {
        let reason = vitals.wait_ended().await;
        let status = serve::ended_status(&reason);
        if status == Status::Failed {
            error!(child = node.path(), exit_reason = %reason, decision = "end", "root ended");
        }
        node.ended(reason, status);
    });
    Ok(reference)
}
