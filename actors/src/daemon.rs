//! The daemon's life: one per runtime directory, from its lock to its last pane.

mod handed;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, select_all};
use keeper::hidden;
use protocol::config::{CgroupWish, Config, loopback};
use protocol::paths::Paths;
use protocol::transport::EXIT_BUSY;
use protocol::{Error, ErrorCode};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use supervisor::{ExitReason, SupervisorRef};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::adopt;
use crate::clock::millis;
use crate::escape::Escape;
use crate::http::Http;
pub use crate::http::OpenHttp;
use crate::log;
use crate::notify::{Notify, VARIABLES};
use crate::pane;
use crate::runtime_dir::{self, LOCK_LIMIT, RuntimeDir, system};
use crate::scrollback;
use crate::server::{Server, StopOrder};
use crate::session::life;
use crate::surface::Surface;
use crate::tree;
use crate::watchdog;
use crate::wedge::{self, Successor};

/// The word by which a daemon in the background says that it serves.
const READY: &[u8] = b"ready\n";

/// The time for which a successor waits for the locks of the daemon that has started it.
const SUCCESSOR_LIMIT: Duration = Duration::from_secs(30);

/// The time that all sessions may take to end.
const SESSIONS_LIMIT: Duration = Duration::from_secs(30);

/// The time that the actors may take to end.
const ACTORS_LIMIT: Duration = Duration::from_secs(10);

/// The time that replies that are being written may take.
const REPLIES: Duration = Duration::from_millis(50);

/// Time for clients to hear that their server is replaced.
const CLIENTS_LIMIT: Duration = Duration::from_secs(2);

/// The options that the daemon is run with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Stay in the foreground and log to standard error.
    pub foreground: bool,
    /// Started by [`run_in_background`], which waits for the word on standard output.
    pub tell_ready: bool,
    /// Where HTTP is served, whatever the configuration says.
    pub http: Option<SocketAddr>,
    /// How HTTP is served; without it there is none.
    pub open_http: Option<OpenHttp>,
    /// A signal to end leaves every program running under its keeper.
    pub keep_panes: bool,
    /// In the foreground too, log to the file that `fugue logs` shows.
    pub log_file: bool,
    /// Where panes get control groups, whatever the configuration says.
    pub cgroup: Option<CgroupWish>,
    /// Started by a daemon that is about to end: its locks are waited for.
    pub successor: bool,
}

impl Options {
    /// The arguments with which a daemon in the background is run as this one.
    fn background_arguments(&self, own: Vec<String>) -> Vec<String> {
        let words = ["--foreground", "--tell-ready"].map(str::to_owned);
        words.into_iter().chain(own).collect()
    }

    /// The time for which locks of another daemon are waited for.
    fn patience(&self) -> Duration {
        match self.successor {
            true => SUCCESSOR_LIMIT,
            false => LOCK_LIMIT,
        }
    }

    /// The command that starts the next daemon when this one is wedged. The unit of systemd does it itself.
    fn next_daemon(&self, exe: &Path, umask: Mode) -> Option<Successor> {
        let by_unit = self.own_unit() && Notify::from_env().is_heard();
        (!by_unit).then(|| Successor {
            exe: exe.to_owned(),
            arguments: {
                let mut words = self.background_arguments(self.own_words());
                words.push("--successor".to_owned());
                words
            },
            umask,
            started: Arc::default(),
        })
    }

