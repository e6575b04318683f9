//! Processor time and memory of the processes below a process, from `/proc`.

use rustix::param::{clock_ticks_per_second, page_size};

use super::{list, read_stat};

/// Processor time and memory of the processes below one, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageBelow {
    /// How many there are.
    pub processes: u32,
    /// Their processor time, with that of the children that they and the root have waited for, in milliseconds.
    pub cpu_ms: u64,
    /// Their resident memory in bytes; shared pages count for each.
    pub memory_bytes: u64,
}

/// The figures of one process in a line of `/proc/pid/stat`. Source: proc(5), fields 14 to 17 and 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Used {
    own_ticks: u64,
    children_ticks: u64,
    resident_pages: u64,
}

/// The processor time and memory of all processes below `root`, itself not included.
#[must_use]
pub fn usage_below(root: i32) -> UsageBelow {
    let below = list(root);
    let used: Vec<Used> = below.iter().filter_map(|stat| used(stat.pid)).collect();
    let waited_for = used_by(root);
    let ticks: u64 = used
        .iter()
        .map(|used| used.own_ticks + used.children_ticks)
        .sum();
    let pages: u64 = used.iter().map(|used| used.resident_pages).sum();
    UsageBelow {
        processes: u32::try_from(below.len()).unwrap_or(u32::MAX),
        cpu_ms: (ticks + waited_for).saturating_mul(1000) / clock_ticks_per_second().max(1),
        memory_bytes: pages.saturating_mul(page_size() as u64),
    }
}

/// The ticks of what the root itself has waited for.
fn used_by(root: i32) -> u64 {
    used(root).map_or(0, |used| used.children_ticks)
}

fn used(pid: i32) -> Option<Used> {
    parsed(&read_stat(pid)?)
}

fn parsed(line: &[u8]) -> Option<Used> {
    let close = line.iter().rposition(|&b| b == b')')?;
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let own_ticks = ticks()? + ticks()?;
    let children_ticks = ticks()? + ticks()?;
    let resident_pages = rest.split_ascii_whitespace().nth(21)?.parse().ok()?;
    Some(Used {
        own_ticks,
        children_ticks,
        resident_pages,
    })
}

#[cfg(test)]
mod tests;
