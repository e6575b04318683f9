//! The script that runs a pipeline's steps in one shell, and the reports that come of it. Pure.
//!
//! Each step is one quoted argument of `eval`, so nothing in a step can reach the lines around it: not an open quote, a
//! here-document, a comment or a syntax error. `command` keeps such an error from ending the shell, as POSIX else wants
//! for `eval`. In bash a step of plain commands stands in the script as it is: `eval` would show in its trace.
//! The socket is closed during a step (`9>&-`), so nothing that it starts has it, and what it leaves running has not.
//! No loop, and no variable that lasts: `break`, `set --`, `shift`, `IFS` or `unset` in a step have nothing to spoil.
//! What belongs to the script and not to a step is traced into nothing (`2>/dev/null`).
//! A step that ends the shell (`exit`, `exec`, `set -e`, a signal) leaves no report: the shell's own wait status is
//! its status then.
//!
//! A step can take the socket from its shell (`exec 10>&-`), or the words that report. Then the shell ends with
//! [`UNREPORTED`] instead of going on with steps that nobody would hear of.
//!
//! After each report the shell waits for an answer; it is what marks the end of the step's output on the terminal. Nobody else knows it
//! beforehand, so no step can mark another one's.

mod plain;

use std::fmt::Write as _;

use protocol::Error;
use terminal::screen::MARK_TITLE;

use keeper::STATUS_PIPE_FD;
use model::orchestration::plan::{COMMAND_BYTES, Plan};

/// The status with which the shell ends when it cannot report how a step ended: one that hardly any program has.
pub(super) const UNREPORTED: i32 = 213;

/// More of one line than any report has: it is not a report.
const LINE_BYTES: usize = 256;

/// Room for the command at the end of the script.
const LEAVE_BYTES: usize = 4096;

/// The plan, when its script can be an argument.
///
/// # Errors
/// `invalid_argument` when it is too long.
pub(super) fn checked(plan: Plan) -> Result<Plan, Error> {
    let bytes = source(&plan, &[]).len() + LEAVE_BYTES;
    if bytes > COMMAND_BYTES {
        return Err(Error::invalid(format!(
            "the steps have {bytes} bytes together; at most {COMMAND_BYTES} are possible"
        ))
        .hint("write long steps to files and run those"));
    }
    Ok(plan)
}

/// The shell script for the plan's steps. `leave` is the command that lets what runs in the background outlive the shell.
#[must_use]
pub(super) fn source(plan: &Plan, leave: &[String]) -> String {
    let fd = STATUS_PIPE_FD;
    let read = format!("IFS= \\command read -r __fugue_mark <&{fd} || :");
    let mut script = String::from("__fugue_begin() {\n");
    // The trace goes on within the step.
    script.push_str("case $- in\n*x*) __fugue_trace='set -x\n' ;;\n*) __fugue_trace= ;;\nesac\n");
    script.push_str("\\command set +x\nreturn \"$1\"\n}\n__fugue_end() {\n");
    // Without reports nothing further is begun: nobody would know of it.
    let mute = format!("\\exit {UNREPORTED}");
    let _ = writeln!(
        script,
        "__fugue_mark=unread\n\\command echo \"$1 $2\" >&{fd} || {mute}\n{read}\nif [ \"$__fugue_mark\" = unread ]; then {mute}; fi"
    );
    if plan.wants_output() {
        // Not shown.
        let _ = writeln!(
            script,
            "\\command printf '\\033\\\\\\033]777;notify;{MARK_TITLE};%s\\033\\\\' \"$__fugue_mark\" >/dev/tty || :"
        );
    }
    script.push_str("\\command unset __fugue_mark __fugue_trace\n");
    // The way out is no step's.
    let leave: String = leave.iter().map(|word| quoted(word) + " ").collect();
    let _ = match plan.stop_on_error {
        true => writeln!(script, "if [ \"$2${{3-}}\" != 0 ]; then"),
        false => writeln!(script, "if [ -n \"${{3-}}\" ]; then"),
    };
    let _ = writeln!(
        script,
        "\\command set +x\n\\command {leave}</dev/null >/dev/null || :\nfi"
    );
    let _ = writeln!(
        script,
        "return \"$2\"\n}}\n{{ \\command echo begin >&{fd}; {read}; }} 2>/dev/null"
    );
    if plan.shell_name() == "bash" {
        script.push_str("\\readonly -f __fugue_begin __fugue_end\n");
    }
    let out = match plan.stop_on_error {
        true => " || \\exit \"$?\"",
        false => "",
    };
    let is_bash = plan.shell_name() == "bash";
    for (index, command) in plan.commands.iter().enumerate() {
        // Behind an error within `eval`, bash needs an empty line before it knows a brace again.
        let line = &command.line;
        let _ = match is_bash && plain::is_plain(line) {
            true => writeln!(script, "{{ {line}\n\n}} {fd}>&-"),
            false => writeln!(
                script,
                "{{ __fugue_begin \"$?\"; }} 2>/dev/null\n\\command \\eval \"$__fugue_trace\"{} {fd}>&-\n",
                quoted(line)
            ),
        };
        let last = match index + 1 == plan.commands.len() {
            true => " last",
            false => "",
        };
        let _ = writeln!(
            script,
            "{{ __fugue_end {index} \"$?\"{last}; }} 2>/dev/null{out}"
        );
    }
    script
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', r"'\''"))
}

