//! The lives of a pane's program: short ones are found, restarts leave nothing, waits have one answer, nothing is inherited.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::reply::{ExitStatus, PaneCreated};
use protocol::request::{
    ClosePane, CreateSession, PaneSpec, RestartType, UpdatePane, UpdateSession, WaitPane, Watch,
};
use protocol::{ErrorCode, Name, PaneUuid, Target};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, fugued_exe, kept, shell, with_daemon};
use crate::support::view::{named, shown};
use crate::support::{eventually, proc, run};

/// Leaves a terminal as a killed program does: colours, a region, the other screen, mouse, pastes, no cursor.
pub const LEAVES: &str =
    r"printf 'old\r\n\033[2;3r\033[31m\033[?1049h\033[?1003;1006;2004h\033[?25lfull'";

/// A view of the session finds a usual terminal, in which its program has printed the line `next`.
pub async fn assert_usual(client: &mut Client, session: &str, next: &str) {
    client.attach(1, named(session)).await;
    let update = client.screen(1).await;
    let state = (update.modes, update.cursor.visible);
    assert_eq!(state, (0, true), "{update:?}");
    let (rows, row) = (shown(&update), format!("\u{1b}[m{next}"));
    assert!(rows.lines().any(|shown| shown == row), "{rows:?}");
}

async fn permanent(client: &Client, line: &str) -> PaneCreated {
    let create = CreateSession {
        pane: PaneSpec {
            settings: kept(RestartType::Permanent),
            ..shell(line)
        },
        ..CreateSession::default()
    };
    client.ok(create).await
}

async fn close(client: &Client, pane: PaneUuid, force: bool) {
    let close = ClosePane {
        pane: pane.into(),
        force,
        guarded: false,
    };
    let closed = client.ok(close).await;
    assert_eq!(closed.panes[0].survivors, Vec::<u32>::new());
}

#[test]
fn a_close_in_the_moment_of_a_restart_leaves_no_program_and_no_keeper() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("stays", "exec sleep 600").await;
        // The restart is due 200 ms after the end: the closes fall before, into and after it.
        let closes = (0..24u64).map(async |round| {
            let pane = permanent(&client, "exit 1").await.pane_id;
            tokio::time::sleep(Duration::from_millis(180 + 3 * round)).await;
            close(&client, pane, round % 2 == 0).await;
            pane
        });
        let closed = futures_util::future::join_all(closes).await;
        for pane in closed {
            let marker = format!("FUGUE_PANE_ID={pane}");
            assert_eq!(proc::marked(&marker), Vec::<u32>::new(), "{}", daemon.log());
        }
        eventually("only one keeper is left", async || {
            let keepers = std::fs::read_dir(daemon.paths().panes()).unwrap().count();
            (keepers == 1).then_some(())
        })
        .await;
        drop(client);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        daemon.wait();
        let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn a_wait_tells_the_next_end_after_it_began() {
    with_daemon(async |daemon, client| {
        let counter = daemon.dir.path().join("count");
        let line = format!(
            "read n < {0} || n=0; n=$((n+1)); echo $n > {0}.new; mv {0}.new {0}; sleep 0.2; exit $n",
            counter.display()
        );
        let pane = permanent(&client, &line).await.pane_id;
        let begun = || -> i32 {
            let text = std::fs::read_to_string(&counter).unwrap_or_default();
            text.trim().parse().unwrap_or(0)
        };
        let mut last = 0;
        for pause in [0, 250, 10, 400] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let before = begun();
            let wait = WaitPane {
                pane: pane.into(),
                timeout_ms: 20_000,
            };
            let waited = client.ok(wait).await;
            let Some(ExitStatus::Exited { code }) = waited.status.exit else {
                panic!("{:?}", waited.status)
            };
            assert!(
                code > last && (before..=before + 1).contains(&code),
                "life {before} had begun, the last end was {last}, and the answer is {code}"
            );
            last = code;
        }
    });
}

