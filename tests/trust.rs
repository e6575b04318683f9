//! Whom programs of fugue talk to and what they write on a terminal, whoever has prepared it.

use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use protocol::Name;
use protocol::request::{CreateSession, ListPanes};

use crate::support::daemon::{Daemon, fugue_exe, fugued_exe, shell, with_daemon};
use crate::support::eventually;
use crate::support::view::named;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What a `fugue new` with a secret in its environment says, and what the listener in its runtime directory was sent.
fn new_with_a_secret(daemon: &Daemon, listener: &UnixListener) -> (String, Vec<u8>) {
    listener.set_nonblocking(true).unwrap();
    let ran = daemon
        .command(fugue_exe())
        .args(["new", "-d", "--", "true"])
        .env("AWS_SECRET_ACCESS_KEY", "hunter2")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let mut sent = Vec::new();
    while let Ok((mut stream, _)) = listener.accept() {
        stream.read_to_end(&mut sent).unwrap();
    }
    (String::from_utf8_lossy(&ran.stderr).into_owned(), sent)
}

#[test]
fn a_client_sends_nothing_to_a_place_that_others_can_write() {
    let daemon = Daemon::prepared("");
    std::fs::create_dir(daemon.runtime()).unwrap();
    let listener = UnixListener::bind(daemon.socket()).unwrap();
    chmod(&daemon.runtime(), 0o777);
    let (said, sent) = new_with_a_secret(&daemon, &listener);
    assert!(said.contains("can be written by other users"), "{said}");
    assert_eq!(sent, b"");

    chmod(&daemon.runtime(), 0o700);
    let real = daemon.dir.path().join("real");
    std::fs::rename(daemon.runtime(), &real).unwrap();
    symlink(&real, daemon.runtime()).unwrap();
    let (said, sent) = new_with_a_secret(&daemon, &listener);
    assert!(said.contains("is a link"), "{said}");
    assert_eq!(sent, b"");
}

#[test]
fn root_sends_nothing_to_another_users_server_unless_told_to() {
    if !rustix::process::getuid().is_root() {
        return; // Only root can play two users.
    }
    const OTHER: u32 = 61_002;
    let daemon = Daemon::prepared("");
    std::fs::create_dir(daemon.runtime()).unwrap();
    let listener = UnixListener::bind(daemon.socket()).unwrap();
    chown(daemon.runtime(), Some(OTHER), Some(OTHER)).unwrap();
    let (said, sent) = new_with_a_secret(&daemon, &listener);
    assert!(said.contains("belongs to user 61002"), "{said}");
    assert!(said.contains("uid = 61002"), "{said}");
    assert_eq!(sent, b"");
    // Told to, the process at the other end must be that user's too, which this one is not.
    let config = format!(
        "default_server = \"theirs\"\n[servers.theirs]\nsocket = \"{}\"\nuid = {OTHER}\n",
        daemon.socket().display()
    );
    std::fs::write(daemon.paths().config, config).unwrap();
    let (said, sent) = new_with_a_secret(&daemon, &listener);
    assert!(said.contains("is a process of user 0"), "{said}");
    assert_eq!(sent, b"");
    // Nor does a file of theirs send root anywhere.
    chown(daemon.paths().config, Some(OTHER), Some(OTHER)).unwrap();
    let ran = daemon.fugue(&["ls"]);
    assert!(ran.err.contains("not taken from a file of user"), "{ran:?}");
}

#[test]
fn a_directory_that_is_there_already_is_never_changed() {
    let daemon = Daemon::prepared("");
    for (which, open) in [("FUGUE_RUNTIME_DIR", 0o1777), ("FUGUE_STATE_DIR", 0o755)] {
        let dir = daemon.dir.path().join(which);
        std::fs::create_dir(&dir).unwrap();
        chmod(&dir, open);
        let ran = daemon
            .command(fugued_exe())
            .arg("--foreground")
            .env(which, &dir)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{said}");
        assert!(said.contains("is open to other users"), "{said}");
        let hint = ["chmod 700", "many users"][usize::from(open & 0o1000 != 0)];
        assert!(said.contains(hint), "{said}");
        assert_eq!(mode(&dir), open);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    }
}

/// What a terminal would obey: controls but line feed and tab, C1, and what turns the direction of reading.
fn obeyed(text: &str) -> Vec<char> {
    let harmless = |c: &char| {
        !matches!(c, '\n' | '\t') && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c))
    };
    text.chars().filter(harmless).collect()
}

#[test]
fn names_paths_and_reasons_of_others_reach_no_terminal_as_they_are() {
    with_daemon(async |daemon, client| {
        // A directory whose name is an order, in an error, and told by a program, in JSON.
        let evil = daemon
            .dir
            .path()
            .join("evil\u{1b}]0;X\u{7}\u{202e}Y\u{9b}2J");
        std::fs::create_dir(&evil).unwrap();
        let mut spec = shell("sleep 0.2; exit 1");
        spec.cwd = Some(evil.display().to_string());
        spec.settings.restart = protocol::request::RestartType::Permanent;
        let made = client
            .ok(CreateSession {
                name: Some(Name::new("a\u{202e}b").unwrap()),
                pane: spec,
                ..CreateSession::default()
            })
            .await;
        std::fs::remove_dir(&evil).unwrap();
        let told =
            "printf '\\033]7;file:///tmp/%%c2%%9d52;c;eA==%%c2%%9c%%7f\\007'; exec sleep 600";
        client.session("told", told).await;
        let pane = made.pane_id.to_string();
        let said = eventually("the reason", async || {
            let ran = daemon.fugue(&["wait", &pane, "--timeout", "100ms"]);
            ran.err.contains("cannot start").then_some(ran.err)
        })
        .await;
        assert_eq!(obeyed(&said), [], "{said:?}");
        eventually("the directory", async || {
            let all = ListPanes {
                session: Some(named("told")),
                ..ListPanes::default()
            };
            let cwd = client.ok(all).await.panes[0].cwd.clone();
            cwd.contains("52;c").then_some(())
        })
        .await;
        for args in [
            &["panes", "--all", "--json"][..],
            &["tree", "--json"],
            &["ls", "--json"],
            &["panes", "--all"],
            &["wait", "a\u{1b}c\u{202e}"],
            &["wait", "a\u{1b}c\u{202e}", "--json"],
            &["wait", "--\u{1b}[2J"],
        ] {
            let ran = daemon.fugue(args);
            assert_eq!(obeyed(&ran.out), [], "{args:?}: {:?}", ran.out);
            assert_eq!(obeyed(&ran.err), [], "{args:?}: {:?}", ran.err);
        }
        // The same characters, for programs that read it.
        let json = daemon.fugue(&["panes", "told", "--json"]).out;
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let cwd = value["panes"][0]["cwd"].as_str().unwrap();
        assert!(cwd.contains("\u{9d}52;c;eA==\u{9c}"), "{cwd:?}");
    });
}
