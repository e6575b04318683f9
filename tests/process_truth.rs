//! Exit codes, signals and timings come from the kernel; after a close nothing is left.

use protocol::reply::{ExitStatus, ExpectOutcome};
use protocol::request::{
    ClosePane, CreateSession, Expect, KillSession, PaneSettings, PaneSpec, Program, ReadPane,
    Until, WaitPane,
};
use protocol::{ErrorCode, Name, Target};

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::left::beside;
use crate::support::pane::{input, pattern};
use crate::support::view::named;
use crate::support::{eventually, proc, run};

async fn exit_of(line: &str) -> ExitStatus {
    let daemon = Daemon::start();
    let client = daemon.client().await;
    let made = client.session("one", line).await;
    let status = client.exit(made.pane_id).await;
    client
        .ok(KillSession {
            session: Target::from(made.context.session_id),
            guarded: false,
        })
        .await;
    let marker = format!("FUGUE_PANE_ID={}", made.pane_id);
    assert_eq!(proc::marked(&marker), Vec::<u32>::new(), "left of {line:?}");
    status.exit.unwrap_or_else(|| panic!("{line:?} still runs"))
}

macro_rules! exits {
    ($($name:ident: $line:expr => $status:expr;)*) => {$(
        #[test]
        fn $name() {
            run(async { assert_eq!(exit_of($line).await, $status) });
        }
    )*};
}

fn code(code: i32) -> ExitStatus {
    ExitStatus::Exited { code }
}

fn signal(signal: i32) -> ExitStatus {
    ExitStatus::Signaled {
        signal,
        core_dumped: false,
    }
}

exits! {
    exit_0: "exit 0" => code(0);
    exit_3: "exit 3" => code(3);
    exit_255: "exit 255" => code(255);
    killed_by_term: "kill -TERM $$" => signal(15);
    killed_by_kill: "kill -KILL $$" => signal(9);
    fake_markers_change_nothing: "printf '\\033]133;D;0\\007__EXIT_0__\\nexit status: 0\\n'; exit 7" => code(7);
    closes_its_terminal_and_goes_on: "exec </dev/null >/dev/null 2>&1; sleep 0.3; exit 5" => code(5);
    leaves_a_background_child_on_the_terminal: "sleep 300 & exit 4" => code(4);
    double_forks: "(setsid sh -c 'sleep 300 & sleep 300' &) ; exit 6" => code(6);
    ignores_hangup: "trap '' HUP TERM; (trap '' HUP TERM; sleep 300) & exit 9" => code(9);
}

/// As a program that asks for a password on `/dev/tty` with everything else redirected.
#[test]
fn a_terminal_that_was_closed_and_is_opened_again_is_served_again() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "exec </dev/null >/dev/null 2>&1; sleep 1; echo AGAIN >/dev/tty; sleep 1; \
                    exec </dev/tty >/dev/tty; read x; echo \"got $x\"; exec </dev/null >/dev/null; \
                    sleep 0.4; echo LAST >/dev/tty; exit 8";
        let made = client.session("again", line).await;
        let again = client.ok(pattern(made.pane_id, "AGAIN")).await;
        assert_eq!(again.outcome, ExpectOutcome::Match);
        eventually("a reader", async || {
            let sent = client.call(input(made.pane_id, "this")).await;
            sent.ok().map(drop)
        })
        .await;
        let status = client.exit(made.pane_id).await;
        assert_eq!(status.exit, Some(code(8)));
        let text = client.text(made.pane_id).await;
        assert!(text.contains("got this") && text.contains("LAST"), "{text}");
    });
}

async fn refused(program: Program, cwd: Option<&str>) -> protocol::Error {
    let daemon = Daemon::start();
    let client = daemon.client().await;
    let asked = client
        .call(CreateSession {
            name: Some(Name::new("one").unwrap()),
            pane: PaneSpec {
                program,
                cwd: cwd.map(ToOwned::to_owned),
                ..PaneSpec::default()
            },
            ..CreateSession::default()
        })
        .await;
    let error = asked.expect_err("it was started");
    assert_eq!(client.sessions().await.len(), 0, "a session was left");
    assert_eq!(
        daemon.leftovers().len(),
        1,
        "only the daemon's socket is there"
    );
    error
}

