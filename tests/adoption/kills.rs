//! `kill -9` of the daemon under load.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::reply::ExitStatus;
use protocol::request::{
    CreateSession, CreateWindow, PaneSpec, Program, UpdatePane, UpdateSession, WaitPane,
};
use protocol::{Name, PaneUuid, Target};
use rustix::process::Signal;
use serde_json::json;

use super::{all_text, another, kill_and_restart, shape};
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::mcp::Mcp;
use crate::support::pane::input;
use crate::support::random::Random;
use crate::support::view::named;
use crate::support::{eventually, proc, run_within};

/// Lines of each writer.
const LINES: usize = 2_500;

/// Writes numbered lines in bursts for some seconds, then ends with `code`.
fn writer(number: usize, bursts: usize, code: usize) -> PaneSpec {
    let every = LINES / bursts;
    PaneSpec {
        name: Some(Name::new(&format!("writer-{number}")).unwrap()),
        history_lines: Some(20_000),
        ..shell(&format!(
            "i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo \"writer {number} line $i\"; \
             [ $((i % {every})) = 0 ] && sleep 0.1; done; exit {code}"
        ))
    }
}

/// Four sessions with five writers each: splits, windows, names, tags, a focus that is not the first.
async fn writers(client: &Client) -> Vec<(usize, PaneUuid)> {
    let mut panes = Vec::new();
    for session in 0..4 {
        let name = format!("session-{session}");
        let number = session * 5;
        let created = client
            .ok(CreateSession {
                name: Some(Name::new(&name).unwrap()),
                tags: vec![format!("tag-{session}")],
                pane: writer(number, 60, number),
                ..CreateSession::default()
            })
            .await;
        panes.push((number, created.pane_id));
        for number in number + 1..number + 5 {
            let created = client
                .ok(CreateWindow {
                    session: Some(named(&name)),
                    name: Some(Name::new(&format!("window-{number}")).unwrap()),
                    pane: writer(number, 20 + 4 * number, number),
                    select: number % 5 == 2,
                })
                .await;
            panes.push((number, created.pane_id));
        }
        client
            .ok(UpdateSession {
                session: Some(named(&name)),
                metadata: BTreeMap::from([("kind".to_owned(), Some("writers".to_owned()))]),
                environment: BTreeMap::from([("SET".to_owned(), Some("later".to_owned()))]),
                ..UpdateSession::default()
            })
            .await;
    }
    panes
}

/// Other moments for the kills: `FUGUE_TEST_SEED`.
pub fn seed() -> u64 {
    let seed = std::env::var("FUGUE_TEST_SEED").ok();
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed)
}

#[test]
fn twenty_writers_survive_ten_kills_to_the_byte() {
    run_within(Duration::from_secs(170), async {
        let mut random = Random::new(seed());
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let panes = writers(&client).await;
        for session in 0..4 {
            another(&client, &format!("session-{session}"), "exec sleep 600").await;
        }
        let renamed = Name::new("renamed").unwrap();
        client
            .ok(UpdateSession {
                session: Some(named("session-3")),
                name: Some(renamed),
                select: true,
                ..UpdateSession::default()
            })
            .await;
        let before = shape(&client).await;
        drop(client);
        for round in 0..10 {
            tokio::time::sleep(Duration::from_millis(random.below(250) as u64)).await;
            let pause = Duration::from_millis(random.below(150) as u64);
            kill_and_restart(&mut daemon, pause).await;
            let client = daemon.client().await;
            assert_eq!(shape(&client).await, before, "after kill {round}");
        }
        let client = daemon.client().await;
        let ends = join_all(panes.iter().map(|(number, pane)| {
            let (client, number, pane) = (&client, *number, *pane);
            async move {
                let end = client
                    .ok(WaitPane {
                        pane: Target::from(pane),
                        timeout_ms: 120_000,
                    })
                    .await;
                (number, pane, end.status)
            }
        }))
        .await;
        for (number, pane, status) in ends {
            let code = i32::try_from(number).unwrap();
            assert_eq!(status.exit, Some(ExitStatus::Exited { code }), "{number}");
            let text = all_text(&client, pane).await;
            let lines: Vec<&str> = text.lines().collect();
            for (index, line) in lines.iter().enumerate() {
                assert_eq!(*line, format!("writer {number} line {}", index + 1));
            }
            assert_eq!(lines.len(), LINES, "writer {number}");
        }
        stop_leaves_nothing(&mut daemon).await;
    });
}