    /// A daemon in the background was not started by systemd, whatever it has inherited.
    fn own_unit(&self) -> bool {
        self.foreground && !self.tell_ready
    }
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// What keeps it from serving: another daemon, a bad configuration, directories that are not its own.
pub fn run(options: &Options) -> Result<(), Error> {
    hidden::hide();
    // Nothing of the caller's is kept: no lock, no pipe.
    keeper::close_from(3);
    let umask = rustix::process::umask(Mode::from_raw_mode(0o077));
    let paths = Paths::from_env();
    let config = Config::load(&paths.config)?;
    checked_keys(&config, &paths)?;
    if options.tell_ready {
        // Its own session: the terminal that it was started from may go.
        let _ = rustix::process::setsid();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| system("start the runtime", &e))?;
    let signals = runtime.block_on(async { Signals::catch() });
    let signals = signals.map_err(|e| system("catch signals", &e))?;
    let runtime_dir = Arc::new(RuntimeDir::open(&paths, options.patience())?);
    let to_stderr = options.foreground && !options.tell_ready && !options.log_file;
    let _log = log::init(&paths.logs(), to_stderr);
    if let Some(error) = runtime_dir.unlocked() {
        tracing::warn!(%error, "the state directory is not locked");
    }
    options.hand_on(&paths);
    // A killed daemon's: nobody listens there any more, or somebody else.
    let _ = std::fs::remove_file(paths.http_url());
    raise_open_files();
    let exe = std::env::current_exe().map_err(|e| system("find the own program", &e))?;
    let wanted = options.http.or(config.http.listen).map(loopback);
    let wanted = wanted.transpose()?.zip(options.open_http);
    let server = Server::new(config.daemon, paths.clone(), &exe);
    server.held_back.load();
    // A careful daemon has no surface that it can do without.
    let wanted = wanted.filter(|_| server.held_back.careful().is_none());
    server.umask.get_or_init(|| umask.as_raw_mode());
    server.contain(options.cgroup.as_ref().unwrap_or(&server.config.cgroup));
    let surface = wanted.map(|(address, open)| {
        let http = Http {
            server: Arc::clone(&server),
            runtime_dir: Arc::clone(&runtime_dir),
            address,
            config: config.http,
            open,
            opened: OnceLock::new(),
        };
        http.begin()
    });
    let watched = {
        let _runtime = runtime.enter();
        wedge::watch(&server, options.next_daemon(&exe, umask))
    };
    if let Err(error) = &watched {
        tracing::error!(%error, "a wedge of this daemon would not be seen");
    }
    let ended = runtime.block_on(serve(&server, &runtime_dir, surface, signals, options));
    // What still runs then is cut off: everything that matters has ended in order.
    runtime.shutdown_timeout(Duration::from_millis(200));
    if ended.is_ok() && server.registry.pane_count() == 0 {
        let _ = std::fs::remove_file(paths.unfinished());
    }
    if ended.is_ok() && !server.is_leaving_panes() {
        let _ = handed::take_away(&paths);
    }
    runtime_dir.leave();
    ended
}

async fn serve(
    server: &Arc<Server>,
    runtime_dir: &Arc<RuntimeDir>,
    http: Option<Surface>,
    mut signals: Signals,
    options: &Options,
) -> Result<(), Error> {
    let not_started = |error: &dyn std::fmt::Display| {
        let what = format!("the actors did not start: {error}");
        Error::new(ErrorCode::Internal, what)
    };
    let begun = Instant::now();
    let notify = options
        .own_unit()
        .then(Notify::from_env)
        .unwrap_or_default();
    let loaded = server.store.open().await;
    let root = supervisor::start("fugued", tree::root_spec(server), &server.tree)
        .await
        .map_err(|error| not_started(&error))?;
    adopt::adopt(server, loaded).await;
    let watches = watchdog::watches(http.is_some());
    root.start_child(tree::surfaces_spec(server, runtime_dir, http))
        .await
        .map_err(|error| not_started(&error))?;
    tracing::info!(server = %server.name, instance = %server.instance, pid = std::process::id(), after_ms = millis(begun.elapsed()), "serving");
    server.keepers.refill();
    if options.tell_ready {
        let escape = Escape::begin(server).await;
        tell_ready().map_err(|e| system("tell that it is ready", &e))?;
        if let Some(escape) = escape {
            tokio::spawn(escape.finish());
        }
    }
    notify.ready(&status(server));
    let order = tokio::select! {
        order = stop_order(server, &mut signals, options.keep_panes) => order,
        () = watchdog::run(&server.tree, watches, &notify, || status(server)) => {
            return Err(Error::new(ErrorCode::Internal, "the watchdog has ended"));
        }
        reason = root.wait() => {
            tracing::error!(exit_reason = %reason, "the root supervisor gave up");
            return Err(Error::new(
                ErrorCode::Internal,
                format!("the root supervisor gave up: {reason}"),
            )
            .hint("the programs go on under their keepers; see `fugue logs`"));
        }
    };
    notify.stopping(if order.keep_panes {
        "leaving the programs to the next fugued"
    } else {
        "ending the programs"
    });
    stop(server, &root, order).await;
    Ok(())
}

/// One line for `systemctl status`.
fn status(server: &Server) -> String {
    let (sessions, panes) = (
        server.registry.session_count(),
        server.registry.pane_count(),
    );
    let careful = match server.held_back.careful() {
        Some(_) => ", started carefully after wedges that no pane explains",
        None => "",
    };
    format!("{sessions} sessions, {panes} panes{careful}")
}

/// The signals that order a stop. They are caught before anybody finds the socket, and heard when all is up.
struct Signals([Signal; 3]);

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn received(&mut self) {
        let waits = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        select_all(waits).await;
    }
}

/// Waits for a request or a signal to stop.
async fn stop_order(server: &Server, signalled: &mut Signals, keep_panes: bool) -> StopOrder {
    let mut ordered = server.stop_order();
    tokio::select! {
        order = ordered.wait_for(Option::is_some) => {
            order.ok().and_then(|order| *order).unwrap_or(StopOrder { keep_panes, by_signal: false })
        }
        () = signalled.received() => StopOrder { keep_panes, by_signal: true },
    }
}

