//! The three programs: found, executable, of one version.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use protocol::transport;
use rustix::fs::{Access, access};

use super::Finding;
use super::server::Asked;

/// The time that a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(5);

const OWN: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn check(server: &Asked, found: &mut Vec<Finding>) {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("fugue"));
    let daemon = on_path(&transport::daemon_exe());
    found.push(Finding::ok("fugue", format!("{OWN} at {}", own.display())));
    found.push(match &daemon {
        Some(exe) => program("fugued", exe).await,
        None => Finding::wrong(
            "fugued",
            format!("not beside {} and not on the PATH", own.display()),
            "install it there, or name it in FUGUED",
        ),
    });
    if let Some(daemon) = &daemon {
        let keeper = daemon.with_file_name("fugue-keeper");
        found.push(match keeper.exists() {
            true => program("fugue-keeper", &keeper).await,
            false => Finding::warning(
                "fugue-keeper",
                format!(
                    "not beside {}, so fugued is it, with more memory for each pane",
                    daemon.display()
                ),
                "install it there",
            ),
        });
    }
    if let Some(status) = server.status() {
        found.push(match status.version == OWN {
            true => Finding::ok("version", format!("the server has {OWN} too")),
            false => Finding::warning(
                "version",
                format!("the server has {}, and this is {OWN}", status.version),
                "`fugue upgrade` puts the newer one in its place; the programs go on",
            ),
        });
    }
}

/// The file that is executed for a program's name.
fn on_path(exe: &Path) -> Option<PathBuf> {
    if exe.components().count() > 1 {
        return exe.exists().then(|| exe.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|dir| dir.join(exe));
    found.find(|file| file.is_file())
}

async fn program(name: &'static str, exe: &Path) -> Finding {
    let shown = exe.display();
    if let Err(error) = access(exe, Access::EXEC_OK) {
        return Finding::wrong(
            name,
            format!("{shown} cannot be executed: {error}"),
            format!("`chmod +x {shown}`, or install it again"),
        );
    }
    let again = "install fugue, fugued and fugue-keeper of one version in one directory";
    match version(name, exe).await {
        Ok(version) if version == OWN => Finding::ok(name, format!("{version} at {shown}")),
        Ok(version) => Finding::wrong(
            name,
            format!("{version} at {shown}, and fugue is {OWN}"),
            again,
        ),
        Err(why) => Finding::wrong(
            name,
            format!("{shown} does not say its version: {why}"),
            again,
        ),
    }
}

async fn version(name: &str, exe: &Path) -> Result<String, String> {
    let asked = tokio::process::Command::new(exe)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(LIMIT, asked)
        .await
        .map_err(|_| format!("no answer within {LIMIT:?}"))?
        .map_err(|error| error.to_string())?;
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = out.trim().strip_prefix(name).map(str::trim);
    match version.filter(|_| said.status.success()) {
        Some(version) => Ok(version.to_owned()),
        None => {
            let err = String::from_utf8_lossy(&said.stderr).into_owned();
            let line = err.lines().chain(out.lines()).next().unwrap_or_default();
            Err(protocol::name::shown(line))
        }
    }
}
