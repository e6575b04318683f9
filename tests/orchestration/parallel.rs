//! `run_parallel`: each command is a program of its own.

use protocol::id::PaneUuid;
use protocol::reply::RunStatus;
use protocol::request::{
    ClosePane, KillSession, ListOrchestrations, ListWindows, RunLayout, RunOptions, RunParallel,
};
use protocol::{ErrorCode, Target};

use super::{
    assert_nothing_left, cancel, end, in_session, named, now, outputs, panes, parallel, pipeline,
    run_parallel, run_pipeline, running, status_of, statuses, with_output,
};
use crate::support::daemon::with_daemon;
use crate::support::{eventually, proc};

#[test]
fn parallel_commands_have_their_wait_statuses() {
    with_daemon(async |daemon, client| {
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
    with_daemon(async |_daemon, client| {
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
    with_daemon(async |_daemon, client| {
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
            ["19\n20\nlast", "/\naown", "[xterm-256color][bash]"]
        );
    });
}

#[test]
fn bad_requests_leave_nothing() {
    with_daemon(async |_daemon, client| {
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
    with_daemon(async |daemon, client| {
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
    with_daemon(async |_daemon, client| {
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
fn tiled_panes_share_a_window_of_the_active_session() {
    with_daemon(async |daemon, client| {
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
        cancel(&client, &begun).await;
        assert_eq!(client.panes().await.len(), 1);

        client
            .ok(KillSession {
                session: Target::from(made.context.session_id),
                guarded: false,
            })
            .await;
        let ended = run_parallel(&client, parallel(&["true"], tiled)).await;
        assert!(ended.session_created, "there was none");
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn a_closed_pane_is_a_failed_command() {
    with_daemon(async |daemon, client| {
        let begun = client
            .ok(parallel(&["sleep 300", "true"], RunOptions::default()))
            .await;
        status_of(&client, &begun, 0, RunStatus::Running).await;
        let pane = now(&client, begun.orchestration_id).await.commands[0]
            .pane_id
            .unwrap();
        client
            .ok(ClosePane {
                pane: Target::from(pane),
                force: true,
                guarded: false,
            })
            .await;
        let ended = end(&client, &begun).await;
        assert_eq!(ended.status, RunStatus::Partial);
        assert_eq!(ended.commands[0].signal, Some(9));
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

#[test]
fn many_commands_leave_no_descriptors() {
    with_daemon(async |daemon, client| {
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
