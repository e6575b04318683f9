//! Processes that others of their user cannot look into, and that therefore tell of themselves.

use std::path::PathBuf;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps memory, environment and descriptors of this process from debuggers, from `/proc` as others read it, and from core
/// files: tokens are there, and what panes print. What this process executes begins anew.
///
/// Source: prctl(2), `PR_SET_DUMPABLE`.
pub fn hide() {
    // No kernel refuses it, and everything works without it.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The file that this process executes.
#[must_use]
pub fn own_exe() -> Option<PathBuf> {
    std::fs::read_link("/proc/self/exe").ok()
}

/// The memory of this process in KiB, pages that others have too divided among them.
///
/// Source: proc_pid_smaps(5), `/proc/pid/smaps_rollup`.
#[must_use]
pub fn own_pss_kib() -> Option<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let mut lines = rollup.lines();
    let rest = lines.find_map(|line| line.strip_prefix("Pss:"))?;
    rest.trim().trim_end_matches(" kB").parse().ok()
}
