//! What else a kill or an upgrade must not change.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use protocol::request::{
    ClosePane, CreateSession, MirrorPane, PaneSpec, ReadPane, RestartType, UpdateSession,
};
use protocol::{Direction, Name, Target};

use super::{all_text, kill_and_restart, shape};
use crate::support::daemon::{Client, Daemon, kept, shell};
use crate::support::pane::input;
use crate::support::view::named;
use crate::support::{eventually, proc, run, run_within};

#[test]
fn mirrors_are_there_again() {
    run(async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let shown = client.session("shown", "echo READY; exec cat").await;
        let wall = client.session("wall", "exec sleep 600").await;
        let mirror = |new_window, name: &str| MirrorPane {
            pane: Target::from(shown.pane_id),
            session: Some(named("wall")),
            window: None,
            new_window,
            direction: Direction::default(),
            ratio: None,
            name: Some(Name::new(name).unwrap()),
            select: false,
        };
        let beside = client.ok(mirror(false, "beside")).await.pane_id;
        let apart = client.ok(mirror(true, "apart")).await.pane_id;
        let before = shape(&client).await;
        let mirrors = client.panes().await;
        let mirrors = mirrors.iter().filter(|pane| pane.mirror_of.is_some());
        assert_eq!(mirrors.count(), 2);
        drop(client);
        for _ in 0..2 {
            // A keeper that is just being started has the listener until it is executed.
            kill_and_restart(&mut daemon, Duration::ZERO).await;
        }
        let client = daemon.client().await;
        assert_eq!(shape(&client).await, before);
        for pane in client.panes().await {
            let of = [beside, apart].contains(&pane.pane_id);
            assert_eq!(pane.mirror_of, of.then_some(shown.pane_id));
        }
        // They show what is printed now, and take no input of their own.
        client.ok(input(shown.pane_id, "after the kill")).await;
        for pane in [beside, apart] {
            eventually("the text in the mirror", async || {
                let read = ReadPane {
                    pane: Target::from(pane),
                    lines: None,
                    since: None,
                    scrollback: false,
                    ansi: false,
                    max_bytes: None,
                };
                let text = client.ok(read).await.text;
                text.contains("after the kill").then_some(())
            })
            .await;
        }
        // One goes by itself, the other with its pane.
        for pane in [beside, shown.pane_id] {
            let close = ClosePane {
                pane: pane.into(),
                force: true,
                guarded: false,
            };
            client.ok(close).await;
        }
        eventually("the wall alone", async || {
            let panes = client.panes().await;
            (panes.len() == 1 && panes[0].pane_id == wall.pane_id).then_some(())
        })
        .await;
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        assert_eq!(daemon.client().await.panes().await.len(), 1);
    });
}

#[test]
fn a_program_that_keeps_failing_is_given_up_whatever_happens_to_the_daemon() {
    run_within(Duration::from_secs(90), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = PaneSpec {
            settings: kept(RestartType::Permanent),
            ..shell("echo life; exit 1")
        };
        let create = CreateSession {
            name: Some(Name::new("failing").unwrap()),
            pane,
            ..CreateSession::default()
        };
        let id = client.ok(create).await.pane_id;
        eventually("some restarts", async || {
            (client.panes().await[0].status.restarts >= 2).then_some(())
        })
        .await;
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        let before = client.panes().await[0].status.restarts;
        assert!(before >= 2, "they are counted on");
        // The window begins anew: five restarts more, and no sixth.
        eventually("the decision", async || {
            daemon.log().contains("give up and keep").then_some(())
        })
        .await;
        let given_up = eventually("the end of trying", async || {
            let status = client.panes().await.remove(0).status;
            (status.exit.is_some() && !status.restarting).then_some(status.restarts)
        })
        .await;
        let allowed = before + 5..=before + 6;
        assert!(
            allowed.contains(&given_up),
            "{before} and then {given_up}: {}",
            daemon.log()
        );
        let lives = all_text(&client, id).await.matches("life").count();
        // The decision is shown a moment before it is recorded; an answered change comes after it in the record.
        let later = UpdateSession {
            session: Some(named("failing")),
            tags: Some(vec!["given-up".to_owned()]),
            ..UpdateSession::default()
        };
        client.ok(later).await;
        drop(client);
        // What is given up stays so.
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let pane = client.panes().await.remove(0);
        assert_eq!(pane.status.restarts, given_up);
        assert!(pane.status.exit.is_some() && !pane.status.restarting);
        assert_eq!(all_text(&client, id).await.matches("life").count(), lives);
    });
}

