//! `fugue restart`: the same command in the same pane, whatever has become of its program, and of the daemon meanwhile.

use std::time::Duration;

use protocol::Name;
use protocol::reply::{ExitStatus, PaneInfo};
use protocol::request::{CreateSession, PaneSettings, PaneSpec, RestartPane, RestartType};
use rustix::process::Signal;

use crate::support::daemon::{Client, Daemon, kept, shell, with_daemon};
use crate::support::view::named;
use crate::support::{eventually, proc, run};

/// Ends by SIGTERM, says which of its lives it is, and which ones have been.
fn counter(daemon: &Daemon) -> String {
    format!(
        "echo life >> {0}; echo life $(wc -l < {0}); exec sleep 600",
        daemon.dir.path().join("lives").display()
    )
}

fn lives(daemon: &Daemon) -> usize {
    let text = std::fs::read_to_string(daemon.dir.path().join("lives")).unwrap_or_default();
    text.lines().count()
}

async fn made(client: &Client, name: &str, line: &str, settings: PaneSettings) -> PaneInfo {
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane: PaneSpec {
            name: Some(Name::new("program").unwrap()),
            settings,
            ..shell(line)
        },
        ..CreateSession::default()
    };
    let id = client.ok(create).await.pane_id;
    pane(client, id).await
}

async fn pane(client: &Client, id: protocol::PaneUuid) -> PaneInfo {
    let panes = client.panes().await.into_iter();
    panes.into_iter().find(|pane| pane.pane_id == id).unwrap()
}

async fn shows(client: &Client, id: protocol::PaneUuid, text: &str) -> String {
    eventually(text, async || {
        let now = client.text(id).await;
        now.contains(text).then_some(now)
    })
    .await
}

