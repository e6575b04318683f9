//! The daemon's side of a keeper: starting one, adopting one, asking it for things.

mod adopt;
mod birth;
mod error;
mod stock;
mod stream;
mod task;

use std::{os::fd::OwnedFd, path::Path, path::PathBuf, time::Duration};

use serde_bytes::ByteBuf;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

pub use self::{
    error::{AdoptError, LinkError, SpawnError},
    stock::KeeperStock,
};
use super::wire::{ExitReport, KeeperSpec, Process, Reply, Request, SignalScope};

/// How long a keeper may take for what it does at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// What a keeper gets on top of the time limit that it watches itself.
const ANSWER_GRACE: Duration = Duration::from_secs(1);

/// The keeper's own executable, which starts faster and takes less memory than the daemon's.
const KEEPER_EXE: &str = "fugue-keeper";

/// How to start a keeper: `fugue-keeper`, or `fugued keeper`.
#[derive(Debug, Clone)]
pub struct KeeperLaunch {
    /// Absolute path of the executable.
    pub exe: PathBuf,
    /// Its arguments; what the keeper does not know is there for people to see in `ps`.
    pub args: Vec<String>,
}

impl KeeperLaunch {
    /// With the `fugue-keeper` beside the daemon's executable; with the daemon's own when there is none.
    #[must_use]
    pub fn beside(daemon: &Path) -> Self {
        let own = daemon.with_file_name(KEEPER_EXE);
        if own.is_file() {
            return Self {
                exe: own,
                args: Vec::new(),
            };
        }
        Self {
            exe: daemon.to_owned(),
            args: vec!["keeper".to_owned()],
        }
    }
}

/// A handle on one keeper; clones share the connection.
///
/// Dropping all of them ends neither the keeper nor its program. Every request can be cancelled by
/// dropping its future; the keeper may then still do what was asked.
#[derive(Debug, Clone)]
pub struct Keeper {
    orders: mpsc::Sender<Order>,
    exit: watch::Receiver<Option<KeeperExit>>,
}

/// One request on its way to the connection's task.
#[derive(Debug)]
struct Order {
    request: Request,
    reply: oneshot::Sender<Reply>,
}

/// How a keeper's care for its program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeeperExit {
    /// The program has ended, and this is how.
    Program(ExitReport),
    /// The keeper itself died: how the program ends will never be known.
    Lost,
    /// The keeper lives but has closed this connection: another one has taken its place.
    Replaced,
}

/// A pane whose program was started.
#[derive(Debug)]
pub struct SpawnedPane {
    /// The link to its keeper.
    pub keeper: Keeper,
    /// Pid of the program, which leads its session and process group.
    pub pid: i32,
    /// Start of the program in clock ticks since boot; identity together with `pid`.
    pub start_time: u64,
    /// Wall clock at its start, milliseconds since 1970.
    pub started_at_unix_ms: u64,
    /// Pid of the keeper, a child of this process.
    pub keeper_pid: i32,
    /// Start of the keeper in clock ticks since boot; 0 when it could not be read.
    pub keeper_start_time: u64,
    /// The PTY's master, in blocking mode.
    pub master: OwnedFd,
    /// Shared memory: a header page and the ring.
    pub journal: OwnedFd,
    /// Read end of the status pipe, if one was asked for.
    pub status_pipe: Option<OwnedFd>,
}

/// A pane that an earlier daemon, or an earlier actor, had started.
#[derive(Debug)]
pub struct AdoptedPane {
    /// The link to its keeper; [`Keeper::exit`] has a value already when the program has ended.
    pub keeper: Keeper,
    /// The id given in its spec.
    pub pane_id: String,
    /// Protocol version of the keeper.
    pub version: u32,
    /// Pid of the program.
    pub pid: i32,
    /// Start of the program in clock ticks since boot.
    pub start_time: u64,
    /// Wall clock at its start, milliseconds since 1970.
    pub started_at_unix_ms: u64,
    /// Pid of the keeper.
    pub keeper_pid: i32,
    /// Start of the keeper in clock ticks since boot.
    pub keeper_start_time: u64,
    /// What the earlier daemon stored for this moment.
    pub meta: Vec<u8>,
    /// The PTY's master; its modes are as the earlier daemon left them.
    pub master: OwnedFd,
    /// The journal, with all that was written to it.
    pub journal: OwnedFd,
    /// Read end of the status pipe, if there is one.
    pub status_pipe: Option<OwnedFd>,
}

