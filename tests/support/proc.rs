//! The process table, read from /proc.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Open descriptors of a process; `None` where the kernel does not show them: daemons and keepers hide from all but root.
pub fn fds(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// Whether this test can see what processes hide from others of their user.
pub fn sees_all() -> bool {
    let all = rustix::process::geteuid().is_root();
    if !all {
        eprintln!("not looked at: what daemons and keepers hide from others of their user");
    }
    all
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
        .and_then(|stat| {
            stat.rsplit_once(") ")
                .map(|(_, rest)| !rest.starts_with('Z'))
        })
        .unwrap_or(false)
}

/// Processes whose environment has exactly this `NAME=value`, and the daemon whose runtime directory it names, whose
/// environment nobody sees.
pub fn marked(marker: &str) -> Vec<u32> {
    let runtime = marker.strip_prefix("FUGUE_RUNTIME_DIR=");
    let daemon = runtime.and_then(|dir| daemon_of(Path::new(dir)));
    let has = |pid: &u32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environ.split(|byte| *byte == 0);
        daemon == Some(*pid) || variables.any(|var| var == marker.as_bytes())
    };
    let own = std::process::id();
    all()
        .into_iter()
        .filter(|pid| *pid != own && has(pid))
        .collect()
}

/// The daemon that has locked a runtime directory and lives.
fn daemon_of(runtime: &Path) -> Option<u32> {
    let locked = std::fs::read_to_string(runtime.join("fugued.lock")).ok()?;
    let pid = locked.trim().parse().ok()?;
    (lives(pid) && comm(pid) == "fugued").then_some(pid)
}

fn comm(pid: u32) -> String {
    let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    comm.trim().to_owned()
}

/// The user of a process. Whose its files in `/proc` are says something else.
pub fn user(pid: u32) -> u32 {
    id(pid, "Uid:")
}

/// The group of a process.
pub fn group(pid: u32) -> u32 {
    id(pid, "Gid:")
}

fn id(pid: u32, field: &str) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let first = line.and_then(|line| line.split_whitespace().next());
    first.unwrap().parse().unwrap()
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

/// Resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:")
}

/// The same without files: a panic of a debug build maps 60 MB of its own program to name the functions it was in.
pub fn own_kib(pid: u32) -> u64 {
    status_kib(pid, "RssAnon:") + status_kib(pid, "RssShmem:")
}

fn status_kib(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// Processor time of a process in clock ticks, its own code and the kernel's for it.
pub fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    // utime and stime are the fields 14 and 15 of all, the state being the third.
    fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

/// The children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

/// Whether this process is a keeper.
pub fn is_keeper(pid: u32) -> bool {
    lives(pid) && comm(pid) == "fugue-keeper"
}

/// The processes above one, nearest first.
pub fn ancestors(pid: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(1)?.parse().ok()
    };
    std::iter::successors(parent(pid), |pid| parent(*pid))
        .take_while(|pid| *pid > 1)
        .collect()
}

/// Whether every thread of a process is stopped.
pub fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}
