//! One control group: made, entered, emptied, removed.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The time that killed processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two looks whether they are.
const STEP: Duration = Duration::from_millis(2);

/// Makes the group, or takes the one that is there.
pub(super) fn make(group: &Path, memory_max: Option<u64>) -> io::Result<()> {
    match std::fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let Some(bytes) = memory_max else {
        return Ok(());
    };
    let limited = std::fs::write(group.join("memory.max"), bytes.to_string());
    if limited.is_err() {
        let _ = std::fs::remove_dir(group);
        return limited;
    }
    // What does not fit is not put on a disk instead. Absent where there is no swap.
    let _ = std::fs::write(group.join("memory.swap.max"), "0");
    Ok(())
}

/// Moves a process into the group.
pub(super) fn enter(group: &Path, pid: u32) -> io::Result<()> {
    std::fs::write(group.join("cgroup.procs"), pid.to_string())
}

/// The processes in the group.
fn processes(group: &Path) -> Vec<u32> {
    let procs = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    procs.lines().filter_map(|line| line.parse().ok()).collect()
}

/// True if a process, be it a zombie, is in the group or below it.
fn is_populated(group: &Path) -> bool {
    let events = std::fs::read_to_string(group.join("cgroup.events")).unwrap_or_default();
    events.lines().any(|line| line == "populated 1")
}

/// Ends all that is in the group, and removes it. Returns what could not be ended.
pub(crate) async fn close(group: &Path) -> Vec<u32> {
    let deadline = Instant::now() + KILL_LIMIT;
    while is_populated(group) {
        // Again and again: a kernel before 5.14 has no such file, and then nothing more can be done here.
        let killed = std::fs::write(group.join("cgroup.kill"), "1");
        if killed.is_err() || Instant::now() >= deadline {
            return processes(group);
        }
        sleep(STEP).await;
    }
    discard(group);
    Vec::new()
}

/// Removes an empty group, with the groups that its programs have made in it.
pub(crate) fn discard(group: &Path) {
    let below = std::fs::read_dir(group).into_iter().flatten().flatten();
    for entry in below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        discard(&entry.path());
    }
    if let Err(error) = std::fs::remove_dir(group)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(path = %group.display(), %error, "a control group stays");
    }
}

/// Processor time of all that has been in the group, in milliseconds. Source: cgroup-v2, cpu.stat.
pub(crate) fn cpu_ms(group: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(group.join("cpu.stat")).ok()?;
    let micros = text
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "))?;
    micros
        .trim()
        .parse::<u64>()
        .ok()
        .map(|micros| micros / 1000)
}

/// Memory of the group, in bytes. Source: cgroup-v2, memory.current.
pub(crate) fn memory_bytes(group: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(group.join("memory.current")).ok()?;
    text.trim().parse().ok()
}
