//! A session as everybody may see it: what of it survives its actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use protocol::reply::{SessionContext, SessionInfo};
use protocol::terminal::TerminalFacts;
use protocol::{ClientUuid, ServerName, SessionUuid};
use store::{Key, Persist, Row};
use supervisor::{AddressSlot, SupervisorSlot};
use tokio::sync::watch;

use super::message::SessionMsg;
use crate::clock::{epoch_ms, millis};
use crate::store::Store;
use model::session::snapshot::SessionSnapshot;

/// The phase of a session's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its actors are being started.
    Starting,
    /// It takes panes.
    Live,
    /// It is being ended, or it is gone.
    Ended,
}

/// A session as everybody may see it.
pub(crate) struct SessionEntry {
    /// Its id.
    pub id: SessionUuid,
    snapshot: watch::Sender<Arc<SessionSnapshot>>,
    phase: watch::Sender<Phase>,
    last_used_ms: AtomicU64,
    /// The time at which its use was given to be stored.
    use_stored_ms: AtomicU64,
    /// Its place in the order of all uses, which a clock that is set does not change.
    last_use: AtomicU64,
    /// The client that has the size of the session.
    sized_by: ArcSwapOption<ClientUuid>,
    /// What is known of the terminal of that client, or of the last one.
    terminal: ArcSwap<TerminalFacts>,
    /// Its actor.
    pub address: AddressSlot<SessionMsg>,
    /// The supervisor of its panes.
    pub panes: SupervisorSlot,
}

/// The uses of all sessions so far.
static USES: AtomicU64 = AtomicU64::new(0);

/// The time for which the use of a session that stays the active one is not stored again.
const USE_STORED: Duration = Duration::from_secs(10);

/// The number of the next use of any session.
fn next_use() -> u64 {
    USES.fetch_add(1, Ordering::Relaxed)
}

impl SessionEntry {
    /// An entry for a session that is about to be started.
    #[must_use]
    pub(crate) fn new(snapshot: SessionSnapshot) -> Self {
        Self {
            id: snapshot.id,
            last_used_ms: AtomicU64::new(snapshot.created_at_ms),
            use_stored_ms: AtomicU64::new(0),
            last_use: AtomicU64::new(next_use()),
            snapshot: watch::Sender::new(Arc::new(snapshot)),
            phase: watch::Sender::new(Phase::Starting),
            sized_by: ArcSwapOption::empty(),
            terminal: ArcSwap::default(),
            address: AddressSlot::new(),
            panes: SupervisorSlot::new(),
        }
    }

    /// The session now.
    #[must_use]
    pub(crate) fn snapshot(&self) -> Arc<SessionSnapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Every later snapshot.
    #[must_use]
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<SessionSnapshot>> {
        self.snapshot.subscribe()
    }

    /// Publishes a new snapshot. Only the session's actor does.
    pub(crate) fn publish(&self, snapshot: Arc<SessionSnapshot>) {
        self.snapshot.send_replace(snapshot);
    }

    /// The phase of its life, and every later change of that.
    #[must_use]
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// True if it takes panes.
    #[must_use]
    pub(crate) fn is_live(&self) -> bool {
        *self.phase.borrow() == Phase::Live
    }

    /// Moves it on; false when it was there already or has ended.
    pub(crate) fn advance(&self, to: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let changed = *phase != to && *phase != Phase::Ended;
            if changed {
                *phase = to;
            }
            changed
        })
    }

    /// The client whose size the session has.
    #[must_use]
    pub(crate) fn sized_by(&self) -> Option<ClientUuid> {
        self.sized_by.load().as_deref().copied()
    }

    /// Publishes whose size the session has. Only the session's actor does.
    pub(crate) fn set_sized_by(&self, client: Option<ClientUuid>) {
        if self.sized_by() != client {
            self.sized_by.store(client.map(Arc::new));
        }
    }

    /// The facts that are known of the terminal of who has the size, or had it last.
    #[must_use]
    pub(crate) fn terminal(&self) -> TerminalFacts {
        **self.terminal.load()
    }

    /// Publishes it. Only the session's actor does.
    pub(crate) fn set_terminal(&self, terminal: TerminalFacts) {
        if self.terminal() != terminal {
            self.terminal.store(Arc::new(terminal));
        }
    }

    /// The person at this client typed or clicked. While the session's actor is being restarted nobody hears of it, and
    /// the next key says it again.
    pub(crate) fn typed_by(&self, client: ClientUuid) {
        if let Some(address) = self.address.get() {
            let _ = address.cast(SessionMsg::Typed(client));
        }
    }

    /// It is being used: attach, input, select, create. True when that is to be stored: the active session may be another one by it, or
    /// nothing was stored of its use for ten seconds.
    pub(crate) fn touch(&self) -> bool {
        let now_ms = epoch_ms();
        let is_latest = self.last_use() + 1 == USES.load(Ordering::Relaxed);
        self.used_at(now_ms);
        let stored_ms = self.use_stored_ms.load(Ordering::Relaxed);
        let is_news = !is_latest || now_ms.abs_diff(stored_ms) >= millis(USE_STORED);
        if is_news {
            self.use_stored_ms.store(now_ms, Ordering::Relaxed);
        }
        is_news
    }

    /// It is being used, which is stored as far as it is news.
    pub(crate) fn note_use(self: &Arc<Self>, store: &Store) {
        if self.touch() {
            let _ = store.save(self);
        }
    }

    /// It was used then, after all other uses that this daemon was told of before.
    pub(crate) fn used_at(&self, at_ms: u64) {
        self.last_used_ms.store(at_ms, Ordering::Relaxed);
        self.last_use.store(next_use(), Ordering::Relaxed);
    }

    /// A later use has a larger number.
    #[must_use]
    pub(crate) fn last_use(&self) -> u64 {
        self.last_use.load(Ordering::Relaxed)
    }

    /// The time at which it was last used, in milliseconds since 1970.
    #[must_use]
    pub(crate) fn last_used_ms(&self) -> u64 {
        self.last_used_ms.load(Ordering::Relaxed)
    }

    /// The context of an answer that is about this session.
    #[must_use]
    pub(crate) fn context(&self, server: &ServerName) -> SessionContext {
        self.snapshot().context(server)
    }

    /// As it stands in a list.
    #[must_use]
    pub(crate) fn info(&self, active: bool) -> SessionInfo {
        let snapshot = self.snapshot();
        SessionInfo {
            session_id: self.id,
            number: snapshot.number.told(),
            name: snapshot.name.clone(),
            windows: u32::try_from(snapshot.windows.len()).unwrap_or(u32::MAX),
            panes: u32::try_from(snapshot.panes().count()).unwrap_or(u32::MAX),
            attached_clients: snapshot.attached_clients(),
            active,
            created_at_ms: snapshot.created_at_ms,
            last_activity_at_ms: self.last_used_ms(),
            size: snapshot.size,
            tags: snapshot.tags.clone(),
            made_by: snapshot.made_by,
        }
    }
}

impl Persist for SessionEntry {
    fn key(&self) -> Key {
        Key::Session(self.id)
    }

    fn row(&self) -> Row<'_> {
        Row::Session {
            snapshot: self.snapshot(),
            last_used_ms: self.last_used_ms(),
        }
    }
}
