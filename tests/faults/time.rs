//! Time that jumps, and time that the daemon does not get.

use std::time::{Duration, Instant};

use protocol::Target;
use protocol::reply::ExitStatus;
use protocol::request::{GetSession, SendInput, UpdateSession};
use rustix::process::Signal;

use super::surroundings::Surroundings;
use crate::support::daemon::Daemon;
use crate::support::pane::input;
use crate::support::view::named;
use crate::support::{eventually, proc, run_within};

const DAY: i64 = 24 * 60 * 60;

#[test]
fn a_clock_that_is_set_changes_nothing_but_the_time_of_day() {
    run_within(Duration::from_secs(60), async {
        let mut daemon = Daemon::prepared("");
        let machine = Surroundings::launch(&mut daemon);
        let client = daemon.client().await;
        let made = client
            .session("first", "while read x; do echo \"got $x\"; done; exit 3")
            .await;
        let second = client.session("second", "exec sleep 600").await;
        let active = async || {
            let request = GetSession { session: None };
            client.ok(request).await.session.session_id
        };
        let run = daemon.command(crate::support::daemon::fugue_exe());
        let run = std::thread::spawn(move || {
            let mut run = run;
            run.args(["run", "--timeout", "30s", "sleep 2; exit 4", "sleep 1"])
                .output()
                .unwrap()
        });
        for (seconds, to, id) in [
            (DAY, "first", made.context.session_id),
            (-DAY, "second", second.context.session_id),
            (0, "first", made.context.session_id),
        ] {
            machine.set_clock(seconds);
            client
                .ok(UpdateSession {
                    session: Some(named(to)),
                    select: true,
                    ..UpdateSession::default()
                })
                .await;
            assert_eq!(active().await, id, "{seconds}");
            client
                .ok(input(made.pane_id, &format!("at{seconds}")))
                .await;
            eventually("an answer", async || {
                let text = client.text(made.pane_id).await;
                text.contains(&format!("got at{seconds}")).then_some(())
            })
            .await;
            let pane = client.panes().await;
            let pane = pane.iter().find(|p| p.pane_id == made.pane_id).unwrap();
            assert!(pane.idle_ms < 20_000, "{}", pane.idle_ms);
            assert!(pane.status.duration_ms < 60_000, "{:?}", pane.status);
        }
        let ran = tokio::task::spawn_blocking(|| run.join().unwrap())
            .await
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert_eq!(ran.status.code(), Some(4), "{out} {ran:?}");
        // And over a restart, with a clock that is behind.
        machine.set_clock(-DAY);
        daemon.signal(Signal::KILL);
        daemon.wait();
        let machine = Surroundings::launch(&mut daemon);
        let client = daemon.client().await;
        machine.set_clock(0);
        client
            .ok(SendInput {
                pane: Target::from(made.pane_id),
                text: String::new(),
                keys: vec!["C-d".to_owned()],
                submit: false,
                paste: None,
                timeout_ms: None,
            })
            .await;
        let end = client.exit(made.pane_id).await;
        assert_eq!(end.exit, Some(ExitStatus::Exited { code: 3 }));
        assert!(end.duration_ms < 60_000, "{end:?}");
        assert!(proc::lives(second.pid));
    });
}

#[test]
fn a_server_that_is_stopped_for_half_a_minute_goes_on() {
    run_within(Duration::from_secs(100), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let written = client
            .session(
                "writes",
                "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo \"line $i\"; [ $((i % 30)) = 0 ] && sleep 0.05; done; exit 8",
            )
            .await;
        let typed = client
            .session("typed", "while read x; do echo \"got $x\"; done")
            .await;
        daemon.signal(Signal::STOP);
        eventually("the stop of all threads", async || {
            proc::is_stopped(daemon.pid).then_some(())
        })
        .await;
        let begun = Instant::now();
        let asked = client.call(protocol::request::ListSessions {});
        let asked = tokio::time::timeout(Duration::from_secs(1), asked).await;
        assert!(asked.is_err(), "a stopped server answers nothing");
        while begun.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        daemon.signal(Signal::CONT);
        let client = daemon.client().await;
        let end = client.exit(written.pane_id).await;
        assert_eq!(end.exit, Some(ExitStatus::Exited { code: 8 }));
        let text = crate::adoption::all_text(&client, written.pane_id).await;
        let expected: Vec<String> = (1..=3000).map(|i| format!("line {i}")).collect();
        let lines: Vec<&str> = text.lines().collect();
        // The oldest have left the scrollback of 2,000 lines.
        assert!(lines.len() >= 2_000);
        assert_eq!(lines, expected[3000 - lines.len()..]);
        client.ok(input(typed.pane_id, "after")).await;
        eventually("an answer", async || {
            client
                .text(typed.pane_id)
                .await
                .contains("got after")
                .then_some(())
        })
        .await;
        eventually("clients that are gone are not counted", async || {
            let sessions = client.sessions().await;
            sessions
                .iter()
                .all(|session| session.attached_clients == 0)
                .then_some(())
        })
        .await;
    });
}
