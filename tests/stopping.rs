//! The daemon's beginning and end: every program by its recipe, nothing left, nobody harmed.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use protocol::request::{CreateSession, PaneSpec, StopRecipe, StopServer, WaitPane};
use protocol::{ErrorCode, Name, Target};
use rustix::process::Signal;

use crate::support::cli::Ran;
use crate::support::daemon::{Client, Daemon, fugued_exe, shell};
use crate::support::view::named;
use crate::support::{eventually, proc, run, run_within};

fn marker(daemon: &Daemon) -> String {
    format!("FUGUE_RUNTIME_DIR={}", daemon.runtime().display())
}

/// Waits for the daemon's end; then nothing of it is there, no process, no socket, no file.
fn ended(daemon: &mut Daemon) {
    let status = daemon.wait();
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    assert_eq!(proc::marked(&marker(daemon)), Vec::<u32>::new());
    assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
}

async fn pane(client: &Client, name: &str, line: &str, term_ms: u64) -> u32 {
    let stop = StopRecipe {
        term_ms: Some(term_ms),
        hup_ms: Some(term_ms),
        ..StopRecipe::default()
    };
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane: PaneSpec {
            stop,
            ..shell(line)
        },
        ..CreateSession::default()
    };
    let made = client.ok(create).await;
    eventually("READY", async || {
        client
            .text(made.pane_id)
            .await
            .contains("READY")
            .then_some(())
    })
    .await;
    made.pid
}

/// Programs of four kinds; the file is written by the one that ends with care.
async fn programs(client: &Client, file: &Path) {
    let careful = format!(
        "trap '' HUP; trap 'sleep 0.3; echo saved > {}; exit 0' TERM; echo READY; while :; do sleep 0.05; done",
        file.display()
    );
    pane(client, "careful", &careful, 10_000).await;
    pane(
        client,
        "deaf",
        "trap '' HUP TERM INT; echo READY; while :; do sleep 0.05; done",
        400,
    )
    .await;
    pane(client, "plain", "echo READY; exec sleep 600", 10_000).await;
    pane(
        client,
        "forked",
        "(setsid sh -c 'trap \"\" HUP TERM; sleep 600' &); echo READY; sleep 600",
        400,
    )
    .await;
    // One that has ended and is kept.
    pane(client, "over", "echo READY", 10_000).await;
    let over = WaitPane {
        pane: named("over"),
        timeout_ms: 10_000,
    };
    assert!(client.ok(over).await.status.exit.is_some());
}

fn stopped_by(order: impl FnOnce(&Daemon)) {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let file = daemon.dir.path().join("saved");
        programs(&client, &file).await;
        let viewer = daemon.client().await;
        viewer.attach(1, named("plain")).await;
        let waiting = client.call(WaitPane {
            pane: named("plain"),
            timeout_ms: 60_000,
        });
        let begun = Instant::now();
        order(&daemon);
        ended(&mut daemon);
        assert!(
            begun.elapsed() < Duration::from_secs(9),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "saved\n");
        // Whoever was connected is told, or sees the end.
        let _ = waiting.await;
        viewer.connection.closed().await;
    });
}

#[test]
fn a_signal_ends_every_program_by_its_recipe() {
    stopped_by(|daemon| daemon.signal(Signal::TERM));
}

#[test]
fn an_interrupt_ends_every_program_by_its_recipe() {
    stopped_by(|daemon| daemon.signal(Signal::INT));
}

#[test]
fn fugue_stop_ends_every_program_by_its_recipe() {
    stopped_by(|daemon| {
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        // The fifth one had ended before.
        assert!(ran.out.contains("4 panes"), "{}", ran.out);
        assert!(!proc::lives(daemon.pid), "it says that it has ended");
    });
}

#[test]
fn kept_panes_go_on_without_their_daemon() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let pid = pane(&client, "s", "echo READY; exec sleep 600", 100).await;
        let keeper = client.panes().await[0].keeper_pid;
        let ran = daemon.fugue(&["stop", "--keep-panes"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(proc::lives(pid) && proc::lives(keeper));
        assert!(!daemon.socket().exists());
        assert_eq!(daemon.leftovers().len(), 1, "the keeper's socket");
        let before = Instant::now();
        while before.elapsed() < Duration::from_millis(300) {
            assert!(proc::lives(pid) && proc::lives(keeper));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proc::signal(pid, Signal::KILL);
        proc::signal(keeper, Signal::KILL);
    });
}