#[test]
fn a_restarted_program_finds_a_usual_terminal() {
    with_daemon(async |daemon, mut client| {
        let been = daemon.dir.path().join("been");
        let line = format!(
            "test -e {0} && echo NEXT && exec sleep 600; touch {0}; {LEAVES}; kill -9 $$",
            been.display()
        );
        let made = permanent(&client, &line).await;
        let text = eventually("the next life", async || {
            let text = client.text(made.pane_id).await;
            text.contains("NEXT").then_some(text)
        })
        .await;
        assert!(text.starts_with("old\n"), "{text:?}");
        let session = made.context.session_name.to_string();
        assert_usual(&mut client, &session, "NEXT").await;
    });
}

#[test]
fn a_program_is_found_by_its_name_while_its_session_still_learns_of_its_end() {
    with_daemon(async |daemon, client| {
        client.session("keep", "exec sleep 600").await;
        client
            .crash("step", "close: it is taken out=slow 5000")
            .await
            .unwrap();
        let made = daemon.fugue(&["new", "-d", "-n", "quick", "--", "echo out; exit 7"]);
        assert_eq!(made.code, 0, "{}", made.err);
        eventually("its pane is gone", async || {
            (client.panes().await.len() == 1).then_some(())
        })
        .await;
        let waited = daemon.fugue(&["wait", "quick"]);
        assert_eq!(waited.code, 7, "{}", waited.err);
        let read = daemon.fugue(&["read", "quick"]);
        assert_eq!((read.code, read.out.as_str()), (0, "out\n"), "{}", read.err);
        assert_eq!(client.sessions().await.len(), 2, "its session still lives");
    });
}

#[test]
fn a_short_program_is_found_by_its_name_after_its_end() {
    with_daemon(async |daemon, client| {
        client.session("keep", "exec sleep 600").await;
        for code in [0, 7] {
            let name = format!("quick{code}");
            let line = format!("echo out{code}; exit {code}");
            let made = daemon.fugue(&["new", "-d", "-n", &name, "--", &line]);
            assert_eq!(made.code, 0, "{}", made.err);
            let waited = daemon.fugue(&["wait", &name]);
            assert_eq!(waited.code, code, "{}", waited.err);
            let read = daemon.fugue(&["read", &name]);
            assert_eq!(read.code, 0, "{}", read.err);
            assert!(read.out.contains(&format!("out{code}")), "{}", read.out);
            eventually("the session is gone", async || {
                let sessions = client.sessions().await;
                sessions
                    .iter()
                    .all(|s| s.name.as_str() != name)
                    .then_some(())
            })
            .await;
            // Everything that needs it alive says how it ended.
            let close = ClosePane {
                pane: named(&name),
                force: false,
                guarded: false,
            };
            let error = client.call(close).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::PaneExited, "{error}");
            assert_eq!(daemon.fugue(&["wait", &name]).code, code);
            let killed = daemon.fugue(&["kill", &name]);
            assert!(killed.err.contains("has ended"), "{}", killed.err);
        }
        // What lives has its name first.
        let line = "echo alive; exec sleep 600";
        let again = client.session("quick7", line).await;
        eventually("the new one is read", async || {
            let read = daemon.fugue(&["read", "quick7"]);
            read.out.contains("alive").then_some(())
        })
        .await;
        close(&client, again.pane_id, true).await;
    });
}

fn status_of(pid: u32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(field)).unwrap();
    value.trim().to_owned()
}

