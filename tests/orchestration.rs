//! Commands side by side and one after another: exact statuses, and nothing left on any way out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::id::{OrchestrationUuid, PaneUuid};
use protocol::reply::{CommandResult, Orchestration, RunStatus};
use protocol::request::{
    CancelOrchestration, CreatePane, GetOrchestration, KillSession, ListOrchestrations,
    ListWindows, ParallelCommand, PipelineStep, RunLayout, RunOptions, RunParallel, RunPipeline,
};
use protocol::{ErrorCode, Target};

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::{eventually, proc, run};

fn parallel(lines: &[&str], options: RunOptions) -> RunParallel {
    RunParallel {
        commands: lines
            .iter()
            .map(|line| ParallelCommand {
                command: (*line).to_owned(),
                ..ParallelCommand::default()
            })
            .collect(),
        options,
        ..RunParallel::default()
    }
}

fn pipeline(lines: &[&str], options: RunOptions) -> RunPipeline {
    RunPipeline {
        steps: lines
            .iter()
            .map(|line| PipelineStep {
                command: (*line).to_owned(),
                name: None,
            })
            .collect(),
        options,
        ..RunPipeline::default()
    }
}

fn with_output() -> RunOptions {
    RunOptions {
        output_lines: 10,
        ..RunOptions::default()
    }
}

fn in_session(target: impl Into<Target>) -> RunOptions {
    RunOptions {
        session: Some(target.into()),
        ..RunOptions::default()
    }
}

fn named(name: &str) -> RunOptions {
    in_session(Target::parse(name).unwrap())
}

fn limited(ms: u64) -> RunOptions {
    RunOptions {
        timeout_ms: Some(ms),
        ..RunOptions::default()
    }
}

/// How it is, without waiting.
async fn now(client: &Client, id: OrchestrationUuid) -> Orchestration {
    let get = GetOrchestration {
        orchestration_id: id,
        after_version: None,
        wait: false,
        timeout_ms: 0,
    };
    client.ok(get).await
}

/// How it ended.
async fn end(client: &Client, begun: &Orchestration) -> Orchestration {
    let ended = client
        .ok(GetOrchestration {
            orchestration_id: begun.orchestration_id,
            after_version: None,
            wait: true,
            timeout_ms: 15_000,
        })
        .await;
    assert!(ended.status.is_final(), "{ended:?}");
    ended
}

async fn run_parallel(client: &Client, params: RunParallel) -> Orchestration {
    let begun = client.ok(params).await;
    end(client, &begun).await
}

async fn run_pipeline(client: &Client, params: RunPipeline) -> Orchestration {
    let begun = client.ok(params).await;
    end(client, &begun).await
}

fn statuses(ended: &Orchestration) -> Vec<RunStatus> {
    ended
        .commands
        .iter()
        .map(|command| command.status)
        .collect()
}

fn outputs(ended: &Orchestration) -> Vec<&str> {
    ended
        .commands
        .iter()
        .map(|command| command.output.as_deref().unwrap_or("-"))
        .collect()
}

fn panes(commands: &[CommandResult]) -> BTreeSet<PaneUuid> {
    commands
        .iter()
        .filter_map(|command| command.pane_id)
        .collect()
}

/// Neither a process nor a pane, a session or a socket of it is left.
async fn assert_nothing_left(daemon: &Daemon, client: &Client, ended: &Orchestration) {
    for pane in panes(&ended.commands) {
        let left = proc::marked(&format!("FUGUE_PANE_ID={pane}"));
        assert_eq!(left, Vec::<u32>::new(), "processes of {pane}");
    }
    assert_eq!(client.panes().await.len(), 0, "panes");
    assert_eq!(client.sessions().await.len(), 0, "sessions");
    // A keeper removes its socket right after it has answered.
    eventually("only the daemon's socket is left", async || {
        (daemon.leftovers().len() == 1).then_some(())
    })
    .await;
}

