//! The registry of all that is alive: published snapshots of sessions, panes, clients and orchestrations.
//!
//! Anybody may read here without asking an actor. Each entry has one writer.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use protocol::reply::{PaneEnd, SessionContext};
use protocol::{
    ClientUuid, Error, ErrorCode, Name, OrchestrationUuid, PaneNumber, PaneUuid, SessionUuid,
};
use store::ENDED_PANES;
use supervisor::Address;
use terminal::screen::Tail;
use tokio::sync::watch;

use crate::client::{ClientMsg, Looks};
use crate::clock::epoch_ms;
use crate::orchestration::OrchestrationEntry;
use crate::pane::PaneEntry;
use crate::session::{Phase, SessionEntry};
use crate::slots::{Slot, Slots};
use model::session::snapshot::SessionSnapshot;

mod beginning;
mod lookup;
mod mirror;
mod numbers;
mod stored;

pub(crate) use beginning::Beginnings;
pub(crate) use lookup::Caller;
pub(crate) use mirror::{Leaf, Mirror};
pub(crate) use numbers::Numbers;

/// A connection as everybody may see it.
#[derive(Clone)]
pub(crate) struct ClientEntry {
    /// Its actor.
    pub address: Address<ClientMsg>,
    /// What it called itself in its hello.
    pub name: Arc<str>,
    /// The pane in which it was found to run.
    pub inside: Option<PaneUuid>,
    /// The process at the other end, if it can be seen from here.
    pub process: Option<i32>,
    /// The time at which it connected, in milliseconds since 1970.
    pub since_ms: u64,
    /// The places that its views look at.
    pub views: Arc<[Looks]>,
}

impl ClientEntry {
    /// A connection that has not said hello.
    #[must_use]
    pub(crate) fn new(address: Address<ClientMsg>, process: Option<i32>) -> Self {
        Self {
            address,
            name: "".into(),
            inside: None,
            process,
            since_ms: epoch_ms(),
            views: Arc::default(),
        }
    }
}

/// A pane that was removed: its end, and the last of its output.
#[derive(Clone, Debug)]
pub(crate) struct EndedPane {
    /// Its session at the time.
    pub context: SessionContext,
    /// Its final state.
    pub end: PaneEnd,
    /// The end of its text.
    pub tail: Tail,
}

/// Everything that is alive.
pub(crate) struct Registry {
    numbers: Numbers,
    names: DashMap<Name, SessionUuid>,
    sessions: DashMap<SessionUuid, Arc<SessionEntry>>,
    panes: DashMap<PaneUuid, (Arc<PaneEntry>, Slot)>,
    /// Whose program was given which secret.
    tokens: DashMap<String, PaneUuid>,
    beginnings: Beginnings,
    mirrors: DashMap<PaneUuid, Arc<Mirror>>,
    /// Of panes, those included that are being started.
    pane_slots: Slots,
    client_slots: Slots,
    /// Of orchestrations that have not ended, those included that are about to begin.
    run_slots: Slots,
    clients: DashMap<ClientUuid, ClientEntry>,
    orchestrations: DashMap<OrchestrationUuid, Arc<OrchestrationEntry>>,
    /// Replaced as a whole: it changes only when a pane ends.
    ended: ArcSwap<VecDeque<Arc<EndedPane>>>,
    /// How often the tree of sessions, windows and panes has changed.
    changes: watch::Sender<u64>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            numbers: Numbers::default(),
            names: DashMap::new(),
            sessions: DashMap::new(),
            panes: DashMap::new(),
            tokens: DashMap::new(),
            beginnings: Beginnings::default(),
            mirrors: DashMap::new(),
            pane_slots: Slots::default(),
            client_slots: Slots::default(),
            run_slots: Slots::default(),
            clients: DashMap::new(),
            orchestrations: DashMap::new(),
            ended: ArcSwap::default(),
            changes: watch::Sender::default(),
        }
    }
}

/// The result of asking for a session name.
pub(crate) enum Claim {
    /// The name is the caller's; it must start the session or release the name.
    Ours(Arc<SessionEntry>),
    /// A session has it, perhaps one that is still being started.
    Taken(Arc<SessionEntry>),
}

