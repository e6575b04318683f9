//! The program's control group, as the keeper uses it: the program is born in it, the keeper stays outside.

use std::{fs, io, path::Path, process};

use rustix::io::Errno;

use crate::wire::{KeeperCgroup, SpawnFailure};

/// The program's control group, and what had happened there before it was started.
pub(crate) struct Contained {
    cgroup: KeeperCgroup,
    kills_before: u64,
}

impl Contained {
    /// Goes into the group, so that what is started next is born there.
    pub(crate) fn enter(cgroup: &KeeperCgroup) -> Result<Self, SpawnFailure> {
        let contained = Self {
            kills_before: kills(&cgroup.group),
            cgroup: cgroup.clone(),
        };
        join(&cgroup.group).map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            let what = format!(
                "the control group {} cannot be entered",
                cgroup.group.display()
            );
            SpawnFailure::during(&what, errno)
        })?;
        Ok(contained)
    }

    /// Goes out again. What kills the program for its memory, or ends the group, must not end its keeper.
    pub(crate) fn leave(&self) {
        let _ = join(&self.cgroup.home);
    }

    /// True if the kernel has killed something in the group for its memory since the start.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        kills(&self.cgroup.group) > self.kills_before
    }
}

fn join(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), process::id().to_string())
}

/// Source: Linux, cgroup-v2.rst, memory.events, oom_kill.
fn kills(group: &Path) -> u64 {
    let events = fs::read_to_string(group.join("memory.events")).unwrap_or_default();
    let count = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}
