//! Commands side by side and one after another: exact statuses, and nothing left on any way out.

mod forged;
mod late;
mod life;
mod nobody_looks;
mod over;
mod parallel;
mod people;
mod pipeline;
mod streams;

use std::collections::BTreeSet;

use protocol::Target;
use protocol::id::{OrchestrationUuid, PaneUuid};
use protocol::reply::{CommandResult, Orchestration, RunStatus};
use protocol::request::{
    CancelOrchestration, GetOrchestration, ParallelCommand, PipelineStep, RunOptions, RunParallel,
    RunPipeline,
};

use crate::support::daemon::{Client, Daemon};
use crate::support::{eventually, proc};

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
    in_session(Target::parse(name).expect("a name"))
}

fn limited(ms: u64) -> RunOptions {
    RunOptions {
        timeout_ms: Some(ms),
        ..RunOptions::default()
    }
}

/// Ends it, with its clean-up.
async fn cancel(client: &Client, begun: &Orchestration) -> Orchestration {
    let cancel = CancelOrchestration {
        orchestration_id: begun.orchestration_id,
    };
    client.ok(cancel).await
}

/// The panes there are.
async fn pane_ids(client: &Client) -> Vec<PaneUuid> {
    let panes = client.panes().await.into_iter();
    panes.map(|pane| pane.pane_id).collect()
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
