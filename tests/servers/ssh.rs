//! A server on another machine, which is this one behind a real sshd.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::LIMIT;
use crate::support::cli::Ran;
use crate::support::daemon::{Daemon, fugue_exe};
use crate::support::sshd::{Sshd, is_installed};

/// A client's own directories, and a server that it knows as polecats.
fn known(sshd: &Sshd, far: &Daemon) -> Daemon {
    Daemon::prepared(&sshd.known(far))
}

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn a_server_over_ssh_is_used_as_one_here_with_one_login() {
    if !is_installed() {
        return;
    }
    let sshd = Sshd::start(None);
    let far = Daemon::start_with("[daemon]\nname = \"den\"\n");
    let near = known(&sshd, &far);
    let fugue = |args: &[&str]| sshd.fugue(&near, args);
    let tested = ok(fugue(&["servers", "test", "polecats"]));
    for step in ["log in", "hello", "which calls itself den", "0 sessions"] {
        assert!(tested.contains(step), "{tested}");
    }
    ok(fugue(&[
        "-s", "polecats", "new", "-d", "-n", "worker-1", "--", "cat",
    ]));
    ok(fugue(&["send", "polecats:worker-1", "héllo", "--enter"]));
    ok(fugue(&["expect", "polecats:worker-1", "héllo"]));
    let read = ok(fugue(&["read", "polecats:worker-1"]));
    assert!(read.starts_with("héllo\nhéllo"), "{read}");
    let listed: Value =
        serde_json::from_str(&ok(fugue(&["-s", "polecats", "ls", "--json"]))).unwrap();
    let session = &listed["servers"][0]["sessions"][0];
    assert_eq!(session["name"], "worker-1", "{listed}");
    assert_eq!(sshd.logins(), 1, "{}", sshd.log());
    // What was a name there is one there, and nobody is asked here.
    let killed = fugue(&["kill", "polecats:worker-1"]);
    assert_eq!(killed.code, 0, "{killed:?}");
    let servers: Value = serde_json::from_str(&ok(fugue(&["servers", "--json"]))).unwrap();
    let states: Vec<_> = servers["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            (
                server["name"].as_str().unwrap(),
                server["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(states, [("local", "unreachable"), ("polecats", "ok")]);
}

#[test]
fn a_server_over_ssh_is_started_when_it_does_not_run_and_is_found_again_after_a_cut() {
    if !is_installed() {
        return;
    }
    let sshd = Sshd::start(None);
    let far = Daemon::prepared("");
    let near = known(&sshd, &far);
    let fugue = |args: &[&str]| sshd.fugue(&near, args);
    ok(fugue(&[
        "-s",
        "polecats",
        "new",
        "-d",
        "-n",
        "w",
        "--",
        "exec sleep 600",
    ]));
    sshd.cut();
    let panes = ok(fugue(&["-s", "polecats", "panes", "-a"]));
    assert!(panes.contains("sleep 600"), "{panes}");
    assert_eq!(sshd.logins(), 2, "{}", sshd.log());
    ok(fugue(&["-s", "polecats", "stop"]));
}

#[test]
fn each_thing_that_is_wrong_with_the_way_is_said_in_sshs_words() {
    if !is_installed() {
        return;
    }
    let sshd = Sshd::start(None);
    let far = Daemon::start();
    let near = known(&sshd, &far);
    let listed = || sshd.fugue(&near, &["-s", "polecats", "ls"]);
    sshd.write_client("user", false);
    let ran = listed();
    assert!(ran.err.contains("Host key verification failed"), "{ran:?}");
    assert!(ran.err.contains("`fugue servers test polecats`"), "{ran:?}");
    sshd.write_client("other", true);
    let ran = listed();
    assert!(ran.err.contains("Permission denied"), "{ran:?}");
    sshd.write_client("user", true);
    std::fs::write(
        near.paths().config,
        format!(
            "[servers.polecats]\naddress = {:?}\ncommand = \"no-such-fugue proxy\"\n",
            sshd.address()
        ),
    )
    .unwrap();
    let ran = listed();
    assert!(ran.err.contains("does not find fugue"), "{ran:?}");
    assert!(ran.err.contains("[servers.polecats]"), "{ran:?}");
    assert!(!ran.err.contains("`fugue new`"), "{ran:?}");
}

#[test]
fn what_a_login_script_prints_is_passed_over() {
    if !is_installed() {
        return;
    }
    let sshd = Sshd::start(Some(
        "echo Welcome to polecats; eval \"$SSH_ORIGINAL_COMMAND\"",
    ));
    let far = Daemon::start();
    let near = known(&sshd, &far);
    let ran = sshd.fugue(&near, &["-s", "polecats", "status"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let sshd = Sshd::start(Some("echo This account is closed; exit 3"));
    let near = known(&sshd, &far);
    let ran = sshd.fugue(&near, &["-s", "polecats", "status"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("This account is closed"), "{ran:?}");
}

#[test]
fn runs_and_waits_over_ssh_go_on_after_a_cut_and_nothing_is_run_twice() {
    if !is_installed() {
        return;
    }
    let sshd = Sshd::start(None);
    let far = Daemon::start();
    let near = known(&sshd, &far);
    let marks = far.dir.path().join("marks");
    let released = far.dir.path().join("released");
    let line = format!(
        "echo began >>{}; until [ -e {} ]; do sleep 0.05; done; exit 7",
        marks.display(),
        released.display()
    );
    let began = |count: usize| {
        let begun = Instant::now();
        let text = || std::fs::read_to_string(&marks).unwrap_or_default();
        while text().lines().count() < count {
            assert!(begun.elapsed() < LIMIT, "{}", far.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let spawn = |args: &[&str]| {
        let mut command = sshd.command(&near, fugue_exe());
        command.args(args).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let run = spawn(&["-s", "polecats", "run", &line]);
    began(1);
    ok(sshd.fugue(
        &near,
        &["-s", "polecats", "new", "-d", "-n", "w", "--", &line],
    ));
    began(2);
    let wait = spawn(&["wait", "polecats:w"]);
    sshd.cut();
    std::fs::write(&released, "").unwrap();
    for child in [run, wait] {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{output:?}");
    }
    let text = std::fs::read_to_string(&marks).unwrap();
    assert_eq!(text, "began\nbegan\n");
}