#[test]
fn a_program_that_runs_is_ended_and_runs_again_in_its_pane() {
    with_daemon(async |daemon, client| {
        // Closed when its program ends by itself.
        let before = made(&client, "web", &counter(&daemon), PaneSettings::default()).await;
        shows(&client, before.pane_id, "life 1").await;
        let ran = daemon.fugue(&["restart", "web"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("running"), "{ran:?}");
        let text = shows(&client, before.pane_id, "life 2").await;
        assert!(text.starts_with("life 1\n"), "{text:?}");
        let after = pane(&client, before.pane_id).await;
        assert!(after.pid != before.pid && !proc::lives(before.pid));
        let same = |pane: &PaneInfo| {
            (
                pane.number,
                pane.name.clone(),
                pane.window_id,
                pane.index,
                pane.size,
            )
        };
        assert_eq!(same(&after), same(&before));
        assert_eq!((after.status.restarts, lives(&daemon)), (1, 2));
    });
}

#[test]
fn a_restart_by_hand_counts_for_no_intensity() {
    with_daemon(async |daemon, client| {
        let line = counter(&daemon);
        let before = made(&client, "web", &line, kept(RestartType::Permanent)).await;
        for life in 2..10 {
            assert_eq!(daemon.fugue(&["restart", "web"]).code, 0);
            shows(&client, before.pane_id, &format!("life {life}")).await;
        }
        // A crash is still followed by its own restarts.
        let pid = pane(&client, before.pane_id).await.pid;
        proc::signal(pid, Signal::KILL);
        shows(&client, before.pane_id, "life 10").await;
    });
}

#[test]
fn ended_panes_and_those_that_could_not_be_started_run_again() {
    with_daemon(async |daemon, client| {
        let file = daemon.dir.path().join("program");
        std::fs::write(&file, "#!/bin/sh\necho it runs; exit 3\n").unwrap();
        let set_mode = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(&file, mode).unwrap();
        };
        set_mode(0o700);
        let word = file.display().to_string();
        let ran = daemon.fugue(&["new", "-d", "-n", "web", "--remain", "--", &word]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let id = client.panes().await[0].pane_id;
        assert_eq!(
            client.exit(id).await.exit,
            Some(ExitStatus::Exited { code: 3 })
        );
        let again = daemon.fugue(&["restart", "web"]);
        assert_eq!(again.code, 0, "{again:?}");
        let ended = async |restarts| {
            eventually("its end", async || {
                let status = pane(&client, id).await.status;
                (status.exit.is_some() && status.restarts == restarts).then_some(status)
            })
            .await
        };
        ended(1).await;
        set_mode(0o600);
        let failed = daemon.fugue(&["restart", "web"]);
        assert_eq!(failed.code, 1, "{failed:?}");
        assert!(
            failed.err.contains("is not started again: cannot start"),
            "{failed:?}"
        );
        let status = ended(1).await;
        assert!(
            matches!(status.exit, Some(ExitStatus::SpawnFailed { .. })),
            "{status:?}"
        );
        set_mode(0o700);
        assert_eq!(daemon.fugue(&["restart", "web"]).code, 0);
        ended(2).await;
        let text = client.text(id).await;
        assert_eq!(text.matches("it runs").count(), 3, "{text:?}");
    });
}

#[test]
fn several_are_restarted_and_one_that_is_not_there_restarts_none() {
    with_daemon(async |daemon, client| {
        for name in ["a", "b"] {
            client.session(name, "exec sleep 600").await;
        }
        let pids = async || {
            let panes = client.panes().await;
            panes.iter().map(|pane| pane.pid).collect::<Vec<_>>()
        };
        let before = pids().await;
        assert_eq!(daemon.fugue(&["restart", "a", "nix"]).code, 3);
        assert_eq!(pids().await, before);
        let ran = daemon.fugue(&["restart", "a", "b", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(told["panes"].as_array().unwrap().len(), 2, "{told}");
        assert!(pids().await.iter().all(|pid| !before.contains(pid)));
    });
}

#[test]
fn a_daemon_that_is_killed_meanwhile_leaves_one_program_in_the_pane() {
    run(async {
        // The program takes half a second to end: kills fall before, into and after its end.
        for pause in [0, 20, 150, 400, 520, 600] {
            let mut daemon = Daemon::start();
            let client = daemon.client().await;
            let line = format!(
                "trap 'sleep 0.5; exit 9' TERM; echo life >> {0}; while :; do sleep 0.02; done",
                daemon.dir.path().join("lives").display()
            );
            let before = made(&client, "web", &line, PaneSettings::default()).await;
            eventually("its first life", async || {
                (lives(&daemon) == 1).then_some(())
            })
            .await;
            let restart = RestartPane {
                pane: named("web"),
                guarded: false,
            };
            let asked = client.call(restart);
            let killed = async {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                daemon.signal(Signal::KILL);
            };
            let (asked, ()) = tokio::join!(asked, killed);
            daemon.wait();
            daemon.launch();
            let client = daemon.client().await;
            let after = eventually("a program in the pane", async || {
                let now = pane(&client, before.pane_id).await;
                let settled = !now.status.restarting && proc::lives(now.pid);
                let stopping = now.pid == before.pid && lives(&daemon) == 1 && pause > 0;
                (settled && !stopping).then_some(now)
            })
            .await;
            eventually("one program", async || {
                let marker = format!("FUGUE_PANE_ID={}", before.pane_id);
                let marked = proc::marked(&marker);
                (marked.contains(&after.pid)
                    && !(marked.contains(&before.pid) && after.pid != before.pid))
                    .then_some(())
            })
            .await;
            let begun = after.pid != before.pid;
            assert!(
                begun || pause == 0,
                "after {pause} ms: {asked:?}\n{}",
                daemon.log()
            );
            if asked.is_ok() {
                assert!(begun, "it was told as done");
            }
            eventually("its lives", async || {
                (lives(&daemon) == 1 + usize::from(begun)).then_some(())
            })
            .await;
            assert_eq!(after.status.restarts, u32::from(begun));
        }
    });
}

#[test]
fn a_pane_whose_keeper_does_not_answer_is_not_restarted() {
    with_daemon(async |mut daemon, client| {
        let before = made(&client, "web", "exec sleep 600", PaneSettings::default()).await;
        drop(client);
        daemon.signal(Signal::KILL);
        daemon.wait();
        proc::signal(before.keeper_pid, Signal::STOP);
        eventually("its keeper is stopped", async || {
            proc::is_stopped(before.keeper_pid).then_some(())
        })
        .await;
        daemon.launch();
        let client = daemon.client().await;
        let ran = daemon.fugue(&["restart", "web"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("unreachable"), "{ran:?}");
        proc::signal(before.keeper_pid, Signal::CONT);
        let again = daemon.fugue(&["restart", "web"]);
        assert_eq!(again.code, 0, "{again:?}");
        let after = pane(&client, before.pane_id).await;
        assert!(after.pid != before.pid && !proc::lives(before.pid));
    });
}
