//! Orchestrations: run commands in parallel or in order, look, wait and cancel.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::reply::{Orchestration, OrchestrationTarget};
use protocol::request::{ParallelCommand, PipelineStep, RunLayout, RunOptions, RunStreams};
use protocol::{Error, OrchestrationUuid, Size, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::session::{self, SizeParams};
use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::cancel::{self, OnCancel};
use crate::page::Wanted;
use crate::route::{Place, QUICK, SLOW};
use crate::waiting::default_wait_ms;
use crate::{outputs, schema, shape, tasks, waiting};

fn yes() -> bool {
    true
}

/// Use to run bash commands side by side with exact exit codes. After wait_timeout_ms: running, with its id. Servers belong in a pane. pty=false: pipes, stderr may be apart.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RunParallel {
    #[schemars(length(min = 1, max = 256))]
    commands: Vec<CommandParams>,
    /// Created if new
    session: Option<String>,
    #[schemars(schema_with = "schema::run_layout")]
    #[serde(default)]
    layout: RunLayout,
    #[serde(default = "yes")]
    cleanup: bool,
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1))]
    timeout_ms: u64,
    #[schemars(range(min = 1, max = 256))]
    max_parallel: Option<u32>,
    pty: Option<bool>,
    #[schemars(schema_with = "schema::stderr")]
    #[serde(default)]
    stderr: Stderr,
    /// Of each; 20 of failed
    #[schemars(range(min = 0, max = 1000))]
    output_lines: Option<u32>,
    cwd: Option<String>,
    shell: Option<String>,
    #[schemars(schema_with = "session::size_again")]
    #[serde(default)]
    size: Option<SizeParams>,
    #[schemars(schema_with = "cancel::on_cancel_schema")]
    #[serde(default)]
    on_cancel: OnCancel,
    #[serde(default = "yes")]
    wait: bool,
    #[serde(default = "default_wait_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    wait_timeout_ms: u64,
    idempotency_key: Option<String>,
    server: Option<String>,
}

/// The place of standard error.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stderr {
    /// Into the output.
    #[default]
    Merged,
    /// Into a text of its own.
    Apart,
}

/// # Errors
/// `invalid_argument` for what a terminal cannot do.
fn streams(pty: bool, stderr: Stderr) -> Result<RunStreams, Error> {
    match (pty, stderr) {
        (true, Stderr::Merged) => Ok(RunStreams::Terminal),
        (false, Stderr::Merged) => Ok(RunStreams::Pipes),
        (false, Stderr::Apart) => Ok(RunStreams::Apart),
        (true, Stderr::Apart) => Err(Error::invalid(
            "stderr is apart, but a terminal has one stream for both",
        )
        .hint("give pty=false as well: the commands then have pipes and no terminal")),
    }
}

#[derive(Deserialize, JsonSchema)]
struct CommandParams {
    command: String,
    cwd: Option<String>,
    name: Option<String>,
    env: Option<BTreeMap<String, String>>,
}

/// Lines of what failed, for those who ask for none.
const FAILED_LINES: u32 = 20;

fn five_minutes() -> u64 {
    300_000
}

fn ten_minutes() -> u64 {
    600_000
}

impl Tool for RunParallel {
    const NAME: &'static str = "fugue_run_parallel";
    const CORE: bool = true;
    const HINTS: Hints = Hints::EXECUTE;
    const CANCELS: bool = true;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let streams = streams(self.pty.unwrap_or(true), self.stderr)?;
        let commands = self.commands.into_iter().map(|given| ParallelCommand {
            command: given.command,
            name: given.name,
            cwd: given.cwd.as_deref().map(|cwd| call.absolute(cwd)),
            env: given.env.unwrap_or_default(),
        });
        let params = request::RunParallel {
            commands: commands.collect(),
            max_parallel: self.max_parallel,
            streams,
            options: RunOptions {
                session,
                layout: self.layout,
                cleanup: Some(self.cleanup),
                timeout_ms: Some(self.timeout_ms),
                output_lines: self.output_lines.unwrap_or(0),
                failed_output_lines: self.output_lines.unwrap_or(FAILED_LINES),
                size: self.size.map(|size| Size::new(size.rows, size.cols)),
                cwd: Some(call.cwd_or_own(self.cwd.as_deref())),
                environment: call.environment(),
                env: BTreeMap::new(),
                shell: self.shell,
                memory_max: None,
            },
        };
        let state = place.act(&params, self.idempotency_key, SLOW).await?;
        finish(
            &call,
            &place,
            state,
            self.wait.then_some(self.wait_timeout_ms),
            self.on_cancel,
        )
        .await
    }
}

