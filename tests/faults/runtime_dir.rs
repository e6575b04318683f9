//! The runtime directory is deleted underneath.

use std::time::Duration;

use protocol::reply::ExitStatus;
use rustix::process::Signal;

use crate::support::daemon::{Daemon, shell};
use crate::support::pane::input;
use crate::support::{eventually, proc, run};

fn delete(daemon: &Daemon) {
    std::fs::remove_dir_all(daemon.runtime()).unwrap();
}

#[test]
fn a_running_server_makes_it_again_with_all_sockets() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("kept", "read x; exit 5").await;
        delete(&daemon);
        // Who is connected stays so.
        assert_eq!(client.panes().await.len(), 1);
        // And can go on making panes at once.
        client.session("at-once", "exec sleep 600").await;
        // A caller who finds nothing starts a server, which waits for the one that is there.
        let ran = daemon.fugue(&["new", "-d", "-n", "later", "--", "sleep", "600"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(client.sessions().await.len(), 3);
        assert!(daemon.log().contains("is made again"), "{}", daemon.log());
        let socket = daemon.paths().pane_socket(made.pane_id);
        eventually("the keeper's socket", async || {
            socket.exists().then_some(())
        })
        .await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        let pids: Vec<u32> = client.panes().await.iter().map(|pane| pane.pid).collect();
        assert!(pids.len() == 3 && pids.contains(&made.pid), "{pids:?}");
        drop(client);
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        daemon.wait();
        assert!(!proc::lives(made.pid));
        assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn the_next_server_calls_keepers_that_have_no_socket() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let runs = client
            .session("runs", "echo READY; read x; echo \"got $x\"; exit 6")
            .await;
        let keeper = client.panes().await[0].keeper_pid;
        daemon.signal(Signal::KILL);
        daemon.wait();
        delete(&daemon);
        daemon.launch();
        let client = daemon.client().await;
        let panes = client.panes().await;
        assert_eq!(
            (panes[0].pid, panes[0].keeper_pid),
            (runs.pid, keeper),
            "{}",
            daemon.log()
        );
        client.ok(input(runs.pane_id, "hello")).await;
        let end = client.exit(runs.pane_id).await.exit;
        assert_eq!(end, Some(ExitStatus::Exited { code: 6 }));
        assert!(client.text(runs.pane_id).await.contains("got hello"));
    });
}

#[test]
fn a_keeper_that_nobody_can_find_and_that_has_nothing_left_ends() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("ends", "sleep 0.2; exit 3").await;
        client.session("runs", "exec sleep 600").await;
        let keepers: Vec<(String, u32, u32)> = client
            .panes()
            .await
            .iter()
            .map(|pane| (pane.session_name.to_string(), pane.keeper_pid, pane.pid))
            .collect();
        let of = |name: &str| keepers.iter().find(|(n, ..)| n == name).unwrap();
        let (ended, running) = (of("ends"), of("runs"));
        daemon.signal(Signal::KILL);
        daemon.wait();
        eventually("the end of the program", async || {
            (!proc::lives(ended.2)).then_some(())
        })
        .await;
        // Still there to tell how it ended, until nobody can ask.
        assert!(proc::lives(ended.1));
        delete(&daemon);
        eventually("the end of the keeper", async || {
            (!proc::lives(ended.1)).then_some(())
        })
        .await;
        assert!(proc::lives(running.1) && proc::lives(running.2));
        proc::signal(running.2, Signal::KILL);
        eventually("the end of the other keeper", async || {
            (!proc::lives(running.1)).then_some(())
        })
        .await;
    });
}

#[test]
fn two_servers_never_share_their_state() {
    run(async {
        let daemon = Daemon::start();
        let mut other = daemon.command(crate::support::daemon::fugued_exe());
        other
            .env("FUGUE_RUNTIME_DIR", daemon.dir.path().join("r2"))
            .arg("--foreground");
        let ran = other.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(75), "{said}");
        assert!(said.contains("runs already"), "{said}");
        assert!(said.contains(&daemon.pid.to_string()), "{said}");
        let client = daemon.client().await;
        client
            .ok(protocol::request::CreateSession {
                pane: shell("exec sleep 600"),
                ..Default::default()
            })
            .await;
        tokio::time::timeout(Duration::from_secs(5), client.panes())
            .await
            .unwrap();
    });
}
