//! A run's result: the table, the outputs, the exit status.

use protocol::PaneUuid;
use protocol::reply::{CommandResult, Orchestration, OrchestrationKind, RunStatus};

use crate::cli::failure::{INTERRUPTED, TIMED_OUT};
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::table::{Cell, Column, table};
use crate::cli::states;
use crate::cli::units::{count, span};

const COLUMNS: [Column; 4] = [
    Column::new("NAME").name(8),
    Column::new("STATUS").cut_to(20),
    Column::new("DURATION"),
    Column::new("COMMAND").cut_to(12),
];

/// The table, and the ends of the outputs that were asked for. `shown` is what people call a pane.
pub(in crate::cli) fn text(
    run: &Orchestration,
    style: Style,
    shown: impl Fn(PaneUuid) -> String,
) -> String {
    let kept = !run.cleanup;
    let mut columns = COLUMNS.to_vec();
    if kept {
        columns.push(Column::new("PANE"));
    }
    let rows = run.commands.iter().map(|command| {
        let state = states::command(command);
        let mut row = vec![
            command.name.clone().into(),
            Cell::toned(state.words, state.tone),
            command.duration_ms.map(span).unwrap_or_default().into(),
            command.command.replace(['\n', '\t'], " ").into(),
        ];
        if kept {
            row.push(command.pane_id.map(&shown).unwrap_or_default().into());
        }
        row
    });
    let mut text = table(&columns, rows.collect(), style);
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
    text.push_str(&format!("\n{}\n", summary(run, style)));
    text
}

/// The end of the run in a line: `2 of 3 ok in 4.2s`.
fn summary(run: &Orchestration, style: Style) -> String {
    let ok = |command: &&CommandResult| command.status == RunStatus::Completed;
    let (all, well) = (run.commands.len(), run.commands.iter().filter(ok).count());
    let (words, tone) = match run.status {
        RunStatus::Completed => ("ok".to_owned(), Tone::Good),
        RunStatus::Timeout => (format!("timed out, {well} of {all} ok"), Tone::Bad),
        RunStatus::Cancelled => (format!("cancelled, {well} of {all} ok"), Tone::Warning),
        RunStatus::Partial | RunStatus::Failed | RunStatus::Skipped => {
            (format!("failed, {well} of {all} ok"), Tone::Bad)
        }
        RunStatus::Pending | RunStatus::Running => {
            (format!("{} under way", count(all, "command")), Tone::Plain)
        }
    };
    let took = span(run.duration_ms);
    format!("{} in {took}", style.paint(&words, tone))
}

/// The hint of where to look when panes were kept.
pub(super) fn hint(
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
        (OrchestrationKind::Parallel, _) => Some(format!(
            "the panes are kept in session {session}: `fugue read PANE` shows one"
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
