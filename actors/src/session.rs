//! A session's actor: name, windows, layouts, environment, and who is attached.
//!
//! It publishes a snapshot after each change and is restarted from it; its panes are siblings.

mod ask;
mod child;
mod entry;
pub(crate) mod life;
mod message;
pub(crate) mod mirror;
mod undo;

use std::collections::HashMap;
use std::sync::Arc;

use protocol::frame::ViewId;
use protocol::terminal::TerminalFacts;
use protocol::{ClientUuid, Error, ErrorCode, OrchestrationUuid, Size, WindowUuid};
use supervisor::{Actor, ActorError, ActorId, Address, Down, Reply};

use crate::pane;
use crate::server::Server;
use crate::store::PendingCommit;
use model::session::change::{Change, Placement};
use model::session::sizes::Sizes;
use model::session::snapshot::SessionSnapshot;
use model::session::undo::Unsettled;
use undo::reply_when_saved;

pub(crate) use entry::{Phase, SessionEntry};
pub(crate) use message::{AttachRequest, SessionMsg};

/// The actor.
pub(crate) struct SessionActor;

/// The start arguments of a session's actor.
pub(crate) struct SessionArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its session.
    pub entry: Arc<SessionEntry>,
}

/// The state of a session's actor.
pub(crate) struct SessionState {
    server: Arc<Server>,
    entry: Arc<SessionEntry>,
    now: SessionSnapshot,
    watched: HashMap<ActorId, ClientUuid>,
    /// Sizes of attached clients.
    sizes: Sizes,
    /// Changes that are being recorded.
    unsettled: Unsettled,
}

impl Actor for SessionActor {
    type Msg = SessionMsg;
    type State = SessionState;
    type Args = SessionArgs;

    async fn pre_start(
        &self,
        myself: Address<SessionMsg>,
        args: SessionArgs,
    ) -> Result<SessionState, ActorError> {
        let SessionArgs { server, entry } = args;
        let now = SessionSnapshot::clone(&entry.snapshot());
        let mut state = SessionState {
            server,
            entry,
            now,
            watched: HashMap::new(),
            sizes: Sizes::default(),
            unsettled: Unsettled::default(),
        };
        state.reconcile(&myself);
        state.revive_panes().await;
        // One without a pane is written with its first.
        if !(state.now.windows.is_empty() && state.now.leases.is_empty()) {
            let _ = state.server.store.save(&state.entry);
        }
        let _ = state.publish(&myself);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: &Address<SessionMsg>,
        msg: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorError> {
        match msg {
            SessionMsg::Measure(placement, reply) => {
                reply.send(state.now.placed(&placement).map(|(_, size)| size));
            }
            SessionMsg::Place(placement, reply) => {
                let placed = state.place(&placement);
                let saved = state.publish(myself);
                reply_when_saved(saved, reply, placed, None);
            }
            SessionMsg::PaneGone(pane) => {
                state.now.remove_pane(pane);
                let _ = state.publish(myself);
            }
            SessionMsg::Change(change, reply) => state.change_and_answer(myself, *change, reply),
            SessionMsg::Settled(number) => state.unsettled.settled(number),
            SessionMsg::Undo(number) => {
                state.undo(number);
                let _ = state.publish(myself);
            }
            SessionMsg::Attach(request, reply) => {
                let attached = state.attach(myself, &request);
                let _ = state.publish(myself);
                reply.send(attached);
            }
            SessionMsg::Detach(client, view, reply) => {
                state.detach(client, view);
                let _ = state.publish(myself);
                reply.send(());
            }
            SessionMsg::ViewSize(client, size) => {
                state.resize(client, size);
                let _ = state.publish(myself);
            }
            SessionMsg::ViewTerminal(client, terminal) => {
                state.learn(client, terminal);
                let _ = state.publish(myself);
            }
            SessionMsg::Typed(client) => {
                state.typed(client);
                let _ = state.publish(myself);
            }
            SessionMsg::Acquire(orchestration, reply) => {
                let held = state.acquire(orchestration);
                let _ = state.publish(myself);
                reply.send(held);
            }
            SessionMsg::Release(orchestration, reply) => {
                state.now.leases.remove(&orchestration);
                let _ = state.publish(myself);
                reply.send(());
            }
            #[cfg(debug_assertions)]
            SessionMsg::Crash => panic!("a test asked for it"),
        }
        Ok(())
    }

    async fn handle_down(
        &self,
        myself: &Address<SessionMsg>,
        down: Down,
        state: &mut SessionState,
    ) -> Result<(), ActorError> {
        if let Some(client) = state.watched.remove(&down.id) {
            state.forget(client);
            let _ = state.publish(myself);
        }
        Ok(())
    }
}

impl SessionState {
    fn change_and_answer(
        &mut self,
        myself: &Address<SessionMsg>,
        change: Change,
        reply: Reply<Result<(), Error>>,
    ) {
        let before = self.now.clone();
        // Where a view looks is its own already: a disk that is full or stuck is not to keep its person from switching.
        let is_of_view = matches!(change, Change::ViewStep(_));
        let changed = self.change(change);
        let saved = self.publish(myself).filter(|_| !is_of_view);
        let undo = self.undo_of(myself, before);
        reply_when_saved(saved, reply, changed, undo);
    }

