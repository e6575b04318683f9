//! The handle on one keeper: the requests to it, and what is done without it when it does not answer.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use keeper::wire::{Reply, Request};
use keeper::{ExitReport, Family, KeeperSpec, KeptErrors, Process, SignalScope, StopTimes};
use rustix::process::Signal;
use serde_bytes::ByteBuf;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use crate::{
    adopt::{self, Expected},
    error::{AdoptError, LinkError, SpawnError},
    launch::KeeperLaunch,
    rounds, spawn,
};

/// The time that a keeper may take for what it does at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// The time that a keeper gets on top of the time limit that it watches itself.
const ANSWER_GRACE: Duration = Duration::from_secs(1);
/// The time between two looks whether a keeper that was asked is stopped.
const STOPPED_LOOK: Duration = Duration::from_millis(100);
/// The time that a keeper gets which did not answer the last time.
const SILENT_LIMIT: Duration = Duration::from_millis(500);

/// A handle on one keeper; clones share the connection.
///
/// Dropping all of them ends neither the keeper nor its program. Every request can be cancelled by
/// dropping its future; the keeper may then still do what was asked.
#[derive(Debug, Clone)]
pub struct Keeper {
    orders: mpsc::Sender<Order>,
    exit: watch::Receiver<Option<KeeperExit>>,
    /// The processes that the daemon itself sees to when the keeper cannot be asked.
    family: Arc<Family>,
    /// It did not answer the last time.
    silent: Arc<AtomicBool>,
}

/// One request on its way to the connection's task.
#[derive(Debug)]
pub(crate) struct Order {
    pub request: Request,
    pub reply: oneshot::Sender<Reply>,
}

