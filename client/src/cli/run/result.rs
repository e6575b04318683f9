//! A run's result: the table, the outputs, the exit status.

use std::fmt::Display;

use protocol::reply::{CommandResult, Orchestration, OrchestrationKind, RunStatus, signal_name};

use crate::cli::failure::{INTERRUPTED, TIMED_OUT};
use crate::cli::output::table;
use crate::cli::units::{COMMAND_CHARS, brief, span};

/// The table, and the ends of the outputs that were asked for.
pub(super) fn text(run: &Orchestration, shown: impl Fn(&dyn Display) -> String) -> String {
    let kept = !run.cleanup;
    let mut header = vec!["NAME", "STATUS", "EXIT", "DURATION", "COMMAND"];
    if kept {
        header.push("PANE");
    }
    let rows = run.commands.iter().map(|command| {
        let mut row = vec![
            command.name.clone(),
            command.told(),
            exit(command),
            command.duration_ms.map(span).unwrap_or_default(),
            brief(&command.command, COMMAND_CHARS),
        ];
        if kept {
            row.push(command.pane_id.map(|id| shown(&id)).unwrap_or_default());
        }
        row
    });
    let mut text = table(&header, rows.collect());
    for command in &run.commands {
        let output = (&command.output, command.omitted_bytes);
        let stderr = (&command.stderr, command.stderr_omitted_bytes);
        for (what, (shown, omitted)) in [("", output), (" stderr", stderr)] {
            let told = |shown: &&str| !shown.is_empty() || omitted > 0;
            let Some(shown) = shown.as_deref().filter(told) else {
                continue;
            };
            let cut = match omitted {
                0 => String::new(),
                bytes => format!(" ({bytes} bytes or more before it are left out)"),
            };
            text.push_str(&format!(
                "\n== {}{what}{cut} ==\n{}\n",
                command.name,
                shown.trim_end_matches('\n')
            ));
        }
    }
    if !run.left_running.is_empty() {
        let left = run.left_running.join(", ");
        let told = match run.cleanup {
            true => "left running, and ended with its pane",
            false => "left running in its pane",
        };
        text.push_str(&format!("\n{told}: {left}\n"));
    }
    let took = span(run.duration_ms);
    text.push_str(&format!("\n{} in {took}\n", run.status));
    text
}

/// The exit code, the signal, or why there is neither.
fn exit(command: &CommandResult) -> String {
    if command.status == RunStatus::Skipped {
        return String::new();
    }
    match (command.exit_code, command.signal, &command.error) {
        (Some(code), _, _) => code.to_string(),
        (None, Some(signal), _) => signal_name(signal).to_owned(),
        (None, None, Some(error)) => error.clone(),
        (None, None, None) => String::new(),
    }
}

/// A command's end in words: `completed`, `failed exit 3`, `failed SIGKILL`.
pub(super) fn outcome(command: &CommandResult) -> String {
    if command.status == RunStatus::Skipped {
        return command.status.to_string();
    }
    let how = match (command.exit_code, command.signal, &command.error) {
        (Some(0), _, _) => String::new(),
        (Some(code), _, _) => format!(" exit {code}"),
        (None, Some(signal), _) => format!(" {}", signal_name(signal)),
        (None, None, Some(error)) => format!(" ({error})"),
        (None, None, None) => String::new(),
    };
    format!("{}{how}", command.told())
}

/// The hint of where to look when panes were kept.
pub(super) fn hint(run: &Orchestration, shown: impl Fn(&dyn Display) -> String) -> Option<String> {
    if run.cleanup {
        return None;
    }
    match (run.kind, &run.pane_id) {
        (OrchestrationKind::Pipeline, Some(pane)) => {
            let pane = shown(pane);
            Some(format!(
                "its pane is kept: `fugue read {pane}` shows it, `fugue close {pane}` ends it"
            ))
        }
        (OrchestrationKind::Pipeline, None) => None,
        (OrchestrationKind::Parallel, _) => Some(format!(
            "the panes are kept in session {}: `fugue read PANE` shows one",
            shown(&run.context.session_name)
        )),
    }
}

/// The run's exit status: the worst of its commands, 124 for a time-out, 130 for a cancel.
pub(super) fn worst(run: &Orchestration) -> u8 {
    match run.status {
        RunStatus::Timeout => TIMED_OUT,
        RunStatus::Cancelled => INTERRUPTED,
        RunStatus::Completed => 0,
        // Whatever the commands say, what has not completed is not a success.
        RunStatus::Pending
        | RunStatus::Running
        | RunStatus::Partial
        | RunStatus::Failed
        | RunStatus::Skipped => run.commands.iter().map(code).max().unwrap_or(0).max(1),
    }
}

fn code(command: &CommandResult) -> u8 {
    /// The program was never executed, or nobody knows how it ended.
    const UNKNOWN: i32 = 125;
    match command.status {
        RunStatus::Completed | RunStatus::Skipped | RunStatus::Pending => 0,
        RunStatus::Timeout => TIMED_OUT,
        RunStatus::Cancelled => INTERRUPTED,
        RunStatus::Failed | RunStatus::Running | RunStatus::Partial => {
            let signal = command.signal.map(|signal| 128 + signal);
            let code = command.exit_code.or(signal).unwrap_or(UNKNOWN);
            u8::try_from(code).unwrap_or(1).max(1)
        }
    }
}