/// Ends everything in order: no new callers, then the programs by their recipes, then the actors.
async fn stop(server: &Arc<Server>, root: &SupervisorRef, order: StopOrder) {
    let StopOrder {
        keep_panes,
        by_signal,
    } = order;
    tracing::info!(keep_panes, by_signal, "stopping");
    // A signal is an order too: from here on nothing is started.
    server.order_stop(order);
    if by_signal {
        // The machine may be going down, and then nobody has closed anything.
        server.store.sign_off(keep_panes).await;
    }
    if keep_panes || by_signal {
        scrollback::finish(server).await;
    }
    tokio::time::sleep(REPLIES).await;
    if keep_panes {
        clients_left(server).await;
    }
    let _ = root.terminate_child("surfaces").await;
    if !order.keep_panes {
        let ended = end_sessions(server);
        if tokio::time::timeout(SESSIONS_LIMIT, ended).await.is_err() {
            tracing::error!("some programs did not end in time and are killed");
            let panes = server.registry.panes();
            let kills = join_all(panes.iter().map(|pane| pane::close(server, pane, true)));
            let _ = tokio::time::timeout(SESSIONS_LIMIT, kills).await;
        }
    }
    server.endings.close();
    if tokio::time::timeout(SESSIONS_LIMIT, server.endings.wait())
        .await
        .is_err()
    {
        tracing::error!("some programs that no pane has were not ended in time");
    }
    server.keepers.close().await;
    finish_state(server, keep_panes).await;
    if let Err(error) = root.shutdown(ExitReason::Shutdown, ACTORS_LIMIT).await {
        tracing::error!(%error, "the actors did not end in time");
    }
    tracing::info!("stopped");
}

/// Writes the last of the state. When that fails and the programs were ended, a file tells the next daemon so.
async fn finish_state(server: &Server, keep_panes: bool) {
    server.store.sign_off_done();
    let Err(error) = server.store.flush_anew().await else {
        return;
    };
    tracing::error!(%error, "the last of the state was not written");
    if keep_panes {
        return;
    }
    let path = server.paths.ended();
    match runtime_dir::write(&path, b"") {
        Ok(()) => tracing::warn!(
            path = %path.display(),
            "that every program was ended is not in the database; the next fugued knows it from this file"
        ),
        Err(error) => tracing::error!(
            path = %path.display(), %error,
            "the next fugued cannot be told that every program was ended: it will take them for lost"
        ),
    }
}

/// Waits until every client has been told that its server is replaced, and its last keys are taken.
async fn clients_left(server: &Server) {
    let left = server
        .registry
        .until(|registry| registry.clients().is_empty());
    if tokio::time::timeout(CLIENTS_LIMIT, left).await.is_err() {
        tracing::warn!("some clients were not told in time");
    }
}

/// Refuses a configuration whose stop recipe has a key that there is not.
fn checked_keys(config: &Config, paths: &Paths) -> Result<(), Error> {
    for key in config.daemon.stop.recipe().keys.iter().flatten() {
        terminal::input::Key::parse(key).map_err(|error| {
            let file = paths.config.display();
            Error::invalid(format!("{file}: daemon.stop.keys: {error}"))
                .hint("correct the file, then start again")
        })?;
    }
    Ok(())
}

/// Ends every session, those included that were being made or ended already.
async fn end_sessions(server: &Arc<Server>) {
    let mut changes = server.registry.changes();
    loop {
        let sessions = server.registry.sessions();
        join_all(sessions.iter().map(|session| life::end(server, session))).await;
        if server.registry.session_count() == 0 && server.registry.pane_count() == 0 {
            return;
        }
        // Whoever comes or goes is told there.
        let _ = changes.changed().await;
    }
}

/// Each pane needs a few descriptors, and the usual soft limit is made for programs with a few files.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn tell_ready() -> io::Result<()> {
    io::stdout().write_all(READY)?;
    io::stdout().flush()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Starts the daemon in the background and returns when it serves.
///
/// # Errors
/// What it said before it ended.
pub fn run_in_background(options: &Options) -> Result<(), Error> {
    let exe = std::env::current_exe().map_err(|e| system("find the own program", &e))?;
    let mut command = Command::new(&exe);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    let mut child = command
        .args(options.background_arguments(options.words_or_handed(&Paths::from_env())))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| system(&format!("start {}", PathBuf::from(&exe).display()), &e))?;
    let mut word = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_end(&mut word);
    }
    if word == READY {
        return Ok(());
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let status = child.wait().ok().and_then(|status| status.code());
    let said = said.trim().trim_start_matches("fugued: ");
    Err(Error::new(
        if status == Some(EXIT_BUSY.into()) {
            ErrorCode::Busy
        } else {
            ErrorCode::ServerUnreachable
        },
        if said.is_empty() {
            "it ended without a word"
        } else {
            said
        },
    ))
}