#[test]
fn the_daemon_keeps_no_descriptor_and_no_umask_of_its_caller() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let lock = daemon.dir.path().join("callers-lock");
        let mut command = daemon.command("sh");
        let script = "exec 7>\"$0\" 8>&7; umask 027; exec \"$@\"";
        command.args(["-c", script]).arg(&lock).arg(fugued_exe());
        daemon.launch_as(command);
        let client = daemon.client().await;
        let first = client.session("first", "exec sleep 600").await;
        let keeper = client.panes().await[0].keeper_pid;
        let hidden: &[u32] = match proc::sees_all() {
            true => &[daemon.pid, keeper],
            false => &[],
        };
        for pid in hidden.iter().chain([&first.pid]) {
            let held = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
            let held = held.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
            assert!(!held.into_iter().any(|file| file == lock), "pid {pid}");
        }
        assert_eq!(status_of(daemon.pid, "Umask:"), "0077");
        assert_eq!(
            status_of(first.pid, "Umask:"),
            "0027",
            "the daemon's caller's"
        );
        let own = CreateSession {
            name: Some(Name::new("own").unwrap()),
            environment: Some(BTreeMap::from([
                ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
                ("FUGUE_UMASK".to_owned(), "0002".to_owned()),
            ])),
            pane: shell("echo MASK=$FUGUE_UMASK.; exec sleep 600"),
            ..CreateSession::default()
        };
        let own = client.ok(own).await;
        assert_eq!(status_of(own.pid, "Umask:"), "0002");
        eventually("it does not see the variable", async || {
            client
                .text(own.pane_id)
                .await
                .contains("MASK=.")
                .then_some(())
        })
        .await;
        drop(client);
        daemon.signal(Signal::TERM);
        daemon.wait();
    });
}

#[test]
fn a_refused_change_of_a_session_leaves_its_new_name_free() {
    with_daemon(async |_, client| {
        client.session("old", "exec sleep 600").await;
        let update = UpdateSession {
            session: Some(named("old")),
            name: Some(Name::new("new").unwrap()),
            environment: BTreeMap::from([("a=b".to_owned(), Some("x".to_owned()))]),
            ..UpdateSession::default()
        };
        let error = client.call(update).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        client.session("new", "exec sleep 600").await;
        let names: Vec<_> = client.sessions().await;
        let names: Vec<_> = names.iter().map(|session| session.name.as_str()).collect();
        assert_eq!(names, ["old", "new"]);
    });
}

#[test]
fn renaming_a_pane_wakes_whoever_watches_the_tree() {
    with_daemon(async |_, client| {
        let pane = client.session("s", "exec sleep 600").await.pane_id;
        let watch = |after, timeout_ms| Watch {
            pane: None,
            after,
            timeout_ms,
        };
        let seen = client.ok(watch(None, 0)).await.version;
        // What the start of the session still changes.
        let mut seen = seen;
        loop {
            let next = client.ok(watch(Some(seen.clone()), 500)).await.version;
            if next == seen {
                break;
            }
            seen = next;
        }
        let rename = UpdatePane {
            pane: pane.into(),
            name: Some(Name::new("renamed").unwrap()),
            focus: false,
            rows: None,
            cols: None,
            ratio: None,
        };
        let (woken, _) = tokio::join!(
            client.ok(watch(Some(seen.clone()), 30_000)),
            client.ok(rename)
        );
        assert_ne!(woken.version, seen);
    });
}

#[test]
fn a_former_name_of_a_session_that_lives_is_no_end() {
    with_daemon(async |daemon, client| {
        let made = client.session("before", "exec sleep 600").await;
        let split = daemon.fugue(&["split", "before", "-d", "--", "exit 0"]);
        assert_eq!(split.code, 0, "{split:?}");
        eventually("the end of the second pane", async || {
            (client.panes().await.len() == 1).then_some(())
        })
        .await;
        let renamed = daemon.fugue(&["rename", "session", "before", "after"]);
        assert_eq!(renamed.code, 0, "{renamed:?}");
        for words in [
            &["wait", "before", "--timeout", "5s"][..],
            &["read", "before"],
        ] {
            let ran = daemon.fugue(words);
            assert_eq!(ran.code, 3, "{ran:?}");
            assert!(ran.err.contains("no pane \"before\""), "{ran:?}");
        }
        let killed = daemon.fugue(&["kill", "before"]);
        assert_eq!(killed.code, 3, "{killed:?}");
        assert!(!killed.err.contains("has ended"), "{killed:?}");
        // When it has ended, its last name tells how.
        client
            .ok(ClosePane {
                pane: Target::from(made.pane_id),
                force: true,
                guarded: false,
            })
            .await;
        assert_eq!(daemon.fugue(&["wait", "before"]).code, 3);
        assert_eq!(daemon.fugue(&["wait", "after"]).code, 137);
    });
}