    /// After a restart: clients and panes that ended meanwhile are taken out.
    fn reconcile(&mut self, myself: &Address<SessionMsg>) {
        let clients = std::mem::take(&mut self.now.clients);
        for (client, views) in clients {
            let address = self
                .server
                .registry
                .clients()
                .get(&client)
                .map(|c| c.address.clone());
            if let Some(address) = address.filter(|address| myself.monitor(address)) {
                self.watched.insert(address.id(), client);
                self.now.clients.insert(client, views);
            }
        }
        let gone: Vec<_> = self
            .now
            .panes()
            .filter(|pane| self.server.registry.leaf(*pane).is_none())
            .collect();
        for pane in gone {
            self.now.remove_pane(pane);
        }
    }

    /// After a restart of the supervisor of the panes, which knows no pane any more.
    async fn revive_panes(&self) {
        let Some(supervisor) = self.entry.panes.get() else {
            return;
        };
        for pane in self.now.panes() {
            let Some(pane) = self.server.registry.pane(pane) else {
                continue;
            };
            if pane.address.get().is_none() {
                // Refused when its own restart is under way, which is as good.
                let _ = supervisor
                    .start_child(pane::child::spec(&self.server, &pane))
                    .await;
            }
        }
    }

    fn live(&self) -> Result<(), Error> {
        if *self.entry.phase().borrow() == Phase::Ended {
            return Err(Error::new(
                ErrorCode::NotFound,
                format!("session {} is being ended", self.now.name),
            ));
        }
        Ok(())
    }

    fn place(&mut self, placement: &Placement) -> Result<WindowUuid, Error> {
        self.live()?;
        let (next, _) = self.now.placed(placement)?;
        self.now = next;
        let _ = self.entry.touch();
        let window = self.now.window_of(placement.pane).map(|window| window.id);
        window.ok_or_else(|| Error::new(ErrorCode::Internal, "a placed pane has no window"))
    }

    fn change(&mut self, change: Change) -> Result<(), Error> {
        self.live()?;
        let selects = change.selects();
        // Everything that can be refused without anybody else first, then the name.
        self.become_next(self.now.changed(change)?)?;
        if selects {
            let _ = self.entry.touch();
        }
        Ok(())
    }

    /// Makes this the session, whose name may be another one.
    fn become_next(&mut self, next: SessionSnapshot) -> Result<(), Error> {
        if next.name != self.now.name {
            self.server.registry.take_name(&next.name, self.now.id)?;
        }
        let old_name = std::mem::replace(&mut self.now, next).name;
        if self.now.name != old_name {
            self.server.registry.release_name(&old_name, self.now.id);
        }
        Ok(())
    }