/// `fugue stop`: no process, no socket, no file.
async fn stop_leaves_nothing(daemon: &mut Daemon) {
    let keepers: Vec<u32> = daemon
        .client()
        .await
        .panes()
        .await
        .iter()
        .map(|pane| pane.keeper_pid)
        .collect();
    let ran = daemon.fugue(&["stop"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(daemon.wait().code(), Some(0));
    let marker = format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display());
    eventually("the end of all processes", async || {
        (proc::marked(&marker).is_empty() && !keepers.iter().any(|pid| proc::lives(*pid)))
            .then_some(())
    })
    .await;
    assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
}

/// Everything that a program can do to a screen, in an order that nobody would think of.
fn recording(random: &mut Random) -> String {
    const PIECES: [&str; 16] = [
        "plain text that goes on for a while so that it wraps somewhere in the middle of it ",
        "\r\n",
        "\x1b[1;31mbold red\x1b[0m ",
        "\x1b[48;5;22mgreen\x1b[m",
        "\u{4e16}\u{754c}",
        "e\u{301}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\x1b[5;10H",
        "\x1b[3;8r",
        "\x1b[r",
        "\x1b[2K",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[4h\x1b[2Pinserted\x1b[4l",
        "\x1bM",
        "\x1b]0;title\x07",
    ];
    let mut recording = String::new();
    for number in 0..400 {
        for _ in 0..14 {
            recording.push_str(PIECES[random.below(PIECES.len())]);
        }
        // Into the scrollback, whatever the margins are.
        recording.push_str(&format!("\x1b[r\x1b[999;1H\r\nline {number}"));
    }
    recording
}

#[test]
fn the_screen_is_that_of_an_undisturbed_daemon() {
    run_within(Duration::from_secs(120), async {
        let mut random = Random::new(7);
        let mut daemon = Daemon::start();
        let control = Daemon::start();
        let file = daemon.dir.path().join("recording");
        std::fs::write(&file, recording(&mut random)).unwrap();
        let line = format!(
            "stty raw; i=0; while [ $i -lt 200 ]; do dd if={} bs=733 skip=$i count=1 2>/dev/null; \
             sleep 0.02; i=$((i+1)); done; printf '\\033[?1049l\\033[rEND'; exec sleep 600",
            file.display()
        );
        let mut shown = Vec::new();
        for place in [&daemon, &control] {
            let client = place.client().await;
            let created = client.session("recorded", &line).await;
            shown.push(created.pane_id);
        }
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(random.below(500) as u64)).await;
            kill_and_restart(&mut daemon, Duration::ZERO).await;
        }
        let mut texts = Vec::new();
        for (place, pane) in [&daemon, &control].into_iter().zip(shown) {
            let client = place.client().await;
            eventually("the end of the recording", async || {
                client.text(pane).await.contains("END").then_some(())
            })
            .await;
            let read = protocol::request::ReadPane {
                pane: Target::from(pane),
                lines: Some(100_000),
                since: None,
                scrollback: true,
                ansi: true,
                max_bytes: None,
            };
            let read = client.ok(read).await;
            let info = client.panes().await.remove(0);
            texts.push((read.text, info.title, info.size));
        }
        assert!(texts[0].0.lines().count() > 200, "{}", texts[0].0);
        assert_eq!(texts[0], texts[1]);
    });
}

#[test]
fn people_and_programs_reconnect() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client
            .session("kept", "echo READY; read x; echo \"got $x\"; exit 4")
            .await;
        let viewer = daemon.client().await;
        viewer.attach(1, named("kept")).await;
        // A person's terminal is a pane of another daemon.
        let desk = Daemon::start();
        let desk_client = desk.client().await;
        let attach = format!(
            "unset FUGUE FUGUE_PANE_ID FUGUE_SESSION_ID FUGUE_SERVER FUGUE_TOKEN; export FUGUE_RUNTIME_DIR={} FUGUE_STATE_DIR={} FUGUE_CONFIG={}; exec {} attach kept",
            daemon.paths().runtime.display(),
            daemon.paths().state.display(),
            daemon.paths().config.display(),
            crate::support::daemon::fugue_exe(),
        );
        let terminal = desk_client.session("terminal", &attach).await;
        let sees = async |what: &str| {
            eventually(what, async || {
                let text = desk_client.text(terminal.pane_id).await;
                text.contains(what).then_some(())
            })
            .await;
        };
        sees("READY").await;
        let mcp = Mcp::start(&daemon).await;
        mcp.ok("fugue_list_sessions", json!({})).await;
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        viewer.connection.closed().await;
        let listed = mcp.ok("fugue_list_sessions", json!({})).await;
        assert!(listed.to_string().contains("kept"), "{listed}");
        mcp.end().await;
        let client = daemon.client().await;
        eventually("the person's view", async || {
            (client.sessions().await[0].attached_clients == 1).then_some(())
        })
        .await;
        client.ok(input(made.pane_id, "hello")).await;
        let status = client.exit(made.pane_id).await;
        assert_eq!(status.exit, Some(ExitStatus::Exited { code: 4 }));
        let text = all_text(&client, made.pane_id).await;
        assert_eq!(text, "READY\nhello\ngot hello");
        sees("got hello").await;
        let viewer = daemon.client().await;
        viewer.attach(1, named("kept")).await;
        assert_eq!(client.sessions().await[0].attached_clients, 2);
    });
}

