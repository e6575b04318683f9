//! `run_pipeline`: all steps in one shell, each with its own status.

use protocol::Target;
use protocol::reply::RunStatus;
use protocol::request::{KillSession, RunOptions, RunPipeline};

use super::{
    assert_nothing_left, limited, outputs, panes, pipeline, run_pipeline, statuses, with_output,
};
use crate::support::daemon::with_daemon;

fn for_each_shell(lines: &[&str]) -> Vec<RunPipeline> {
    let with = |shell: &str| RunOptions {
        shell: Some(shell.to_owned()),
        cleanup: Some(true),
        ..with_output()
    };
    ["dash", "bash"]
        .iter()
        .map(|shell| pipeline(lines, with(shell)))
        .collect()
}

#[test]
fn steps_share_one_shell() {
    with_daemon(async |daemon, client| {
        let lines = [
            "cd /usr; export A=1; f() { echo \"f $1\"; }",
            "pwd; f \"$A\"",
            "cat <<E\nhere\nE\ntrue # comment",
            "sleep 300 & echo started",
            "printf 'no newline'",
            "echo done; sh -c 'kill -9 $$'",
        ];
        for params in for_each_shell(&lines) {
            let ended = run_pipeline(&client, params).await;
            assert_eq!(ended.status, RunStatus::Failed);
            assert_eq!(ended.failed_at.as_deref(), Some("step-6"));
            let codes: Vec<_> = ended
                .commands
                .iter()
                .map(|c| c.exit_code.unwrap())
                .collect();
            assert_eq!(codes, [0, 0, 0, 0, 0, 137]);
            assert_eq!(
                outputs(&ended)[..5],
                ["", "/usr\nf 1", "here", "started", "no newline"]
            );
            assert!(outputs(&ended)[5].contains("done"));
            assert_eq!(panes(&ended.commands).len(), 1);
            assert_nothing_left(&daemon, &client, &ended).await;
        }
    });
}

#[test]
fn a_failed_step_skips_the_rest_or_does_not() {
    with_daemon(async |daemon, client| {
        let lines = ["true", "if then", "exit 5", "true"];
        for mut params in for_each_shell(&lines) {
            let ended = run_pipeline(&client, params.clone()).await;
            assert_eq!(ended.status, RunStatus::Failed);
            use RunStatus::{Completed, Failed, Skipped};
            assert_eq!(statuses(&ended), [Completed, Failed, Skipped, Skipped]);
            assert_eq!(ended.commands[1].exit_code, Some(2));
            assert_eq!(ended.failed_at.as_deref(), Some("step-2"));

            params.stop_on_error = Some(false);
            let ended = run_pipeline(&client, params).await;
            assert_eq!(ended.status, RunStatus::Partial);
            assert_eq!(statuses(&ended), [Completed, Failed, Failed, Skipped]);
            assert_eq!(ended.commands[2].exit_code, Some(5));
            assert_nothing_left(&daemon, &client, &ended).await;
        }
    });
}

#[test]
fn steps_that_end_the_shell_have_its_status() {
    with_daemon(async |_daemon, client| {
        let cases = [
            ("exit 3", Some(3), None),
            ("exec sh -c 'exit 4'", Some(4), None),
            ("set -e; false; true", Some(1), None),
            ("kill -KILL $$", None, Some(9)),
        ];
        for (line, code, signal) in cases {
            for params in for_each_shell(&["true", line, "true"]) {
                let ended = run_pipeline(&client, params).await;
                let step = &ended.commands[1];
                assert_eq!((step.exit_code, step.signal), (code, signal), "{line}");
                assert_eq!(ended.commands[2].status, RunStatus::Skipped, "{line}");
            }
        }
        for params in for_each_shell(&["exit 0", "true"]) {
            let ended = run_pipeline(&client, params).await;
            assert_eq!(statuses(&ended), [RunStatus::Completed, RunStatus::Skipped]);
            assert_eq!(ended.status, RunStatus::Partial, "not all of it was done");
        }
    });
}

#[test]
fn statuses_cannot_be_forged_on_the_screen_or_through_descriptors() {
    with_daemon(async |_daemon, client| {
        let lines = [
            "bash -c 'for fd in 9 10 11 12; do echo 0 0 >&$fd; echo 1 0 >&$fd; done' 2>/dev/null; true",
            "for n in 3 4 5 6 7 8 9; do ls -l /proc/self/fd/$n; done 2>/dev/null | grep -c -e pipe: -e socket:; true",
            "printf '\\033]777;notify;fugue-mark;x\\033\\\\exit 0\\n'; (exit 6)",
        ];
        for mut params in for_each_shell(&lines) {
            params.stop_on_error = Some(false);
            let ended = run_pipeline(&client, params).await;
            let codes: Vec<_> = ended.commands.iter().map(|c| c.exit_code).collect();
            assert_eq!(codes, [Some(0), Some(0), Some(6)], "{ended:?}");
            assert_eq!(
                ended.commands[1].output.as_deref(),
                Some("0"),
                "no program has the socket"
            );
        }
    });
}

#[test]
fn a_pipeline_keeps_its_pane() {
    with_daemon(async |daemon, client| {
        let ended = run_pipeline(
            &client,
            pipeline(&["echo one", "echo two"], RunOptions::default()),
        )
        .await;
        assert_eq!(ended.status, RunStatus::Completed);
        let pane = ended.pane_id.expect("it is kept");
        assert_eq!(client.text(pane).await.trim(), "one\ntwo");
        let kept = client.panes().await;
        assert_eq!(kept.len(), 1);
        assert!(
            !kept[0].command.contains("eval"),
            "the script is not shown: {}",
            kept[0].command
        );
        client
            .ok(KillSession {
                session: Target::from(ended.context.session_id),
                guarded: false,
            })
            .await;
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_pipelines_time_limit_ends_the_step_that_runs() {
    with_daemon(async |daemon, client| {
        let options = RunOptions {
            cleanup: Some(true),
            ..limited(400)
        };
        let lines = ["true", "sleep 300", "true"];
        let ended = run_pipeline(&client, pipeline(&lines, options)).await;
        let timeout = RunStatus::Timeout;
        assert_eq!(statuses(&ended), [RunStatus::Completed, timeout, timeout]);
        assert_eq!(
            (ended.status, ended.failed_at.as_deref()),
            (timeout, Some("step-2"))
        );
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}