fn argv(words: &[&str]) -> Program {
    Program::Argv(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn programs_that_cannot_be_started_say_why() {
    run(async {
        let error = refused(argv(&["no-such-program-here"]), None).await;
        assert_eq!(error.code, ErrorCode::SpawnFailed, "{error}");
        assert!(
            error.message.contains("not found") || error.message.contains("No such"),
            "{error}"
        );

        let error = refused(argv(&["/etc/passwd"]), None).await;
        assert_eq!(error.code, ErrorCode::SpawnFailed, "{error}");
        assert!(
            error.message.to_lowercase().contains("execut") || error.message.contains("ermission"),
            "{error}"
        );

        let error = refused(argv(&["/tmp"]), None).await;
        assert_eq!(error.code, ErrorCode::SpawnFailed, "{error}");
        assert!(error.message.contains("directory"), "{error}");

        let error = refused(argv(&["true"]), Some("/no/such/dir")).await;
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
        assert!(error.message.contains("/no/such/dir"), "{error}");
    });
}

#[test]
fn a_running_tree_is_ended_by_a_close() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "trap '' HUP TERM; (setsid sh -c 'trap \"\" HUP TERM; sleep 301 & sleep 302') & sleep 303";
        let made = client.session("tree", line).await;
        let marker = format!("FUGUE_PANE_ID={}", made.pane_id);
        eventually("four processes", async || {
            (proc::marked(&marker).len() >= 4).then_some(())
        })
        .await;
        let ended = client
            .ok(ClosePane {
                pane: Target::from(made.pane_id),
                force: true,
                guarded: false,
            })
            .await;
        assert_eq!(ended.panes[0].survivors, Vec::<u32>::new());
        assert_eq!(ended.panes[0].status.exit, Some(signal(9)));
        assert_eq!(proc::marked(&marker), Vec::<u32>::new());
        eventually("its session's end", async || {
            client.sessions().await.is_empty().then_some(())
        })
        .await;
    });
}

#[test]
fn the_end_of_a_pane_that_got_no_place_is_known() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("base", "exec sleep 600").await;
        let fails = "start: its place=fails";
        client.crash("step", fails).await.unwrap();
        let create = beside("base", "new", "exec sleep 600");
        client.call(create).await.unwrap_err();
        let wait = WaitPane {
            pane: named("new"),
            timeout_ms: 15_000,
        };
        let waited = client.ok(wait).await;
        assert_eq!(waited.status.exit, Some(signal(9)));
    });
}

#[test]
fn output_printed_right_before_the_exit_is_there() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for round in 0..20 {
            let name = format!("r{round}");
            let made = client.session(&name, "seq 1 500; printf END").await;
            client.exit(made.pane_id).await;
            let text = client.text(made.pane_id).await;
            assert!(
                text.ends_with("500\nEND"),
                "round {round}: {:?}",
                &text[text.len().saturating_sub(40)..]
            );
        }
    });
}

#[test]
fn five_hundred_sessions_leave_nothing() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let warm = client.session("warm", "sleep 300").await;
        client
            .ok(KillSession {
                session: Target::from(warm.context.session_id),
                guarded: false,
            })
            .await;
        let before = daemon.fds();
        for round in 0..500 {
            let made = client
                .ok(CreateSession {
                    pane: shell("sleep 300"),
                    ..CreateSession::default()
                })
                .await;
            let ended = client
                .ok(KillSession {
                    session: Target::from(made.context.session_id),
                    guarded: false,
                })
                .await;
            assert_eq!(ended.panes.len(), 1, "round {round}");
        }
        assert_eq!(client.sessions().await.len(), 0);
        eventually("no further descriptor", async || {
            (daemon.fds() <= before).then_some(())
        })
        .await;
        let runtime = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
        eventually("no process", async || {
            (proc::marked(&runtime) == [daemon.pid]).then_some(())
        })
        .await;
        assert_eq!(proc::zombies_of(daemon.pid), Vec::<u32>::new());
        assert_eq!(daemon.leftovers().len(), 1);
        let tree = client.ok(protocol::request::Tree::default()).await;
        let sessions = tree
            .children
            .iter()
            .find(|node| node.id == "sessions")
            .unwrap();
        assert_eq!(sessions.children.len(), 0, "actors are left");
    });
}

/// Types `word` into a program that was made ready by `modes`, and reads what comes after it.
async fn read_after(client: &Client, name: &str, modes: &str) -> String {
    let program = format!("{modes}; printf 'ready> '; read x; echo got-$x; echo done; sleep 300");
    let made = client.session(name, &program).await;
    let pane = Target::from(made.pane_id);
    let wait = |pattern: &str, since| Expect {
        pane: pane.clone(),
        pattern: Some(pattern.to_owned()),
        until: Until::Match,
        idle_ms: None,
        after_input: false,
        timeout_ms: 15_000,
        since,
        states: Vec::new(),
        output_only: true,
    };
    client.ok(wait("ready>", None)).await;
    let cursor = client.ok(input(made.pane_id, "word")).await.cursor;
    let found = client.ok(wait("done", Some(cursor.clone()))).await;
    assert_eq!(found.outcome, ExpectOutcome::Match);
    let read = ReadPane {
        pane,
        lines: None,
        since: Some(cursor),
        scrollback: false,
        ansi: false,
        max_bytes: None,
    };
    client.ok(read).await.text
}

