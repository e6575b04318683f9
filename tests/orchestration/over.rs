//! Panes of runs that are over give way; what a run leaves running lives with its pane, or its end is told.

use protocol::reply::RunStatus;
use protocol::request::{ClosePane, RunOptions};
use protocol::{ErrorCode, Target};

use super::{outputs, parallel, pipeline, run_parallel, run_pipeline, with_output};
use crate::support::daemon::{Daemon, shell, with_daemon};
use crate::support::{LIMIT, eventually, proc, run_within};

#[test]
fn kept_panes_of_ended_runs_give_way_to_new_ones() {
    run_within(LIMIT * 3, async {
        let daemon = Daemon::start_with("[daemon]\nmax_panes = 6\n");
        let client = daemon.client().await;
        let own = client.session("own", "sleep 300").await;
        let server = run_pipeline(
            &client,
            pipeline(&["sleep 300 & echo server"], with_output()),
        )
        .await;
        for _ in 0..20 {
            let ended = run_pipeline(&client, pipeline(&["true"], RunOptions::default())).await;
            assert_eq!(ended.status, RunStatus::Completed, "{ended:?}");
        }
        let keep = RunOptions {
            cleanup: Some(false),
            ..RunOptions::default()
        };
        let ended = run_parallel(&client, parallel(&["true"; 4], keep)).await;
        assert_eq!(ended.status, RunStatus::Completed, "{ended:?}");
        let panes = client.panes().await;
        assert_eq!(panes.len(), 6, "no more went than had to");
        let is_there = |id| panes.iter().any(|pane| pane.pane_id == id);
        assert!(
            is_there(own.pane_id) && is_there(server.pane_id.unwrap()),
            "what lives stays"
        );
        // With living ones only there is no room.
        for number in 0..4 {
            client.session(&format!("more{number}"), "sleep 300").await;
        }
        let refused = client
            .call(protocol::request::CreatePane {
                session: Some(Target::from(own.context.session_id)),
                pane: shell("true"),
                ..protocol::request::CreatePane::default()
            })
            .await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Limit);
    });
}

fn pid_of(left: &str) -> u32 {
    let digits = left.split("pid ").nth(1).unwrap().trim_end_matches(')');
    digits.parse().unwrap()
}

#[test]
fn a_server_left_by_a_step_lives_with_the_kept_pane() {
    with_daemon(async |_daemon, client| {
        for shell in ["bash", "dash"] {
            for lines in [
                &["sleep 300 & echo started", "true"][..],
                &["bash -c 'sleep 300 &'; echo started"],
                &["sleep 300 & echo started; (exit 3)", "true"],
            ] {
                let options = RunOptions {
                    shell: Some(shell.to_owned()),
                    ..with_output()
                };
                let ended = run_pipeline(&client, pipeline(lines, options)).await;
                assert!(outputs(&ended)[0].contains("started"), "{ended:?}");
                let [left] = &ended.left_running[..] else {
                    panic!("{shell} {lines:?}: {ended:?}");
                };
                assert!(left.starts_with("sleep (pid "), "{left}");
                let pid = pid_of(left);
                assert!(proc::lives(pid), "{shell} {lines:?}");
                let pane = Target::from(ended.pane_id.unwrap());
                client
                    .ok(ClosePane {
                        pane,
                        force: false,
                        guarded: false,
                    })
                    .await;
                eventually("it ends with its pane", async || {
                    (!proc::lives(pid)).then_some(())
                })
                .await;
            }
        }
    });
}

#[test]
fn the_end_of_what_a_run_leaves_is_told() {
    with_daemon(async |_daemon, client| {
        let options = RunOptions {
            cleanup: Some(true),
            ..with_output()
        };
        let ended = run_pipeline(&client, pipeline(&["sleep 300 & true"], options)).await;
        assert_eq!(ended.left_running.len(), 1, "{ended:?}");
        assert!(!proc::lives(pid_of(&ended.left_running[0])));
        let line = "setsid sleep 300 & sleep 0.2";
        let ended = run_parallel(&client, parallel(&[line], with_output())).await;
        assert_eq!(ended.left_running.len(), 1, "{ended:?}");
        assert!(!proc::lives(pid_of(&ended.left_running[0])));
    });
}