impl Registry {
    /// The next short numbers.
    #[must_use]
    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Something in the tree of sessions, windows and panes is no more what it was.
    pub(crate) fn note_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The number of times that the tree has changed, and every later change.
    #[must_use]
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until this holds of what there is, which is looked at again after each change of that tree.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.changes();
        while !holds(self) {
            // The registry itself has the other end.
            let _ = changes.changed().await;
        }
    }

    /// Takes the snapshot's name and enters the session, or says who has the name. Atomic: of two
    /// callers with one name, one gets it.
    pub(crate) fn claim(&self, snapshot: SessionSnapshot) -> Claim {
        match self.names.entry(snapshot.name.clone()) {
            Entry::Occupied(holder) => match self.session(*holder.get()) {
                Some(entry) => Claim::Taken(entry),
                None => Claim::Ours(self.enter(snapshot, |id| {
                    holder.replace_entry(id);
                })),
            },
            Entry::Vacant(free) => Claim::Ours(self.enter(snapshot, |id| {
                free.insert(id);
            })),
        }
    }

    // The session is entered before the name is visible, so who finds the name finds the session.
    fn enter(
        &self,
        mut snapshot: SessionSnapshot,
        name_it: impl FnOnce(SessionUuid),
    ) -> Arc<SessionEntry> {
        if !snapshot.number.is_given() {
            snapshot.number = self.numbers.session();
        }
        snapshot.number_windows(|| self.numbers.window());
        let entry = Arc::new(SessionEntry::new(snapshot));
        self.sessions.insert(entry.id, Arc::clone(&entry));
        name_it(entry.id);
        self.note_change();
        entry
    }

    /// Takes a further name for a session, or says who has it.
    ///
    /// # Errors
    /// `name_taken` with the holder's id.
    pub(crate) fn take_name(&self, name: &Name, id: SessionUuid) -> Result<(), Error> {
        match self.names.entry(name.clone()) {
            Entry::Occupied(holder) if *holder.get() == id => Ok(()),
            Entry::Occupied(holder) => Err(name_taken(name, *holder.get())),
            Entry::Vacant(free) => {
                free.insert(id);
                Ok(())
            }
        }
    }

    /// Gives a name back, if `id` has it.
    pub(crate) fn release_name(&self, name: &Name, id: SessionUuid) {
        self.names.remove_if(name, |_, holder| *holder == id);
    }

    /// Takes a session out with its name.
    pub(crate) fn remove_session(&self, entry: &SessionEntry) {
        entry.advance(Phase::Ended);
        self.names.retain(|_, holder| *holder != entry.id);
        self.sessions.remove(&entry.id);
        self.take_mirrors(|mirror| mirror.session == entry.id);
        self.note_change();
    }

    /// The first of `s1`, `s2`, … that no session has. Another caller may take it before it is claimed.
    #[must_use]
    pub(crate) fn free_name(&self) -> Name {
        (1u64..)
            .filter_map(|n| Name::new(&format!("s{n}")).ok())
            .find(|name| !self.names.contains_key(name))
            .expect("there are fewer sessions than numbers")
    }

    /// The live session with this id.
    #[must_use]
    pub(crate) fn session(&self, id: SessionUuid) -> Option<Arc<SessionEntry>> {
        self.sessions.get(&id).map(|entry| Arc::clone(&entry))
    }

    /// The session with this name.
    #[must_use]
    pub(crate) fn session_named(&self, name: &Name) -> Option<Arc<SessionEntry>> {
        let id = *self.names.get(name)?;
        self.session(id)
    }

    /// All live sessions in order of creation.
    #[must_use]
    pub(crate) fn sessions(&self) -> Vec<Arc<SessionEntry>> {
        let mut sessions: Vec<_> = self.sessions.iter().map(|e| Arc::clone(&e)).collect();
        sessions.sort_by_key(|entry| entry.id);
        sessions
    }

    /// Enters a pane; its slot is free again when it is taken out.
    pub(crate) fn insert_pane(&self, entry: Arc<PaneEntry>, slot: Slot) {
        if let Some(token) = entry.record.token() {
            self.tokens.insert(token.to_owned(), entry.id);
        }
        self.panes.insert(entry.id, (entry, slot));
    }

    /// The panes whose programs are being started.
    #[must_use]
    pub(crate) fn beginnings(&self) -> &Beginnings {
        &self.beginnings
    }

    /// Takes a pane out and remembers its end.
    pub(crate) fn remove_pane(&self, id: PaneUuid, ended: Arc<EndedPane>) {
        self.remember(ended);
        if let Some(pane) = self.pane(id) {
            pane.set_removed();
        }
        let removed = self.panes.remove(&id);
        if let Some(token) = removed
            .as_ref()
            .and_then(|(_, (pane, _))| pane.record.token())
        {
            self.tokens.remove(token);
        }
        self.note_change();
    }

    /// The pane whose program was given this secret.
    #[must_use]
    pub(crate) fn pane_with_token(&self, token: &str) -> Option<Arc<PaneEntry>> {
        let id = *self.tokens.get(token)?;
        self.pane(id)
    }

    /// Remembers the end of a removed pane.
    pub(crate) fn remember(&self, ended: Arc<EndedPane>) {
        self.ended.rcu(|old| {
            let mut new = VecDeque::clone(old);
            new.push_back(Arc::clone(&ended));
            if new.len() > ENDED_PANES {
                new.pop_front();
            }
            new
        });
    }

    /// Forgets these ends of removed panes, and says which.
    pub(crate) fn forget_ended(&self, meant: impl Fn(&EndedPane) -> bool) -> Vec<PaneUuid> {
        let gone: Vec<_> = self
            .ended_panes()
            .into_iter()
            .filter(|e| meant(e))
            .collect();
        let gone: Vec<_> = gone.iter().map(|ended| ended.end.pane_id).collect();
        self.ended.rcu(|old| {
            let kept = old
                .iter()
                .filter(|ended| !gone.contains(&ended.end.pane_id));
            kept.cloned().collect::<VecDeque<_>>()
        });
        gone
    }

    /// The pane with this id.
    #[must_use]
    pub(crate) fn pane(&self, id: PaneUuid) -> Option<Arc<PaneEntry>> {
        self.panes.get(&id).map(|entry| Arc::clone(&entry.0))
    }

    /// Locks a pane's place for ever: a test wants to see what does not depend on it.
    #[cfg(debug_assertions)]
    pub(crate) fn lock_for_ever(&self, id: PaneUuid) {
        std::mem::forget(self.panes.get_mut(&id));
    }

    /// All panes, in no order.
    #[must_use]
    pub(crate) fn panes(&self) -> Vec<Arc<PaneEntry>> {
        self.panes.iter().map(|e| Arc::clone(&e.0)).collect()
    }

    /// The limit of panes; one is taken before a program is started.
    #[must_use]
    pub(crate) fn pane_slots(&self) -> &Slots {
        &self.pane_slots
    }

    /// The limit of connections.
    #[must_use]
    pub(crate) fn client_slots(&self) -> &Slots {
        &self.client_slots
    }

    /// The limit of orchestrations; one is taken before anything is made, and given up at the end.
    #[must_use]
    pub(crate) fn run_slots(&self) -> &Slots {
        &self.run_slots
    }

    /// The number of panes.
    #[must_use]
    pub(crate) fn pane_count(&self) -> usize {
        self.panes.len()
    }

    /// The number of sessions.
    #[must_use]
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The remembered end of a removed pane.
    #[must_use]
    pub(crate) fn ended_pane(&self, id: PaneUuid) -> Option<Arc<EndedPane>> {
        let ended = self.ended.load();
        ended.iter().rev().find(|e| e.end.pane_id == id).cloned()
    }

    /// The remembered end of the removed pane that had this number.
    #[must_use]
    pub(crate) fn ended_numbered(&self, number: PaneNumber) -> Option<Arc<EndedPane>> {
        let ended = self.ended.load();
        let mut newest = ended.iter().rev();
        newest.find(|e| e.end.number == Some(number)).cloned()
    }

    /// The newest remembered end of a pane with this name, or of a session with it.
    #[must_use]
    pub(crate) fn ended_named(&self, name: &Name) -> Option<Arc<EndedPane>> {
        let ended = self.ended.load();
        let mut newest = ended.iter().rev();
        let named = newest.find(|ended| ended.end.name.as_ref() == Some(name));
        named.cloned().or_else(|| self.ended_session(name))
    }

    /// The last pane that ended of the ended session that had this name. One that lives on under another name has not ended.
    pub(crate) fn ended_session(&self, name: &Name) -> Option<Arc<EndedPane>> {
        let ended = self.ended.load();
        let mut seen = HashSet::new();
        let is_it = |ended: &&Arc<EndedPane>| {
            let context = &ended.context;
            // The newest one tells what its session was called in the end.
            seen.insert(context.session_id)
                && context.session_name == *name
                && self
                    .session(context.session_id)
                    .is_none_or(|session| self.is_emptied(&session.snapshot(), name))
        };
        ended.iter().rev().find(is_it).cloned()
    }

    /// True if a session of this name has lost its last pane, and will end of it in a moment.
    fn is_emptied(&self, snapshot: &SessionSnapshot, name: &Name) -> bool {
        let mut panes = snapshot.panes();
        snapshot.name == *name
            && snapshot.leases.is_empty()
            && panes.all(|pane| self.leaf(pane).is_none())
    }

    /// The remembered ends of removed panes, oldest first.
    pub(crate) fn ended_panes(&self) -> Vec<Arc<EndedPane>> {
        self.ended.load().iter().cloned().collect()
    }

    /// The connections.
    #[must_use]
    pub(crate) fn clients(&self) -> &DashMap<ClientUuid, ClientEntry> {
        &self.clients
    }

    /// The orchestrations, those included that ended within the last hour.
    #[must_use]
    pub(crate) fn orchestrations(&self) -> &DashMap<OrchestrationUuid, Arc<OrchestrationEntry>> {
        &self.orchestrations
    }
}

/// The error for a name that a live session has.
#[must_use]
pub(crate) fn name_taken(name: &Name, holder: SessionUuid) -> Error {
    Error::new(
        ErrorCode::NameTaken,
        format!("session {name} exists already"),
    )
    .hint(format!("`fugue attach {name}` or fugue_select_session goes on in it, and another name, or none, makes a new one"))
    .candidates([holder.to_string()])
}
