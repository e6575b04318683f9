//! The plan of an orchestration: what it is asked to do, checked before anything is spawned. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use protocol::name::shown;
use protocol::reply::{OrchestrationKind, RunStatus};
use protocol::request::{RunLayout, RunOptions, RunParallel, RunPipeline, RunStreams};
use protocol::{Error, ErrorCode, Size, Target, os_text};
use serde::{Deserialize, Serialize};

use crate::origin::Origin;
use crate::session::change::checked_variable;

/// Commands of one orchestration at most.
pub const MAX_COMMANDS: usize = 256;

/// Lines of each command's output in the result at most.
pub const MAX_OUTPUT_LINES: u32 = 1_000;

/// Longest time limit.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Time limits for those who give none.
const PARALLEL_TIMEOUT: Duration = Duration::from_secs(300);
const PIPELINE_TIMEOUT: Duration = Duration::from_secs(600);

/// Longest name of a command or step, in characters.
const NAME_CHARS: usize = 64;

/// Longest command line in bytes, and longest script of a pipeline: both become one argument, and the kernel takes
/// no argument of 128 KiB. Source: execve(2), MAX_ARG_STRLEN.
pub const COMMAND_BYTES: usize = 120 * 1024;

/// Shells that a pipeline's script is written for.
const PIPELINE_SHELLS: [&str; 9] = [
    "sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "yash",
];

/// One command or step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCommand {
    /// Unique within its orchestration.
    pub name: String,
    /// The command line.
    pub line: String,
    /// Where it starts, when that is not the orchestration's directory.
    pub cwd: Option<String>,
    /// Its own variables.
    pub env: BTreeMap<String, String>,
}

/// A request that passed every check that needs no file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Side by side or one after another.
    pub kind: OrchestrationKind,
    /// In the order in which they were given; never empty.
    pub commands: Vec<PlannedCommand>,
    /// Commands that may run at a time.
    pub max_parallel: usize,
    /// What follows a failed step is skipped.
    pub stop_on_error: bool,
    /// The session, when one was named.
    pub session: Option<Target>,
    /// Where the panes are.
    pub layout: RunLayout,
    /// The panes are closed at the end.
    pub cleanup: bool,
    /// For all commands together.
    pub timeout: Duration,
    /// Of each command's output.
    pub output_lines: usize,
    /// Of the output of a command that did not complete.
    #[serde(default)]
    pub failed_output_lines: usize,
    /// Of the panes in a session that is made for it.
    #[serde(default = "run_size")]
    pub size: Size,
    /// Where commands start that name no directory.
    pub cwd: Option<String>,
    /// The caller's environment.
    pub environment: Option<BTreeMap<String, String>>,
    /// Variables for all commands.
    pub env: BTreeMap<String, String>,
    /// The shell that runs the command lines.
    pub shell: Option<String>,
    /// The idempotency key of the request.
    #[serde(rename = "made_for")]
    pub key: Option<String>,
    /// Memory that each pane may use, in bytes.
    #[serde(default)]
    pub memory_max: Option<u64>,
    /// Whether the commands have a terminal.
    #[serde(default)]
    pub streams: RunStreams,
    /// By whom it was begun.
    #[serde(default)]
    pub origin: Origin,
}

fn run_size() -> Size {
    Size::RUN
}

impl Plan {
    /// Leaves out all variables, for a file that is not to hold them.
    pub fn forget_environment(&mut self) {
        self.environment = None;
        self.env.clear();
        for command in &mut self.commands {
            command.env.clear();
        }
    }

    /// A plan of commands side by side.
    ///
    /// # Errors
    /// `invalid_argument` with what is wrong.
    pub fn parallel(request: RunParallel) -> Result<Self, Error> {
        let RunParallel {
            commands,
            max_parallel,
            streams,
            options,
        } = request;
        if max_parallel == Some(0) {
            return Err(Error::invalid(
                "max_parallel is 0; at least one command must be able to run",
            ));
        }
        let given = commands
            .iter()
            .map(|c| (c.name.as_deref(), c.command.as_str()));
        let names = checked_names(given, "command", "task")?;
        let commands = names.into_iter().zip(commands).map(|(name, command)| {
            checked_env(&command.env)?;
            checked_path(command.cwd.as_deref())?;
            Ok(PlannedCommand {
                name,
                line: command.command,
                cwd: command.cwd,
                env: command.env,
            })
        });
        let commands = commands.collect::<Result<Vec<_>, Error>>()?;
        let all = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        let mut plan = Self::new(OrchestrationKind::Parallel, commands, options)?;
        plan.max_parallel = max_parallel.unwrap_or(all) as usize;
        plan.streams = streams;
        Ok(plan)
    }