#[test]
fn many_panes_are_served_again_at_once() {
    run_within(Duration::from_secs(120), async {
        let count: usize = std::env::var("FUGUE_TEST_PANES")
            .ok()
            .and_then(|count| count.parse().ok())
            .unwrap_or(40);
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        for number in 0..count {
            client
                .ok(CreateSession {
                    name: Some(Name::new(&format!("many-{number}")).unwrap()),
                    pane: shell("seq 1 500; exec sleep 600"),
                    ..CreateSession::default()
                })
                .await;
        }
        let pids: Vec<u32> = client.panes().await.iter().map(|pane| pane.pid).collect();
        let took = kill_and_restart(&mut daemon, Duration::ZERO).await;
        eprintln!("{count} panes: serving after {took:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
        let client = daemon.client().await;
        let mut after: Vec<u32> = client.panes().await.iter().map(|pane| pane.pid).collect();
        let mut pids = pids;
        pids.sort_unstable();
        after.sort_unstable();
        assert_eq!(after, pids);
    });
}

#[test]
fn programs_left_by_an_orderly_stop_are_taken_over_too() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("left", "echo READY; exec sleep 600").await;
        let program = PaneSpec {
            program: Program::Argv(vec!["sleep".to_owned(), "600".to_owned()]),
            ..PaneSpec::default()
        };
        client
            .ok(CreateWindow {
                session: Some(named("left")),
                pane: program,
                ..CreateWindow::default()
            })
            .await;
        client
            .ok(UpdatePane {
                pane: Target::from(made.pane_id),
                name: Some(Name::new("first").unwrap()),
                focus: true,
                rows: None,
                cols: None,
                ratio: None,
            })
            .await;
        let before = shape(&client).await;
        let ran = daemon.fugue(&["stop", "--keep-panes"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        daemon.wait();
        assert!(proc::lives(made.pid));
        let begun = Instant::now();
        daemon.launch();
        let client = daemon.client().await;
        assert_eq!(shape(&client).await, before);
        assert!(begun.elapsed() < Duration::from_secs(5));
        daemon.signal(Signal::KILL);
        daemon.wait();
        daemon.launch();
        stop_leaves_nothing(&mut daemon).await;
    });
}

#[test]
fn an_upgrade_keeps_every_program() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client
            .session("upgraded", "echo READY; exec sleep 600")
            .await;
        let before = shape(&client).await;
        drop(client);
        let nonsense = daemon.fugue(&["upgrade", "--binary", "/bin/true"]);
        assert_ne!(nonsense.code, 0);
        assert!(nonsense.err.contains("was left alone"), "{}", nonsense.err);
        assert_eq!(shape(&daemon.client().await).await, before);
        let exe = crate::support::daemon::fugued_exe();
        let ran = daemon.fugue(&["upgrade", "--binary", exe]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("1 pane went on"), "{}", ran.out);
        daemon.wait();
        let client = daemon.client().await;
        assert_eq!(shape(&client).await, before);
        assert!(proc::lives(made.pid));
        drop(client);
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!proc::lives(made.pid));
        assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
    });
}
