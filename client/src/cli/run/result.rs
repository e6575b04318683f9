//! A run's result: the table, the outputs, the exit status.

use protocol::PaneUuid;
use protocol::reply::{CommandResult, Orchestration, OrchestrationKind, RunStatus};

use crate::cli::failure::{INTERRUPTED, TIMED_OUT};
use crate::cli::output::printable;
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::table::{Cell, Column, table};
use crate::cli::states;
use crate::cli::units::span;

/// So many lines of an output are probably the last ones of more.
const MANY_LINES: usize = 20;

const COLUMNS: [Column; 4] = [
    Column::new("NAME").name(8),
    Column::new("EXIT").cut_to(20),
    Column::new("DURATION"),
    Column::new("COMMAND").cut_to(12),
];

/// The table, then why something has no exit status, the ends of the outputs that were asked for, and the sum. `shown` is what
/// people call a pane.
pub(in crate::cli) fn text(
    run: &Orchestration,
    style: Style,
    shown: impl Fn(PaneUuid) -> String,
) -> String {
    let has_panes = !run.cleanup || !run.status.is_final();
    let mut columns = COLUMNS.to_vec();
    if has_panes {
        columns.push(Column::new("PANE"));
    }
    let rows = run.commands.iter().map(|command| {
        let state = states::command(command);
        let mut row = vec![
            command.name.clone().into(),
            Cell::toned(state.words, state.tone),
            took(command, 0).into(),
            command.command.replace(['\n', '\t'], " ").into(),
        ];
        if has_panes {
            row.push(command.pane_id.map(&shown).unwrap_or_default().into());
        }
        row
    });
    let mut text = table(&columns, rows.collect(), style);
    text.push_str(&messages(run));
    run.commands
        .iter()
        .for_each(|command| outputs(command, &mut text));
    if !run.left_running.is_empty() {
        let left = run.left_running.join(", ");
        let told = match run.cleanup {
            true => "left running, and ended with its pane",
            false => "left running in its pane",
        };
        text.push_str(&format!("\n{told}: {left}\n"));
    }
    let took = span(run.duration_ms);
    let took = match run.status.is_final() {
        true => format!("in {took}"),
        false => format!("after {took}"),
    };
    text.push_str(&format!(
        "\n{} {took}\n",
        style.paint(&sum(run), tone(run.status))
    ));
    text
}

/// The time that a command took, or takes when `later_ms` have passed since that was told; nothing before it has begun.
pub(super) fn took(command: &CommandResult, later_ms: u64) -> String {
    let since = match command.status {
        RunStatus::Running => later_ms,
        RunStatus::Pending
        | RunStatus::Completed
        | RunStatus::Partial
        | RunStatus::Failed
        | RunStatus::Timeout
        | RunStatus::Cancelled
        | RunStatus::Skipped => 0,
    };
    let ms = command.duration_ms.map(|told| told.saturating_add(since));
    ms.map(span).unwrap_or_default()
}

/// A line for each command that says why it was not started or why its end is not known.
fn messages(run: &Orchestration) -> String {
    let said = run.commands.iter().filter_map(|command| {
        let why = printable(command.error.clone()?);
        Some(format!("{}: {why}\n", printable(command.name.clone())))
    });
    let said: String = said.collect();
    match said.is_empty() {
        true => said,
        false => format!("\n{said}"),
    }
}

/// Adds what there is of a command's output and standard error.
fn outputs(command: &CommandResult, text: &mut String) {
    let output = (&command.output, command.omitted_bytes);
    let stderr = (&command.stderr, command.stderr_omitted_bytes);
    for (what, (shown, omitted)) in [("", output), (" stderr", stderr)] {
        let told = |shown: &&str| !shown.is_empty() || omitted > 0;
        let Some(shown) = shown.as_deref().filter(told) else {
            continue;
        };
        let shown = shown.trim_end_matches('\n');
        let lines = shown.lines().count();
        let cut = match omitted {
            0 if lines >= MANY_LINES => format!(" (last {lines} lines)"),
            0 => String::new(),
            bytes => format!(" ({bytes} bytes or more before it are left out)"),
        };
        let name = &command.name;
        text.push_str(&format!("\n== {name}{what}{cut} ==\n{shown}\n"));
    }
}

