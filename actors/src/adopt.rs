//! Taking over what an earlier daemon has left: its keepers with their programs, and what its database knows of them.
//!
//! Done once, before anybody is answered. The database says what there should be, the keepers say what there is:
//! - a pane with its keeper goes on, or ends with the exit status that its keeper has seen;
//! - a pane whose keeper lives and cannot be asked, or whose terminal cannot be had, is unreachable: shown with the reason,
//!   tried again, and nothing is decided about its program meanwhile;
//! - so is a pane that two wedges were for, and every pane of a daemon that starts carefully; their keepers are not asked
//!   until somebody wants it;
//! - a pane whose keeper is dead ends as lost;
//! - a keeper of whose pane this same database knows nothing was started for an answer that nobody got: it is ended;
//! - a keeper that another database knew, or none, is taken in by what it was given to keep.

mod enter;
mod keepers;
mod late;
mod reach;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use protocol::{OrchestrationUuid, PaneUuid, Size};

use crate::clock::millis;
use crate::orchestration;
use crate::pane::{self, KeeperMeta, PaneEntry};
use crate::registry::{Claim, EndedPane, Mirror};
use crate::server::Server;
use crate::session::SessionEntry;
use crate::session::life;
use keeper::Identity;
use keeper_link::{AdoptedPane, Expected, Keeper};
use model::orchestration::stored::StoredOrchestration;
use model::pane::{MadeBy, StoredMirror, StoredPane, StoredState};
use model::session::change::{Place, Placement};
use model::session::snapshot::SessionSnapshot;
use store::{Loaded, LoadedSession, StoredKey};

pub(crate) use enter::take_up;
use enter::{Candidate, Reach, enter};
use keepers::FoundKeepers;
pub(crate) use reach::reach;

/// Takes everything over. Nothing that fails for one pane keeps another from being adopted.
pub(crate) async fn adopt(server: &Arc<Server>, loaded: Loaded) {
    let begun = Instant::now();
    let known = match loaded.rebooted {
        true => keepers::Known::new(),
        false => loaded
            .panes
            .iter()
            .map(|pane| (pane.id, expected(&pane.state)))
            .collect(),
    };
    let held = |id| server.held_back.why(id).filter(|_| !loaded.rebooted);
    let free = |id: &PaneUuid| held(*id).is_none();
    let wanted = |id| free(&id).then(|| known.get(&id).cloned().unwrap_or_default());
    let mut found = keepers::connect(&server.paths, wanted).await;
    found.call(&server.paths, &known, free).await;
    found.hold(&server.paths, &known, held);
    let store = loaded.store;
    let adoption = Adoption::new(server, loaded);
    let (count, silent) = (found.keepers.len(), found.away.len());
    let unknown: HashSet<PaneUuid> = found.away.keys().copied().collect();
    let entries = adoption.run(found).await;
    // Before anybody is told: the next daemon must find what this one shows.
    let _ = server.store.flush().await;
    let unreachable = |entry: &&Arc<PaneEntry>| entry.state().borrow().unreachable().is_some();
    if count + entries.len() + silent > 0 {
        tracing::info!(
            keepers = count,
            silent,
            panes = entries.len(),
            unreachable = entries.iter().filter(unreachable).count(),
            lost = entries
                .iter()
                .filter(|entry| entry.process().keeper_pid == 0)
                .count(),
            sessions = server.registry.session_count(),
            took_ms = millis(begun.elapsed()),
            "adopted what an earlier daemon has left"
        );
    }
    server
        .cgroups()
        .sweep(|id| server.registry.pane(id).is_some() || unknown.contains(&id));
    if server.held_back.careful().is_none() {
        late::look_again(server, store);
    }
}

/// The processes that may listen as a stored pane's keeper.
fn expected(state: &StoredState) -> Expected {
    let known = [state.keeper, state.next_keeper].into_iter().flatten();
    let mut keepers: Vec<Identity> = known.filter_map(pane::identity).collect();
    // A daemon that stored no program did not store either which keeper it was about to start.
    if state.program.is_none() && !keepers.iter().any(|keeper| keeper.is_alive()) {
        keepers.clear();
    }
    let secret = state
        .secret
        .map_or_else(Vec::new, |secret| secret.as_bytes().to_vec());
    Expected { keepers, secret }
}

