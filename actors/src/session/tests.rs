//! A session's actor in process, under the paused clock, with connections that only live and end.

#![cfg(debug_assertions)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::config::DaemonConfig;
use protocol::frame::ViewId;
use protocol::paths::Paths;
use protocol::request::UpdateSession;
use protocol::terminal::TerminalFacts;
use protocol::{ClientUuid, ErrorCode, Name, OrchestrationUuid, Size};
use supervisor::{
    Actor, ActorError, Address, AddressSlot, ChildSpec, DynamicSpec, ExitReason, RestartType,
    Strategy, SupervisorRef, SupervisorSpec,
};
use tokio::sync::mpsc;

use super::{AttachRequest, SessionMsg, life};
use crate::client::ClientMsg;
use crate::day::Day;
use crate::registry::{Claim, ClientEntry};
use crate::server::Server;
use crate::session::{Phase, SessionEntry};
use model::session::change::Change;

/// Stands for a connection's actor: it lives until it is stopped, killed or crashed.
struct Connection;

impl Actor for Connection {
    type Msg = ClientMsg;
    type State = ();
    type Args = ();

    async fn pre_start(&self, _: Address<ClientMsg>, (): ()) -> Result<(), ActorError> {
        Ok(())
    }

    async fn handle(
        &self,
        myself: &Address<ClientMsg>,
        msg: ClientMsg,
        (): &mut (),
    ) -> Result<(), ActorError> {
        match msg {
            ClientMsg::Crash => panic!("a test asked for it"),
            ClientMsg::Closed(_) => myself.stop(ExitReason::Normal),
            ClientMsg::Greeted(..) | ClientMsg::Views(_) => {}
        }
        Ok(())
    }
}

/// Stands for a session's actor that is too slow: it answers nobody who needs the session, and tells who needs it no more.
struct Slow;

impl Actor for Slow {
    type Msg = SessionMsg;
    type State = (mpsc::UnboundedSender<OrchestrationUuid>, Vec<SessionMsg>);
    type Args = mpsc::UnboundedSender<OrchestrationUuid>;

    async fn pre_start(
        &self,
        _: Address<SessionMsg>,
        released: Self::Args,
    ) -> Result<Self::State, ActorError> {
        Ok((released, Vec::new()))
    }

    async fn handle(
        &self,
        _: &Address<SessionMsg>,
        msg: SessionMsg,
        (released, unanswered): &mut Self::State,
    ) -> Result<(), ActorError> {
        if let SessionMsg::Release(id, _) = msg {
            released.send(id).unwrap();
        } else {
            unanswered.push(msg);
        }
        Ok(())
    }
}

struct World {
    server: Arc<Server>,
    entry: Arc<SessionEntry>,
    root: SupervisorRef,
}

impl World {
    /// A live session that `orchestration` holds, so that it stays although it has no pane.
    async fn new(orchestration: OrchestrationUuid) -> Self {
        let nowhere = PathBuf::from("/nonexistent");
        let paths = Paths {
            runtime: nowhere.clone(),
            state: nowhere.clone(),
            config: nowhere.clone(),
        };
        let server = Server::new(DaemonConfig::default(), paths, &nowhere);
        let spec = SupervisorSpec::new(Strategy::OneForOne)
            .child(ChildSpec::dynamic("sessions", DynamicSpec::new()).publish(&server.sessions))
            .child(ChildSpec::dynamic("clients", DynamicSpec::new()).publish(&server.clients));
        let root = supervisor::start("test", spec, &server.tree).await.unwrap();
        let name = Name::new("s").unwrap();
        let mut snapshot = server.new_session(name, None, "/".into(), Size::DEFAULT);
        snapshot.leases.insert(orchestration);
        let Claim::Ours(entry) = server.registry.claim(snapshot) else {
            panic!("the name is taken");
        };
        life::start(&server, &entry).await.unwrap();
        Self {
            server,
            entry,
            root,
        }
    }

    /// A session whose actor is not there yet, held by `orchestration`.
    fn unstarted(&self, orchestration: OrchestrationUuid) -> Arc<SessionEntry> {
        let name = Name::new("unstarted").unwrap();
        let mut snapshot = self
            .server
            .new_session(name, None, "/".into(), Size::DEFAULT);
        snapshot.leases.insert(orchestration);
        match self.server.registry.claim(snapshot) {
            Claim::Ours(entry) => entry,
            Claim::Taken(_) => panic!("the name is taken"),
        }
    }

