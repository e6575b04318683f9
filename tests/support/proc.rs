//! The process table, read from /proc.

use rustix::process::{Pid, Signal, kill_process};

/// Open descriptors of a process.
pub fn fds(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |dir| dir.count())
}

/// Pids of all processes.
pub fn all() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether a process is there and not a zombie.
pub fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| !rest.starts_with('Z')))
        .unwrap_or(false)
}

/// Processes whose environment has exactly this `NAME=value`.
pub fn marked(marker: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|var| var == marker.as_bytes())
    };
    let own = std::process::id();
    all().into_iter().filter(|pid| *pid != own && has(pid)).collect()
}

/// Kills the processes that a test has marked as its own.
pub fn kill_marked(marker: &str) {
    for pid in marked(marker) {
        if let Some(pid) = Pid::from_raw(pid as i32) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Zombie children of a process.
pub fn zombies_of(parent: u32) -> Vec<u32> {
    let is = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            return false;
        };
        let mut fields = rest.split(' ');
        fields.next() == Some("Z") && fields.next() == Some(&parent.to_string())
    };
    all().into_iter().filter(is).collect()
}