#[test]
fn nothing_begins_while_the_daemon_ends() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        pane(
            &client,
            "slow",
            "trap '' HUP TERM; echo READY; while :; do sleep 0.05; done",
            1_500,
        )
        .await;
        let busy: Vec<_> = join_all((0..4).map(|_| daemon.client())).await;
        let creating = busy.iter().map(|client| async move {
            let mut refused = None;
            loop {
                let create = CreateSession {
                    pane: shell("trap '' HUP TERM; exec sleep 600"),
                    ..CreateSession::default()
                };
                match client.call(create).await {
                    Ok(_) => {}
                    Err(error) if error.code == ErrorCode::ServerUnreachable => return refused,
                    Err(error) => {
                        assert_eq!(error.code, ErrorCode::Busy, "{error}");
                        refused = Some(error);
                    }
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let stop = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.ok(StopServer { keep_panes: false }).await;
        };
        let (refused, ()) = tokio::join!(join_all(creating), stop);
        assert!(refused.iter().all(Option::is_some), "somebody was not told");
        ended(&mut daemon);
    });
}

fn second(daemon: &Daemon, words: &[&str]) -> Ran {
    let output = daemon
        .command(fugued_exe())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_second_daemon_says_so_and_harms_nothing() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pid = pane(&client, "s", "echo READY; exec sleep 600", 1_000).await;
        for words in [&["--foreground"][..], &[]] {
            let ran = second(&daemon, words);
            assert_eq!(ran.code, 75, "{words:?}");
            assert!(
                ran.err.contains("runs already") && ran.err.contains(&daemon.pid.to_string()),
                "{}",
                ran.err
            );
            assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        }
        assert!(proc::lives(pid));
        assert_eq!(client.sessions().await.len(), 1, "the old connection works");
        assert_eq!(
            daemon.client().await.sessions().await.len(),
            1,
            "and a new one"
        );
    });
}

#[test]
fn a_signal_is_an_order_from_the_first_connection_on() {
    let mut daemon = Daemon::prepared("");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP].repeat(3) {
        daemon.launch();
        daemon.signal(signal);
        ended(&mut daemon);
    }
}

#[test]
fn a_stale_socket_is_replaced() {
    run(async {
        let mut daemon = Daemon::start();
        daemon.signal(Signal::KILL);
        daemon.wait();
        assert!(daemon.socket().exists(), "nobody has cleaned up");
        for words in [["status"], ["tree"]] {
            assert_eq!(daemon.fugue(&words).code, 4);
        }
        daemon.launch();
        daemon.client().await.sessions().await;
        daemon.signal(Signal::TERM);
        ended(&mut daemon);
        // Of somebody who listened there and has gone; an ordinary file; a dangling link.
        let places: [fn(&Path); 3] = [
            |path| drop(UnixListener::bind(path).unwrap()),
            |path| std::fs::write(path, "x").unwrap(),
            |path| symlink("/no/such/place", path).unwrap(),
        ];
        for place in places {
            place(&daemon.socket());
            daemon.launch();
            daemon.client().await.sessions().await;
            let mode = std::fs::symlink_metadata(daemon.socket())
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
            daemon.signal(Signal::TERM);
            ended(&mut daemon);
        }
    });
}

#[test]
fn a_runtime_directory_is_its_own_or_refused() {
    run(async {
        let refused = |why: &str, make: fn(&Path)| {
            let daemon = Daemon::prepared("");
            make(&daemon.runtime());
            for words in [&["--foreground"][..], &[]] {
                let ran = second(&daemon, words);
                assert_eq!(ran.code, 1, "{why}: {}", ran.err);
                assert!(
                    ran.err.contains(why) && ran.err.lines().count() == 1,
                    "{}",
                    ran.err
                );
            }
            assert_eq!(proc::marked(&marker(&daemon)), Vec::<u32>::new());
        };
        refused("is a link", |dir| {
            std::fs::create_dir(dir.with_extension("real")).unwrap();
            symlink(dir.with_extension("real"), dir).unwrap();
        });
        refused("is a link or no directory", |dir| {
            std::fs::write(dir, "x").unwrap();
        });
        refused("is open to other users (mode 755)", |dir| {
            std::fs::create_dir(dir).unwrap();
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        });
        // Only root can give a directory away.
        if rustix::process::getuid().is_root() {
            refused("belongs to another user", |dir| {
                std::fs::create_dir(dir).unwrap();
                std::os::unix::fs::chown(dir, Some(12_345), Some(12_345)).unwrap();
            });
        }
        let daemon = Daemon::start();
        for dir in [daemon.runtime(), daemon.paths().panes()] {
            let mode = std::fs::metadata(&dir).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", dir.display());
        }
    });
}

