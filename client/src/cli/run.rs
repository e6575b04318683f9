//! `fugue run`: commands side by side or one after another, followed to their end.

mod commands;
mod names;
mod progress;
pub(crate) mod result;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::Orchestration;
use protocol::request::{
    CancelOrchestration, GetOrchestration, ParallelCommand, PipelineStep, RunLayout, RunOptions,
    RunParallel, RunPipeline, RunStreams,
};
use protocol::time::millis;
use protocol::{Error, ErrorCode, OrchestrationUuid, PaneUuid, environment};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::{duration, pair};
use super::caller::{Again, CALL_LIMIT};
use super::failure::{INTERRUPTED, note};
use super::places::Named;
use super::program::directory;
use super::{Caller, Outcome, args, output};
use progress::Progress;

/// One long poll for a change. What waits for keys shows at its end.
pub(crate) const POLL: Duration = Duration::from_secs(5);

/// Lines of what did not complete, for those who ask for none.
const FAILED_LINES: u32 = 20;

/// The time beyond the server's own limit that a poll may take.
const MARGIN: Duration = Duration::from_secs(10);

/// The pause after which what is shown moves on between changes.
const TICK: Duration = Duration::from_millis(100);

/// The time that a cancel may take: every command's stop recipe and the clean-up.
pub(crate) const CANCEL_LIMIT: Duration = Duration::from_secs(60);

/// The time for which leaving waits for a cancel to be sent.
const SEND_LIMIT: Duration = Duration::from_millis(300);

