//! Completions as shells ask for them: live names, within a time limit, and never an error or a server that is started.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::LIMIT;
use crate::support::daemon::{Client, Daemon, fugue_exe, with_daemon};

/// The time for a completion of a shell that must not wait for a server: it has 300 ms, and some 20 ms are needed for the rest.
const SOON: Duration = Duration::from_secs(2);

/// Runs a shell with this build on its PATH.
fn in_shell(daemon: &Daemon, program: &str, arguments: &[&str]) -> String {
    let programs = Path::new(fugue_exe()).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let ran = daemon
        .command(program)
        .args(arguments)
        .env("PATH", path)
        .env("HOME", daemon.dir.path())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{arguments:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// The replies of the function for bash to `line`, whose words bash has split into `words`; `at_cursor` is what it replaces.
fn bash(daemon: &Daemon, line: &str, words: &str, at_cursor: &str) -> Vec<String> {
    let asked = format!(
        "source <(fugue completions bash)
        COMP_LINE='{line}' COMP_POINT=${{#COMP_LINE}} COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _fugue fugue '{at_cursor}' ''
        printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let said = in_shell(daemon, "bash", &["--norc", "-c", &asked]);
    let lines = said.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The same, when a machine that is busy has let the servers answer in time.
fn completes(daemon: &Daemon, line: &str, words: &str, at_cursor: &str, wanted: &[&str]) {
    let from = Instant::now();
    loop {
        let replies = bash(daemon, line, words, at_cursor);
        if replies == wanted {
            return;
        }
        assert!(from.elapsed() < LIMIT, "{line}: {replies:?}");
    }
}

/// A session with two panes, and one with a space in its name.
async fn build(daemon: &Daemon, client: &Client) {
    client.session("build", "sleep 600").await;
    let split = daemon.fugue(&["split", "build", "-d", "--", "sleep", "600"]);
    assert_eq!(split.code, 0, "{split:?}");
    client.session("my shell", "sleep 600").await;
}

#[test]
fn bash_completes_live_names_of_this_and_of_other_servers() {
    with_daemon(async |daemon, client| {
        build(&daemon, &client).await;
        let far = Daemon::start();
        far.client().await.session("worker", "sleep 600").await;
        let servers = format!("[servers.polecats]\nsocket = {:?}\n", far.socket());
        std::fs::write(daemon.dir.path().join("config.toml"), servers).unwrap();
        let completes = |line, words, at_cursor, wanted: &[&str]| {
            completes(&daemon, line, words, at_cursor, wanted);
        };
        completes("fugue kill bu", "fugue kill bu", "bu", &["build"]);
        let panes = ["build", "build.0", "build.1"];
        completes("fugue read bu", "fugue read bu", "bu", &panes);
        let all = ["build", "my\\ shell", "polecats:"];
        completes("fugue kill ", "fugue kill ''", "", &all);
        completes("fugue close %", "fugue close %", "%", &["%1", "%2", "%3"]);
        // bash takes the name, the colon and the rest for three words, and replaces the last one.
        let words = "fugue kill polecats : wo";
        completes("fugue kill polecats:wo", words, "wo", &["worker"]);
        let words = "fugue kill polecats :";
        completes("fugue kill polecats:", words, "", &["worker"]);
        let words = "fugue -s polecats kill wo";
        completes("fugue -s polecats kill wo", words, "wo", &["worker"]);
        completes("fugue comp", "fugue comp", "comp", &["completions"]);
        completes("fugue ls --wi", "fugue ls --wi", "--wi", &["--wide"]);
        completes(
            "fugue ls --color=al",
            "fugue ls --color = al",
            "al",
            &["always"],
        );
    });
}

#[test]
fn zsh_and_fish_complete_where_they_are_installed() {
    with_daemon(async |daemon, client| {
        build(&daemon, &client).await;
        if has("fish") {
            let asked = "fugue completions fish | source; complete -C 'fugue read bu'";
            let names = || -> Vec<String> {
                let said = in_shell(&daemon, "fish", &["--no-config", "-c", asked]);
                let names = said.lines().filter_map(|line| line.split('\t').next());
                names.map(str::to_owned).collect()
            };
            until("fish", || names() == ["build", "build.0", "build.1"]);
        }
        if has("zsh") {
            until("zsh", || {
                zsh(&daemon, "fugue kill bui").contains("fugue kill build")
            });
            let shown = zsh(&daemon, "fugue comp");
            assert!(shown.contains("fugue completions"), "{shown:?}");
        }
    });
}

/// Tries again on a machine that is so busy that servers do not answer in time.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let from = Instant::now();
    while !done() {
        assert!(from.elapsed() < LIMIT, "{what}");
    }
}

fn has(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").output();
    asked.is_ok_and(|asked| asked.status.success())
}

/// The line in a zsh that loads the completion by itself, after `line` and Tab.
fn zsh(daemon: &Daemon, line: &str) -> String {
    let asked = format!(
        "zmodload zsh/zpty
        fugue completions zsh >$HOME/_fugue
        zpty z 'TERM=dumb zsh -f -i'
        zpty -w z 'PS1=; fpath=($HOME $fpath); autoload -Uz compinit; compinit -u -D; zstyle \":completion:*\" list-prompt \"\"; print READY'
        zpty -r z said $'*READY*\\n*READY*'
        zpty -w -n z '{line}'$'\\t'
        zpty -w -n z $'\\x18='  # the place of the cursor, so that there is an end to wait for
        zpty -r z said '*point*'
        print -r -- $said
        zpty -d z"
    );
    // The bell between what was typed and what was completed.
    in_shell(daemon, "timeout", &["20", "zsh", "-f", "-c", &asked]).replace('\x07', "")
}

#[test]
fn without_a_server_nothing_is_started_and_nothing_said() {
    let mut daemon = Daemon::prepared("[servers.polecats]\nsocket = \"/nowhere/at/all\"\n");
    assert_eq!(
        bash(&daemon, "fugue kill ", "fugue kill ''", ""),
        ["polecats:"]
    );
    assert!(bash(&daemon, "fugue kill polecats:", "fugue kill polecats :", "").is_empty());
    assert!(!daemon.socket().exists());
    // One that was killed is not started again either.
    daemon.launch();
    assert_eq!(daemon.fugue(&["new", "-d", "-n", "left"]).code, 0);
    daemon.signal(rustix::process::Signal::KILL);
    daemon.wait();
    assert_eq!(
        bash(&daemon, "fugue kill ", "fugue kill ''", ""),
        ["polecats:"]
    );
    assert!(protocol::transport::is_absent(&daemon.socket()));
    // A mistake in the file is not for a line that somebody types.
    std::fs::write(daemon.dir.path().join("config.toml"), "nonsense = [").unwrap();
    assert!(
        bash(&daemon, "fugue kill ", "fugue kill ''", "")
            .iter()
            .all(|word| word.starts_with('-'))
    );
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    with_daemon(async |daemon, client| {
        build(&daemon, &client).await;
        daemon.signal(rustix::process::Signal::STOP);
        let from = Instant::now();
        let replies = bash(&daemon, "fugue kill bu", "fugue kill bu", "bu");
        let took = from.elapsed();
        daemon.signal(rustix::process::Signal::CONT);
        assert!(replies.is_empty(), "{replies:?}");
        assert!(took < SOON * 2, "{took:?}");
    });
}