    async fn connection(&self) -> (ClientUuid, Address<ClientMsg>) {
        let id = ClientUuid::new();
        let slot = AddressSlot::new();
        let spec = ChildSpec::actor_in(id.to_string(), &slot, || Connection, || ())
            .restart(RestartType::Temporary);
        let clients = self.server.clients.get().unwrap();
        clients.start_child(spec).await.unwrap();
        let address = slot.get().unwrap();
        let entry = ClientEntry::new(address.clone(), None);
        self.server.registry.clients().insert(id, entry);
        (id, address)
    }

    async fn attach(
        &self,
        (client, address): &(ClientUuid, Address<ClientMsg>),
        view: ViewId,
    ) -> Result<(), protocol::Error> {
        let request = AttachRequest {
            client: *client,
            view,
            address: address.clone(),
            size: None,
            login: std::collections::BTreeMap::new(),
            terminal: TerminalFacts::default(),
        };
        life::ask(&self.entry, |reply| SessionMsg::Attach(request, reply)).await?
    }

    async fn detach(&self, client: ClientUuid, view: ViewId) {
        life::leave(&self.entry, client, view).await.unwrap();
    }

    fn attached(&self) -> u32 {
        self.entry.snapshot().attached_clients()
    }

    async fn until_attached(&self, count: u32) {
        let mut changes = self.entry.changes();
        let reached = changes.wait_for(|snapshot| snapshot.attached_clients() == count);
        tokio::time::timeout(Duration::from_secs(5), reached)
            .await
            .unwrap_or_else(|_| panic!("{} attached, not {count}", self.attached()))
            .unwrap();
    }

    async fn until_ended(&self) {
        let mut phase = self.entry.phase();
        let ended = phase.wait_for(|phase| *phase == Phase::Ended);
        tokio::time::timeout(Duration::from_secs(5), ended)
            .await
            .expect("the session does not end")
            .unwrap();
    }

    async fn crash(&self) {
        let old = self.entry.address.get().unwrap();
        old.cast(SessionMsg::Crash).unwrap();
        tokio::time::timeout(Duration::from_secs(5), old.vitals().wait_ended())
            .await
            .unwrap();
    }