/// `fugue run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// At most so many commands at a time [default: all]
    #[arg(short, long, value_name = "N", value_parser = args::number_of_commands, conflicts_with = "pipeline")]
    parallel: Option<u32>,
    /// One after another in one shell in one pane, so that `cd` and `export` carry over
    #[arg(long)]
    pipeline: bool,
    /// Go on behind a failed step
    #[arg(long, requires = "pipeline")]
    go_on: bool,
    /// Run in this session, made when there is none of that name [default: one of its own]
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// As splits in the active session instead of out of sight
    #[arg(long, conflicts_with = "session")]
    tiled: bool,
    /// Keep the panes
    #[arg(long)]
    keep: bool,
    /// Close the panes at the end, which is what happens anyway
    #[arg(long, hide = true, conflicts_with = "keep")]
    close: bool,
    /// Time for all commands together [default: 5m, a pipeline's 10m]
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
    /// Print the last so many lines of each command's output [default: 20 of those that did not complete]
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<u32>,
    /// Working directory [default: the current one]
    #[arg(short = 'c', long = "cwd", value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// A variable for all commands; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// The shell that runs the command lines [default: bash where it is installed, else sh]
    #[arg(long)]
    shell: Option<String>,
    /// Size of the panes [default: 200x50]
    #[arg(long, value_name = "COLSxROWS", value_parser = args::size)]
    size: Option<protocol::Size>,
    /// Memory that each command may use, such as 512M; a pipeline's for all its steps
    #[arg(long, value_name = "SIZE", value_parser = args::bytes)]
    memory_max: Option<u64>,
    /// No terminal: pipes instead, and nothing to read
    #[arg(long, conflicts_with = "pipeline")]
    no_pty: bool,
    /// Print standard error apart from output
    #[arg(
        long,
        value_enum,
        default_value_t,
        requires_if("apart", "no_pty"),
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "merged|apart"
    )]
    stderr: Stderr,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Read one command a line from a file, `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Command lines, each an argument of its own; `-` reads them from standard input
    #[arg(value_name = "CMD", required_unless_present = "file")]
    commands: Vec<String>,
}

/// The place of standard error.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Stderr {
    /// Into the output
    #[default]
    Merged,
    /// Into a text of its own
    Apart,
}

impl RunArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let commands = commands::gather(&self.commands, self.file.as_deref())?;
        let quiet = self.quiet;
        // From here on an interrupt ends the job, not only this program.
        let mut interrupts = Interrupts::listen()?;
        let starting = self.start(&server, session, commands);
        let (started, early) = begun(starting, &mut interrupts).await?;
        let mut progress = Progress::new(&started, quiet, caller);
        let cancelling = early.then(|| cancel_later(&server, started.orchestration_id));
        let (ended, interrupted) =
            follow(&server, started, &mut progress, &mut interrupts, cancelling).await?;
        progress.finish(&ended);
        let panes = kept_panes(caller, &server, &ended).await;
        let pane = |id: PaneUuid| {
            let number = panes.pane(id).and_then(|pane| pane.number);
            caller.pane(server.name(), number, id)
        };
        output::answer_styled(caller, server.name(), &ended, |ended| {
            result::text(ended, caller.style, pane)
        })?;
        if !caller.json && !quiet {
            let session = caller.shown(server.name(), &ended.context.session_name);
            let hint = result::hint(&ended, &session, pane);
            hint.iter().for_each(|hint| note(hint));
        }
        Ok(if interrupted {
            INTERRUPTED
        } else {
            result::worst(&ended)
        })
    }

    async fn start(
        self,
        server: &Remote,
        session: Option<protocol::Target>,
        commands: Vec<String>,
    ) -> anyhow::Result<Orchestration> {
        let options = RunOptions {
            session,
            layout: if self.tiled {
                RunLayout::Tiled
            } else {
                RunLayout::Hidden
            },
            cleanup: Some(self.close || !self.keep),
            timeout_ms: self.timeout.map(millis),
            output_lines: self.lines.unwrap_or(0),
            failed_output_lines: self.lines.unwrap_or(FAILED_LINES),
            size: self.size,
            cwd: Some(directory(self.cwd.as_deref())?),
            environment: Some(environment::inherited()),
            env: args::map(self.env),
            shell: self.shell,
            memory_max: self.memory_max,
        };
        let names = names::of(&commands).into_iter();
        let named = names.zip(commands);
        if self.pipeline {
            let step = |(name, command)| PipelineStep { command, name };
            let run = RunPipeline {
                steps: named.map(step).collect(),
                stop_on_error: Some(!self.go_on),
                options,
            };
            return Ok(server.call(&run, CALL_LIMIT).await?);
        }
        let command = |(name, command)| ParallelCommand {
            command,
            name,
            ..ParallelCommand::default()
        };
        let run = RunParallel {
            commands: named.map(command).collect(),
            max_parallel: self.parallel,
            streams: match (self.no_pty, self.stderr) {
                (false, _) => RunStreams::Terminal,
                (true, Stderr::Merged) => RunStreams::Pipes,
                (true, Stderr::Apart) => RunStreams::Apart,
            },
            options,
        };
        Ok(server.call(&run, CALL_LIMIT).await?)
    }
}

/// The panes that a run has left, by what people call them; none when they cannot be listed.
pub(super) async fn kept_panes(
    caller: &Caller,
    server: &Arc<Remote>,
    run: &Orchestration,
) -> Named {
    if caller.json || run.cleanup && run.status.is_final() {
        return Named::default();
    }
    let session = run.context.session_id.into();
    let listed = Named::of(server, Some(session), CALL_LIMIT).await;
    listed.unwrap_or_default()
}

/// SIGINT and SIGTERM, kept until somebody asks.
struct Interrupts {
    int: Signal,
    term: Signal,
}

impl Interrupts {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
        })
    }

    /// Cancel safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}

/// Waits until the server has begun it, and says whether there was an interrupt meanwhile. The second one leaves.
async fn begun(
    starting: impl Future<Output = anyhow::Result<Orchestration>>,
    interrupts: &mut Interrupts,
) -> anyhow::Result<(Orchestration, bool)> {
    tokio::pin!(starting);
    let mut early = false;
    loop {
        tokio::select! {
            started = &mut starting => return Ok((started?, early)),
            () = interrupts.next() => {
                if early {
                    note("fugue: left before the server has said that it has begun; `fugue orchestrations` shows what runs");
                    std::process::exit(i32::from(INTERRUPTED));
                }
                early = true;
                note("cancelling as soon as the server answers; once more leaves at once");
            }
        }
    }
}

fn cancel_later(server: &Arc<Remote>, id: OrchestrationUuid) -> Cancelling {
    tokio::spawn(cancel(Arc::clone(server), id))
}

/// Shows every change until the end. The first interrupt cancels the job and waits for its end,
/// the second leaves at once. Says whether there was one.
async fn follow(
    server: &Arc<Remote>,
    mut state: Orchestration,
    progress: &mut Progress,
    interrupts: &mut Interrupts,
    mut cancelling: Option<Cancelling>,
) -> anyhow::Result<(Orchestration, bool)> {
    let mut again = Again::default();
    let mut ticks = tokio::time::interval(TICK);
    while !state.status.is_final() {
        let poll = poll(server, state.orchestration_id, state.version, POLL);
        tokio::pin!(poll);
        let change = loop {
            tokio::select! {
                change = &mut poll => break change,
                _ = ticks.tick() => progress.tick(),
                () = interrupts.next() => {
                    if let Some(cancelling) = &mut cancelling {
                        let answer = tokio::time::timeout(SEND_LIMIT, cancelling).await;
                        leave(&state, matches!(answer, Ok(Ok(Ok(_)))));
                    }
                    progress.say("cancelling; once more leaves at once");
                    cancelling = Some(cancel_later(server, state.orchestration_id));
                }
            }
        };
        match change {
            Ok(changed) => {
                state = changed;
                progress.show(&state);
                again = Again::default();
            }
            // A server that is restarted in between is asked again: a look changes nothing.
            Err(error) => match (again.after(server, error).await, &mut cancelling) {
                (Ok(()), _) => {}
                (Err(error), None) => return Err(error.into()),
                // A server that hangs may still take the cancel.
                (Err(_), Some(cancelling)) => {
                    let ended = cancelled(&state, cancelling, interrupts).await;
                    return Ok((ended.unwrap_or_else(|why| unanswered(&state, &why)), true));
                }
            },
        }
    }
    let interrupted = cancelling.is_some();
    if let Some(mut cancelling) = cancelling {
        // It may have ended by itself in the meantime; its state is known anyway.
        let _ = cancelled(&state, &mut cancelling, interrupts).await;
    }
    Ok((state, interrupted))
}

/// A cancel on its way, with the state at the end.
type Cancelling = tokio::task::JoinHandle<Result<Orchestration, Error>>;

/// Waits for the answer to a cancel; a second interrupt leaves.
async fn cancelled(
    state: &Orchestration,
    cancelling: &mut Cancelling,
    interrupts: &mut Interrupts,
) -> Result<Orchestration, Error> {
    tokio::select! {
        answer = &mut *cancelling => answer.unwrap_or_else(|error| {
            Err(Error::new(ErrorCode::Internal, format!("the cancel failed: {error}")))
        }),
        () = interrupts.next() => leave(state, false),
    }
}

/// Its state when it has changed since `version`, or after `limit` in any case.
pub(crate) async fn poll(
    server: &Remote,
    orchestration_id: OrchestrationUuid,
    version: u64,
    limit: Duration,
) -> Result<Orchestration, Error> {
    let get = GetOrchestration {
        orchestration_id,
        after_version: Some(version),
        wait: false,
        timeout_ms: millis(limit),
    };
    server.call(&get, limit + MARGIN).await
}

/// Asks again when the server is lost: whether it had heard it nobody knows, and what is cancelled stays so.
async fn cancel(
    server: Arc<Remote>,
    orchestration_id: OrchestrationUuid,
) -> Result<Orchestration, Error> {
    let mut again = Again::default();
    loop {
        let order = CancelOrchestration { orchestration_id };
        match server.call(&order, CANCEL_LIMIT).await {
            Ok(cancelled) => return Ok(cancelled),
            Err(error) => again.after(&server, error).await?,
        }
    }
}

/// Its number, or its id from an older server.
fn shown(state: &Orchestration) -> String {
    let number = state.number.map(|number| number.to_string());
    number.unwrap_or_else(|| state.orchestration_id.to_string())
}

fn leave(state: &Orchestration, answered: bool) -> ! {
    let then = match answered {
        true => "the server goes on ending its commands",
        false => {
            "the server has not said yet that it is cancelled; `fugue orchestrations` shows what runs"
        }
    };
    let left = shown(state);
    note(&format!("fugue: left orchestration {left}; {then}"));
    std::process::exit(i32::from(INTERRUPTED));
}

fn unanswered(state: &Orchestration, why: &Error) -> ! {
    note(&format!(
        "fugue: orchestration {} may go on, the cancel was not answered: {}; `fugue orchestrations` shows what runs",
        shown(state),
        why.message
    ));
    std::process::exit(i32::from(INTERRUPTED));
}

#[cfg(test)]
mod tests;