/// Waits until a command has this status.
async fn status_of(client: &Client, begun: &Orchestration, index: usize, status: RunStatus) {
    eventually("a command's status", async || {
        let now = now(client, begun.orchestration_id).await;
        (now.commands[index].status == status).then_some(())
    })
    .await;
}

/// Waits until so many commands run.
async fn running(client: &Client, begun: &Orchestration, count: usize) {
    eventually("commands run", async || {
        let now = now(client, begun.orchestration_id).await;
        let running = statuses(&now)
            .into_iter()
            .filter(|s| *s == RunStatus::Running);
        (running.count() == count).then_some(())
    })
    .await;
}

#[test]
fn parallel_commands_have_their_wait_statuses() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let lines = [
            "true",
            "exit 3",
            "kill -KILL $$",
            "no-such-program-here",
            "printf 'exit status 0\\n\\033]133;D;0\\007'; exit 7",
            "sleep 300 & exit 0",
        ];
        let begun = client.ok(parallel(&lines, RunOptions::default())).await;
        assert_eq!(begun.status, RunStatus::Running);
        assert!(begun.session_created && begun.cleanup);
        let name = format!("__parallel_{}__", begun.orchestration_id);
        assert_eq!(begun.context.session_name.as_str(), name);

        let ended = end(&client, &begun).await;
        let exits: Vec<_> = ended
            .commands
            .iter()
            .map(|c| (c.exit_code, c.signal))
            .collect();
        let code = |code| (Some(code), None);
        assert_eq!(
            exits,
            [
                code(0),
                code(3),
                (None, Some(9)),
                code(127),
                code(7),
                code(0)
            ]
        );
        assert_eq!(ended.status, RunStatus::Partial);
        assert_eq!(ended.commands[0].name, "task-1");
        assert!(
            ended
                .commands
                .iter()
                .all(|c| c.duration_ms.is_some() && c.output.is_none())
        );
        assert_eq!(panes(&ended.commands).len(), 6);
        assert!(ended.failed_at.is_none() && ended.pane_id.is_none());
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn overall_statuses() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let all = run_parallel(&client, parallel(&["true", "true"], RunOptions::default())).await;
        assert_eq!(all.status, RunStatus::Completed);
        let none = run_parallel(
            &client,
            parallel(&["false", "exit 2"], RunOptions::default()),
        )
        .await;
        assert_eq!(none.status, RunStatus::Failed);
    });
}

#[test]
fn output_tails_directories_and_variables() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let mut params = parallel(
            &[
                "seq 20; printf last",
                "pwd; echo $A$B",
                "echo \"[$TERM][$0]\"",
            ],
            RunOptions {
                output_lines: 3,
                cwd: Some("/usr".to_owned()),
                env: [
                    ("A".to_owned(), "a".to_owned()),
                    ("B".to_owned(), "b".to_owned()),
                ]
                .into(),
                ..RunOptions::default()
            },
        );
        params.commands[1].cwd = Some("/".to_owned());
        params.commands[1]
            .env
            .insert("B".to_owned(), "own".to_owned());
        let ended = run_parallel(&client, params).await;
        assert_eq!(
            outputs(&ended),
            ["19\n20\nlast", "/\naown", "[xterm-256color][sh]"]
        );
    });
}

#[test]
fn bad_requests_leave_nothing() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let refused = async |params: RunParallel, reason: &str| {
            let error = client.call(params).await.expect_err(reason);
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
            assert!(error.message.contains(reason), "{error}");
        };
        let cwd = |cwd: &str| RunOptions {
            cwd: Some(cwd.to_owned()),
            ..named("new")
        };
        refused(parallel(&[], RunOptions::default()), "1 to 256").await;
        refused(parallel(&["true", " "], named("new")), "command 2 is empty").await;
        refused(parallel(&["true"], cwd("/no/such/dir")), "/no/such/dir").await;
        refused(parallel(&["true"], cwd("/etc/passwd")), "not a directory").await;
        refused(parallel(&["true"], cwd("tmp")), "absolute").await;
        let mut twice = parallel(&["true", "true"], named("new"));
        for command in &mut twice.commands {
            command.name = Some("same".to_owned());
        }
        refused(twice, "two commands").await;
        let gone = in_session(PaneUuid::new());
        let error = client
            .call(parallel(&["true"], gone))
            .await
            .expect_err("no such session");
        assert_eq!(error.code, ErrorCode::NotFound, "{error}");
        assert_eq!(client.sessions().await.len(), 0);
        assert_eq!(
            client.ok(ListOrchestrations {}).await.orchestrations.len(),
            0
        );
    });
}

