//! The processes below this keeper, and what is done with them.

use rustix::{
    io::Errno,
    process::{Pid, Signal, getpid, kill_process_group},
};

use crate::{procs, wire::Process};

pub(super) fn descendants() -> Vec<Process> {
    procs::descendants(getpid().as_raw_pid())
}

pub(super) fn signal_all(signal: Signal) -> u32 {
    let all = procs::list(getpid().as_raw_pid());
    let sent = all
        .iter()
        .filter(|stat| procs::signal_exactly(stat.pid, stat.start_time, signal).is_ok());
    u32::try_from(sent.count()).unwrap_or(u32::MAX)
}

/// True for a descendant of this keeper, as all are that its program has ever started.
pub(super) fn contains(pid: i32) -> bool {
    procs::ancestors(pid).contains(&getpid().as_raw_pid())
}

/// Sends a signal to a process group, if one of the keeper's descendants is in it: then the number
/// cannot mean a stranger's group.
pub(super) fn signal_group(group: i32, signal: Signal) -> Result<u32, Errno> {
    let all = procs::list(getpid().as_raw_pid());
    let members = all.iter().filter(|stat| stat.group == group).count();
    match (members, Pid::from_raw(group)) {
        (1.., Some(pid)) => {
            kill_process_group(pid, signal)?;
            Ok(u32::try_from(members).unwrap_or(u32::MAX))
        }
        _ => Err(Errno::SRCH),
    }
}
