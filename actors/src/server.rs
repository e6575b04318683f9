//! The state that every part of one daemon shares: identity, configuration, registry and the tree.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use protocol::config::{CgroupWish, DaemonConfig};
use protocol::environment::is_inherited;
use protocol::paths::{Paths, UMASK_VARIABLE};
use protocol::reply::HttpListener;
use protocol::{InstanceUuid, Name, ServerName, Size, os_text};
use supervisor::{AddressSlot, SupervisorSlot, Tree};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::cgroup::Cgroups;
use crate::clock::epoch_ms;
use crate::heap_trim::TrimMsg;
use crate::idempotency::Idempotency;
use crate::notify::VARIABLES;
use crate::registry::Registry;
use crate::runtime_dir;
use crate::scrollback::ScrollbackMsg;
use crate::store::Store;
use crate::unrecorded::Unrecorded;
use crate::wedge::held::HeldBack;
use keeper_link::{KeeperLaunch, KeeperPool};
use model::session::snapshot::SessionSnapshot;
use store::Keep;

/// The way in which the daemon is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopOrder {
    /// Leave every pane's program running under its keeper.
    pub keep_panes: bool,
    /// A signal has ordered it, as when the machine goes down.
    pub by_signal: bool,
}

impl StopOrder {
    /// True if the daemon is ending, and the next one is to go on with everything.
    pub(crate) fn leaves_panes(order: &Option<Self>) -> bool {
        order.is_some_and(|order| order.keep_panes)
    }
}

/// One daemon.
pub(crate) struct Server {
    /// Its name.
    pub name: ServerName,
    /// Which process life this is.
    pub instance: InstanceUuid,
    /// When it began.
    pub started: Instant,
    /// Its settings.
    pub config: DaemonConfig,
    /// Its directories.
    pub paths: Paths,
    /// Where keepers come from.
    pub keepers: KeeperPool,
    /// What is alive.
    pub registry: Registry,
    /// What outlives the daemon.
    pub store: Arc<Store>,
    /// Panes that are gone and whose end is not in there yet.
    pub unrecorded: Unrecorded,
    /// The actor that saves screens and scrollback.
    pub scrollback: AddressSlot<ScrollbackMsg>,
    /// The actor that gives memory back.
    pub heap_trim: AddressSlot<TrimMsg>,
    /// Where HTTP is served, once it is.
    pub http: OnceLock<HttpListener>,
    /// Why HTTP that was asked for is not served.
    pub http_problem: watch::Sender<Option<String>>,
    /// The panes that are not entered, because of what was noted of wedges.
    pub held_back: HeldBack,
    /// The control groups of panes; set before anything is started.
    cgroups: OnceLock<Cgroups>,
    /// The umask that the daemon was started with, for programs of sessions that came with none.
    pub umask: OnceLock<u32>,
    /// What operators see of the actors.
    pub tree: Tree,
    /// The supervisor of the sessions.
    pub sessions: SupervisorSlot,
    /// The supervisor of the orchestrations.
    pub orchestrations: SupervisorSlot,
    /// The supervisor of the connections.
    pub clients: SupervisorSlot,
    /// First results by idempotency key.
    pub idempotency: Idempotency,
    /// What ends panes and programs, whoever asked for it: the daemon waits for it before it ends.
    pub endings: TaskTracker,
    /// The daemon's own environment, for programs of sessions that came with none.
    pub environment: Arc<BTreeMap<String, String>>,
    stop: watch::Sender<Option<StopOrder>>,
    /// Whether callers who find no daemon are told that this one has not ended in order.
    marked: OnceLock<()>,
}