    /// A plan of steps in one shell. Whether its script is short enough is told by who writes that.
    ///
    /// # Errors
    /// `invalid_argument` with what is wrong; `unsupported` for a shell that is no POSIX shell.
    pub fn pipeline(request: RunPipeline) -> Result<Self, Error> {
        let RunPipeline {
            steps,
            stop_on_error,
            options,
        } = request;
        let given = steps
            .iter()
            .map(|s| (s.name.as_deref(), s.command.as_str()));
        let names = checked_names(given, "step", "step")?;
        let commands = names
            .into_iter()
            .zip(steps)
            .map(|(name, step)| PlannedCommand {
                name,
                line: step.command,
                cwd: None,
                env: BTreeMap::new(),
            });
        let mut plan = Self::new(OrchestrationKind::Pipeline, commands.collect(), options)?;
        plan.stop_on_error = stop_on_error.unwrap_or(true);
        checked_shell(plan.shell())?;
        Ok(plan)
    }

    fn new(
        kind: OrchestrationKind,
        commands: Vec<PlannedCommand>,
        options: RunOptions,
    ) -> Result<Self, Error> {
        let parallel = kind == OrchestrationKind::Parallel;
        let usual = if parallel {
            PARALLEL_TIMEOUT
        } else {
            PIPELINE_TIMEOUT
        };
        let timeout = options.timeout_ms.map_or(usual, Duration::from_millis);
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            return Err(Error::invalid(format!(
                "timeout_ms is {}; it may be 1 to {}",
                timeout.as_millis(),
                MAX_TIMEOUT.as_millis()
            )));
        }
        let lines = options.output_lines.max(options.failed_output_lines);
        if lines > MAX_OUTPUT_LINES {
            return Err(Error::invalid(format!(
                "output_lines is {lines}; it may be 0 to {MAX_OUTPUT_LINES}"
            ))
            .hint("keep the panes (cleanup: false) and read them to get more"));
        }
        checked_env(&options.env)?;
        checked_path(options.cwd.as_deref())?;
        if let Some(shell) = &options.shell
            && (shell.trim().is_empty() || shell.contains('\0'))
        {
            return Err(Error::invalid("the shell's name is empty or has a NUL")
                .hint("omit it for bash, or sh where there is no bash"));
        }
        Ok(Self {
            kind,
            max_parallel: 1,
            streams: RunStreams::Terminal,
            stop_on_error: false,
            commands,
            session: options.session,
            layout: options.layout,
            cleanup: options.cleanup.unwrap_or(parallel),
            timeout,
            output_lines: options.output_lines as usize,
            failed_output_lines: lines as usize,
            size: options.size.unwrap_or(Size::RUN).checked()?,
            cwd: options.cwd,
            environment: options.environment,
            env: options.env,
            shell: options.shell,
            key: None,
            origin: Origin::default(),
            memory_max: options.memory_max,
        })
    }

    /// Panes that it needs: one a command, or one for all steps.
    #[must_use]
    pub fn jobs(&self) -> usize {
        match self.kind {
            OrchestrationKind::Parallel => self.commands.len(),
            OrchestrationKind::Pipeline => 1,
        }
    }

    /// The job that runs a command.
    #[must_use]
    pub fn job_of(&self, command: usize) -> usize {
        match self.kind {
            OrchestrationKind::Parallel => command,
            OrchestrationKind::Pipeline => 0,
        }
    }

    /// Lines of a command's output in the result.
    #[must_use]
    pub fn lines_of(&self, status: RunStatus) -> usize {
        match status == RunStatus::Completed {
            true => self.output_lines,
            false => self.failed_output_lines,
        }
    }

    /// True if any output is wanted.
    #[must_use]
    pub fn wants_output(&self) -> bool {
        self.output_lines.max(self.failed_output_lines) > 0
    }

    /// The shell's path or name.
    #[must_use]
    pub fn shell(&self) -> &str {
        self.shell.as_deref().unwrap_or("sh")
    }

    /// The name of that shell, without its directory.
    #[must_use]
    pub fn shell_name(&self) -> &str {
        self.shell().rsplit('/').next().unwrap_or("sh")
    }

    /// The text that people are shown instead of a pipeline's script: its steps.
    #[must_use]
    pub fn shown_as(&self) -> Option<String> {
        const SHOWN_BYTES: usize = 1024;
        let lines = self.commands.iter().map(|command| command.line.as_str());
        let mut shown = lines.collect::<Vec<_>>().join("; ");
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES));
        (self.kind == OrchestrationKind::Pipeline).then_some(shown)
    }

    /// Every directory it names.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        let own = self.commands.iter().filter_map(|c| c.cwd.as_deref());
        self.cwd.as_deref().into_iter().chain(own)
    }
}