#[test]
fn a_command_that_cannot_be_started_fails_alone() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        let first = format!("rmdir {}", gone.display());
        let mut params = parallel(&[&first, "true", "true"], RunOptions::default());
        params.commands[1].cwd = Some(gone.display().to_string());
        params.max_parallel = Some(1);
        let ended = run_parallel(&client, params).await;
        assert_eq!(
            statuses(&ended),
            [
                RunStatus::Completed,
                RunStatus::Failed,
                RunStatus::Completed
            ]
        );
        let failed = &ended.commands[1];
        assert!(
            failed.error.as_ref().unwrap().contains("gone"),
            "{failed:?}"
        );
        assert_eq!((failed.exit_code, failed.pane_id), (None, None));

        let options = RunOptions {
            shell: Some("/no/such/shell".to_owned()),
            ..RunOptions::default()
        };
        let ended = run_parallel(&client, parallel(&["true", "true"], options.clone())).await;
        assert_eq!(ended.status, RunStatus::Failed);
        assert_nothing_left(&daemon, &client, &ended).await;

        let mut steps = pipeline(&["true", "true"], options);
        steps.options.shell = Some("/no/such/bash".to_owned());
        let ended = run_pipeline(&client, steps).await;
        assert_eq!(statuses(&ended), [RunStatus::Failed, RunStatus::Skipped]);
        assert!(
            ended.commands[0]
                .error
                .as_ref()
                .unwrap()
                .contains("/no/such/bash")
        );
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn at_most_so_many_run_at_a_time() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let dir = tempfile::tempdir().unwrap();
        let line = "mkdir $$; ls | wc -l; sleep 0.1; rmdir $$";
        let mut params = parallel(&[line; 12], with_output());
        params.options.cwd = Some(dir.path().display().to_string());
        params.max_parallel = Some(3);
        let ended = run_parallel(&client, params).await;
        assert_eq!(ended.status, RunStatus::Completed);
        let most = outputs(&ended)
            .iter()
            .map(|n| n.trim().parse::<u32>().unwrap())
            .max();
        assert_eq!(most, Some(3));
    });
}

#[test]
fn a_time_limit_keeps_what_has_finished() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let mut params = parallel(
            &[
                "echo quick",
                "echo before; sleep 300 & sleep 300",
                "trap '' HUP TERM; echo stubborn; sleep 300",
                "sleep 300",
                "true",
            ],
            RunOptions {
                output_lines: 5,
                ..limited(700)
            },
        );
        params.max_parallel = Some(3);
        let ended = run_parallel(&client, params).await;
        assert_eq!(ended.status, RunStatus::Timeout);
        let timeout = RunStatus::Timeout;
        assert_eq!(
            statuses(&ended),
            [RunStatus::Completed, timeout, timeout, timeout, timeout]
        );
        assert_eq!(&outputs(&ended)[..3], ["quick", "before", "stubborn"]);
        let waiting = &ended.commands[4];
        assert!(
            waiting.pane_id.is_none() && waiting.error.is_some(),
            "{waiting:?}"
        );
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_cancel_waits_for_the_clean_up() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client
            .ok(parallel(
                &["sleep 300", "sleep 301 & wait"],
                RunOptions::default(),
            ))
            .await;
        running(&client, &begun, 2).await;
        let cancel = CancelOrchestration {
            orchestration_id: begun.orchestration_id,
        };
        let cancelled = client.ok(cancel.clone()).await;
        assert_eq!(cancelled.status, RunStatus::Cancelled);
        assert_eq!(statuses(&cancelled), [RunStatus::Cancelled; 2]);
        assert_nothing_left(&daemon, &client, &cancelled).await;
        let again = client.ok(cancel).await;
        assert_eq!(
            again.version, cancelled.version,
            "an ended one stays as it is"
        );

        let unknown = CancelOrchestration {
            orchestration_id: OrchestrationUuid::new(),
        };
        let error = client.call(unknown).await.expect_err("nobody has that id");
        assert_eq!(error.code, ErrorCode::NotFound);
    });
}

