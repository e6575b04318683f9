//! A daemon with directories of its own, ended by its pid when the test is over, whatever happens.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::connection::Connection;
use protocol::frame::to_bytes;
use protocol::id::PaneUuid;
use protocol::paths::Paths;
use protocol::reply::{PaneCreated, PaneInfo, SessionInfo};
use protocol::request::{
    Call, CreateSession, ListPanes, ListSessions, PaneSettings, PaneSpec, Program, ReadPane,
    RestartType, WaitPane,
};
use protocol::{Error, Event, Name, Target, transport};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{LIMIT, proc, run};

/// The daemon's program.
pub fn fugued_exe() -> &'static str {
    env!("CARGO_BIN_EXE_fugued")
}

/// The client's program.
pub fn fugue_exe() -> &'static str {
    env!("CARGO_BIN_EXE_fugue")
}

/// A running daemon.
pub struct Daemon {
    pub dir: tempfile::TempDir,
    child: Option<Child>,
    pub pid: u32,
}

impl Daemon {
    /// Starts one with the default configuration.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts one with this configuration file.
    pub fn start_with(config: &str) -> Self {
        let mut daemon = Self::prepared(config);
        daemon.launch();
        daemon
    }

    /// Directories for one that is not started yet.
    pub fn prepared(config: &str) -> Self {
        // Short, because a socket's path has at most 107 bytes.
        let dir = tempfile::Builder::new()
            .prefix("fg")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        Self {
            dir,
            child: None,
            pid: 0,
        }
    }

    /// Starts it, for the first time or again.
    pub fn launch(&mut self) {
        self.launch_as(self.command(fugued_exe()));
    }

    /// As [`Self::launch`], with further arguments and variables.
    pub fn launch_with(&mut self, arguments: &[&str], variables: &[(&str, &str)]) {
        let mut command = self.command(fugued_exe());
        command.args(arguments).envs(variables.iter().copied());
        self.launch_as(command);
    }

