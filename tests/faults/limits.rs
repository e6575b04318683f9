//! The system has no more descriptors, processes or terminals for the daemon.

use std::os::unix::process::CommandExt;
use std::process::Command;

use protocol::request::CreateSession;
use protocol::{Error, ErrorCode};

use crate::support::daemon::{Client, Daemon, fugued_exe, shell};
use crate::support::{eventually, proc, run};

/// Sets the soft limit of a running daemon by prlimit(1), as its own user; `None` for as much as it may have.
pub(crate) fn limit(daemon: &Daemon, resource: &str, current: Option<usize>) {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid)).unwrap();
    let name = match resource {
        "nproc" => "Max processes",
        "nofile" => "Max open files",
        other => panic!("{other}"),
    };
    let line = limits.lines().find_map(|line| line.strip_prefix(name));
    let most = line.unwrap().split_whitespace().nth(1).unwrap().to_owned();
    let current = current.map_or(most, |current| current.to_string());
    let done = Command::new("prlimit")
        .args(["--pid", &daemon.pid.to_string()])
        .arg(format!("--{resource}={current}:"))
        .uid(proc::user(daemon.pid))
        .gid(proc::group(daemon.pid))
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

async fn create(client: &Client) -> Result<(), Error> {
    client
        .call(CreateSession {
            pane: shell("exec sleep 600"),
            ..CreateSession::default()
        })
        .await
        .map(drop)
}

/// Creates until it fails. Gives how many were made, and the failure.
async fn create_until_full(client: &Client, most: usize) -> (usize, Error) {
    for made in 0..most {
        if let Err(error) = create(client).await {
            return (made, error);
        }
    }
    panic!("{most} panes were made without a failure");
}

/// That the failure is a limit, says its reason, and has left nothing behind.
async fn check(daemon: &Daemon, client: &Client, made: usize, error: &Error, reason: &str) {
    assert_eq!(error.code, ErrorCode::Limit, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    let panes = client.panes().await;
    assert_eq!(panes.len(), made, "the failed one is gone");
    assert!(panes.iter().all(|pane| proc::lives(pane.pid)));
    assert_eq!(client.sessions().await.len(), made);
    let sockets = std::fs::read_dir(daemon.paths().panes()).map_or(0, Iterator::count);
    assert!(sockets <= made, "{sockets} sockets for {made} panes");
}

async fn works_again(client: &Client) {
    eventually("a create", async || create(client).await.ok()).await;
}

#[test]
fn without_descriptors_a_create_fails_and_all_else_goes_on() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        create(&client).await.unwrap();
        let before = daemon.fds();
        limit(&daemon, "nofile", Some(daemon.fds() + 6));
        let (made, error) = create_until_full(&client, 20).await;
        check(&daemon, &client, made + 1, &error, "file descriptors").await;
        // New callers wait until there is room, and are not lost. By now more are open than then.
        limit(&daemon, "nofile", Some(before));
        let caller = daemon.command(crate::support::daemon::fugue_exe());
        let caller = std::thread::spawn(move || {
            let mut caller = caller;
            caller.args(["ls", "--json"]).output().unwrap()
        });
        eventually("an accept that fails", async || {
            daemon.log().contains("accept failed").then_some(())
        })
        .await;
        limit(&daemon, "nofile", None);
        let ran = tokio::task::spawn_blocking(|| caller.join().unwrap())
            .await
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        works_again(&client).await;
        for session in client.sessions().await.into_iter().skip(1) {
            client
                .ok(protocol::request::KillSession {
                    session: session.session_id.into(),
                    guarded: false,
                })
                .await;
        }
        eventually("as many descriptors as before", async || {
            (daemon.fds() <= before + 2).then_some(())
        })
        .await;
    });
}

#[test]
fn without_processes_a_create_fails_and_all_else_goes_on() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let mut command = daemon.command(fugued_exe());
        let mut owner = rustix::process::geteuid().as_raw();
        if rustix::process::getuid().is_root() {
            // No limit holds for root, and a user that nobody else is has no other processes.
            owner = 70_000 + std::process::id();
            std::os::unix::fs::chown(daemon.dir.path(), Some(owner), Some(owner)).unwrap();
            command.uid(owner).gid(owner);
        }
        command
            .current_dir(daemon.dir.path())
            .env("HOME", daemon.dir.path());
        daemon.launch_as(command);
        let client = daemon.client_of_user(owner, "test").await;
        create(&client).await.unwrap();
        limit(&daemon, "nproc", Some(1));
        let (made, error) = create_until_full(&client, 20).await;
        check(
            &daemon,
            &client,
            made + 1,
            &error,
            "temporarily unavailable",
        )
        .await;
        limit(&daemon, "nproc", None);
        works_again(&client).await;
    });
}

#[test]
fn without_terminals_a_create_fails_and_all_else_goes_on() {
    run(async {
        let Some(mut daemon) = super::mounts::daemon(
            "mount -t devpts -o newinstance,max=3,ptmxmode=0666 devpts /dev/pts && \
             mount --bind /dev/pts/ptmx /dev/ptmx",
        ) else {
            return;
        };
        let client = daemon.client().await;
        let (made, error) = create_until_full(&client, 20).await;
        assert_eq!(made, 3);
        check(
            &daemon,
            &client,
            made,
            &error,
            "no terminal could be opened",
        )
        .await;
        let first = client.sessions().await[0].session_id;
        client
            .ok(protocol::request::KillSession {
                session: first.into(),
                guarded: false,
            })
            .await;
        works_again(&client).await;
        super::mounts::stop(&mut daemon);
    });
}