    async fn end(self) {
        let limit = Duration::from_secs(5);
        self.root
            .shutdown(ExitReason::Shutdown, limit)
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_attached_twice_is_one_member_until_both_views_are_gone() {
    let world = World::new(OrchestrationUuid::new()).await;
    let client = world.connection().await;
    world.attach(&client, 1).await.unwrap();
    world.attach(&client, 2).await.unwrap();
    assert_eq!(world.attached(), 1);
    world.detach(client.0, 1).await;
    assert_eq!(world.attached(), 1);
    world.detach(client.0, 1).await;
    assert_eq!(world.attached(), 1, "a repeated detach changes nothing");
    world.detach(client.0, 2).await;
    assert_eq!(world.attached(), 0);
    world.detach(client.0, 2).await;
    assert_eq!(world.attached(), 0, "one detach too many changes nothing");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn however_a_connection_ends_it_is_taken_out() {
    let world = World::new(OrchestrationUuid::new()).await;
    for end in [
        (|a: &Address<ClientMsg>| a.stop(ExitReason::Normal)) as fn(&Address<ClientMsg>),
        |a| a.kill(),
        |a| a.cast(ClientMsg::Crash).unwrap(),
        |a| a.cast(ClientMsg::Closed("bye".into())).unwrap(),
    ] {
        let stays = world.connection().await;
        let goes = world.connection().await;
        world.attach(&stays, 1).await.unwrap();
        world.attach(&goes, 1).await.unwrap();
        world.attach(&goes, 2).await.unwrap();
        assert_eq!(world.attached(), 2);
        end(&goes.1);
        world.until_attached(1).await;
        world.detach(stays.0, 1).await;
    }
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ended_before_its_attach_is_not_counted() {
    let world = World::new(OrchestrationUuid::new()).await;
    let client = world.connection().await;
    client.1.kill();
    client.1.vitals().wait_ended().await;
    let error = world.attach(&client, 1).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert_eq!(world.attached(), 0);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_actor_knows_who_is_attached_and_who_went_meanwhile() {
    let world = World::new(OrchestrationUuid::new()).await;
    let stays = world.connection().await;
    let goes = world.connection().await;
    world.attach(&stays, 1).await.unwrap();
    world.attach(&goes, 1).await.unwrap();
    world.crash().await;
    goes.1.kill();
    world.until_attached(1).await;
    assert!(world.entry.snapshot().clients.contains_key(&stays.0));
    stays.1.kill();
    world.until_attached(0).await;
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_stays_as_long_as_somebody_holds_it_and_then_gives_its_name_back() {
    let (first, second) = (OrchestrationUuid::new(), OrchestrationUuid::new());
    let world = World::new(first).await;
    life::acquire(&world.entry, second).await.unwrap();
    life::ask(&world.entry, |reply| SessionMsg::Release(first, reply))
        .await
        .unwrap();
    world.crash().await;
    life::acquire(&world.entry, second).await.unwrap();
    assert_eq!(*world.entry.phase().borrow(), Phase::Live);
    life::ask(&world.entry, |reply| SessionMsg::Release(second, reply))
        .await
        .unwrap();
    world.until_ended().await;
    let name = Name::new("s").unwrap();
    let gone = async {
        while world.server.registry.session_named(&name).is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .unwrap();
    assert!(life::acquire(&world.entry, second).await.is_err());
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn two_that_ask_for_one_name_get_one_session() {
    let world = World::new(OrchestrationUuid::new()).await;
    let make = || {
        let name = Name::new("shared").unwrap();
        world
            .server
            .new_session(name, None, "/".into(), Size::DEFAULT)
    };
    let leases: Vec<_> = (0..20).map(|_| OrchestrationUuid::new()).collect();
    let asked = leases
        .iter()
        .map(|orchestration| life::find_or_create(&world.server, make, *orchestration));
    let got: Vec<_> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(got.iter().filter(|(_, made)| *made).count(), 1);
    assert!(got.iter().all(|(entry, _)| entry.id == got[0].0.id));
    assert_eq!(got[0].0.snapshot().leases.len(), leases.len());
    world.end().await;
}

#[tokio::test]
async fn a_view_goes_to_another_pane_although_nothing_can_be_written() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let (first, _second) = (day.pane(&session).await, day.pane(&session).await);
    day.server.store.fail(true);
    let step = Box::new(Change::ViewStep(first.id));
    let stepped = life::ask(&session, |reply| SessionMsg::Change(step, reply)).await;
    stepped.unwrap().unwrap();
    assert_eq!(session.snapshot().focused_pane(), Some(first.id));
    let rename = Box::new(Change::Session(UpdateSession {
        name: Some(Name::new("other").unwrap()),
        ..UpdateSession::default()
    }));
    let renamed = life::ask(&session, |reply| SessionMsg::Change(rename, reply)).await;
    renamed.unwrap().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_actor_is_away_has_not_ended() {
    let world = World::new(OrchestrationUuid::new()).await;
    let entry = world.unstarted(OrchestrationUuid::new());
    let client = ClientUuid::new();
    let left = life::leave(&entry, client, 1).await.unwrap_err();
    assert_eq!(left.code, ErrorCode::Busy, "{left}");
    let change = Box::new(Change::Session(UpdateSession::default()));
    let asked = life::ask(&entry, |reply| SessionMsg::Change(change, reply)).await;
    assert_eq!(asked.unwrap_err().code, ErrorCode::Busy);
    entry.advance(Phase::Ended);
    life::leave(&entry, client, 1).await.unwrap();
    let change = Box::new(Change::Session(UpdateSession::default()));
    let asked = life::ask(&entry, |reply| SessionMsg::Change(change, reply)).await;
    assert_eq!(asked.unwrap_err().code, ErrorCode::NotFound);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_was_answered_for_is_released() {
    let world = World::new(OrchestrationUuid::new()).await;
    let entry = world.unstarted(OrchestrationUuid::new());
    let (told, mut released) = mpsc::unbounded_channel();
    let slow = ChildSpec::actor_in("slow", &entry.address, || Slow, move || told.clone());
    let clients = world.server.clients.get().unwrap();
    clients.start_child(slow).await.unwrap();
    let wanted = OrchestrationUuid::new();
    let error = life::acquire(&entry, wanted).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy, "{error}");
    let limit = Duration::from_secs(5);
    let told = tokio::time::timeout(limit, released.recv()).await;
    assert_eq!(told.unwrap(), Some(wanted));
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_released_although_the_actor_is_long_away() {
    let world = World::new(OrchestrationUuid::new()).await;
    let lease = OrchestrationUuid::new();
    let entry = world.unstarted(lease);
    let late = async {
        tokio::time::sleep(life::SESSION_LIMIT * 2).await;
        life::start(&world.server, &entry).await.unwrap();
    };
    tokio::join!(life::release(&entry, lease), late);
    assert!(entry.snapshot().leases.is_empty());
    world.end().await;
}