/// The end of a keeper's care for its program.
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
    /// The file that the keeper executes; empty where it is of an older version.
    pub keeper_exe: PathBuf,
    /// The keeper's memory, shared pages divided among those that have them; 0 where it is of an older version.
    pub keeper_pss_kib: u64,
    /// The bytes that the earlier daemon stored for this moment.
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
        spawn::check(&spec)?;
        let spawned = spawn::IdleKeeper::start(launch)?.spawn(spec);
        timeout(limit, spawned)
            .await
            .unwrap_or(Err(SpawnError::Timeout(limit)))
    }

    /// A link to a keeper that is gone: every request says so.
    #[must_use]
    pub fn gone() -> Self {
        Self::away(Family::default())
    }

    /// A link to a keeper that is gone or cannot be asked. What is known of its processes can still be ended.
    #[must_use]
    pub fn away(family: Family) -> Self {
        let orders = mpsc::channel(1).0;
        Self::new(orders, watch::channel(Some(KeeperExit::Lost)).1, family)
    }

    pub(crate) fn new(
        orders: mpsc::Sender<Order>,
        exit: watch::Receiver<Option<KeeperExit>>,
        family: Family,
    ) -> Self {
        Self {
            orders,
            exit,
            family: Arc::new(family),
            silent: Arc::default(),
        }
    }

    /// The pane's processes as the daemon knows them by itself.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// The same link, with the control group of the pane's processes.
    #[must_use]
    pub fn in_cgroup(mut self, cgroup: Option<PathBuf>) -> Self {
        let family = Family::clone(&self.family);
        self.family = Arc::new(Family { cgroup, ..family });
        self
    }

    /// Connects to a keeper that runs already, whoever it is. The connection it had before is closed.
    ///
    /// # Errors
    /// See [`AdoptError`]; only `Gone` means that there is no keeper any more.
    pub async fn adopt(socket: &Path, limit: Duration) -> Result<AdoptedPane, AdoptError> {
        Self::adopt_expected(socket, &Expected::default(), limit).await
    }

    /// As [`Self::adopt`], for a keeper of which something is known.
    ///
    /// # Errors
    /// As [`Self::adopt`], and `Stranger` when somebody else listens there.
    pub async fn adopt_expected(
        socket: &Path,
        expected: &Expected,
        limit: Duration,
    ) -> Result<AdoptedPane, AdoptError> {
        let adopted = timeout(limit, adopt::adopt(socket, expected)).await;
        adopted.unwrap_or(Err(AdoptError::Timeout(limit)))
    }

    /// Becomes `Some` once, when the program ends or the connection does.
    #[must_use]
    pub fn exit(&self) -> watch::Receiver<Option<KeeperExit>> {
        self.exit.clone()
    }

    /// Sends a signal, and tells to how many processes. What is meant for all of them reaches them without the keeper as well.
    ///
    /// # Errors
    /// `Refused` with `ESRCH` when there is nobody in that scope.
    pub async fn signal(&self, signal: i32, scope: SignalScope) -> Result<u32, LinkError> {
        let request = Request::Signal { signal, scope };
        match (self.ask_at_most(request, REQUEST_LIMIT).await, scope) {
            (Ok(Reply::Signaled { processes }), _) => Ok(processes),
            (Ok(reply), _) => Err(reply.into()),
            (Err(error), SignalScope::All) if error.is_silence() => {
                let Some(signal) = keeper::signal(signal) else {
                    return Err(error);
                };
                self.without_keeper(move |family| family.signal(signal))
                    .await
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Every live process the program has started, and the program itself.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn descendants(&self) -> Result<Vec<Process>, LinkError> {
        processes(self.ask(Request::Descendants {}, REQUEST_LIMIT).await?)
    }

    /// Kills everything below the keeper until nothing is left or `limit` is over, and returns what
    /// survived. A keeper that is gone or does not answer is done without.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn kill_all(&self, limit: Duration) -> Result<Vec<Process>, LinkError> {
        let limit_ms = milliseconds(limit);
        let asked = self.ask_at_most(Request::KillAll { limit_ms }, limit + ANSWER_GRACE);
        match asked.await {
            Err(error) if error.is_silence() => {
                self.without_keeper(move |family| family.kill(limit)).await
            }
            asked => processes(asked?),
        }
    }

    /// Asks everything below the keeper with this pid to end, in two rounds, then does as
    /// [`Keeper::kill_all`]. A keeper that is older than this has it done from here.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn stop(
        &self,
        keeper_pid: u32,
        times: StopTimes,
        limit: Duration,
    ) -> Result<Vec<Process>, LinkError> {
        let limit_ms = milliseconds(limit);
        let asked = Duration::from_millis(times.first_ms.saturating_add(times.second_ms));
        let request = Request::Stop { times, limit_ms };
        match self
            .ask_at_most(request, asked + limit + ANSWER_GRACE)
            .await
        {
            Ok(Reply::Unsupported { .. }) => {
                rounds::carry_out(keeper_pid.cast_signed(), times).await;
                self.kill_all(limit).await
            }
            // One that lives has another daemon, whose pane it is now.
            Err(LinkError::Closed) if self.family.keeper_lives() => Err(LinkError::Closed),
            Err(error) if error.is_silence() => {
                self.without_keeper(move |family| stop_family(family, times, limit))
                    .await
            }
            asked => processes(asked?),
        }
    }

    /// Replaces the bytes that an adopting daemon gets.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn set_meta(&self, meta: Vec<u8>) -> Result<(), LinkError> {
        let meta = ByteBuf::from(meta);
        self.ask_done(Request::SetMeta { meta }).await
    }

    /// For so long, descendants that lose their parent go to whoever is above the keeper; zero ends it.
    ///
    /// # Errors
    /// `Unsupported` for an older keeper.
    pub async fn let_orphans_go(&self, limit: Duration) -> Result<(), LinkError> {
        let limit_ms = milliseconds(limit);
        self.ask_done(Request::LetOrphansGo { limit_ms }).await
    }

    /// Says that the exit status is recorded, so that it need not be told again. With
    /// `leave_when_empty` the keeper ends by itself as soon as no descendant is left.
    ///
    /// # Errors
    /// `Refused` when the program has not ended.
    pub async fn ack_exit(&self, leave_when_empty: bool) -> Result<(), LinkError> {
        self.ask_done(Request::AckExit { leave_when_empty }).await
    }

    /// The end of what the program has written to its standard error, where that is apart; nothing elsewhere.
    ///
    /// # Errors
    /// `Unsupported` for an older keeper.
    pub async fn kept_errors(&self) -> Result<KeptErrors, LinkError> {
        let reply = self
            .ask_at_most(Request::KeptErrors {}, REQUEST_LIMIT)
            .await?;
        if let Reply::KeptErrors(kept) = reply {
            return Ok(kept);
        }
        Err(reply.into())
    }

    /// Ends the keeper: kills what is left of the program for at most `limit`, removes the socket,
    /// and returns what survived. One that does not answer is killed, and its socket stays.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn release(&self, limit: Duration) -> Result<Vec<Process>, LinkError> {
        let limit_ms = milliseconds(limit);
        let asked = self.ask_at_most(Request::Release { limit_ms }, limit + ANSWER_GRACE);
        match asked.await {
            Err(error) if error.is_silence() => {
                self.without_keeper(move |family| family.kill_with_keeper(limit))
                    .await
            }
            asked => processes(asked?),
        }
    }

    /// Does by pid and start time what the keeper cannot be asked for.
    async fn without_keeper<R: Send + 'static>(
        &self,
        act: impl FnOnce(&Family) -> R + Send + 'static,
    ) -> Result<R, LinkError> {
        let family = Arc::clone(&self.family);
        let done = tokio::task::spawn_blocking(move || act(&family)).await;
        done.map_err(|_| LinkError::Closed)
    }

    /// Asks a keeper that may be stopped: then it is not waited for, or not a second time.
    async fn ask_at_most(&self, request: Request, limit: Duration) -> Result<Reply, LinkError> {
        if self.family.keeper.is_some_and(|keeper| keeper.is_stopped()) {
            return Err(LinkError::Stopped);
        }
        let limit = match self.silent.load(Ordering::Relaxed) {
            true => limit.min(SILENT_LIMIT),
            false => limit,
        };
        let asked = tokio::select! {
            biased;
            asked = self.ask(request, limit) => asked,
            () = self.stays_stopped() => Err(LinkError::Stopped),
        };
        let silent = matches!(asked, Err(LinkError::Timeout(_)));
        self.silent.store(silent, Ordering::Relaxed);
        asked
    }

    /// Waits until the keeper is found stopped twice: a signal takes a moment, and one that goes on soon is worth the wait.
    async fn stays_stopped(&self) {
        let mut before = false;
        loop {
            tokio::time::sleep(STOPPED_LOOK).await;
            let now = self.family.keeper.is_some_and(|keeper| keeper.is_stopped());
            if before && now {
                return;
            }
            before = now;
        }
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

fn processes(reply: Reply) -> Result<Vec<Process>, LinkError> {
    if let Reply::Processes { processes } = reply {
        return Ok(processes);
    }
    Err(reply.into())
}

/// Asks all of a family to end, and kills what is left when the first round's time is over.
fn stop_family(family: &Family, times: StopTimes, limit: Duration) -> Vec<Process> {
    const PAUSE: Duration = Duration::from_millis(16);
    for signal in [Signal::TERM, Signal::CONT] {
        let _ = family.signal(signal);
    }
    let until = Instant::now() + Duration::from_millis(times.first_ms);
    while family.program_lives() && Instant::now() < until {
        std::thread::sleep(PAUSE);
    }
    family.kill(limit)
}

fn milliseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