impl Server {
    /// A server that runs nothing yet; `exe` is the daemon's own program.
    #[must_use]
    pub(crate) fn new(config: DaemonConfig, paths: Paths, exe: &Path) -> Arc<Self> {
        Arc::new(Self {
            name: config.name.clone(),
            instance: InstanceUuid::new(),
            started: Instant::now(),
            store: Arc::new(Store::new(&paths).keeping(Keep {
                text: config.store_text,
                environment: config.store_environment,
            })),
            config,
            unrecorded: Unrecorded::default(),
            scrollback: AddressSlot::new(),
            heap_trim: AddressSlot::new(),
            held_back: HeldBack::new(paths.wedges()),
            paths,
            keepers: KeeperPool::new(KeeperLaunch::beside(exe)),
            registry: Registry::default(),
            http: OnceLock::new(),
            http_problem: watch::Sender::new(None),
            cgroups: OnceLock::new(),
            umask: OnceLock::new(),
            tree: Tree::default(),
            sessions: SupervisorSlot::new(),
            orchestrations: SupervisorSlot::new(),
            clients: SupervisorSlot::new(),
            idempotency: Idempotency::default(),
            endings: TaskTracker::new(),
            environment: Arc::new(program_environment(
                std::env::vars_os()
                    .map(|(name, value)| (os_text::encoded(name), os_text::encoded(value))),
            )),
            stop: watch::Sender::new(None),
            marked: OnceLock::new(),
        })
    }

    /// The beginning of a session, with the caller's environment or else the daemon's own.
    #[must_use]
    pub(crate) fn new_session(
        &self,
        name: Name,
        environment: Option<BTreeMap<String, String>>,
        cwd: String,
        size: Size,
    ) -> SessionSnapshot {
        let base = match environment {
            Some(vars) => Arc::new(program_environment(vars)),
            None => Arc::clone(&self.environment),
        };
        SessionSnapshot::new(name, base, cwd, size, epoch_ms())
    }

    /// There is something now whose end must be told: if this daemon is killed, and what it had ends too, the next one is started
    /// by whoever looks for it.
    pub(crate) fn mark_unfinished(&self) {
        use std::os::unix::ffi::OsStrExt;
        self.marked.get_or_init(|| {
            let (path, socket) = (self.paths.unfinished(), self.paths.socket());
            if let Err(error) = runtime_dir::write(&path, socket.as_os_str().as_bytes()) {
                tracing::warn!(path = %path.display(), %error, "a kill of this daemon would not be told");
            }
        });
    }

    /// The control groups of panes. Without [`Self::contain`] there are none.
    #[must_use]
    pub(crate) fn cgroups(&self) -> &Cgroups {
        self.cgroups
            .get_or_init(|| Cgroups::off("it was not asked for"))
    }

    /// Panes get control groups from now on, where they can; the first call counts.
    pub(crate) fn contain(&self, wish: &CgroupWish) {
        self.cgroups.get_or_init(|| Cgroups::open(wish, &self.name));
    }

    /// Panes get these groups.
    #[cfg(test)]
    pub(crate) fn contain_in(&self, cgroups: Cgroups) {
        self.cgroups.get_or_init(|| cgroups);
    }

    /// Asks the daemon to end; the first order counts.
    pub(crate) fn order_stop(&self, order: StopOrder) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            stop.get_or_insert(order);
            first
        });
    }

    /// True if the daemon is ending, so that nothing may begin any more.
    #[must_use]
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// True if the daemon is ending, and the next one is to go on with everything.
    #[must_use]
    pub(crate) fn is_leaving_panes(&self) -> bool {
        StopOrder::leaves_panes(&self.stop.borrow())
    }

    /// Waits until the daemon is to end and the next one to go on.
    pub(crate) async fn is_replaced(&self) {
        let mut ordered = self.stop_order();
        let _ = ordered.wait_for(StopOrder::leaves_panes).await;
    }

    /// Becomes `Some` when the daemon is to end.
    #[must_use]
    pub(crate) fn stop_order(&self) -> watch::Receiver<Option<StopOrder>> {
        self.stop.subscribe()
    }
}

/// A caller's environment without what belongs to the caller's own terminal or pane, or to a daemon of systemd.
#[must_use]
pub(crate) fn program_environment(
    vars: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    let passes =
        |name: &str| name == UMASK_VARIABLE || is_inherited(name) && !VARIABLES.contains(&name);
    vars.into_iter().filter(|(name, _)| passes(name)).collect()
}
