//! Directories, variables and arguments go through as the bytes that they are, and a directory keeps the name by which it was reached.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::os_text;
use rustix::process::Signal;
use serde_json::json;

use crate::support::daemon::{Client, Daemon, fugue_exe, with_daemon};
use crate::support::stdio::Mcp;
use crate::support::{eventually, run};

/// `caf` and a byte that is not UTF-8.
fn cafe() -> OsString {
    OsString::from_vec(b"caf\xe9".to_vec())
}

/// `fugue` as somebody calls it who is in `dir`, by that name.
fn called_in(daemon: &Daemon, dir: &Path) -> Command {
    let mut command = daemon.command(fugue_exe());
    command.current_dir(dir).env("PWD", dir);
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// What a program has written there, once it has.
async fn written(file: &Path) -> Vec<u8> {
    eventually("what the program writes", async || {
        std::fs::read(file)
            .ok()
            .filter(|bytes| bytes.ends_with(b"\n"))
    })
    .await
}

async fn pane_of(client: &Client, session: &str) -> protocol::reply::PaneInfo {
    let panes = client.panes().await;
    let mut found = panes
        .into_iter()
        .filter(|pane| pane.session_name.as_str() == session);
    found.next().unwrap()
}

/// Shows directory, variable and argument as bytes, in a file.
fn tells(file: &Path) -> String {
    let tail = "printf '%s|%s|%s\\n' \"$PWD\" \"$NAME\" \"$1\"";
    format!(
        "{tail} > {0}.new; mv {0}.new {0}; exec sleep 600",
        file.display()
    )
}

fn told(dir: &Path, argument: &OsStr) -> Vec<u8> {
    [dir.as_os_str().as_bytes(), b"caf\xe9", argument.as_bytes()]
        .join(&b'|')
        .into_iter()
        .chain(*b"\n")
        .collect()
}

#[test]
fn directories_variables_and_arguments_that_are_not_utf8_reach_the_program() {
    run(async {
        let mut daemon = Daemon::start();
        let dir = daemon.dir.path().join(cafe());
        std::fs::create_dir(&dir).unwrap();
        let (first, second, third) = (
            dir.with_file_name("1"),
            dir.with_file_name("2"),
            dir.with_file_name("3"),
        );
        let mut new = called_in(&daemon, &dir);
        new.env("NAME", cafe());
        let script = tells(&first);
        new.args([
            "new",
            "-d",
            "-n",
            "q",
            "--restart",
            "permanent",
            "--",
            "sh",
            "-c",
            &script,
            "sh",
        ])
        .arg(cafe());
        succeeds(&mut new);
        assert_eq!(written(&first).await, told(&dir, &cafe()));

        // By the session's own directory, and by an option, also after a restart of the server.
        let client = daemon.client().await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        let client = daemon.client().await;
        let info = pane_of(&client, "q").await;
        assert_eq!(info.cwd, dir.to_string_lossy());
        assert_eq!(info.cwd_raw, Some(os_text::encoded(&dir)));
        let mut window = called_in(&daemon, Path::new("/"));
        let given = [OsStr::new("NAME=").as_bytes(), cafe().as_bytes()].concat();
        window
            .args(["window", "q", "--env"])
            .arg(OsStr::from_bytes(&given))
            .arg("-c")
            .arg(&dir);
        window.args(["--", "sh", "-c", &tells(&second)]);
        succeeds(&mut window);
        assert_eq!(written(&second).await, told(&dir, OsStr::new("")));
        let script = tells(&third);
        let mcp = Mcp::start(&daemon).await;
        let asked =
            json!({"session": "q", "command": "sh", "args": ["-c", script], "cwd": info.cwd_raw});
        mcp.ok("fugue_create_window", asked).await;
        assert_eq!(written(&third).await, told(&dir, OsStr::new("")));

        // A next life has them too.
        std::fs::remove_file(&first).unwrap();
        let killed = rustix::process::Pid::from_raw(info.pid.cast_signed()).unwrap();
        rustix::process::kill_process(killed, Signal::KILL).unwrap();
        assert_eq!(written(&first).await, told(&dir, &cafe()));
    });
}

#[test]
fn a_directory_that_was_reached_by_a_link_keeps_its_name() {
    with_daemon(async |daemon, client| {
        let (real, link) = (
            daemon.dir.path().join("real"),
            daemon.dir.path().join("link"),
        );
        std::fs::create_dir_all(real.join("below")).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let begun = async |name: &str, dir: &Path, options: &[&str]| -> (String, String) {
            let file = daemon.dir.path().join(name);
            let line = format!(
                "pwd > {0}.new; mv {0}.new {0}; exec sleep 600",
                file.display()
            );
            let mut new = called_in(&daemon, dir);
            new.args(["new", "-d", "-n", name])
                .args(options)
                .args(["--", &line]);
            succeeds(&mut new);
            let pwd = String::from_utf8(written(&file).await).unwrap();
            (pwd.trim().to_owned(), pane_of(&client, name).await.cwd)
        };
        let both = |path: PathBuf| (path.display().to_string(), path.display().to_string());
        assert_eq!(begun("a", &link, &[]).await, both(link.clone()));
        assert_eq!(
            begun("b", &link, &["-c", "below"]).await,
            both(link.join("below"))
        );
        assert_eq!(begun("c", &real, &[]).await, both(real.clone()));
        // A name that does not lead here is nobody's.
        let file = daemon.dir.path().join("d");
        let mut new = called_in(&daemon, &real);
        let line = format!(
            "pwd > {0}.new; mv {0}.new {0}; exec sleep 600",
            file.display()
        );
        new.env("PWD", "/")
            .args(["new", "-d", "-n", "d", "--", &line]);
        succeeds(&mut new);
        assert_eq!(
            written(&file).await,
            format!("{}\n", real.display()).into_bytes()
        );
    });
}