/// The facts that are known when the adoption begins.
struct Adoption {
    server: Arc<Server>,
    sessions: Vec<LoadedSession>,
    stored: HashMap<PaneUuid, StoredPane>,
    /// Panes whose creation was never answered.
    unanswered: HashSet<PaneUuid>,
    mirrors: Vec<StoredMirror>,
    orchestrations: Vec<StoredOrchestration>,
    /// Keys of requests that nobody was answered.
    open_keys: Vec<StoredKey>,
    store: Option<uuid::Uuid>,
    rebooted: bool,
}

impl Adoption {
    fn new(server: &Arc<Server>, loaded: Loaded) -> Self {
        server.registry.numbers().note_last(loaded.last_numbers);
        for ended in loaded.ended {
            match EndedPane::restored(ended) {
                Ok(ended) => server.registry.remember(Arc::new(ended)),
                Err(error) => tracing::error!(%error, "the end of a pane is left out"),
            }
        }
        let mut open_keys = Vec::new();
        for key in loaded.keys {
            if key.outcome.is_some() {
                server.idempotency.restore(key);
            } else {
                open_keys.push(key);
            }
        }
        Self {
            server: Arc::clone(server),
            sessions: loaded.sessions,
            stored: loaded.panes.into_iter().map(|p| (p.id, p)).collect(),
            unanswered: HashSet::new(),
            mirrors: loaded.mirrors,
            orchestrations: loaded.orchestrations,
            open_keys,
            store: loaded.store,
            rebooted: loaded.rebooted,
        }
    }

    async fn run(mut self, found: FoundKeepers) -> Vec<Arc<PaneEntry>> {
        self.find_unanswered(&found.keepers);
        let run: HashSet<_> = self
            .orchestrations
            .iter()
            .filter(|stored| !stored.has_ended())
            .map(|stored| stored.job.id)
            .collect();
        for session in &mut self.sessions {
            // Who else held it is gone with the daemon.
            session.snapshot.leases.retain(|id| run.contains(id));
        }
        let candidates = self.candidates(found);
        for id in self.stored.keys() {
            let _ = self.server.store.forget_pane(*id, None);
        }
        let closing: HashSet<_> = candidates
            .iter()
            .filter(|candidate| candidate.pane.state.closing)
            .map(|candidate| candidate.pane.id)
            .collect();
        let entries = self.enter_all(candidates).await;
        self.enter_mirrors();
        self.begin_sessions().await;
        for entry in &entries {
            if entry.state().borrow().unreachable().is_none() {
                pane::life::watch_life(&self.server, entry, &entry.process());
            }
            if closing.contains(&entry.id) {
                pane::go_on_closing(&self.server, entry);
            }
        }
        for stored in std::mem::take(&mut self.orchestrations) {
            orchestration::resume(&self.server, stored, &mut self.open_keys).await;
        }
        // Only now: a daemon that is killed before this leaves them to the next one as they were.
        for key in &self.open_keys {
            let _ = self.server.store.forget_key(&key.key);
        }
        entries
    }

    /// A session can be written with the place of a pane whose own row was to follow: its keeper, too, knows what it was made for.
    fn find_unanswered(&mut self, keepers: &HashMap<PaneUuid, AdoptedPane>) {
        if self.open_keys.is_empty() {
            return;
        }
        let open: HashSet<&str> = self.open_keys.iter().map(|key| key.key.as_str()).collect();
        let kept: Vec<_> = keepers.values().filter_map(from_meta).collect();
        let unanswered = self.stored.values().chain(&kept).filter(|pane| {
            let key = pane.record.made_by.as_ref().and_then(MadeBy::key);
            key.is_some_and(|key| open.contains(key))
        });
        self.unanswered = unanswered.map(|pane| pane.id).collect();
    }

