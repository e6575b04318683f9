//! Processes below a process: listing them, and signalling exactly the one that is meant.

mod end;
mod usage;

use std::fs;

use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

pub(crate) use self::end::spare_own;
pub use self::end::{Family, Identity};
pub use self::usage::{UsageBelow, usage_below};
pub use crate::wire::Process;

/// Size of a read; a line of `/proc/pid/stat` is below 400 bytes.
const READ_BYTES: usize = 1024;
/// Looks at a tree that changes all the time, at most.
const LOOKS: usize = 64;

/// The facts of `/proc/pid/stat`. Source: proc(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    pub pid: i32,
    pub comm: String,
    pub state: u8,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// The process group in the foreground of its terminal.
    pub foreground: i32,
    pub threads: i32,
    pub start_time: u64,
}

impl Stat {
    /// True if code of it can still run. A leader that ended before its threads looks like a zombie.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X') || self.threads > 1
    }

    /// True if it waits for SIGCONT.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state == b'T'
    }

    pub(crate) fn into_process(self) -> Process {
        Process {
            pid: self.pid,
            start_time: self.start_time,
            comm: self.comm,
        }
    }
}

/// Reads one line of `/proc/pid/stat`. The name may hold spaces and parentheses.
pub(crate) fn parse_stat(line: &[u8]) -> Option<Stat> {
    let open = line.iter().position(|&b| b == b'(')?;
    let close = line.iter().rposition(|&b| b == b')')?;
    let comm = line.get(open + 1..close)?;
    let pid = std::str::from_utf8(&line[..open]).ok()?.trim();
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?;
    let group = fields.next()?;
    let session = fields.next()?;
    let foreground = fields.nth(1)?;
    let threads = fields.nth(11)?;
    let start_time = fields.nth(1)?;
    Some(Stat {
        pid: pid.parse().ok()?,
        comm: String::from_utf8_lossy(comm).into_owned(),
        state,
        parent: parent.parse().ok()?,
        group: group.parse().ok()?,
        session: session.parse().ok()?,
        foreground: foreground.parse().ok()?,
        threads: threads.parse().ok()?,
        start_time: start_time.parse().ok()?,
    })
}

/// The state of one process now; `None` when there is none with this pid.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&read_stat(pid)?)
}

/// The place where the kernel put the stack of what a process executes; `None` when that may not be known.
///
/// Source: proc(5), `/proc/pid/stat` field 28.
pub(crate) fn start_stack(pid: i32) -> Option<u64> {
    let line = read_stat(pid)?;
    let close = line.iter().rposition(|&b| b == b')')?;
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let stack: u64 = rest.split_ascii_whitespace().nth(25)?.parse().ok()?;
    (stack != 0).then_some(stack)
}