/// The sum: `1 of 3 passed, 2 failed`.
pub(crate) fn sum(run: &Orchestration) -> String {
    let Parts { passed, bad, open } = Parts::of(run);
    joined([vec![passed], bad, open], run)
}

/// The sum for where its end may be cut: `2 failed, 1 of 3 passed`.
pub(crate) fn sum_failed_first(run: &Orchestration) -> String {
    let Parts { passed, bad, open } = Parts::of(run);
    joined([bad, vec![passed], open], run)
}

/// The parts of a sum.
struct Parts {
    passed: String,
    /// Those that ended otherwise.
    bad: Vec<String>,
    /// Those that have not ended, or never began.
    open: Vec<String>,
}

impl Parts {
    fn of(run: &Orchestration) -> Self {
        let count =
            |is_it: fn(&CommandResult) -> bool| run.commands.iter().filter(|c| is_it(c)).count();
        let bad = [
            ("failed", count(|c| has_failed(c) && !c.unknown)),
            ("unknown", count(|c| has_failed(c) && c.unknown)),
            ("timed out", count(|c| c.status == RunStatus::Timeout)),
            ("cancelled", count(|c| c.status == RunStatus::Cancelled)),
        ];
        let open = [
            ("skipped", count(|c| c.status == RunStatus::Skipped)),
            ("running", count(|c| c.status == RunStatus::Running)),
            ("waiting", count(|c| c.status == RunStatus::Pending)),
        ];
        let passed = count(|c| c.status == RunStatus::Completed);
        let all = run.commands.len();
        Self {
            passed: format!("{passed} of {all} passed"),
            bad: counted(&bad),
            open: counted(&open),
        }
    }
}

fn counted(parts: &[(&str, usize)]) -> Vec<String> {
    let some = parts.iter().filter(|(_, count)| *count > 0);
    some.map(|(what, count)| format!("{count} {what}"))
        .collect()
}

fn joined(parts: [Vec<String>; 3], run: &Orchestration) -> String {
    let sum = parts.concat().join(", ");
    let is_passed = |c: &CommandResult| c.status == RunStatus::Completed;
    let status = run.status;
    // The whole may know more than its parts say.
    match status != RunStatus::Completed && run.commands.iter().all(is_passed) {
        true => format!("{sum} ({status})"),
        false => sum,
    }
}

fn has_failed(command: &CommandResult) -> bool {
    matches!(command.status, RunStatus::Failed | RunStatus::Partial)
}

/// The colour of the sum.
pub(in crate::cli) fn tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Completed => Tone::Good,
        RunStatus::Partial | RunStatus::Failed | RunStatus::Timeout => Tone::Bad,
        RunStatus::Cancelled | RunStatus::Skipped => Tone::Warning,
        RunStatus::Pending | RunStatus::Running => Tone::Plain,
    }
}

/// The hint of where to look when panes were kept.
pub(in crate::cli) fn hint(
    run: &Orchestration,
    session: &str,
    shown: impl Fn(PaneUuid) -> String,
) -> Option<String> {
    if run.cleanup {
        return None;
    }
    match (run.kind, run.pane_id) {
        (OrchestrationKind::Pipeline, Some(pane)) => {
            let pane = shown(pane);
            Some(format!(
                "its pane is kept: `fugue read {pane}` shows it, `fugue close {pane}` ends it"
            ))
        }
        (OrchestrationKind::Pipeline, None) => None,
        // A session that the run has made has its id for a name, which is for no one to type.
        (OrchestrationKind::Parallel, _) if run.session_created => {
            let pane = shown(run.commands.iter().find_map(|command| command.pane_id)?);
            Some(format!(
                "the panes are kept: `fugue read {pane}` shows one, `fugue close {pane}` ends it"
            ))
        }
        (OrchestrationKind::Parallel, _) => Some(format!(
            "the panes are kept in session {session}: `fugue read PANE` shows one"
        )),
    }
}

/// The run's exit status: the worst of its commands, 124 for a time-out, 130 for a cancel.
pub(in crate::cli) fn worst(run: &Orchestration) -> u8 {
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