/// Use to run commands in order in one shell: cd and export carry over. Else as fugue_run_parallel.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RunPipeline {
    #[schemars(length(min = 1, max = 256))]
    commands: Vec<StepParams>,
    session: Option<String>,
    #[schemars(schema_with = "schema::run_layout")]
    #[serde(default)]
    layout: RunLayout,
    cwd: Option<String>,
    env: Option<BTreeMap<String, String>>,
    #[serde(default = "yes")]
    stop_on_error: bool,
    #[serde(default)]
    cleanup: bool,
    #[serde(default = "ten_minutes")]
    #[schemars(range(min = 1))]
    timeout_ms: u64,
    #[schemars(range(min = 0, max = 1000))]
    output_lines: Option<u32>,
    shell: Option<String>,
    #[schemars(schema_with = "session::size_again")]
    #[serde(default)]
    size: Option<SizeParams>,
    #[schemars(schema_with = "cancel::on_cancel_schema")]
    #[serde(default)]
    on_cancel: OnCancel,
    #[serde(default = "yes")]
    wait: bool,
    #[serde(default = "default_wait_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    wait_timeout_ms: u64,
    idempotency_key: Option<String>,
    server: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct StepParams {
    command: String,
    name: Option<String>,
}

impl Tool for RunPipeline {
    const NAME: &'static str = "fugue_run_pipeline";
    const CORE: bool = true;
    const HINTS: Hints = Hints::EXECUTE;
    const CANCELS: bool = true;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let steps = self.commands.into_iter();
        let params = request::RunPipeline {
            steps: steps
                .map(|given| PipelineStep {
                    command: given.command,
                    name: given.name,
                })
                .collect(),
            stop_on_error: Some(self.stop_on_error),
            options: RunOptions {
                session,
                layout: self.layout,
                cleanup: Some(self.cleanup),
                timeout_ms: Some(self.timeout_ms),
                output_lines: self.output_lines.unwrap_or(0),
                failed_output_lines: self.output_lines.unwrap_or(FAILED_LINES),
                size: self.size.map(|size| Size::new(size.rows, size.cols)),
                cwd: Some(call.cwd_or_own(self.cwd.as_deref())),
                environment: call.environment(),
                env: self.env.unwrap_or_default(),
                shell: self.shell,
                memory_max: None,
            },
        };
        let state = place.act(&params, self.idempotency_key, SLOW).await?;
        finish(
            &call,
            &place,
            state,
            self.wait.then_some(self.wait_timeout_ms),
            self.on_cancel,
        )
        .await
    }
}

/// Waits for a run that has just been started, when that is wanted.
async fn finish(
    call: &Call,
    place: &Place,
    state: Orchestration,
    wait_ms: Option<u64>,
    on_cancel: OnCancel,
) -> Result<Answer, Error> {
    let limit = Duration::from_millis(wait_ms.unwrap_or(0));
    followed(call, place, state, limit, Some(on_cancel)).await
}

/// Waits for a run: here, or as a task when the client can ask for that.
async fn followed(
    call: &Call,
    place: &Place,
    state: Orchestration,
    limit: Duration,
    on_cancel: Option<OnCancel>,
) -> Result<Answer, Error> {
    let as_task = call.wants_task(limit);
    let limit = if as_task { tasks::AT_ONCE } else { limit };
    let state = call.follow(place, state, limit, on_cancel).await?;
    Ok(if as_task && !state.status.is_final() {
        Answer::task(tasks::of_run(place, &state))
    } else {
        answer(place, &state)
    })
}

/// A run in full, with as much of its outputs as an answer may have.
pub(crate) fn answer(place: &Place, state: &Orchestration) -> Answer {
    let mut state = state.clone();
    outputs::fit(&mut state.commands);
    let structured = Value::Object(shape::orchestration(place, &state));
    Answer::with_parts(structured, shape::orchestration_parts(place, &state))
}

