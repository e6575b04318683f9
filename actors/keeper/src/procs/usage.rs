//! Processor time and memory of the processes below a process, from `/proc`.

use rustix::param::{clock_ticks_per_second, page_size};

use super::{list, read_stat};

/// What the processes below one use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageBelow {
    /// How many there are.
    pub processes: u32,
    /// Their processor time, with that of the children that they and the root have waited for, in milliseconds.
    pub cpu_ms: u64,
    /// Their resident memory in bytes; shared pages count for each.
    pub memory_bytes: u64,
}

/// What one line of `/proc/pid/stat` says of a process. Source: proc(5), fields 14 to 17 and 24.
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
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_line() {
        let line = b"42 (a (b) c) S 1 42 42 0 -1 4194304 10 20 0 0 7 5 30 2 20 0 3 0 12345 1000000 250 184467";
        let used = parsed(line).unwrap();
        assert_eq!(
            used,
            Used {
                own_ticks: 12,
                children_ticks: 32,
                resident_pages: 250
            }
        );
        assert_eq!(parsed(b"42 (x) S 1"), None);
    }

    #[test]
    fn what_runs_below_is_counted() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "i=0; while :; do i=$((i+1)); done"])
            .spawn()
            .unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        let begun = std::time::Instant::now();
        let mut found = usage_below(me);
        while found.cpu_ms < 50 && begun.elapsed() < std::time::Duration::from_secs(20) {
            std::thread::sleep(std::time::Duration::from_millis(20));
            found = usage_below(me);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.processes >= 1 && found.cpu_ms >= 50, "{found:?}");
        assert!(found.memory_bytes > 100_000, "{found:?}");
    }
}