    fn attach(
        &mut self,
        myself: &Address<SessionMsg>,
        request: &AttachRequest,
    ) -> Result<(), Error> {
        self.live()?;
        let learned = self.now.learned(&request.login);
        if !self.now.clients.contains_key(&request.client) {
            if !myself.monitor(&request.address) {
                return Err(Error::new(ErrorCode::Cancelled, "the client has gone"));
            }
            self.watched.insert(request.address.id(), request.client);
        }
        match learned {
            Ok(environment) => self.now.environment = environment,
            Err(error) => {
                tracing::warn!(session_id = %self.now.id, %error, "variables of a login are not taken")
            }
        }
        let views = self.now.clients.entry(request.client).or_default();
        views.insert(request.view);
        if let Some(size) = request.size {
            self.learn(request.client, request.terminal);
            self.resize(request.client, size);
        }
        let _ = self.entry.touch();
        Ok(())
    }

    fn detach(&mut self, client: ClientUuid, view: ViewId) {
        let Some(views) = self.now.clients.get_mut(&client) else {
            return;
        };
        views.remove(&view);
        if views.is_empty() {
            // The monitor stays: its notice finds nobody to take out.
            self.forget(client);
        }
    }

    fn forget(&mut self, client: ClientUuid) {
        self.now.clients.remove(&client);
        self.watched.retain(|_, watched| *watched != client);
        self.sizes.forget(client);
        self.decide_size();
    }

    fn typed(&mut self, client: ClientUuid) {
        self.sizes.typed(client);
        self.decide_size();
    }

    fn resize(&mut self, client: ClientUuid, size: Size) {
        if self.now.clients.contains_key(&client) {
            self.sizes.set(client, size);
            self.decide_size();
            let _ = self.entry.touch();
        }
    }

    fn learn(&mut self, client: ClientUuid, terminal: TerminalFacts) {
        if self.now.clients.contains_key(&client) {
            self.sizes.learn(client, terminal);
            self.decide_size();
        }
    }

    /// Without anybody who decides, the session keeps the size that it has.
    fn decide_size(&mut self) {
        let decided = self.sizes.decided();
        self.entry.set_sized_by(decided.map(|(client, _)| client));
        if let Some((_, size)) = decided {
            self.now.size = size;
        }
        self.entry
            .set_terminal(self.sizes.facts(self.entry.terminal()));
    }

    fn acquire(&mut self, orchestration: OrchestrationUuid) -> Result<(), Error> {
        self.live()?;
        self.now.leases.insert(orchestration);
        Ok(())
    }

    /// Publishes what changed, gives the panes their sizes, and ends a session that nobody needs.
    fn publish(&mut self, myself: &Address<SessionMsg>) -> Option<PendingCommit> {
        let numbers = self.server.registry.numbers();
        self.now.number_windows(|| numbers.window());
        let published = self.entry.snapshot();
        let saved = (*published != self.now).then(|| {
            self.entry.publish(Arc::new(self.now.clone()));
            self.server.registry.note_change();
            self.server.store.save(&self.entry)
        });
        let terminal = self.entry.terminal();
        let sizes = match self.sizes.decided() {
            Some(_) => self.now.shown_sizes(),
            None => self.now.pane_sizes(),
        };
        for (pane, size) in sizes {
            if let Some(pane) = self.server.registry.pane(pane) {
                pane.set_size(size);
                pane.io.set_facts(terminal);
            }
        }
        myself.set_details(vec![
            ("name", self.now.name.to_string()),
            ("attached", self.now.clients.len().to_string()),
            ("windows", self.now.windows.len().to_string()),
        ]);
        let phase = *self.entry.phase().borrow();
        let empty = self.now.windows.is_empty() && self.now.leases.is_empty();
        if empty && phase == Phase::Live {
            life::end_in_background(&self.server, &self.entry);
        }
        saved
    }
}

#[cfg(test)]
mod tests;
