//! `fugue doctor` on real installations: in order, without a server, and with something wrong.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::daemon::{Daemon, with_daemon};
use crate::support::run;

/// The verdict and the message of a check.
fn check(told: &Value, name: &str) -> (String, String) {
    let mut checks = told["checks"].as_array().unwrap().iter();
    let found = checks.find(|one| one["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name}: {told}"));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("message"))
}

fn examined(daemon: &Daemon) -> (i32, Value) {
    let ran = daemon.fugue(&["doctor", "--json"]);
    let told = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    (ran.code, told)
}

#[test]
fn an_installation_in_order_has_nothing_wrong() {
    with_daemon(async |daemon, client| {
        client.session("web", "exec cat").await;
        let (code, told) = examined(&daemon);
        assert_eq!((code, &told["wrong"]), (0, &Value::from(0)), "{told}");
        for name in [
            "fugue",
            "fugued",
            "fugue-keeper",
            "version",
            "runtime",
            "socket path",
            "sockets",
            "config",
        ] {
            assert_eq!(check(&told, name).0, "ok", "{told}");
        }
        let (verdict, said) = check(&told, "server");
        assert_eq!(verdict, "ok");
        assert!(said.contains("1 session and 1 pane"), "{said}");
        let text = daemon.fugue(&["doctor"]);
        assert_eq!(text.code, 0, "{text:?}");
        assert!(
            text.out.lines().all(|line| !line.starts_with("wrong")),
            "{text:?}"
        );
    });
}

#[test]
fn no_server_is_started_and_nothing_is_made() {
    let daemon = Daemon::prepared("");
    let (code, told) = examined(&daemon);
    assert_eq!(code, 0, "{told}");
    assert!(check(&told, "server").1.contains("none runs"), "{told}");
    assert!(
        check(&told, "runtime").1.contains("not there yet"),
        "{told}"
    );
    assert!(!daemon.runtime().exists() && !daemon.paths().state.exists());
}

#[test]
fn programs_without_a_server_are_told_and_left_alone() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("web", "exec sleep 600").await;
        let pane = client.panes().await.remove(0);
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let (code, told) = examined(&daemon);
        assert_eq!(code, 0, "{told}");
        let (verdict, said) = check(&told, "server");
        assert_eq!(verdict, "warning");
        assert!(said.contains("1 program goes on"), "{said}");
        assert_eq!(check(&told, "sockets").0, "warning", "{told}");
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(client.panes().await[0].pid, pane.pid);
    });
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let daemon = Daemon::prepared("[daemon]\nmax_panes = \"many\"\n");
    let state = daemon.paths().state;
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, told) = examined(&daemon);
    assert_eq!(code, 1, "{told}");
    let (verdict, said) = check(&told, "config");
    assert!(verdict == "wrong" && said.contains("line 2"), "{told}");
    let (verdict, said) = check(&told, "state");
    assert!(
        verdict == "wrong" && said.contains("open to others"),
        "{told}"
    );
    let text = daemon.fugue(&["doctor"]);
    assert!(
        text.out
            .contains(&format!("`chmod 700 {}`", state.display())),
        "{text:?}"
    );
    let mut command = daemon.command(crate::support::daemon::fugue_exe());
    command.env("FUGUE_RUNTIME_DIR", format!("/tmp/{}", "x".repeat(120)));
    let output = command.args(["doctor", "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(check(&told, "socket path").0, "wrong", "{told}");
}
