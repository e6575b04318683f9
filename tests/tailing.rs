//! `fugue tail`: every line once, of several panes, over restarts of the program and of the server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use protocol::request::{CreatePane, CreateSession, ReadPane, RestartType};
use protocol::{Name, Target};

use crate::support::daemon::{Daemon, fugue_exe, kept, shell, with_daemon};
use crate::support::{LIMIT, run};

/// A `fugue tail` that runs, and its lines as they come.
struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn of(daemon: &Daemon, args: &[&str]) -> Self {
        let mut command = daemon.command(fugue_exe());
        command.arg("tail").args(args).stderr(Stdio::null());
        Self::run(command)
    }

    fn run(mut command: std::process::Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line in time")
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_of_several_panes_come_once_and_whole() {
    with_daemon(async |daemon, client| {
        let made = client
            .session("web", "printf 'a\\nb\\nc'; read x; printf 'd\\n'; exit 7")
            .await;
        assert_eq!(made.cursor, ReadPane::FROM_START);
        let mut worker = shell("echo w; read x; echo v");
        worker.name = Name::new("worker").ok();
        let beside = CreatePane {
            session: Some("web".parse::<Target>().unwrap()),
            pane: worker,
            ..CreatePane::default()
        };
        client.ok(beside).await;
        for pane in ["web", "worker"] {
            crate::support::eventually("it has printed", async || {
                let text = daemon.fugue(&["read", pane]).out;
                (text.contains('c') || text.contains('w')).then_some(())
            })
            .await;
        }
        let tail = Tail::of(&daemon, &["web", "worker", "-n", "2"]);
        // The line that has not ended is shown when it is quiet, and goes on where it was.
        let mut first = vec![tail.line(), tail.line()];
        first.sort();
        assert_eq!(first, ["web    | b", "worker | w"]);
        std::thread::sleep(Duration::from_millis(50));
        assert!(daemon.fugue(&["send", "web", "--enter"]).code == 0);
        let rest: Vec<_> = (0..2).map(|_| tail.line()).collect();
        assert!(
            rest.iter().any(|line| line.starts_with("web    | c")),
            "{rest:?}"
        );
        assert!(rest.iter().any(|line| line.ends_with('d')), "{rest:?}");
        assert!(daemon.fugue(&["send", "worker", "--enter"]).code == 0);
        crate::support::eventually("both have ended", async || {
            let rest: Vec<_> = tail.lines.try_iter().collect();
            rest.iter().any(|line| line == "worker | v").then_some(())
        })
        .await;
        // How each ended is said, and that is no failure of the command.
        let ended = daemon.fugue(&["tail", "web"]);
        assert!(ended.code == 0 && ended.err.contains('7'), "{ended:?}");
    });
}

#[test]
fn a_tail_goes_on_over_restarts_of_the_program_and_kills_of_the_server() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let mut pane =
            shell("echo begun; while read x; do [ \"$x\" = end ] && exit 1; echo \"got $x\"; done");
        pane.settings = kept(RestartType::Permanent);
        let create = CreateSession {
            name: Name::new("web").ok(),
            pane,
            ..CreateSession::default()
        };
        client.ok(create).await;
        let tail = Tail::of(&daemon, &["web"]);
        let until = |wanted: &str| {
            let mut seen = Vec::new();
            loop {
                let line = tail.line();
                let found = line == wanted;
                seen.push(line);
                if found {
                    return seen;
                }
            }
        };
        until("begun");
        let send = |daemon: &Daemon, text: &str| {
            assert!(daemon.fugue(&["send", "web", text, "--enter"]).code == 0)
        };
        send(&daemon, "one");
        until("got one");
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        send(&daemon, "two");
        let seen = until("got two");
        assert!(
            !seen.contains(&"got one".to_owned()),
            "nothing twice: {seen:?}"
        );
        send(&daemon, "end");
        until("begun");
        send(&daemon, "three");
        until("got three");
    });
}