    /// The panes that go on, each with its keeper and its size, strangers in windows of their own.
    fn candidates(&mut self, found: FoundKeepers) -> Vec<Candidate> {
        let FoundKeepers {
            mut keepers,
            mut away,
        } = found;
        let mut found = Vec::new();
        let placed: Vec<PaneUuid> = self
            .sessions
            .iter()
            .flat_map(|session| session.snapshot.panes())
            .collect();
        for id in placed {
            if self.unanswered.contains(&id) {
                continue;
            }
            let keeper = keepers.remove(&id);
            let stored = self.stored.remove(&id);
            let pane = stored.or_else(|| keeper.as_ref().and_then(from_meta));
            let reach = match (keeper, away.remove(&id)) {
                (Some(keeper), _) => Reach::Answers(Box::new(keeper)),
                (None, Some(why)) => Reach::Away(why),
                (None, None) => Reach::Gone,
            };
            if let Some(pane) = pane {
                found.push((pane, reach));
            }
        }
        for (id, keeper) in keepers {
            match self.stranger(id, &keeper) {
                Stranger::TakenIn(pane) => {
                    self.place(&pane);
                    found.push((*pane, Reach::Answers(Box::new(keeper))));
                }
                Stranger::Ended => end_keeper(&self.server, id, keeper.keeper),
                Stranger::LeftAlone => {}
            }
        }
        let numbers = self.server.registry.numbers();
        numbers.note_panes(found.iter_mut().map(|(pane, _)| &mut pane.record.number));
        let sizes: HashMap<PaneUuid, Size> = self
            .sessions
            .iter()
            .flat_map(|session| session.snapshot.pane_sizes())
            .collect();
        let candidate = |(pane, reach): (StoredPane, _)| {
            let size = sizes.get(&pane.id).copied().unwrap_or_default();
            Candidate { pane, reach, size }
        };
        found.into_iter().map(candidate).collect()
    }

    /// A keeper whose pane is in no session: whose it is, unless it was started for an answer that nobody got.
    fn stranger(&self, id: PaneUuid, keeper: &AdoptedPane) -> Stranger {
        let meta = match KeeperMeta::decode(&keeper.meta) {
            Ok(meta) => meta,
            Err(error) => {
                tracing::error!(pane_id = %id, %error, "a keeper of an unknown kind is left alone");
                return Stranger::LeftAlone;
            }
        };
        // An orchestration that goes on finds it: started again, its command would be carried out twice.
        let made_by = meta.record.made_by.as_ref();
        let run = made_by.and_then(MadeBy::orchestration);
        let of_run = run.is_some_and(|run| !self.is_over(id, run));
        let same = meta.store.is_some() && meta.store == self.store && !of_run;
        if same || self.unanswered.contains(&id) {
            tracing::warn!(pane_id = %id, "a keeper whose pane nobody was told of, or that is gone, is ended");
            return Stranger::Ended;
        }
        tracing::warn!(pane_id = %id, session = %meta.session_name, "a pane is taken in by what its keeper knows");
        let mut pane = stored(id, meta);
        if let Some(known) = self.stored.get(&id) {
            pane.name.clone_from(&known.name);
        }
        Stranger::TakenIn(Box::new(pane))
    }

    /// True if a run has ended and its pane was closed, while the keeper waited for that to be recorded.
    fn is_over(&self, id: PaneUuid, run: OrchestrationUuid) -> bool {
        let mut runs = self.orchestrations.iter();
        let ended = runs.any(|stored| stored.job.id == run && stored.has_ended());
        ended && !self.stored.contains_key(&id)
    }

    /// Puts a pane that is in no session into a window of its own.
    fn place(&mut self, pane: &StoredPane) {
        let id = pane.session;
        if !self.sessions.iter().any(|s| s.snapshot.id == id) {
            let snapshot = session_for(&self.server, pane);
            let last_used_ms = snapshot.created_at_ms;
            self.sessions.push(LoadedSession {
                snapshot,
                last_used_ms,
            });
        }
        let Some(session) = self.sessions.iter_mut().find(|s| s.snapshot.id == id) else {
            return;
        };
        let placement = Placement {
            pane: pane.id,
            place: Place::NewWindow { name: None },
            select: false,
        };
        if let Ok((next, _)) = session.snapshot.placed(&placement) {
            session.snapshot = next;
        }
    }