#[test]
fn a_cancel_before_anything_runs() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for _ in 0..5 {
            let begun = client
                .ok(parallel(&["sleep 300"; 40], RunOptions::default()))
                .await;
            let cancel = CancelOrchestration {
                orchestration_id: begun.orchestration_id,
            };
            let cancelled = client.ok(cancel).await;
            assert_eq!(statuses(&cancelled), [RunStatus::Cancelled; 40]);
            assert_nothing_left(&daemon, &client, &cancelled).await;
        }
    });
}

#[test]
fn concurrent_callers_share_one_new_session() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        for round in 0..5 {
            let name = format!("shared-{round}");
            let all =
                (0..8).map(|_| run_parallel(&client, parallel(&["true", "true"], named(&name))));
            let ended = futures_util::future::join_all(all).await;
            for one in &ended {
                assert_eq!(one.status, RunStatus::Completed, "{one:?}");
                assert_eq!(one.context.session_name.as_str(), name);
            }
            assert!(ended.iter().any(|one| one.session_created));
            // As many were made as there were ids: never two at a time under one name.
            let made = ended.iter().filter(|one| one.session_created).count();
            let ids: BTreeSet<_> = ended.iter().map(|one| one.context.session_id).collect();
            assert_eq!(ids.len(), made);
            assert_nothing_left(&daemon, &client, &ended[0]).await;
        }
    });
}

#[test]
fn a_session_of_others_stays() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("mine", "sleep 300").await;
        for options in [named("mine"), in_session(made.context.session_id)] {
            let ended = run_parallel(&client, parallel(&["true", "false"], options)).await;
            assert!(!ended.session_created);
            assert_eq!(ended.context.session_id, made.context.session_id);
        }
        let left: Vec<_> = client
            .panes()
            .await
            .into_iter()
            .map(|pane| pane.pane_id)
            .collect();
        assert_eq!(left, [made.pane_id]);
    });
}

#[test]
fn a_pane_that_somebody_added_keeps_the_session() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client.ok(parallel(&["sleep 300"], named("ours"))).await;
        running(&client, &begun, 1).await;
        let added = client
            .ok(CreatePane {
                session: Some(Target::parse("ours").unwrap()),
                pane: shell("sleep 300"),
                ..CreatePane::default()
            })
            .await;
        let cancel = CancelOrchestration {
            orchestration_id: begun.orchestration_id,
        };
        let ended = client.ok(cancel).await;
        assert!(ended.session_created);
        let left: Vec<_> = client
            .panes()
            .await
            .into_iter()
            .map(|pane| pane.pane_id)
            .collect();
        assert_eq!(left, [added.pane_id]);
        assert_eq!(client.sessions().await.len(), 1);
    });
}

