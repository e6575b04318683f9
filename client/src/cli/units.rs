//! Times, counts and names as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::reply::PaneStatus;

/// A length of time in two units at most: `830ms`, `12.4s`, `3m05s`, `2h10m`, `4d03h`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}ms"),
        1..=59 => format!("{}.{}s", seconds, ms % 1000 / 100),
        60..=3_599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Microseconds: `12µs`, `1.3ms`, `2.0s`.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..=999 => format!("{us}µs"),
        1_000..=999_999 => format!("{}.{}ms", us / 1000, us % 1000 / 100),
        _ => span(us / 1000),
    }
}

/// The time between `now_ms` and an earlier one, in words.
pub(crate) fn ago(at_ms: u64, now_ms: u64) -> String {
    format!("{} ago", span(now_ms.saturating_sub(at_ms)))
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    protocol::time::millis(since.unwrap_or_default())
}

/// `1 pane`, `2 panes`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

/// Text in one line of at most `chars` characters, with an ellipsis when something was left out.
pub(crate) fn brief(text: &str, chars: usize) -> String {
    let line = text.replace(['\n', '\t'], " ");
    if line.chars().nth(chars).is_none() {
        return line;
    }
    let head: String = line.chars().take(chars - 1).collect();
    head + "…"
}

/// Longest command line in a table or a list, in characters.
pub(crate) const COMMAND_CHARS: usize = 60;

/// A program's state in a word or two.
pub(crate) fn program_status(status: &PaneStatus) -> String {
    let words = process_status(status);
    match &status.state {
        Some(state) => format!("{words}, {state}"),
        None => words,
    }
}

fn process_status(status: &PaneStatus) -> String {
    if let Some(unreachable) = &status.unreachable {
        return unreachable.to_string();
    }
    match &status.exit {
        Some(exit) if status.restarting => format!("restarting after {exit}"),
        Some(exit) if status.restarts > 0 => format!(
            "{exit} (after {})",
            count(status.restarts as usize, "restart")
        ),
        Some(exit) => exit.to_string(),
        None if status.restarts > 0 => format!(
            "running {} (restarts {})",
            span(status.duration_ms),
            status.restarts
        ),
        None => format!("running {}", span(status.duration_ms)),
    }
}

#[cfg(test)]
mod tests;
