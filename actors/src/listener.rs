//! The unix listener: accepts connections, backs off when the system has no room for another one, and
//! sees that callers find it.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use protocol::seldom::Seldom;
use protocol::{ClientUuid, Error, ErrorCode};
use supervisor::{Actor, ActorError, Address};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::children;
use crate::client::{self, ClientArgs, refuse};
use crate::runtime_dir::RuntimeDir;
use crate::server::Server;

use crowd::Crowd;

mod crowd;

pub(crate) use crowd::ConnectionSlot;

/// The first pause after a failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// See [`FIRST_PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The pause between two looks whether the runtime directory is still there.
const LOOK: Duration = Duration::from_secs(2);

/// The actor; its task accepts.
pub(crate) struct ListenerActor;

/// The start arguments of the listener.
pub(crate) struct ListenerArgs {
    /// The daemon.
    pub server: Arc<Server>,
    /// Has the socket, which outlives the actor so that no caller is turned away meanwhile.
    pub runtime_dir: Arc<RuntimeDir>,
}

/// The messages of the listener.
#[derive(strum::IntoStaticStr)]
pub enum ListenerMsg {
    /// The accepting task has ended, which it never should.
    Failed(String),
    /// So many connections were accepted so far.
    Accepted(u64),
}

/// The state of the listener.
pub(crate) struct ListenerState(JoinHandle<()>);

impl Drop for ListenerState {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for ListenerActor {
    type Msg = ListenerMsg;
    type State = ListenerState;
    type Args = ListenerArgs;

    async fn pre_start(
        &self,
        myself: Address<ListenerMsg>,
        args: ListenerArgs,
    ) -> Result<ListenerState, ActorError> {
        let listener = listener(&args.runtime_dir.listener())?;
        let accepting = accept(args, listener, myself.clone());
        let task = tokio::spawn(async move {
            let why = accepting.await;
            let _ = myself.cast(ListenerMsg::Failed(why));
        });
        Ok(ListenerState(task))
    }

    async fn handle(
        &self,
        myself: &Address<ListenerMsg>,
        msg: ListenerMsg,
        _state: &mut ListenerState,
    ) -> Result<(), ActorError> {
        match msg {
            ListenerMsg::Failed(why) => Err(why.into()),
            ListenerMsg::Accepted(count) => {
                myself.set_details(vec![("accepted", count.to_string())]);
                Ok(())
            }
        }
    }
}

fn listener(socket: &std::os::unix::net::UnixListener) -> std::io::Result<UnixListener> {
    let socket = socket.try_clone()?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket)
}

async fn accept(
    args: ListenerArgs,
    mut listener: UnixListener,
    actor: Address<ListenerMsg>,
) -> String {
    let ListenerArgs {
        server,
        runtime_dir,
    } = args;
    let mut pause = FIRST_PAUSE;
    let mut accepted = 0;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = false;
    let crowd = Crowd::default();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            // Who comes now waits in the queue, and connects again to the next one.
            () = server.is_replaced() => return std::future::pending().await,
            _ = look.tick() => {
                if runtime_dir.is_found() || server.is_stopping() {
                    runtime_dir.look_again();
                    continue;
                }
                match found_again(&server, &runtime_dir) {
                    Ok(renewed) => (listener, told) = (renewed, false),
                    Err(error) if told => tracing::debug!(%error, "nobody finds this server"),
                    Err(error) => {
                        told = true;
                        tracing::error!(%error, "the runtime directory was deleted and cannot be made again");
                    }
                }
                continue;
            }
        };
        match stream {
            Ok((stream, _)) => {
                pause = FIRST_PAUSE;
                accepted += 1;
                if actor.cast(ListenerMsg::Accepted(accepted)).is_err() {
                    return "its actor has ended".into();
                }
                // Starting the actor must not delay the next accept.
                tokio::spawn(begin(Arc::clone(&server), crowd.clone(), stream));
            }
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "accept failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Makes the runtime directory again, with the sockets of this daemon and of its keepers.
fn found_again(server: &Server, runtime_dir: &RuntimeDir) -> Result<UnixListener, Error> {
    let listener = runtime_dir.renew(listener)?;
    let panes = server.registry.panes();
    let keepers = panes.iter().filter(|pane| {
        let process = pane.process();
        keeper::listen_again(process.keeper_pid.cast_signed(), process.keeper_start_time).is_ok()
    });
    tracing::warn!(
        keepers = keepers.count(),
        "the runtime directory was deleted and is made again"
    );
    Ok(listener)
}

/// Refuses a caller, which leaves a trace.
async fn turn_away(stream: UnixStream, why: Error) {
    static TOLD: Seldom = Seldom::new(Duration::from_secs(1));
    if let Some(untold) = TOLD.tell() {
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        tracing::warn!(error = %why, pid, untold, "a caller was refused");
    }
    refuse(stream, why).await;
}

async fn begin(server: Arc<Server>, crowd: Crowd, stream: UnixStream) {
    let own = rustix::process::getuid().as_raw();
    let process = match stream.peer_cred() {
        // 0 is a process in another namespace.
        Ok(peer) if peer.uid() == own || peer.uid() == 0 => peer.pid().filter(|pid| *pid > 0),
        Ok(peer) => {
            let why = format!("user {} may not use the server of user {own}", peer.uid());
            return turn_away(stream, Error::new(ErrorCode::Denied, why)).await;
        }
        Err(error) => {
            tracing::warn!(%error, "a connection's user is unknown");
            return;
        }
    };
    let most = server.config.max_clients as usize;
    let Some(place) = crowd.place(&server.registry, process, most) else {
        let why = format!("{most} clients are connected already");
        let error = Error::new(ErrorCode::Limit, why)
            .hint("close some, or raise daemon.max_clients in the configuration");
        return turn_away(stream, error).await;
    };
    let socket = match stream.into_std() {
        Ok(stream) => OwnedFd::from(stream),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be served");
            return;
        }
    };
    let id = ClientUuid::new();
    let args = ClientArgs {
        server: Arc::clone(&server),
        id,
        socket,
        process,
        place,
    };
    let started = match server.clients.get() {
        Some(clients) => clients
            .start_child(client::spec(id, args))
            .await
            .map_err(|error| children::start_error("client", &error)),
        None => Err(children::supervisor_away("clients")),
    };
    if let Err(error) = started {
        tracing::warn!(%error, "a connection could not be served");
    }
}
