//! Times, counts, sizes and names as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Size;

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

/// An age, or the time for which something goes on, rounded down to what matters: `12s`, `3m`, `2h10m`, `4d3h`.
pub(crate) fn rough(ms: u64) -> String {
    let seconds = ms / 1000;
    let two = |more: u64, unit: &str, less: u64, part: &str| match less {
        0 => format!("{more}{unit}"),
        less => format!("{more}{unit}{less}{part}"),
    };
    match seconds {
        0..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m", seconds / 60),
        3_600..=86_399 => two(seconds / 3600, "h", seconds % 3600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// A size as it is written: columns, then rows.
pub(crate) fn size(size: Size) -> String {
    format!("{}x{}", size.cols, size.rows)
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
    format!("{} ago", rough(now_ms.saturating_sub(at_ms)))
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

#[cfg(test)]
mod tests;