#[test]
fn what_came_too_fast_is_told_and_a_reader_that_is_gone_ends_it() {
    with_daemon(async |daemon, client| {
        client
            .session("fast", "read x; seq 1 60000; echo end")
            .await;
        let tail = Tail::of(&daemon, &["fast"]);
        assert_eq!(daemon.fugue(&["send", "fast", "--enter"]).code, 0);
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "end") {
            lines.push(tail.line());
        }
        lines.pop();
        // Each stretch without a gap is whole; its first and its last line may have been cut by one.
        let is_gap = |line: &String| line.contains("left out here");
        let mut stretches: Vec<&[String]> = lines.split(is_gap).collect();
        let end = stretches.pop().unwrap();
        assert_eq!(end.last().map(String::as_str), Some("60000"));
        for stretch in stretches.into_iter().chain([end]) {
            let whole = stretch.get(1..stretch.len().saturating_sub(1));
            let numbers: Vec<u32> = whole
                .unwrap_or_default()
                .iter()
                .map(|l| l.parse().unwrap())
                .collect();
            assert!(
                numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{numbers:?}"
            );
        }
        client
            .session("quiet", "echo one; echo two; exec sleep 600")
            .await;
        let line = format!("timeout 15 {} tail quiet | head -1", fugue_exe());
        let begun = std::time::Instant::now();
        let ran = daemon.command("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "one\n");
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn a_pane_named_twice_is_followed_once_and_what_does_not_go_on_has_a_line_of_its_own() {
    with_daemon(async |daemon, client| {
        let line = "echo ready; printf '$ vim'; read x; printf '\\033[?1049hdrawn'; read x; printf '\\033[?1049l10%%'; read x; printf '\\r\\033[K20%%\\n'; read x";
        client.session("web", &format!("stty -echo; {line}")).await;
        let mut tail = daemon.command(fugue_exe());
        tail.args(["tail", "web", "web.0"]);
        let dir = tempfile::tempdir().unwrap();
        let err = dir.path().join("told");
        tail.stderr(std::fs::File::create(&err).unwrap());
        let tail = Tail::run(tail);
        let enter = || assert_eq!(daemon.fugue(&["send", "web", "--enter"]).code, 0);
        let told = async |what: &str| {
            crate::support::eventually("it is told", async || {
                let told = std::fs::read_to_string(&err).unwrap();
                told.contains(what).then_some(())
            })
            .await;
        };
        assert_eq!(tail.line(), "ready");
        enter();
        assert_eq!(tail.line(), "$ vim");
        told("-- full screen: `fugue attach` shows it --\n").await;
        enter();
        crate::support::eventually("it is printed", async || {
            let text = daemon.fugue(&["read", "web"]).out;
            text.contains("10%").then_some(())
        })
        .await;
        enter();
        // What was written over is shown only where it had stood for a while.
        let mut line = tail.line();
        if line == "10%" {
            line = tail.line();
        }
        assert_eq!(line, "20%");
        enter();
        told("fugue: web: ok").await;
        assert_eq!(tail.lines.recv_timeout(LIMIT).ok(), None, "nothing twice");
    });
}

#[test]
fn a_restart_is_told_and_leaves_no_empty_line() {
    with_daemon(async |daemon, client| {
        let mut pane = shell("echo begun; read x; echo over");
        pane.settings = kept(RestartType::Permanent);
        let create = CreateSession {
            name: Name::new("web").ok(),
            pane,
            ..CreateSession::default()
        };
        client.ok(create).await;
        let mut tail = daemon.command(fugue_exe());
        tail.args(["tail", "web"]);
        let dir = tempfile::tempdir().unwrap();
        let err = dir.path().join("told");
        tail.stderr(std::fs::File::create(&err).unwrap());
        let tail = Tail::run(tail);
        assert_eq!(tail.line(), "begun");
        assert_eq!(daemon.fugue(&["send", "web", "--enter"]).code, 0);
        let after = [tail.line(), tail.line(), tail.line()];
        assert_eq!(after, ["", "over", "begun"], "the first is the typed Enter");
        let told = std::fs::read_to_string(&err).unwrap();
        assert_eq!(told, "-- restarted --\n");
    });
}
