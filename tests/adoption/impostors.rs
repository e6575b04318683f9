//! Whoever poses as a keeper, or as the daemon of one, is not believed.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use protocol::reply::ExitStatus;
use rustix::process::Signal;

use crate::support::daemon::Daemon;
use crate::support::pane::input;
use crate::support::{LIMIT, eventually, proc, run};

const ECHO: &str = "echo READY; while read word; do echo got $word; done";

/// Another process listens where a keeper did, and the real socket is elsewhere, as a program of the pane could do it.
#[test]
fn another_listener_in_a_keepers_place_is_not_believed() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("work", ECHO).await;
        let socket = daemon.paths().pane_socket(made.pane_id);
        let before = client.panes().await[0].clone();
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        std::fs::rename(&socket, socket.with_extension("real")).unwrap();
        let impostor = UnixListener::bind(&socket).unwrap();
        impostor.set_nonblocking(true).unwrap();
        daemon.launch();
        let client = daemon.client().await;
        let after = client.panes().await[0].clone();
        assert_eq!(
            (after.pid, after.keeper_pid),
            (before.pid, before.keeper_pid)
        );
        assert_eq!(after.status.exit, None);
        eventually("the keeper is reached", async || {
            let panes = client.panes().await;
            panes[0].status.unreachable.is_none().then_some(())
        })
        .await;
        client.ok(input(made.pane_id, "hello")).await;
        eventually("its echo", async || {
            client
                .text(made.pane_id)
                .await
                .contains("got hello")
                .then_some(())
        })
        .await;
        // Not a word was said to it.
        if let Ok((mut heard, _)) = impostor.accept() {
            heard.set_nonblocking(false).unwrap();
            let mut said = Vec::new();
            heard.read_to_end(&mut said).unwrap();
            assert_eq!(said, b"");
        }
        let _ = std::fs::remove_file(socket.with_extension("real"));
    });
}

/// The keeper is dead, and somebody else listens in its place: the pane is lost, whatever that one says.
#[test]
fn a_listener_in_the_place_of_a_dead_keeper_ends_nothing_well() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("work", "exec sleep 600").await;
        let socket = daemon.paths().pane_socket(made.pane_id);
        let keeper = client.panes().await[0].keeper_pid;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        proc::signal(keeper, Signal::KILL);
        std::fs::remove_file(&socket).unwrap();
        let _impostor = UnixListener::bind(&socket).unwrap();
        daemon.launch();
        let client = daemon.client().await;
        let end = client.exit(made.pane_id).await;
        assert!(matches!(end.exit, Some(ExitStatus::Lost { .. })), "{end:?}");
        eventually("its program's end", async || {
            (!proc::lives(made.pid)).then_some(())
        })
        .await;
    });
}

/// What a daemon says first, without what only the keeper's own daemon knows.
fn hello() -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Frame {
        id: u64,
        request: std::collections::BTreeMap<&'static str, Hello>,
    }
    #[derive(serde::Serialize)]
    struct Hello {
        version: u32,
        daemon: &'static str,
    }
    let hello = Hello {
        version: 1,
        daemon: "x",
    };
    let frame = Frame {
        id: 1,
        request: [("hello", hello)].into(),
    };
    let body = protocol::frame::to_bytes(&frame);
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.extend(body);
    bytes
}

#[test]
fn a_keeper_with_a_daemon_takes_no_other_that_does_not_know_its_secret() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("work", ECHO).await;
        let mut caller = UnixStream::connect(daemon.paths().pane_socket(made.pane_id)).unwrap();
        caller.set_read_timeout(Some(LIMIT)).unwrap();
        caller.write_all(&hello()).unwrap();
        let mut said = Vec::new();
        caller.read_to_end(&mut said).unwrap();
        let told = String::from_utf8_lossy(&said);
        assert!(told.contains("refused"), "{told:?}");
        assert!(!told.contains(&made.pane_id.to_string()), "{told:?}");
        // The daemon's own connection goes on.
        let begun = Instant::now();
        client.ok(input(made.pane_id, "hello")).await;
        eventually("its echo", async || {
            client
                .text(made.pane_id)
                .await
                .contains("got hello")
                .then_some(())
        })
        .await;
        let status = client.panes().await[0].status.clone();
        assert_eq!((status.exit, status.unreachable), (None, None));
        assert!(begun.elapsed() < LIMIT + Duration::from_secs(1));
    });
}
