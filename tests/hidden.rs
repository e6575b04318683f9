//! Daemon and keepers are closed to other processes of their user, and their programs are not; what is hidden is told.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;

use protocol::request::Status;
use rustix::process::Signal;

use crate::support::daemon::{Daemon, fugued_exe};
use crate::support::{eventually, proc, run};

/// The user for whom a daemon runs that root starts: root sees everything, and owns it.
const NOBODY: u32 = 65_534;

/// A daemon of a user who is not root.
fn ordinary_daemon() -> (Daemon, u32) {
    let own = rustix::process::geteuid();
    let mut daemon = Daemon::prepared("");
    let mut command = daemon.command(fugued_exe());
    let user = match own.is_root() {
        true => {
            for path in [daemon.dir.path().to_owned(), daemon.paths().config] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            command
                .uid(NOBODY)
                .gid(NOBODY)
                .env("HOME", daemon.dir.path());
            NOBODY
        }
        false => own.as_raw(),
    };
    daemon.launch_as(command);
    (daemon, user)
}

/// Whose the files of a process in `/proc` are: root's, when it is closed to its user.
///
/// Source: proc(5), /proc/pid.
fn owner(pid: u32) -> u32 {
    std::fs::metadata(format!("/proc/{pid}/environ"))
        .unwrap()
        .uid()
}

#[test]
fn daemon_and_keepers_cannot_be_looked_into_and_their_programs_can() {
    run(async {
        let (mut daemon, user) = ordinary_daemon();
        let client = daemon.client_of_user(user, "test").await;
        let made = client.session("s", "echo READY; exec sleep 600").await;
        let keeper = client.panes().await[0].keeper_pid;
        for pid in [daemon.pid, keeper, made.pid] {
            assert_eq!(proc::user(pid), user);
        }
        assert_eq!((owner(daemon.pid), owner(keeper)), (0, 0));
        assert_eq!(owner(made.pid), user);
        // What is hidden is told.
        let status = client.ok(Status {}).await;
        assert!(status.exe.unwrap().ends_with("/fugued"));
        assert!(status.pss_kib.unwrap() > 0 && status.open_fds > 0);

        // Another daemon takes them over all the same.
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let mut command = daemon.command(fugued_exe());
        if rustix::process::geteuid().is_root() {
            command
                .uid(NOBODY)
                .gid(NOBODY)
                .env("HOME", daemon.dir.path());
        }
        daemon.launch_as(command);
        let client = daemon.client_of_user(user, "test").await;
        eventually("its pane is there", async || {
            client
                .text(made.pane_id)
                .await
                .contains("READY")
                .then_some(())
        })
        .await;
        assert_eq!(client.panes().await[0].keeper_pid, keeper);
        assert_eq!(
            (owner(daemon.pid), owner(keeper), owner(made.pid)),
            (0, 0, user)
        );
    });
}