#[test]
fn what_comes_after_input_is_all_of_the_answer_and_not_its_echo() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        assert_eq!(read_after(&client, "a", "true").await, "got-word\ndone\n");
        let silent = read_after(&client, "b", "stty -echo").await;
        assert_eq!(silent, "got-word\ndone\n");
    });
}

#[test]
fn an_echo_is_part_of_the_screen_and_no_output() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("a", "read x; sleep 300").await;
        client.ok(input(made.pane_id, "word\n")).await;
        let wait = |output_only| Expect {
            output_only,
            timeout_ms: if output_only { 300 } else { 15_000 },
            ..pattern(made.pane_id, "word")
        };
        let shown = client.ok(wait(false)).await;
        assert_eq!(shown.outcome, ExpectOutcome::Match, "it is on the screen");
        let printed = client.ok(wait(true)).await;
        assert_eq!(printed.outcome, ExpectOutcome::Timeout, "nobody printed it");
    });
}

#[test]
fn an_ended_pane_is_read_by_cursor_as_a_live_one() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for keep in [true, false] {
            let line = "stty -echo; printf 'one\ntwo '; read x; printf 'three\nfour\n'; exit 3";
            let made = client
                .ok(CreateSession {
                    pane: PaneSpec {
                        settings: PaneSettings {
                            remain_on_exit: keep,
                            ..PaneSettings::default()
                        },
                        ..shell(line)
                    },
                    ..CreateSession::default()
                })
                .await;
            let pane = Target::from(made.pane_id);
            let wait = |pattern: &str, since| Expect {
                pane: pane.clone(),
                pattern: Some(pattern.to_owned()),
                until: Until::Match,
                idle_ms: None,
                after_input: false,
                timeout_ms: 15_000,
                since,
                states: Vec::new(),
                output_only: true,
            };
            client.ok(wait("two", None)).await;
            let cursor = client.ok(input(made.pane_id, "")).await.cursor;
            client.exit(made.pane_id).await;
            let listed = async || {
                let there = client.panes().await;
                let there = there.iter().any(|info| info.pane_id == made.pane_id);
                (there == keep).then_some(())
            };
            eventually("the pane is kept or gone", listed).await;
            let read = async |since: &str| {
                let read = ReadPane {
                    pane: pane.clone(),
                    lines: None,
                    since: Some(since.to_owned()),
                    scrollback: false,
                    ansi: false,
                    max_bytes: None,
                };
                client.ok(read).await
            };
            let rest = read(&cursor).await;
            assert_eq!(rest.text, "three\nfour\n", "kept: {keep}");
            assert_eq!(rest.status.exit, Some(code(3)));
            assert_eq!(read(&rest.cursor).await.text, "", "kept: {keep}");
            let found = client.ok(wait("f(ou)r", Some(cursor.clone()))).await;
            assert_eq!(found.outcome, ExpectOutcome::Match, "kept: {keep}");
            assert_eq!(found.groups, [Some("ou".to_owned())]);
            assert_eq!(read(&found.cursor).await.text, "\n", "kept: {keep}");
            let again = client.ok(wait("four", Some(found.cursor))).await;
            assert_eq!(again.outcome, ExpectOutcome::Exit, "kept: {keep}");
        }
    });
}

/// Processor time and memory that can be seen.
const WORKS: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 3";

#[test]
fn what_a_program_has_used_is_told_in_panes_waits_and_runs() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("works", WORKS).await;
        let used = client.exit(made.pane_id).await.usage.unwrap();
        assert!(used.user_ms + used.sys_ms >= 10, "{used:?}");
        assert!((200..1_000_000).contains(&used.max_rss_kib), "{used:?}");
        let wide = daemon.fugue(&["panes", "works", "--wide"]).out;
        assert!(wide.contains("LARGEST") && wide.contains("MiB"), "{wide}");
        let json = daemon.fugue(&["wait", "works", "--json"]).out;
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told["status"]["max_rss_kib"], used.max_rss_kib, "{json}");
        let ran = daemon.fugue(&["run", "--json", WORKS]);
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let of_run = &told["commands"][0];
        assert!(of_run["max_rss_kib"].as_u64() >= Some(200), "{}", ran.out);
        drop(client);
        daemon.signal(rustix::process::Signal::KILL);
        daemon.wait();
        daemon.launch();
        let panes = daemon.client().await.panes().await;
        assert_eq!(panes[0].status.usage, Some(used), "it is remembered");
    });
}