/// Checks all command lines and names and gives the unnamed ones theirs.
fn checked_names<'a>(
    given: impl ExactSizeIterator<Item = (Option<&'a str>, &'a str)>,
    kind: &str,
    prefix: &str,
) -> Result<Vec<String>, Error> {
    let count = given.len();
    if count == 0 || count > MAX_COMMANDS {
        return Err(Error::invalid(format!(
            "{count} {kind}s were given; 1 to {MAX_COMMANDS} are possible"
        )));
    }
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(count);
    for (index, (name, line)) in given.enumerate() {
        checked_line(line, kind, index + 1)?;
        if let Some(name) = name {
            checked_name(name, kind, index + 1)?;
            if !taken.insert(name.to_owned()) {
                return Err(
                    Error::invalid(format!("two {kind}s are named {}", shown(name)))
                        .hint("give each its own name, or none"),
                );
            }
        }
        names.push(name.map(str::to_owned));
    }
    let mut next = count;
    let named = names.into_iter().enumerate().map(|(index, name)| {
        name.unwrap_or_else(|| {
            let mut generated = format!("{prefix}-{}", index + 1);
            // A given name took it: numbers that no position has are still free.
            while !taken.insert(generated.clone()) {
                next += 1;
                generated = format!("{prefix}-{next}");
            }
            generated
        })
    });
    Ok(named.collect())
}

fn checked_line(line: &str, kind: &str, number: usize) -> Result<(), Error> {
    if line.trim().is_empty() {
        return Err(Error::invalid(format!("{kind} {number} is empty")).hint("give a command line"));
    }
    if line.contains('\0') {
        return Err(Error::invalid(format!("{kind} {number} has a NUL byte")));
    }
    if line.len() > COMMAND_BYTES {
        return Err(Error::invalid(format!(
            "{kind} {number} has {} bytes; at most {COMMAND_BYTES} are possible",
            line.len()
        ))
        .hint("write it to a file and run that"));
    }
    Ok(())
}

fn checked_name(name: &str, kind: &str, number: usize) -> Result<(), Error> {
    let why = if name.trim().is_empty() {
        "it is empty"
    } else if name.chars().count() > NAME_CHARS {
        "it is too long"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "{} cannot be the name of {kind} {number}: {why}",
        shown(name)
    ))
    .hint(format!(
        "use 1 to {NAME_CHARS} printable characters, or omit it"
    )))
}

fn checked_env(env: &BTreeMap<String, String>) -> Result<(), Error> {
    for (name, value) in env {
        checked_variable(name)?;
        if !os_text::is_possible(value) {
            return Err(Error::invalid(format!(
                "the variable {} has a NUL in its value",
                shown(name)
            )));
        }
    }
    Ok(())
}

fn checked_path(cwd: Option<&str>) -> Result<(), Error> {
    match cwd {
        Some(cwd) if !Path::new(&os_text::decoded(cwd)).is_absolute() => {
            Err(Error::invalid(format!(
                "the working directory {} is not an absolute path",
                shown(cwd)
            )))
        }
        Some(_) | None => Ok(()),
    }
}

fn checked_shell(shell: &str) -> Result<(), Error> {
    let base = shell.rsplit('/').next().unwrap_or_default();
    if PIPELINE_SHELLS.contains(&base) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        format!(
            "{} cannot run a pipeline: its steps share one POSIX shell",
            shown(shell)
        ),
    )
    .hint("omit the shell, and call the other one in a step, as in: fish -c '…'")
    .candidates(PIPELINE_SHELLS.map(str::to_owned)))
}

#[cfg(test)]
mod tests;