    /// Starts it by a command of [`Self::command`], which executes it with the arguments that are added here.
    pub fn launch_as(&mut self, mut command: Command) {
        let log = std::fs::File::create(self.dir.path().join("stderr.log")).unwrap();
        command
            .arg("--foreground")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        // A child of a killed daemon can hold the old socket until it executes something.
        let old = identity(&self.socket());
        let child = command.spawn().unwrap();
        self.pid = child.id();
        self.child = Some(child);
        let begun = Instant::now();
        while identity(&self.socket()) == old || transport::is_absent(&self.socket()) {
            assert!(
                begun.elapsed() < LIMIT,
                "fugued does not serve:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A command whose environment points at this daemon.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("FUGUE_RUNTIME_DIR", self.runtime())
            .env("FUGUE_STATE_DIR", self.dir.path().join("s"))
            .env("FUGUE_CONFIG", self.dir.path().join("config.toml"))
            .env_remove("FUGUE_PANE_ID")
            .env_remove("FUGUE_PANE")
            .env_remove("FUGUE_SERVER")
            // A panic that a test asks for would look through all symbols, which takes seconds on a busy machine.
            .env("RUST_BACKTRACE", "0");
        command
    }

    /// Its runtime directory.
    pub fn runtime(&self) -> PathBuf {
        self.dir.path().join("r")
    }

    /// Its directories.
    pub fn paths(&self) -> Paths {
        Paths {
            runtime: self.runtime(),
            state: self.dir.path().join("s"),
            config: self.dir.path().join("config.toml"),
        }
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.paths().socket()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stderr.log")).unwrap_or_default()
    }

    /// A connection.
    pub async fn client(&self) -> Client {
        self.client_named("test").await
    }

    /// A connection that calls itself `name`.
    pub async fn client_named(&self, name: &str) -> Client {
        let own = rustix::process::geteuid().as_raw();
        self.client_of_user(own, name).await
    }

    /// A connection of somebody who was told that the server is the user `owner`'s.
    pub async fn client_of_user(&self, owner: u32, name: &str) -> Client {
        let mut hello = transport::client_hello(name);
        hello.caller_pane = None;
        let (connection, events) = transport::connect_to(&self.socket(), owner, hello)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        Client { connection, events }
    }

    /// Its open descriptors.
    pub fn fds(&self) -> usize {
        proc::fds(self.pid).unwrap_or_else(|| self.told_fds())
    }

    /// As the daemon tells, without what the question itself takes: the connection and the directory that is read.
    fn told_fds(&self) -> usize {
        let status = self.fugue(&["status", "--json"]);
        let told: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        usize::try_from(told["open_fds"].as_u64().unwrap()).unwrap() - 2
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < LIMIT * 2,
                "fugued does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether anything of it is left in the runtime directory besides its lock.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let files = |dir: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path())
                .filter(|path| !path.is_dir())
                .collect()
        };
        let mut left = files(&self.runtime());
        left.extend(files(&self.paths().panes()));
        left.retain(|path| path.file_name().is_none_or(|name| name != "fugued.lock"));
        left
    }
}

/// Which file is at a path.
fn identity(path: &Path) -> Option<(u64, i64, i64)> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    Some((meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.signal(rustix::process::Signal::TERM);
            let begun = Instant::now();
            while begun.elapsed() < LIMIT && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if matches!(child.try_wait(), Ok(None)) {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        if std::thread::panicking() {
            eprintln!("--- fugued's log\n{}", self.log());
        }
        // Programs that a killed daemon has left are found by the directory that is theirs alone; their keepers go with them.
        proc::kill_marked(&format!("FUGUE_RUNTIME_DIR={}", self.runtime().display()));
    }
}

/// A connection to a daemon.
pub struct Client {
    pub connection: Connection,
    pub events: mpsc::Receiver<Event>,
}

impl Client {
    /// Makes a call.
    pub async fn call<C: Call>(&self, params: C) -> Result<C::Reply, Error> {
        self.connection.call(&params, LIMIT).await
    }

    /// Makes a call that must succeed.
    pub async fn ok<C: Call>(&self, params: C) -> C::Reply {
        match self.call(params).await {
            Ok(reply) => reply,
            Err(error) => panic!("{}: {} {error}", C::METHOD, error.code),
        }
    }

    /// Has an actor fail: `("pane", target)`, `("pane_io", …)`, `("session", …)`, `("client", name)`.
    pub async fn crash(&self, kind: &str, target: impl Serialize) -> Result<(), Error> {
        let params = std::collections::BTreeMap::from([(kind, target)]);
        self.connection
            .call_raw("crash", to_bytes(&params), None, LIMIT)
            .await
            .map(drop)
    }

    /// A session that runs a shell line; the pane is kept when it ends.
    pub async fn session(&self, name: &str, line: &str) -> PaneCreated {
        self.ok(CreateSession {
            name: Some(Name::new(name).unwrap()),
            pane: shell(line),
            ..CreateSession::default()
        })
        .await
    }

    /// All sessions.
    pub async fn sessions(&self) -> Vec<SessionInfo> {
        self.ok(ListSessions {}).await.sessions
    }

    /// All panes.
    pub async fn panes(&self) -> Vec<PaneInfo> {
        let all = ListPanes {
            all: true,
            ..ListPanes::default()
        };
        self.ok(all).await.panes
    }

    /// The visible text of a pane.
    pub async fn text(&self, pane: PaneUuid) -> String {
        self.ok(ReadPane {
            pane: Target::from(pane),
            lines: None,
            since: None,
            scrollback: true,
            ansi: false,
            max_bytes: None,
        })
        .await
        .text
    }

    /// Waits for the end of a pane's program.
    pub async fn exit(&self, pane: PaneUuid) -> protocol::reply::PaneStatus {
        self.ok(WaitPane {
            pane: Target::from(pane),
            timeout_ms: 15_000,
        })
        .await
        .status
    }
}

/// Runs a test with a daemon of its own and a connection to it.
pub fn with_daemon(test: impl AsyncFnOnce(Daemon, Client)) {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        test(daemon, client).await;
    });
}

/// A pane that runs a shell line and is kept when it ends.
pub fn shell(line: &str) -> PaneSpec {
    PaneSpec {
        program: Program::ShellLine {
            line: line.to_owned(),
            shell: None,
        },
        settings: kept(RestartType::Temporary),
        ..PaneSpec::default()
    }
}

/// The settings of a pane that is kept when its program ends for good.
pub fn kept(restart: RestartType) -> PaneSettings {
    PaneSettings {
        restart,
        remain_on_exit: true,
        ..PaneSettings::default()
    }
}
