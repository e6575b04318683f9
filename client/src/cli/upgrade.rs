//! Another server in the place of the running one, with every program going on.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::ServerStatus;
use protocol::request::{Status, StopServer};
use protocol::{Error, ErrorCode, os_text, transport};

use super::daemon::wait_for_end;
use super::units::count;
use super::{Caller, Outcome, output, unit};

/// The time that the new program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// The most times that the server is replaced, when a waiting client starts another one each time.
const TRIES: u32 = 3;

/// `fugue upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// The new `fugued`; the one beside this program when absent
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl UpgradeArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        if !caller.is_own(&server) {
            return Err(Error::invalid(format!(
                "the server {} is not the one of this environment",
                server.name()
            ))
            .hint("run `fugue upgrade` where its FUGUE_RUNTIME_DIR is set")
            .into());
        }
        let exe = self.binary.unwrap_or_else(transport::daemon_exe);
        // Before anything ends: a program that does not run must cost nothing.
        let version = version_of(&exe).await?;
        let old = caller.call(&server, &Status {}).await?;
        unit::not_as_unit(old.pid)?;
        let mut tries = 0;
        let new = loop {
            replace(caller, &server, &exe, program_of(&old)).await?;
            let new = caller.call(&server, &Status {}).await?;
            let runs = program_of(&new).filter(|runs| is_another(runs, &exe));
            let Some(other) = runs else { break new };
            // A client that waited for the server has started its own meanwhile.
            tries += 1;
            if tries == TRIES {
                let message = format!(
                    "{} runs now, which somebody else has started in between, and not {}",
                    other.display(),
                    exe.display()
                );
                return Err(Error::new(ErrorCode::Busy, message)
                    .hint("every program goes on; try again")
                    .into());
            }
        };
        output::answer(caller, server.name(), &new, |new| {
            format!(
                "{} went from {} (pid {}) to {} (pid {}), {}; {} went on",
                server.name(),
                old.version,
                old.pid,
                new.version,
                new.pid,
                version,
                count(new.panes as usize, "pane")
            )
        })?;
        Ok(0)
    }
}

/// The program that a server executes. An older one does not say it, and can be looked at.
fn program_of(server: &ServerStatus) -> Option<PathBuf> {
    let told = server
        .exe
        .as_deref()
        .map(|exe| os_text::decoded(exe).into());
    told.or_else(|| std::fs::read_link(format!("/proc/{}/exe", server.pid)).ok())
}

/// True if `runs` is another file than the one that was to be started; a name that is looked up on the `PATH` is any.
fn is_another(runs: &Path, exe: &Path) -> bool {
    let wanted = std::fs::canonicalize(exe);
    exe.components().count() > 1 && wanted.is_ok_and(|wanted| wanted != runs)
}

/// The error for a server on another machine.
fn elsewhere(server: &Remote) -> Error {
    let message = format!(
        "server {} is on another machine, at {}; `fugue upgrade` replaces one of this machine",
        server.name(),
        server.address()
    );
    Error::new(ErrorCode::Unsupported, message).hint("run `fugue upgrade` there")
}

/// Ends the server, without its programs, and starts `exe` in its place; `old` again when that fails.
async fn replace(
    caller: &Caller,
    server: &Remote,
    exe: &Path,
    old: Option<PathBuf>,
) -> anyhow::Result<()> {
    let socket = server.socket().ok_or_else(|| elsewhere(server))?;
    let keep = StopServer { keep_panes: true };
    let stopping = caller.call(server, &keep).await?;
    wait_for_end(stopping.pid)?;
    let Err(error) = transport::start_daemon_from(exe, socket).await else {
        return Ok(());
    };
    let back = match old {
        Some(old) => transport::start_daemon_from(&old, socket).await,
        None => Err(Error::new(ErrorCode::Internal, "its program is not known")),
    };
    let failed = match back {
        Ok(()) => Error::new(
            ErrorCode::Internal,
            format!("{}; the earlier server runs again", error.message),
        )
        .hint("every program goes on; `fugued --foreground` of the new one says why it does not start"),
        Err(second) => Error::new(
            error.code,
            format!(
                "{}; the earlier one does not start either: {}",
                error.message, second.message
            ),
        )
        .hint("every program goes on, and the next `fugued` takes them over"),
    };
    Err(failed.into())
}

async fn version_of(exe: &Path) -> Result<String, Error> {
    let wrong = |why: String| {
        Error::invalid(format!("{} is no fugued: {why}", exe.display()))
            .hint("name a fugued with --binary; the running server was left alone")
    };
    let asked = tokio::process::Command::new(exe)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(VERSION_LIMIT, asked)
        .await
        .map_err(|_| wrong(format!("it says no version within {VERSION_LIMIT:?}")))?
        .map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if said.status.success() && text.starts_with("fugued ") {
        return Ok(text);
    }
    Err(wrong(format!(
        "its version is {}",
        protocol::name::shown(&text)
    )))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::is_another;

    #[test]
    fn a_program_is_another_one_unless_it_is_the_file_that_was_named() {
        let own = std::env::current_exe().expect("a file");
        let dir = tempfile::tempdir().expect("a folder");
        let link = dir.path().join("fugued");
        std::os::unix::fs::symlink(&own, &link).expect("a link");
        assert!(!is_another(&own, &own));
        assert!(!is_another(&own, &link), "by another name");
        assert!(is_another(Path::new("/usr/bin/fugued"), &own));
        assert!(
            !is_another(&own, Path::new("fugued")),
            "wherever the PATH leads"
        );
        assert!(!is_another(&own, Path::new("/no/such/file")));
    }
}
