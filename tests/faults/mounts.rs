//! Daemons that see file systems of their own, as full, as read-only or as small as a test wants.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::daemon::{Daemon, fugued_exe};
use crate::support::proc;

/// Options of unshare(1) that this machine allows, for a mount namespace.
fn unshare() -> Option<&'static [&'static str]> {
    if !proc::sees_all() {
        // Whoever is outside looks in by the daemon's own view of the files.
        return None;
    }
    const WAYS: [&[&str]; 2] = [&["-m"], &["-r", "-m"]];
    let works = |way: &&&[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(**way)
            .args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        command.output().is_ok_and(|output| output.status.success())
    };
    let way = WAYS.iter().find(works);
    if way.is_none() {
        eprintln!("not tried: this machine allows no mounts in a namespace of one's own");
    }
    way.copied()
}

/// A daemon that is executed after `mounts` was done in a mount namespace of its own; none where that is not allowed.
pub fn daemon(mounts: &str) -> Option<Daemon> {
    let mut daemon = Daemon::prepared("");
    protocol::paths::private_dir(&daemon.paths().state).unwrap();
    launch(&mut daemon, mounts).then_some(daemon)
}

/// Starts a daemon like that, for the first time or again; whether this machine allows it.
pub fn launch(daemon: &mut Daemon, mounts: &str) -> bool {
    let Some(way) = unshare() else {
        return false;
    };
    let mut command = daemon.command("unshare");
    let script = format!("STATE=$1; shift; {mounts} && exec \"$@\"");
    command
        .args(way)
        .args(["/bin/sh", "-c", &script, "sh"])
        .arg(daemon.paths().state)
        .arg(fugued_exe());
    daemon.launch_as(command);
    true
}

/// A path as the daemon sees it.
pub fn seen_by(daemon: &Daemon, path: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", daemon.pid));
    root.join(path.strip_prefix("/").unwrap())
}

/// Ends it as a person would, which must work in there too.
pub fn stop(daemon: &mut Daemon) {
    let ran = daemon.fugue(&["stop"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(daemon.leftovers(), Vec::<PathBuf>::new());
}