fn read_stat(pid: i32) -> Option<Vec<u8>> {
    let mut buffer = vec![0; READ_BYTES];
    let fd = open_proc(&format!("/proc/{pid}/stat")).ok()?;
    let length = rustix::io::read(&fd, &mut buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

/// The name of a keeper's process.
const KEEPER_COMM: &str = "fugue-keeper";

/// The parent of a process.
#[must_use]
pub fn parent(pid: i32) -> Option<i32> {
    stat(pid).map(|stat| stat.parent)
}

/// Processes that are looked at above one.
const ABOVE_MOST: usize = 64;

/// True if a process runs under a keeper, whose ever.
#[must_use]
pub fn is_below_keeper(pid: i32) -> bool {
    let above = std::iter::successors(stat(pid), |below| stat(below.parent));
    above
        .skip(1)
        .take(ABOVE_MOST)
        .any(|stat| stat.comm == KEEPER_COMM)
}

fn open_proc(path: &str) -> Result<std::os::fd::OwnedFd, Errno> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Every live process below `root`, `root` not included.
///
/// Processes that start or end during the call may be missed: who wants none left asks until the
/// root has no children. One that lives all the while is there, although those above it end.
#[must_use]
pub fn descendants(root: i32) -> Vec<Process> {
    list(root).into_iter().map(Stat::into_process).collect()
}

/// Like [`descendants`], with all that is known of them.
///
/// A process that ends gives its children to one that was perhaps looked at before: it is looked until two looks agree, and who
/// was below `root` in one of them and lives is still there.
pub(crate) fn list(root: i32) -> Vec<Stat> {
    let mut last = look(root);
    let mut all = last.clone();
    for _ in 1..LOOKS {
        let found = look(root);
        let known = |stat: &Stat| (stat.pid, stat.start_time, stat.parent, stat.is_alive());
        let agrees = last.iter().map(known).eq(found.iter().map(known));
        let missed = |stat: &Stat| {
            let same = |other: &Stat| (other.pid, other.start_time) == (stat.pid, stat.start_time);
            let now = || self::stat(stat.pid).filter(same);
            (!found.iter().any(same)).then(now).flatten()
        };
        all = all
            .iter()
            .filter_map(missed)
            .chain(found.iter().cloned())
            .collect();
        if agrees {
            break;
        }
        last = found;
    }
    all.sort_unstable_by_key(|stat| stat.pid);
    all.retain(Stat::is_alive);
    all
}

fn look(root: i32) -> Vec<Stat> {
    let mut found = if has_children_files() {
        walk(root)
    } else {
        scan(root)
    };
    found.sort_unstable_by_key(|stat| stat.pid);
    found.dedup_by_key(|stat| stat.pid);
    found
}

/// True if the kernel has `CONFIG_PROC_CHILDREN`.
fn has_children_files() -> bool {
    open_proc("/proc/thread-self/children").is_ok()
}

/// Follows the `children` files from `root` down: cost grows with the tree, not with the machine.
pub(crate) fn walk(root: i32) -> Vec<Stat> {
    let mut found: Vec<Stat> = Vec::new();
    let mut threads = stat(root).map_or(1, |stat| stat.threads);
    let mut parent = root;
    let mut children = Vec::new();
    let mut next = 0;
    loop {
        children.clear();
        if threads > 1 {
            for thread in numbers_in(&format!("/proc/{parent}/task")) {
                read_children(parent, thread, &mut children);
            }
        } else {
            read_children(parent, parent, &mut children);
        }
        for &pid in &children {
            if !found.iter().any(|known| known.pid == pid) {
                found.extend(stat(pid));
            }
        }
        let Some(stat) = found.get(next) else {
            return found;
        };
        (parent, threads) = (stat.pid, stat.threads);
        next += 1;
    }
}

fn read_children(pid: i32, thread: i32, children: &mut Vec<i32>) {
    let Ok(fd) = open_proc(&format!("/proc/{pid}/task/{thread}/children")) else {
        return;
    };
    let mut buffer = [0; READ_BYTES];
    let mut number: Option<i32> = None;
    while let Ok(length @ 1..) = rustix::io::read(&fd, &mut buffer) {
        for byte in &buffer[..length] {
            if byte.is_ascii_digit() {
                number = Some(number.unwrap_or(0) * 10 + i32::from(byte - b'0'));
            } else {
                children.extend(number.take());
            }
        }
    }
    children.extend(number);
}

/// Reads every process of the machine and keeps those whose line of parents leads to `root`.
pub(crate) fn scan(root: i32) -> Vec<Stat> {
    let mut others: Vec<Stat> = numbers_in("/proc").into_iter().filter_map(stat).collect();
    let mut found: Vec<Stat> = Vec::new();
    let mut parent = root;
    let mut next = 0;
    loop {
        found.extend(others.extract_if(.., |stat| stat.parent == parent));
        let Some(stat) = found.get(next) else {
            return found;
        };
        parent = stat.pid;
        next += 1;
    }
}

/// The processes above one, nearest first.
#[must_use]
pub fn ancestors(pid: i32) -> Vec<i32> {
    /// Longer than any line of parents.
    const MOST: usize = 4096;
    let parent = |pid: &i32| stat(*pid).map(|stat| stat.parent).filter(|pid| *pid > 0);
    std::iter::successors(parent(&pid), parent)
        .take(MOST)
        .collect()
}

fn numbers_in(dir: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// Sends a signal to the process with this pid and start time, and to no other: the pid is pinned
/// before the start time is looked at.
///
/// # Errors
/// `ESRCH` when there is no such process, and what the system says.
pub fn signal_exactly(pid: i32, start_time: u64, signal: Signal) -> Result<(), Errno> {
    let raw = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
    let pinned = pidfd_open(raw, PidfdFlags::empty())?;
    match stat(pid) {
        Some(stat) if stat.start_time == start_time => pidfd_send_signal(&pinned, signal),
        _ => Err(Errno::SRCH),
    }
}

/// Tells the keeper that is this process to listen again where its socket was, after its directory
/// was deleted and made again. Does nothing to a process that is not this one any more.
///
/// # Errors
/// `ESRCH` when there is no such process.
pub fn listen_again(pid: i32, start_time: u64) -> Result<(), Errno> {
    // A zombie takes a signal like anybody else.
    if !stat(pid).is_some_and(|stat| stat.is_alive()) {
        return Err(Errno::SRCH);
    }
    signal_exactly(pid, start_time, crate::sys::LISTEN_AGAIN)
}

/// The start of a process in clock ticks since boot; `None` when there is none with this pid.
///
/// Source: proc(5), `/proc/pid/stat` field 22.
#[must_use]
pub fn start_time(pid: i32) -> Option<u64> {
    stat(pid).map(|stat| stat.start_time)
}
