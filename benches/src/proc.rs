//! Processes as /proc has them: time, memory, environment.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Units of times in /proc: USER_HZ is 100 on every Linux machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// Pids of all processes.
pub(crate) fn all() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// User and system time of processes, to 10 ms each. Threads that have ended count.
pub(crate) fn cpu(pids: &[u32]) -> Duration {
    let ticks = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ').skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some(user + system)
    };
    let ticks: f64 = pids.iter().filter_map(ticks).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

/// Time that the living threads of processes have run, exactly.
pub(crate) fn run_time(pids: &[u32]) -> Duration {
    let tasks = |pid: &u32| {
        let dir = std::fs::read_dir(format!("/proc/{pid}/task"));
        dir.into_iter().flatten().flatten()
    };
    let nanos = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(pids.iter().flat_map(tasks).filter_map(nanos).sum())
}

/// Proportional set size of processes in KiB: shared pages are divided among those that share them. Those that have ended
/// meanwhile have none. fugue's processes show theirs to root alone.
pub(crate) fn pss_kib(pids: &[u32]) -> Result<f64> {
    let pss = |pid: &u32| {
        let rollup = match std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                bail!("the memory of process {pid} is shown to root alone")
            }
            other => other.unwrap_or_default(),
        };
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(kib.unwrap_or_default())
    };
    pids.iter().map(pss).sum()
}

/// Processes whose parent this is.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let is = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        (rest.split(' ').nth(1)?.parse() == Ok(parent)).then_some(())
    };
    all().into_iter().filter(|pid| is(pid).is_some()).collect()
}

/// Processes in whose environment the variable `name` is `dir` or something below it, and the daemons whose directories are there:
/// nobody sees the environment of these.
pub(crate) fn marked(name: &str, dir: &Path) -> Vec<u32> {
    let is_mark = |var: &[u8]| {
        let value = std::str::from_utf8(var)
            .ok()
            .and_then(|var| var.split_once('='));
        value.is_some_and(|(key, value)| key == name && Path::new(value).starts_with(dir))
    };
    let mut daemons = Vec::new();
    daemons_below(dir, 3, &mut daemons);
    let daemons = named(&daemons, "fugued");
    let has = |pid: &u32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(is_mark) || daemons.contains(pid)
    };
    all().into_iter().filter(has).collect()
}

/// Collects the daemons whose lock files are at most so many directories deep.
fn daemons_below(dir: &Path, depth: u32, found: &mut Vec<u32>) {
    let locked = std::fs::read_to_string(dir.join("fugued.lock")).unwrap_or_default();
    found.extend(locked.trim().parse::<u32>());
    if depth > 0 {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                daemons_below(&entry.path(), depth - 1, found);
            }
        }
    }
}

/// Those of the processes whose program is called so.
pub(crate) fn named(pids: &[u32], name: &str) -> Vec<u32> {
    let is = |pid: &&u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
    };
    pids.iter().filter(is).copied().collect()
}

/// Ends a process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Kills the processes whose environment says that they belong to a measurement.
pub(crate) fn kill_marked(name: &str, dir: &Path) {
    for pid in marked(name, dir) {
        signal(pid, Signal::KILL);
    }
}

/// The load average of the last minute.
pub(crate) fn load() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let first = text.split(' ').next().context("/proc/loadavg is empty")?;
    Ok(first.parse()?)
}