#[test]
fn an_upgrade_to_a_program_that_does_not_start_goes_back_to_the_earlier_one() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("s", "echo READY; exec sleep 600").await;
        let before = shape(&client).await;
        drop(client);
        let broken = daemon.dir.path().join("fugued");
        let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo fugued 99.0.0 && exit 0\necho cannot start >&2\nexit 1\n";
        std::fs::write(&broken, script).unwrap();
        std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
        let old = daemon.pid;
        let ran = daemon.fugue(&["upgrade", "--binary", broken.to_str().unwrap()]);
        assert_ne!(ran.code, 0, "{}", ran.out);
        assert!(
            ran.err.contains("the earlier server runs again"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("cannot start"), "{}", ran.err);
        daemon.wait();
        assert!(!proc::lives(old));
        let client = daemon.client().await;
        assert_eq!(shape(&client).await, before);
        assert!(proc::lives(made.pid));
        drop(client);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        assert!(!proc::lives(made.pid));
    });
}

/// The titles of both panes once they show this word, and whether they are locked.
async fn titles(client: &Client, word: &str) -> Vec<(String, bool)> {
    eventually("what both programs print", async || {
        let panes = client.panes().await;
        let mut told = Vec::new();
        for name in ["free", "locked"] {
            let pane = panes.iter().find(|p| p.session_name.as_str() == name)?;
            let is_there = client.text(pane.pane_id).await.contains(word);
            told.push(is_there.then(|| (pane.title.clone(), pane.settings.title_locked))?);
        }
        Some(told)
    })
    .await
}

#[test]
fn a_locked_title_stays_locked() {
    run(async {
        let mut daemon = Daemon::start();
        let line =
            r"printf '\033]2;first\007READY'; read l; printf '\033]2;second\007DONE'; exec cat";
        for (name, lock) in [("free", None), ("locked", Some("--title-locked"))] {
            let mut args = vec!["new", "-d", "-n", name];
            args.extend(lock);
            args.extend(["--", line]);
            let ran = daemon.fugue(&args);
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        let of = |free: &str| [(free.to_owned(), false), (String::new(), true)];
        let client = daemon.client().await;
        assert_eq!(titles(&client, "READY").await, of("first"));
        drop(client);
        kill_and_restart(&mut daemon, Duration::ZERO).await;
        let client = daemon.client().await;
        assert_eq!(titles(&client, "READY").await, of("first"));
        for pane in client.panes().await {
            client.ok(input(pane.pane_id, "")).await;
        }
        assert_eq!(titles(&client, "DONE").await, of("second"));
    });
}

#[test]
fn idle_times_go_on() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("quiet", "echo READY; exec cat").await;
        client
            .session("loud", "while :; do echo x; sleep 0.1; done")
            .await;
        let times = async |client: &Client, name: &str| {
            let panes = client.panes().await;
            let pane = panes
                .iter()
                .find(|p| p.session_name.as_str() == name)
                .unwrap();
            (pane.idle_ms, pane.output_idle_ms)
        };
        eventually("some quiet", async || {
            let (idle, output) = times(&client, "quiet").await;
            (idle.min(output) > 1_500).then_some(())
        })
        .await;
        drop(client);
        for _ in 0..2 {
            kill_and_restart(&mut daemon, Duration::ZERO).await;
            let client = daemon.client().await;
            let (idle, output) = times(&client, "quiet").await;
            assert!(idle.min(output) > 1_500, "{idle} {output}");
            let (idle, output) = eventually("output goes on", async || {
                let now = times(&client, "loud").await;
                (now.1 < 1_000).then_some(now)
            })
            .await;
            assert!(idle < 5_000, "{idle} {output}");
        }
    });
}