    /// Makes the entries side by side, on threads that nobody else needs.
    async fn enter_all(&self, candidates: Vec<Candidate>) -> Vec<Arc<PaneEntry>> {
        let entering = candidates.into_iter().map(|candidate| {
            let (server, rebooted) = (Arc::clone(&self.server), self.rebooted);
            tokio::task::spawn_blocking(move || enter(&server, candidate, rebooted))
        });
        let entered = join_all(entering).await.into_iter();
        let told = |entered: Result<_, tokio::task::JoinError>| {
            entered
                .inspect_err(|error| tracing::error!(%error, "a pane was not entered"))
                .ok()
        };
        entered.filter_map(told).collect()
    }

    /// Mirrors of panes that are there again; the others go with theirs.
    fn enter_mirrors(&mut self) {
        let registry = &self.server.registry;
        for stored in self.mirrors.drain(..) {
            let of = registry.pane(stored.of);
            match of.zip(registry.pane_slots().take(usize::MAX)) {
                Some((of, slot)) => {
                    let mirror = Mirror::restored(stored, of, slot);
                    registry.insert_mirror(Arc::new(mirror));
                }
                None => drop(self.server.store.forget_mirror(stored.id)),
            }
        }
    }

    /// Starts the actors of all sessions; their panes' actors start with them.
    async fn begin_sessions(&mut self) {
        let server = &self.server;
        let mut entries = Vec::new();
        self.sessions.sort_by_key(|session| session.last_used_ms);
        for LoadedSession {
            snapshot,
            last_used_ms,
        } in self.sessions.drain(..)
        {
            let entry = claim(server, snapshot);
            entry.used_at(last_used_ms);
            entries.push(entry);
        }
        join_all(entries.iter().map(|entry| async move {
            life::start_again(server, entry).await;
        }))
        .await;
    }
}

/// Enters a session under its name, or under a free one when that is taken.
fn claim(server: &Server, mut snapshot: SessionSnapshot) -> Arc<SessionEntry> {
    if snapshot.environment.base.is_empty() {
        // It was not stored.
        snapshot.environment.base = Arc::clone(&server.environment);
    }
    loop {
        match server.registry.claim(snapshot.clone()) {
            Claim::Ours(entry) => return entry,
            Claim::Taken(_) => {
                let name = server.registry.free_name();
                tracing::warn!(session_id = %snapshot.id, old = %snapshot.name, new = %name, "two sessions had one name");
                snapshot.name = name;
            }
        }
    }
}

/// The fate of a keeper whose pane is in no session.
enum Stranger {
    TakenIn(Box<StoredPane>),
    Ended,
    LeftAlone,
}

/// A session for a pane that only its keeper knows.
fn session_for(server: &Server, pane: &StoredPane) -> SessionSnapshot {
    let meta_name = pane.state.session_name.clone();
    let name = meta_name.unwrap_or_else(|| server.registry.free_name());
    let cwd = pane.record.cwd.clone();
    SessionSnapshot {
        id: pane.session,
        ..server.new_session(name, None, cwd, Size::default())
    }
}

fn from_meta(keeper: &AdoptedPane) -> Option<StoredPane> {
    let id: PaneUuid = keeper.pane_id.parse().ok()?;
    let meta = KeeperMeta::decode(&keeper.meta).ok()?;
    Some(stored(id, meta))
}

fn stored(id: PaneUuid, meta: KeeperMeta) -> StoredPane {
    StoredPane {
        id,
        session: meta.session,
        name: meta.name,
        record: meta.record,
        state: StoredState {
            life: meta.life,
            session_name: Some(meta.session_name),
            ..StoredState::default()
        },
    }
}

/// Ends a keeper that no pane has, in the background. The daemon waits for that before it ends.
fn end_keeper(server: &Server, id: PaneUuid, keeper: Keeper) {
    let socket = server.paths.pane_socket(id);
    let group = server.cgroups().path(id);
    server.endings.spawn(async move {
        pane::life::let_go(id, &keeper, &socket, group.as_deref()).await;
    });
}

#[cfg(test)]
mod tests;
