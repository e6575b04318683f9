//! Ours: a daemon with directories of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use protocol::connection::Connection;
use protocol::request::{Call, CreateSession, PaneSpec, Program};
use protocol::{Name, PaneUuid, Size, transport};
use rustix::process::Signal;
use tokio::runtime::Runtime;

use super::{Peer, START_LIMIT};
use crate::proc;
use crate::pty::Pty;
use crate::stage::{Stage, our_exe, until};

/// The time that a call may take.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(60);

/// The time that the daemon may take to end all its panes.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A daemon.
pub(crate) struct Fugue<'s> {
    stage: &'s Stage,
    dir: PathBuf,
    daemon: Child,
    runtime: Runtime,
    pane: Option<PaneUuid>,
}

impl<'s> Fugue<'s> {
    /// Starts one and waits until it serves.
    pub(crate) fn start(stage: &'s Stage) -> Result<Self> {
        let dir = stage.fresh()?;
        let log = std::fs::File::create(dir.join("log"))?;
        let daemon = command(stage, &dir, "fugued")?
            .arg("--foreground")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start fugued")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let fugue = Self {
            stage,
            dir,
            daemon,
            runtime,
            pane: None,
        };
        until("fugued serves", START_LIMIT, || {
            (!transport::is_absent(&fugue.socket())).then_some(())
        })?;
        Ok(fugue)
    }

    /// A command for this daemon: `fugue` with its words to come.
    pub(crate) fn command(&self) -> Result<Command> {
        command(self.stage, &self.dir, "fugue")
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("r/fugued.sock")
    }

    /// The pane of [`Peer::run`].
    pub(crate) fn pane(&self) -> Result<PaneUuid> {
        self.pane.context("a pane")
    }

    /// Runs something over an open connection.
    pub(crate) fn connected<R>(
        &self,
        work: impl AsyncFnOnce(Connection) -> Result<R>,
    ) -> Result<R> {
        self.runtime.block_on(async {
            let mut hello = transport::client_hello("bench");
            hello.caller_pane = None;
            let (connection, _events) = transport::connect(&self.socket(), hello).await?;
            work(connection).await
        })
    }

    /// Makes one call.
    pub(crate) fn call<C: Call>(&self, call: &C) -> Result<C::Reply> {
        self.connected(async |connection| Ok(connection.call(call, CALL_LIMIT).await?))
    }

    /// Makes a session of its own for a program.
    pub(crate) fn session(&self, name: &str, argv: &[String], size: Size) -> Result<PaneUuid> {
        Ok(self.call(&session(name, argv, size)?)?.pane_id)
    }
}

/// The call that makes a session for a program.
pub(crate) fn session(name: &str, argv: &[String], size: Size) -> Result<CreateSession> {
    Ok(CreateSession {
        name: Some(Name::new(name)?),
        pane: PaneSpec {
            program: Program::Argv(argv.to_vec()),
            ..PaneSpec::default()
        },
        size: Some(size),
        ..CreateSession::default()
    })
}

fn command(stage: &Stage, dir: &std::path::Path, name: &str) -> Result<Command> {
    let mut command = stage.command(our_exe(name)?);
    command
        .env("FUGUE_RUNTIME_DIR", dir.join("r"))
        .env("FUGUE_STATE_DIR", dir.join("s"))
        .env("FUGUE_CONFIG", dir.join("config.toml"));
    Ok(command)
}

impl Peer for Fugue<'_> {
    fn run(&mut self, argv: &[String], size: Size) -> Result<()> {
        self.pane = Some(self.session("s", argv, size)?);
        Ok(())
    }

    fn flood(&mut self) -> Result<()> {
        self.session("flood", &["yes".to_owned()], Size::DEFAULT)?;
        Ok(())
    }

    fn attach(&mut self, size: Size) -> Result<Pty> {
        let mut command = self.command()?;
        command.args(["attach", "s"]);
        Pty::start(&command, size)
    }

    fn server(&self) -> Result<Vec<u32>> {
        let daemon = self.daemon.id();
        let mut all = proc::named(&proc::children(daemon), "fugue-keeper");
        all.push(daemon);
        Ok(all)
    }
}

impl Drop for Fugue<'_> {
    fn drop(&mut self) {
        proc::signal(self.daemon.id(), Signal::TERM);
        let ended = until("fugued ends", STOP_LIMIT, || match self.daemon.try_wait() {
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => Some(()),
        });
        if ended.is_err() {
            eprintln!("fugue-bench: fugued did not end within {STOP_LIMIT:?}; it is killed");
            let _ = self.daemon.kill();
            let _ = self.daemon.wait();
        }
    }
}
