//! A connection's actor: sessions monitor it, operators see it, and its end ends the connection.

mod conn;
mod focus;
mod guard;
mod message;
mod notices;
mod out;
mod steps;
mod typing;
mod view;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use futures_util::SinkExt;
use protocol::codec::FrameCodec;
use protocol::frame::Frame;
use protocol::{ClientUuid, Error};
use pty::Watched;
use supervisor::{Actor, ActorError, Address, ChildId, ChildSpec, ExitReason, OnceSpec, Shutdown};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_util::codec::FramedWrite;

use crate::children::GOODBYE;
use crate::listener::ConnectionSlot;
use crate::registry::ClientEntry;
use crate::server::Server;

pub(crate) use message::{ClientMsg, Looks};

/// The actor; its task talks.
pub(crate) struct ClientActor;

/// The start arguments of a connection's actor.
pub(crate) struct ClientArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Its id.
    pub id: ClientUuid,
    /// The socket.
    pub socket: OwnedFd,
    /// The process at the other end, if it can be seen from here.
    pub process: Option<i32>,
    /// Counts it as long as it lives.
    pub place: ConnectionSlot,
}

/// The state of a connection's actor; dropping it closes the socket and takes the connection out of the registry.
pub(crate) struct ClientState {
    server: Arc<Server>,
    id: ClientUuid,
    task: JoinHandle<()>,
    name: Arc<str>,
    views: usize,
    _place: ConnectionSlot,
}

impl Drop for ClientState {
    fn drop(&mut self) {
        self.task.abort();
        self.server.registry.clients().remove(&self.id);
        if self.server.is_leaving_panes() {
            // Which waits for the last one.
            self.server.registry.note_change();
        }
    }
}

impl Actor for ClientActor {
    type Msg = ClientMsg;
    type State = ClientState;
    type Args = ClientArgs;

    async fn pre_start(
        &self,
        myself: Address<ClientMsg>,
        args: ClientArgs,
    ) -> Result<ClientState, ActorError> {
        let ClientArgs {
            server,
            id,
            socket,
            process,
            place,
        } = args;
        let stream = Watched::new(Arc::new(socket))?;
        let entry = ClientEntry::new(myself.clone(), process);
        let name = Arc::clone(&entry.name);
        server.registry.clients().insert(id, entry);
        let conn = conn::Conn::new(Arc::clone(&server), id, myself.clone(), stream, process);
        let task = tokio::spawn(async move {
            let whose = move || id.as_uuid().as_u128();
            let why = supervisor::noted(whose, conn.run()).await;
            let _ = myself.cast(ClientMsg::Closed(why));
        });
        Ok(ClientState {
            server,
            id,
            task,
            name,
            views: 0,
            _place: place,
        })
    }

    async fn handle(
        &self,
        myself: &Address<ClientMsg>,
        msg: ClientMsg,
        state: &mut ClientState,
    ) -> Result<(), ActorError> {
        match msg {
            ClientMsg::Greeted(name, inside) => {
                state.name = Arc::clone(&name);
                if let Some(mut entry) = state.server.registry.clients().get_mut(&state.id) {
                    entry.name = name;
                    entry.inside = inside;
                }
            }
            ClientMsg::Views(views) => {
                state.views = views.len();
                if let Some(mut entry) = state.server.registry.clients().get_mut(&state.id) {
                    entry.views = views;
                }
            }
            ClientMsg::Closed(why) => {
                tracing::debug!(client_id = %state.id, %why, "connection closed");
                myself.stop(ExitReason::Normal);
            }
            #[cfg(debug_assertions)]
            ClientMsg::Crash => panic!("a test asked for it"),
        }
        myself.set_details(vec![
            ("name", state.name.to_string()),
            ("views", state.views.to_string()),
        ]);
        Ok(())
    }
}

/// Tells a connection that is not served why.
pub(crate) async fn refuse(stream: UnixStream, why: Error) {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(1);
    let mut write = FramedWrite::new(stream, FrameCodec::default());
    let _ = tokio::time::timeout(LIMIT, write.send(Frame::Bye(why))).await;
}

/// A connection. Nobody starts it again: its peer would not know.
#[must_use]
pub(crate) fn spec(id: ClientUuid, args: ClientArgs) -> OnceSpec {
    ChildSpec::once(ChildId::from(id.to_string()), ClientActor, args)
        .shutdown(Shutdown::Timeout(GOODBYE))
}