/// A step's end as its shell tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// Which step, from 0.
    pub(super) step: usize,
    /// Its exit code.
    pub(super) code: i32,
    /// What the end of its output is marked with.
    pub(super) mark: String,
}

/// The meaning of a line of the status pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The step that has its turn has ended.
    Ended(Report),
    /// A step that has ended already has ended again; or an earlier daemon has read the same report, which has the same mark then.
    Again(Report),
    /// A step has ended that was not begun.
    NotBegun(usize),
}

/// Reads reports from the bytes of the status pipe. Lines that are none are skipped.
#[derive(Debug)]
pub(super) struct Reports {
    word: String,
    next: usize,
    /// The mark of the report to come.
    mark: Option<(usize, String)>,
    line: Vec<u8>,
}

impl Reports {
    /// The reports in lines that begin with this word, when the steps before `next` are known.
    #[must_use]
    pub(super) fn from_step(word: String, next: usize) -> Self {
        Self {
            word,
            next,
            mark: None,
            line: Vec::new(),
        }
    }

    /// Takes in bytes and returns what they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Told> {
        let mut told = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                told.extend(self.line_ended());
            } else if self.line.len() <= LINE_BYTES {
                self.line.push(byte);
            }
        }
        told
    }

    fn line_ended(&mut self) -> Option<Told> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).ok()?;
        let rest = line.strip_prefix(self.word.as_str())?;
        let (kind, rest) = rest.split_once(' ')?;
        let (step, value) = rest.split_once(' ')?;
        let step: usize = step.parse().ok()?;
        match kind {
            "-mark" => {
                self.mark = Some((step, value.to_owned()));
                None
            }
            "" => self.report(step, value.parse::<u8>().ok()?),
            _ => None,
        }
    }

    fn report(&mut self, step: usize, code: u8) -> Option<Told> {
        let mark = self.mark.take().filter(|(of, _)| *of == step);
        // The shell of an older keeper marks with the word and the number.
        let mark = mark.map_or_else(|| format!("{}-{step}", self.word), |(_, mark)| mark);
        let code = code.into();
        let report = Report { step, code, mark };
        Some(match step.cmp(&self.next) {
            std::cmp::Ordering::Less => Told::Again(report),
            std::cmp::Ordering::Greater => Told::NotBegun(step),
            std::cmp::Ordering::Equal => {
                self.next += 1;
                Told::Ended(report)
            }
        })
    }
}

#[cfg(test)]
mod tests;