#[test]
fn kept_panes_keep_their_session() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let keep = RunOptions {
            cleanup: Some(false),
            ..limited(500)
        };
        let ended = run_parallel(
            &client,
            parallel(&["echo one", "echo two; sleep 300"], keep),
        )
        .await;
        assert_eq!(ended.status, RunStatus::Timeout);
        let kept = client.panes().await;
        assert_eq!(kept.len(), 2);
        assert!(
            kept.iter().all(|pane| pane.status.exit.is_some()),
            "{kept:?}"
        );
        assert_eq!(
            client.text(ended.commands[1].pane_id.unwrap()).await.trim(),
            "two"
        );
        client
            .ok(KillSession {
                session: Target::from(ended.context.session_id),
            })
            .await;
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn tiled_panes_share_a_window_of_the_active_session() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let made = client.session("mine", "sleep 300").await;
        let tiled = RunOptions {
            layout: RunLayout::Tiled,
            ..RunOptions::default()
        };
        let begun = client.ok(parallel(&["sleep 300"; 4], tiled.clone())).await;
        assert_eq!(begun.context.session_id, made.context.session_id);
        running(&client, &begun, 4).await;
        let windows = client.ok(ListWindows { session: None }).await.windows;
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[1].panes.len(), 4);
        assert!(windows[0].focused, "nobody's focus is taken");
        client
            .ok(CancelOrchestration {
                orchestration_id: begun.orchestration_id,
            })
            .await;
        assert_eq!(client.panes().await.len(), 1);

        client
            .ok(KillSession {
                session: Target::from(made.context.session_id),
            })
            .await;
        let ended = run_parallel(&client, parallel(&["true"], tiled)).await;
        assert!(ended.session_created, "there was none");
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

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
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
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
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
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
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
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
fn statuses_cannot_be_forged_on_the_screen_or_the_pipe() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let lines = [
            "for fd in 9 10 11 12; do eval \"echo '0 0' >&$fd; printf '\\n 1 0\\n' >&$fd\"; done 2>/dev/null; true",
            "for n in 3 4 5 6 7 8 9; do ls -l /proc/self/fd/$n; done 2>/dev/null | grep -c 'pipe:'; true",
            "printf '\\033]777;notify;fugue-mark;x\\033\\\\exit 0\\n'; (exit 6)",
        ];
        for mut params in for_each_shell(&lines) {
            params.stop_on_error = Some(false);
            let ended = run_pipeline(&client, params).await;
            let codes: Vec<_> = ended.commands.iter().map(|c| c.exit_code).collect();
            // A shell that cannot write to descriptor 10 ends the step, not the pipeline.
            assert!(codes[0] == Some(0) || codes[0] == Some(2), "{ended:?}");
            assert_eq!(codes[1..], [Some(0), Some(6)]);
            assert_eq!(
                ended.commands[1].output.as_deref(),
                Some("0"),
                "no program has the pipe"
            );
        }
    });
}

#[test]
fn a_pipeline_keeps_its_pane() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
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
            })
            .await;
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_pipelines_time_limit_ends_the_step_that_runs() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
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