/// Use to see a run, wait for its end, or list the last hour's runs.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct GetOrchestration {
    orchestration_id: Option<String>,
    #[serde(default)]
    wait: bool,
    #[serde(default = "default_wait_ms")]
    #[schemars(range(min = 1, max = 600_000))]
    timeout_ms: u64,
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    cursor: Option<String>,
    server: Option<String>,
}

impl Tool for GetOrchestration {
    const NAME: &'static str = "fugue_get_orchestration";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let Some(text) = &self.orchestration_id else {
            if self.wait {
                return Err(Error::invalid("wait was given without orchestration_id")
                    .hint("give the orchestration_id to wait for"));
            }
            let (place, _) = call.session(self.server.as_deref(), None)?;
            let wanted = Wanted {
                limit: self.limit,
                cursor: self.cursor.as_deref(),
            };
            return list(&place, wanted).await;
        };
        let (place, orchestration_id) = target(&call, self.server.as_deref(), text).await?;
        let state = waiting::present(&place, orchestration_id).await?;
        let limit = if self.wait { self.timeout_ms } else { 0 };
        followed(&call, &place, state, Duration::from_millis(limit), None).await
    }
}

async fn list(place: &Place, wanted: Wanted<'_>) -> Result<Answer, Error> {
    let all = place.look(&request::ListOrchestrations {}, QUICK).await?;
    let entry = |state: &Orchestration| {
        let done = state
            .commands
            .iter()
            .filter(|command| command.status.is_final())
            .count();
        shape::present(json!({
            "orchestration_id": place.id(state.orchestration_id),
            "number": state.number.map(|number| place.id(number)),
            "kind": state.kind.to_string(),
            "status": state.status.to_string(),
            "commands": state.commands.len(),
            "done": done,
            "session_context": place.context(&state.context),
            "started_at_ms": state.started_at_ms,
            "duration_ms": state.duration_ms,
        }))
    };
    let list = all.orchestrations.iter().map(entry).map(Value::Object);
    let list: Vec<Value> = list.collect();
    let page = wanted.of(&list, "orchestration_id")?;
    let mut answer = json!({
        "server": place.name().as_str(),
        "orchestrations": &list[page.entries],
    });
    if let Some(next) = page.next {
        answer["next_cursor"] = next.into();
    }
    Ok(Answer::object(answer))
}

/// The orchestration that is named by its id or its number.
async fn target(
    call: &Call,
    server: Option<&str>,
    text: &str,
) -> Result<(Place, OrchestrationUuid), Error> {
    let (place, target) = call.target(server, "orchestration_id", text)?;
    let named = target.to_string().parse().map_err(|_| {
        Error::invalid(format!("orchestration_id: {target} is no id"))
            .hint("fugue_get_orchestration without arguments lists the ids")
    })?;
    let id = match named {
        OrchestrationTarget::Id(id) => id,
        OrchestrationTarget::Number(number) => {
            let all = place.look(&request::ListOrchestrations {}, QUICK).await?;
            all.numbered(number)?
        }
    };
    Ok((place, id))
}

/// Use to end a run's commands and clean up after it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CancelOrchestration {
    orchestration_id: String,
    server: Option<String>,
}

impl Tool for CancelOrchestration {
    const NAME: &'static str = "fugue_cancel_orchestration";
    const CORE: bool = false;
    const HINTS: Hints = Hints::END;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, orchestration_id) =
            target(&call, self.server.as_deref(), &self.orchestration_id).await?;
        let params = request::CancelOrchestration { orchestration_id };
        let state = place.act(&params, None, SLOW).await?;
        Ok(answer(&place, &state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_error_apart_needs_pipes() {
        assert_eq!(streams(true, Stderr::Merged), Ok(RunStreams::Terminal));
        assert_eq!(streams(false, Stderr::Merged), Ok(RunStreams::Pipes));
        assert_eq!(streams(false, Stderr::Apart), Ok(RunStreams::Apart));
        let error = streams(true, Stderr::Apart).expect_err("a terminal has one stream");
        assert!(error.hint.contains("pty=false"));
    }
}