#[test]
fn a_bad_configuration_is_told_in_one_line() {
    for (config, why) in [
        ("[daemon]\nheartbeat_ms = 1\n", "heartbeat_ms"),
        ("[daemon]\nno_such_key = 1\n", "no_such_key"),
        ("[daemon\n", "line 1"),
        ("\u{0}", "line 1"),
    ] {
        let daemon = Daemon::prepared(config);
        let ran = second(&daemon, &["--foreground"]);
        assert_eq!(ran.code, 1, "{config:?}");
        assert!(
            ran.err.contains(why) && ran.err.contains("config.toml"),
            "{}",
            ran.err
        );
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        assert!(!daemon.runtime().exists(), "nothing was made");
    }
}

#[test]
fn without_a_daemon_commands_about_it_say_so_and_start_none() {
    let daemon = Daemon::prepared("");
    for words in [
        &["status"][..],
        &["stop"],
        &["tree"],
        &["whoami"],
        &["retry", "x"],
        &["forget"],
    ] {
        let ran = daemon.fugue(words);
        assert_eq!(ran.code, 4, "{words:?}: {}{}", ran.out, ran.err);
        assert!(
            ran.err.starts_with("fugue: ") && ran.err.lines().count() == 1,
            "{words:?}: {}",
            ran.err
        );
    }
    assert!(!daemon.socket().exists(), "one was started");
    assert_eq!(proc::marked(&marker(&daemon)), Vec::<u32>::new());
}

#[test]
fn what_needs_a_daemon_starts_one() {
    for (words, code) in [
        (&["ls"][..], 0),
        (&["panes", "--all"], 0),
        (&["panes"], 3),
        (&["read", "x"], 3),
        (&["send", "x", "y"], 3),
        (&["wait", "x"], 3),
        (&["kill", "x"], 3),
        (&["rename", "session", "x", "y"], 3),
    ] {
        let daemon = Daemon::prepared("");
        let ran = daemon.fugue(words);
        assert_eq!(ran.code, code, "{words:?}: {}{}", ran.out, ran.err);
        assert_eq!(daemon.fugue(&["stop"]).code, 0, "{words:?}");
        assert_eq!(proc::marked(&marker(&daemon)), Vec::<u32>::new());
    }
}

#[test]
fn what_makes_something_starts_a_daemon_in_the_background() {
    run(async {
        let daemon = Daemon::prepared("");
        let ran = daemon.fugue(&["new", "-d", "-n", "s", "--", "sleep", "600"]);
        assert_eq!((ran.code, ran.out.trim()), (0, "s"), "{}", ran.err);
        let client = daemon.client().await;
        assert_eq!(client.sessions().await.len(), 1);
        let ran = daemon.fugue(&["stop"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(proc::marked(&marker(&daemon)), Vec::<u32>::new());
        assert_eq!(daemon.leftovers(), Vec::<std::path::PathBuf>::new());
        assert!(daemon.paths().logs().join("fugued.log").exists());
    });
}

#[test]
fn two_hundred_idle_panes_use_no_time() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = join_all((0..20).map(|_| {
            let create = CreateSession {
                pane: shell("exec sleep 600"),
                ..CreateSession::default()
            };
            client.call(create)
        }))
        .await;
        for session in made {
            let session = session.unwrap().context.session_id;
            for _ in 0..9 {
                let window = protocol::request::CreateWindow {
                    session: Some(Target::from(session)),
                    pane: shell("exec sleep 600"),
                    ..Default::default()
                };
                client.ok(window).await;
            }
        }
        let panes = client.panes().await;
        assert_eq!(panes.len(), 200);
        let mut pids: Vec<u32> = panes.iter().map(|pane| pane.keeper_pid).collect();
        pids.push(daemon.pid);
        drop(client);
        let used = || pids.iter().map(|pid| proc::cpu_ticks(*pid)).sum::<u64>();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (before, begun) = (used(), Instant::now());
        tokio::time::sleep(Duration::from_secs(3)).await;
        let ticks = used() - before;
        // 100 ticks a second, as on every Linux for user space.
        let percent = ticks as f64 / begun.elapsed().as_secs_f64();
        let resident = proc::resident_kib(daemon.pid);
        let keepers: u64 = panes
            .iter()
            .map(|pane| proc::resident_kib(pane.keeper_pid))
            .sum();
        eprintln!(
            "200 idle panes: {percent:.2} % of a core ({ticks} ticks in 3 s); daemon {resident} KiB, keepers {keepers} KiB resident"
        );
        assert!(percent < 5.0, "{percent:.2} % of a core");
    });
}

#[test]
fn a_log_that_goes_to_a_file_has_no_colours() {
    run(async {
        let daemon = Daemon::start();
        daemon.client().await;
        let log = eventually("the line that it serves", async || {
            let log = std::fs::read(daemon.dir.path().join("stderr.log")).unwrap();
            (!log.is_empty()).then_some(log)
        })
        .await;
        assert!(!log.contains(&0x1b), "{}", String::from_utf8_lossy(&log));
    });
}
