//! The script that runs a pipeline's steps in one shell, and the reports it writes to the status pipe. Pure.
//!
//! Each step is one quoted argument of `eval`, so nothing in a step can reach the lines around it: not an open quote, a
//! here-document, a comment or a syntax error. `command` keeps such an error from ending the shell, as POSIX else wants
//! for `eval`. The pipe is closed during a step (`9>&-`), so neither it nor what it leaves running can hold or write to it.
//! No loop and no variables: `break`, `set --`, `shift`, `IFS` or `unset` in a step have nothing to spoil.
//! A step that ends the shell (`exit`, `exec`, `set -e`, a signal) leaves no report: the shell's own wait status is
//! its status then.

use std::fmt::Write as _;

use super::plan::Plan;
use crate::keeper::STATUS_PIPE_FD;
use crate::pane::screen::MARK_TITLE;

/// Characters of the random word that begins each report.
pub(super) const NONCE_CHARS: usize = 32;

/// More of one line than any report has: it is not a report.
const LINE_BYTES: usize = 256;

/// The shell script for the plan's steps.
#[must_use]
pub(super) fn source(plan: &Plan, nonce: &str) -> String {
    let fd = STATUS_PIPE_FD;
    let mut script = String::from("__fugue_step() {\n");
    if plan.output_lines > 0 {
        // Tells the terminal where the step's output ends; it is not shown.
        let _ = writeln!(
            script,
            "\\command printf '\\033\\\\\\033]777;notify;{MARK_TITLE};{nonce}-%s\\033\\\\' \"$1\" >/dev/tty 2>/dev/null || :"
        );
    }
    // A line of its own, whatever a step may have written.
    let _ = writeln!(
        script,
        "\\command printf '\\n{nonce} %s %s\\n' \"$1\" \"$2\" >&{fd}"
    );
    if plan.stop_on_error {
        script.push_str("[ \"$2\" = 0 ] || exit \"$2\"\n");
    }
    script.push_str("return \"$2\"\n}\n");
    for (index, command) in plan.commands.iter().enumerate() {
        let quoted = quoted(&command.line);
        let _ = writeln!(
            script,
            "\\command \\eval {quoted} {fd}>&-\n\\__fugue_step {index} \"$?\""
        );
    }
    script
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', r"'\''"))
}

/// A step's end as its shell tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// Which step, from 0.
    pub(super) step: usize,
    /// Its exit code.
    pub(super) code: i32,
}

/// Reads reports from the bytes of the status pipe. What is not one, or not the next one, is skipped.
#[derive(Debug)]
pub(super) struct Reports {
    nonce: String,
    next: usize,
    line: Vec<u8>,
}

impl Reports {
    /// The reports of a script with this nonce.
    #[must_use]
    pub(super) fn new(nonce: String) -> Self {
        Self {
            nonce,
            next: 0,
            line: Vec::new(),
        }
    }

    /// As [`Self::new`], when the steps before `next` are known.
    #[must_use]
    pub(super) fn from_step(nonce: String, next: usize) -> Self {
        Self {
            next,
            ..Self::new(nonce)
        }
    }

    /// Takes in bytes and returns the reports that they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Report> {
        let mut reports = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                reports.extend(self.line_ended());
            } else if self.line.len() <= LINE_BYTES {
                self.line.push(byte);
            }
        }
        reports
    }

    fn line_ended(&mut self) -> Option<Report> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).ok()?;
        let mut words = line
            .strip_prefix(self.nonce.as_str())?
            .strip_prefix(' ')?
            .split(' ');
        let step: usize = words.next()?.parse().ok()?;
        let code: u8 = words.next()?.parse().ok()?;
        if step != self.next || words.next().is_some() {
            return None;
        }
        self.next += 1;
        Some(Report {
            step,
            code: code.into(),
        })
    }
}

#[cfg(test)]
mod tests;