#[test]
fn an_orchestration_survives_its_actor() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let dir = tempfile::tempdir().unwrap();
        let go = dir.path().join("go");
        let line = format!("until [ -e {} ]; do sleep 0.02; done; exit 4", go.display());
        let mut params = parallel(&[&line, &line, "exit 5", "true"], RunOptions::default());
        params.max_parallel = Some(2);
        let begun = client.ok(params).await;
        let steps = client.ok(pipeline(
            &["cd /", &line, "true"],
            RunOptions {
                cleanup: Some(true),
                ..RunOptions::default()
            },
        ));
        let steps = steps.await;
        running(&client, &begun, 2).await;
        for one in [&begun, &steps] {
            let version = now(&client, one.orchestration_id).await.version;
            client
                .crash("orchestration", one.orchestration_id)
                .await
                .unwrap();
            assert!(now(&client, one.orchestration_id).await.version >= version);
        }
        std::fs::write(&go, "").unwrap();
        let ended = end(&client, &begun).await;
        let codes: Vec<_> = ended.commands.iter().map(|c| c.exit_code).collect();
        assert_eq!(codes, [Some(4), Some(4), Some(5), Some(0)]);
        let ended = end(&client, &steps).await;
        assert_eq!(ended.failed_at.as_deref(), Some("step-2"));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn an_actor_that_is_given_up_leaves_nothing() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client
            .ok(parallel(&["sleep 300", "true"], RunOptions::default()))
            .await;
        status_of(&client, &begun, 0, RunStatus::Running).await;
        status_of(&client, &begun, 1, RunStatus::Completed).await;
        eventually("it is given up", async || {
            // Refused while there is no actor: then it may be on its way back.
            let _ = client.crash("orchestration", begun.orchestration_id).await;
            let now = now(&client, begun.orchestration_id).await;
            now.status.is_final().then_some(())
        })
        .await;
        let ended = now(&client, begun.orchestration_id).await;
        assert_eq!(ended.status, RunStatus::Failed);
        assert_eq!(statuses(&ended), [RunStatus::Failed, RunStatus::Completed]);
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_caller_that_goes_away_ends_nothing() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let caller = daemon.client().await;
        let begun = caller
            .ok(parallel(&["sleep 0.5; exit 3"], RunOptions::default()))
            .await;
        drop(caller);
        let ended = end(&client, &begun).await;
        assert_eq!(ended.commands[0].exit_code, Some(3));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_session_that_is_killed_ends_its_orchestrations() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let mut params = parallel(&["sleep 300"; 4], named("ours"));
        params.max_parallel = Some(2);
        let begun = client.ok(params).await;
        running(&client, &begun, 2).await;
        client
            .ok(KillSession {
                session: Target::parse("ours").unwrap(),
            })
            .await;
        let ended = end(&client, &begun).await;
        assert_eq!(statuses(&ended), [RunStatus::Failed; 4]);
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_closed_pane_is_a_failed_command() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client
            .ok(parallel(&["sleep 300", "true"], RunOptions::default()))
            .await;
        status_of(&client, &begun, 0, RunStatus::Running).await;
        let pane = now(&client, begun.orchestration_id).await.commands[0]
            .pane_id
            .unwrap();
        client
            .ok(protocol::request::ClosePane {
                pane: Target::from(pane),
                force: true,
            })
            .await;
        let ended = end(&client, &begun).await;
        assert_eq!(ended.status, RunStatus::Partial);
        assert_eq!(ended.commands[0].signal, Some(9));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn changes_are_waited_for() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let begun = client
            .ok(parallel(&["sleep 0.3", "sleep 0.6"], RunOptions::default()))
            .await;
        let (mut version, mut seen) = (begun.version, 0);
        loop {
            let next = client
                .ok(GetOrchestration {
                    orchestration_id: begun.orchestration_id,
                    after_version: Some(version),
                    wait: false,
                    timeout_ms: 10_000,
                })
                .await;
            assert!(next.version > version, "a wait ends with a change");
            version = next.version;
            seen += 1;
            if next.status.is_final() {
                break;
            }
        }
        assert!(seen >= 3, "{seen} changes");

        let begun = client
            .ok(parallel(&["sleep 300"], RunOptions::default()))
            .await;
        let asked = Instant::now();
        let still = client
            .ok(GetOrchestration {
                orchestration_id: begun.orchestration_id,
                after_version: None,
                wait: true,
                timeout_ms: 100,
            })
            .await;
        assert_eq!(still.status, RunStatus::Running);
        assert!(asked.elapsed() >= Duration::from_millis(100));
        let listed = client.ok(ListOrchestrations {}).await.orchestrations;
        assert_eq!(listed.len(), 2);
        assert_eq!(
            listed[0].orchestration_id, begun.orchestration_id,
            "newest first"
        );
        client
            .ok(CancelOrchestration {
                orchestration_id: begun.orchestration_id,
            })
            .await;
    });
}

#[test]
fn many_commands_leave_no_descriptors() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        run_parallel(&client, parallel(&["true"; 8], RunOptions::default())).await;
        let before = daemon.fds();
        let mut params = parallel(&["true"; 100], RunOptions::default());
        params.max_parallel = Some(8);
        let ended = run_parallel(&client, params).await;
        assert_eq!(ended.status, RunStatus::Completed);
        assert_nothing_left(&daemon, &client, &ended).await;
        eventually("descriptors are closed", async || {
            (daemon.fds() <= before).then_some(())
        })
        .await;
        assert_eq!(proc::zombies_of(daemon.pid), Vec::<u32>::new());
    });
}
