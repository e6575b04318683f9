//! The calls that the processes of a terminal's foreground are blocked in.

use std::fs;

use crate::procs;

/// A process's wait for its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// It reads it.
    Reading,
    /// It waits until one of several files, its input among them, can be read.
    Polling,
    /// Something else, or it cannot be known.
    Otherwise,
}

/// Each process of group `group` below the keeper `keeper`.
pub fn foreground(keeper: i32, group: i32) -> impl Iterator<Item = Blocked> {
    let processes = procs::list(keeper).into_iter();
    processes
        .filter(move |stat| stat.group == group)
        .map(|stat| blocked(stat.pid))
}

/// Source: proc(5), `/proc/pid/syscall`: the call's number and its arguments, or `running`.
fn blocked(pid: i32) -> Blocked {
    let Ok(line) = fs::read_to_string(format!("/proc/{pid}/syscall")) else {
        return Blocked::Otherwise;
    };
    let mut words = line.split_ascii_whitespace();
    let Some(call) = words.next().and_then(|word| word.parse().ok()) else {
        return Blocked::Otherwise;
    };
    let first = words.next().and_then(|word| {
        let digits = word.strip_prefix("0x")?;
        u32::from_str_radix(digits, 16).ok()
    });
    let reads = call == libc::SYS_read || call == libc::SYS_readv;
    match first {
        Some(fd) if reads && is_terminal(pid, fd) => Blocked::Reading,
        _ if polls(call) && is_terminal(pid, 0) => Blocked::Polling,
        _ => Blocked::Otherwise,
    }
}

fn polls(call: i64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if [libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_wait].contains(&call) {
        return true;
    }
    [libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_pwait].contains(&call)
}

fn is_terminal(pid: i32, fd: u32) -> bool {
    let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
    target.starts_with("/dev/pts") || target == *"/dev/tty"
}
