//! The work of a pane that does not get done, in words.

use std::path::PathBuf;
use std::time::Duration;

use super::PaneEntry;
use crate::clock::{millis, steady_ms};
use model::pane::CloseStep;

/// The time that ordinary work takes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says what keeps a pane from going on; absent when nothing does, as far as that is known.
#[must_use]
pub(crate) fn hangs(entry: &PaneEntry) -> Option<String> {
    let parts = [ending(entry), input(entry)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The seconds since a time of [`steady_ms`], when they are too many.
fn too_long(since_ms: u64) -> Option<u64> {
    let ms = steady_ms().saturating_sub(since_ms);
    (ms >= millis(PATIENCE)).then_some(ms / 1000)
}

/// A close, or an end for a restart, that waits.
fn ending(entry: &PaneEntry) -> Option<String> {
    let (what, step) = {
        let state = entry.state();
        let state = state.borrow();
        match (
            state.is_stopping(),
            state.is_closing() && state.closed().is_none(),
        ) {
            (true, _) => ("restart", CloseStep::End),
            (_, true) => ("close", state.step()),
            (false, false) => return None,
        }
    };
    let seconds = too_long(entry.ending_since_ms())?;
    let whom = match step {
        CloseStep::Record => "the database".to_owned(),
        CloseStep::End | CloseStep::Release => {
            let left = process_of(entry);
            left.unwrap_or_else(|| "its keeper".to_owned())
        }
        CloseStep::Remove | CloseStep::TakeOut | CloseStep::Tell => "its removal".to_owned(),
    };
    Some(format!("{what} waits for {whom} since {seconds} s"))
}

/// A process of the pane: the program, else what it has left.
///
/// Source: proc_tid_children(5), proc_pid_comm(5).
fn process_of(entry: &PaneEntry) -> Option<String> {
    let process = entry.process();
    let keeper = process.keeper_pid;
    let children = format!("/proc/{keeper}/task/{keeper}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let children: Vec<u32> = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    let program = children.iter().find(|pid| **pid == process.pid);
    let pid = program.or_else(|| children.first())?;
    let name = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/comm"))).ok()?;
    Some(format!("pid {pid} ({})", name.trim()))
}

/// Input that the program does not read.
fn input(entry: &PaneEntry) -> Option<String> {
    let unread = entry.io.live().unread()?;
    let seconds = too_long(unread.since_ms)?;
    let bytes = match unread.bytes {
        bytes @ 0..1024 => format!("{bytes} bytes wait"),
        bytes @ 1024..1_048_576 => format!("{} KiB wait", bytes / 1024),
        bytes => format!("{} MiB wait", bytes >> 20),
    };
    Some(match unread.full {
        true => format!("input queue full ({bytes}) since {seconds} s"),
        false => format!("program does not read ({bytes}) since {seconds} s"),
    })
}
