//! Runs without a terminal, with standard error in the output or apart.

use protocol::ErrorCode;
use protocol::request::RunStreams;

use super::*;
use crate::adoption::kill_and_restart;
use crate::support::daemon::with_daemon;
use crate::support::pane::input;

fn without_terminal(streams: RunStreams, lines: &[&str], options: RunOptions) -> RunParallel {
    RunParallel {
        streams,
        ..parallel(lines, options)
    }
}

const BOTH: &str =
    "printf 'out\\n'; printf '\\033[31mred\\033[0m error\\n' >&2; test -t 1 || echo pipe; exit 4";

#[test]
fn standard_error_is_apart_from_output_where_that_is_asked_for() {
    with_daemon(async |_daemon, client| {
        let apart = without_terminal(RunStreams::Apart, &[BOTH, "true"], with_output());
        let ended = run_parallel(&client, apart).await;
        assert_eq!(ended.commands[0].exit_code, Some(4));
        assert_eq!(outputs(&ended), ["out\npipe", ""]);
        let errors = ended.commands.iter().map(|one| one.stderr.as_deref());
        assert!(errors.eq([Some("red error"), Some("")]), "{ended:?}");
        let merged = without_terminal(RunStreams::Pipes, &[BOTH], with_output());
        let ended = run_parallel(&client, merged).await;
        assert_eq!(outputs(&ended), ["out\nred error\npipe"]);
        assert_eq!(ended.commands[0].stderr, None);
    });
}

#[test]
fn a_longer_standard_error_is_cut_at_its_beginning_and_that_is_said() {
    with_daemon(async |_daemon, client| {
        let line =
            "for i in 1 2 3 4 5; do head -c 26000 /dev/zero | tr '\\0' $i >&2; echo >&2; done";
        let apart = without_terminal(RunStreams::Apart, &[line], with_output());
        let ended = run_parallel(&client, apart).await;
        let command = &ended.commands[0];
        let stderr = command.stderr.as_deref().expect("it was asked for");
        assert!(stderr.ends_with("5555"), "its end is there");
        assert!(stderr.len() <= 64 * 1024, "{}", stderr.len());
        // Newlines at the cuts may count on either side.
        let all = stderr.len() as u64 + command.stderr_omitted_bytes;
        assert!((129_990..=130_010).contains(&all), "{all}");
    });
}

#[test]
fn a_run_without_a_terminal_goes_on_over_the_death_of_the_daemon() {
    with_daemon(async |mut daemon, client| {
        let line = "echo one; echo first >&2; sleep 1.5; echo two; echo second >&2; exit 5";
        let run = without_terminal(RunStreams::Apart, &[line], with_output());
        let begun = client.ok(run).await;
        prints(&client, &begun, "one").await;
        drop(client);
        kill_and_restart(&mut daemon, std::time::Duration::ZERO).await;
        let client = daemon.client().await;
        let ended = end(&client, &begun).await;
        let command = &ended.commands[0];
        assert_eq!(command.exit_code, Some(5), "{command:?}");
        assert_eq!(command.output.as_deref(), Some("one\ntwo"));
        assert_eq!(command.stderr.as_deref(), Some("first\nsecond"));
    });
}

#[test]
fn typing_into_a_pane_without_a_terminal_is_refused() {
    with_daemon(async |daemon, client| {
        let line = "echo ready; sleep 1000";
        let run = without_terminal(RunStreams::Pipes, &[line], with_output());
        let begun = client.ok(run).await;
        let pane = prints(&client, &begun, "ready").await;
        let error = client
            .call(input(pane, "x"))
            .await
            .expect_err("no terminal");
        assert_eq!(error.code, ErrorCode::Unsupported, "{error:?}");
        let ended = cancel(&client, &begun).await;
        assert_eq!(statuses(&ended), [RunStatus::Cancelled]);
        assert_nothing_left(&daemon, &client, &ended).await;
    });
}

/// Waits until the first command has printed this; says in which pane it runs.
async fn prints(client: &Client, begun: &Orchestration, text: &str) -> PaneUuid {
    eventually("it prints", async || {
        let command = &now(client, begun.orchestration_id).await.commands[0];
        let printed = command.output.as_deref() == Some(text);
        command.pane_id.filter(|_| printed)
    })
    .await
}
