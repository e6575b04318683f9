//! States of programs and of runs, in few words and with their colour.

use protocol::reply::signal_name;
use protocol::reply::{
    CommandResult, ExitStatus, PaneStatus, ProgramState, RunStatus, Unreachable,
};

use super::output::style::Tone;
use super::units::{count, rough};

/// A state in words, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) words: String,
    pub(crate) tone: Tone,
}

impl State {
    fn new(words: impl Into<String>, tone: Tone) -> Self {
        Self {
            words: words.into(),
            tone,
        }
    }
}

/// A program's state: `ok`, `exit 7`, `SIGKILL`, `running 3m`.
pub(crate) fn program(status: &PaneStatus) -> State {
    let mut state = process(status);
    if let Some(told) = &status.state {
        state.words = format!("{}, {told}", state.words);
        let calls = matches!(told.value, ProgramState::NeedsInput | ProgramState::Failed);
        if calls && state.tone == Tone::Good {
            state.tone = Tone::Warning;
        }
    }
    state
}

fn process(status: &PaneStatus) -> State {
    if let Some(away) = &status.unreachable {
        return unreachable(away);
    }
    let mut state = match &status.exit {
        Some(exit) if status.restarting => {
            let words = format!("restarting after {}", self::exit(exit).words);
            State::new(words, Tone::Warning)
        }
        Some(exit) => self::exit(exit),
        None => State::new(format!("running {}", rough(status.duration_ms)), Tone::Good),
    };
    if status.restarts > 0 && !status.restarting {
        let again = count(status.restarts as usize, "restart");
        state.words = format!("{}, {again}", state.words);
    }
    state
}

fn unreachable(away: &Unreachable) -> State {
    let program = match away.program_lives {
        true => "its program lives",
        false => "nothing is known of its program",
    };
    let words = format!("unreachable: {}; {program}", away.reason);
    State::new(words, Tone::Warning)
}

/// A program's end.
pub(crate) fn exit(exit: &ExitStatus) -> State {
    match exit {
        ExitStatus::Exited { code } => of_code(*code),
        ExitStatus::Signaled {
            signal,
            core_dumped,
        } => {
            let core = if *core_dumped { ", core dumped" } else { "" };
            State::new(format!("{}{core}", signal_words(*signal)), Tone::Bad)
        }
        ExitStatus::OutOfMemory { .. } => State::new("out of memory", Tone::Bad),
        ExitStatus::SpawnFailed { reason } => {
            State::new(format!("cannot start: {reason}"), Tone::Bad)
        }
        ExitStatus::Lost { .. } => State::new("lost", Tone::Bad),
    }
}

fn of_code(code: i32) -> State {
    match code {
        0 => State::new("ok", Tone::Good),
        code => State::new(format!("exit {code}"), Tone::Bad),
    }
}

/// The exit code of a shell's line, with the signal that a shell tells of by it.
fn of_shell_code(code: i32) -> State {
    match signal_name(code.saturating_sub(128)) {
        "SIG?" => of_code(code),
        signal => State::new(format!("exit {code} (as after {signal})"), Tone::Bad),
    }
}

/// A signal by its name, or by its number where it has none.
fn signal_words(signal: i32) -> String {
    match signal_name(signal) {
        "SIG?" => format!("signal {signal}"),
        name => name.to_owned(),
    }
}

/// A program's end as the rest of a sentence: `exited with 7`, `ended by SIGHUP`.
pub(crate) fn ended(end: &ExitStatus) -> String {
    match end {
        ExitStatus::Exited { code } => format!("exited with {code}"),
        ExitStatus::Signaled {
            signal,
            core_dumped,
        } => {
            let core = if *core_dumped { ", core dumped" } else { "" };
            format!("ended by {}{core}", signal_words(*signal))
        }
        ExitStatus::OutOfMemory {
            memory_max: Some(bytes),
        } => format!("out of memory at its limit of {bytes} bytes"),
        ExitStatus::OutOfMemory { memory_max: None } => "out of memory".to_owned(),
        ExitStatus::SpawnFailed { reason } => format!("cannot start: {reason}"),
        ExitStatus::Lost { reason } => format!("lost: {reason}"),
    }
}

/// The state of a command of a run: `ok`, `exit 3`, `timed out`. Why its end is not known is said elsewhere.
pub(crate) fn command(command: &CommandResult) -> State {
    match command.status {
        RunStatus::Pending => State::new("waiting", Tone::Plain),
        RunStatus::Running if command.waits_for_keys => State::new("waits for keys", Tone::Warning),
        RunStatus::Running => State::new("running", Tone::Good),
        RunStatus::Completed => State::new("ok", Tone::Good),
        RunStatus::Partial | RunStatus::Failed => match (command.exit_code, command.signal) {
            _ if command.unknown => State::new("unknown", Tone::Bad),
            (Some(code), _) => State::new(of_shell_code(code).words, Tone::Bad),
            (None, Some(signal)) => State::new(signal_words(signal), Tone::Bad),
            (None, None) => State::new("not started", Tone::Bad),
        },
        RunStatus::Timeout => State::new("timed out", Tone::Bad),
        RunStatus::Cancelled => State::new("cancelled", Tone::Warning),
        RunStatus::Skipped => State::new("skipped", Tone::Faint),
    }
}

#[cfg(test)]
mod tests;