impl Keeper {
    /// Starts a keeper and its program.
    ///
    /// When the future is dropped or `limit` is over, the keeper and whatever it started are killed.
    ///
    /// # Errors
    /// See [`SpawnError`]; [`SpawnError::is_limit`] tells whether to try again later.
    pub async fn spawn(
        launch: &KeeperLaunch,
        spec: KeeperSpec,
        limit: Duration,
    ) -> Result<SpawnedPane, SpawnError> {
        birth::check(&spec)?;
        let spawned = birth::Infant::start(launch)?.spawn(spec);
        timeout(limit, spawned)
            .await
            .unwrap_or(Err(SpawnError::Timeout(limit)))
    }

    /// A link to a keeper that is gone: every request says so.
    #[must_use]
    pub fn gone() -> Self {
        Self {
            orders: mpsc::channel(1).0,
            exit: watch::channel(Some(KeeperExit::Lost)).1,
        }
    }

    /// Connects to a keeper that runs already. The connection it had before is closed.
    ///
    /// # Errors
    /// See [`AdoptError`]; only `Gone` means that there is no keeper any more.
    pub async fn adopt(socket: &Path, limit: Duration) -> Result<AdoptedPane, AdoptError> {
        let adopted = timeout(limit, adopt::adopt(socket)).await;
        adopted.unwrap_or(Err(AdoptError::Timeout(limit)))
    }

    /// Becomes `Some` once, when the program ends or the connection does.
    #[must_use]
    pub fn exit(&self) -> watch::Receiver<Option<KeeperExit>> {
        self.exit.clone()
    }

    /// Sends a signal, and tells to how many processes.
    ///
    /// # Errors
    /// `Refused` with `ESRCH` when there is nobody in that scope.
    pub async fn signal(&self, signal: i32, scope: SignalScope) -> Result<u32, LinkError> {
        let request = Request::Signal { signal, scope };
        let reply = self.ask(request, REQUEST_LIMIT).await?;
        if let Reply::Signaled { processes } = reply {
            return Ok(processes);
        }
        Err(reply.into())
    }

    /// Every live process the program has started, and the program itself.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn descendants(&self) -> Result<Vec<Process>, LinkError> {
        self.ask_processes(Request::Descendants {}, REQUEST_LIMIT)
            .await
    }

    /// Kills everything below the keeper until nothing is left or `limit` is over, and returns what
    /// survived.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn kill_all(&self, limit: Duration) -> Result<Vec<Process>, LinkError> {
        let limit_ms = milliseconds(limit);
        self.ask_processes(Request::KillAll { limit_ms }, limit + ANSWER_GRACE)
            .await
    }

    /// Replaces the bytes that an adopting daemon gets.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn set_meta(&self, meta: Vec<u8>) -> Result<(), LinkError> {
        let meta = ByteBuf::from(meta);
        self.ask_done(Request::SetMeta { meta }).await
    }

    /// Says that the exit status is recorded, so that it need not be told again. With
    /// `leave_when_empty` the keeper ends by itself as soon as no descendant is left.
    ///
    /// # Errors
    /// `Refused` when the program has not ended.
    pub async fn ack_exit(&self, leave_when_empty: bool) -> Result<(), LinkError> {
        self.ask_done(Request::AckExit { leave_when_empty }).await
    }

    /// Ends the keeper: kills what is left of the program for at most `limit`, removes the socket,
    /// and returns what survived.
    ///
    /// # Errors
    /// See [`LinkError`]; `Closed` when the keeper has gone already.
    pub async fn release(&self, limit: Duration) -> Result<Vec<Process>, LinkError> {
        let limit_ms = milliseconds(limit);
        self.ask_processes(Request::Release { limit_ms }, limit + ANSWER_GRACE)
            .await
    }

    async fn ask_processes(
        &self,
        request: Request,
        limit: Duration,
    ) -> Result<Vec<Process>, LinkError> {
        let reply = self.ask(request, limit).await?;
        if let Reply::Processes { processes } = reply {
            return Ok(processes);
        }
        Err(reply.into())
    }

    async fn ask_done(&self, request: Request) -> Result<(), LinkError> {
        let reply = self.ask(request, REQUEST_LIMIT).await?;
        if let Reply::Done {} = reply {
            return Ok(());
        }
        Err(reply.into())
    }

    async fn ask(&self, request: Request, limit: Duration) -> Result<Reply, LinkError> {
        let (reply, answer) = oneshot::channel();
        let order = Order { request, reply };
        let exchange = async {
            self.orders
                .send(order)
                .await
                .map_err(|_| LinkError::Closed)?;
            answer.await.map_err(|_| LinkError::Closed)
        };
        timeout(limit, exchange)
            .await
            .unwrap_or(Err(LinkError::Timeout(limit)))
    }
}

fn milliseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
