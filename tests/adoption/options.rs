//! A daemon that is started without options goes on with those of the one before it.

use rustix::process::Signal;

use super::unasked::Next;
use crate::support::cli::Ran;
use crate::support::daemon::Daemon;
use crate::support::{eventually, proc, run};

fn status(daemon: &Daemon) -> String {
    let Ran { code, out, .. } = daemon.fugue(&["status"]);
    assert_eq!(code, 0, "{out}");
    out
}

fn is_served(daemon: &Daemon) -> bool {
    daemon.paths().http_url().exists() && status(daemon).contains("http://127.0.0.1:")
}

#[test]
fn the_options_of_a_daemon_outlive_its_kill_and_a_signal_that_keeps_the_programs() {
    run(async {
        let mut daemon = Daemon::prepared("");
        daemon.launch_with(&["--keep-panes", "--http=127.0.0.1:0"], &[]);
        let client = daemon.client().await;
        client.session("work", "sleep 600").await;
        let program = client.panes().await[0].pid;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        // Started by the question, without options.
        let _ = status(&daemon);
        let next = Next::of(&daemon);
        eventually("HTTP", async || is_served(&daemon).then_some(())).await;
        // The signal that its end sends keeps the programs, as the first daemon was told.
        drop(next);
        assert!(proc::lives(program));
        let again = daemon.fugue(&["ls"]);
        assert!(again.out.contains("work"), "{again:?}");
        let _next = Next::of(&daemon);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        eventually("its end", async || {
            (!daemon.socket().exists()).then_some(())
        })
        .await;
        // What has ended in order hands nothing on.
        assert!(!proc::lives(program));
        let paths = daemon.paths();
        eventually("no options", async || {
            (!paths.options().exists() && !paths.http_url().exists()).then_some(())
        })
        .await;
    });
}

#[test]
fn options_that_are_given_stand_alone_and_a_url_of_a_killed_daemon_goes() {
    run(async {
        let mut daemon = Daemon::prepared("");
        daemon.launch_with(&["--http=127.0.0.1:0"], &[]);
        eventually("HTTP", async || is_served(&daemon).then_some(())).await;
        daemon.signal(Signal::KILL);
        daemon.wait();
        let mut command = daemon.command(crate::support::daemon::fugued_exe());
        let started = command.arg("--keep-panes").output().unwrap();
        assert!(started.status.success(), "{started:?}");
        let _next = Next::of(&daemon);
        assert!(!status(&daemon).contains("http://"));
        assert!(!daemon.paths().http_url().exists());
    });
}
