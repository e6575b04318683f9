//! Signals and ends the processes of a pane without its keeper: by pid and start time, never by name or environment.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{Process, Stat, list, numbers_in, signal_exactly, stat};

/// The number of times that nobody must be found: a process can be forked while all are listed.
const CALM_ROUNDS: u32 = 2;
/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(3);
/// The time that a keeper which was killed may take to be gone.
const KEEPER_LIMIT: Duration = Duration::from_secs(1);

/// A process that cannot be mistaken for a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Clock ticks between boot and start.
    pub start_time: u64,
}

impl Identity {
    /// `None` for a pid or a start time that is not known.
    #[must_use]
    pub fn new(pid: i32, start_time: u64) -> Option<Self> {
        (pid > 0 && start_time > 0).then_some(Self { pid, start_time })
    }

    /// The process with this pid now.
    #[must_use]
    pub fn now(pid: i32) -> Option<Self> {
        Self::new(pid, stat(pid)?.start_time)
    }

    fn stat(self) -> Option<Stat> {
        stat(self.pid).filter(|stat| stat.start_time == self.start_time)
    }

    /// True if it has not ended.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.stat().is_some_and(|stat| stat.is_alive())
    }

    /// True if a signal or a debugger has stopped it, so that it cannot answer.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        self.stat()
            .is_some_and(|stat| matches!(stat.state, b'T' | b't'))
    }
}

/// The processes of a pane as a daemon knows them by itself.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// The keeper, as long as it lives the ancestor of all the others.
    pub keeper: Option<Identity>,
    /// The program: leader of its session and of its process group.
    pub program: Option<Identity>,
    /// Its control group, where it has one.
    pub cgroup: Option<PathBuf>,
}

impl Family {
    /// True if the program is known to live.
    #[must_use]
    pub fn program_lives(&self) -> bool {
        self.program.is_some_and(Identity::is_alive)
    }

    /// True if the keeper is known to live.
    #[must_use]
    pub fn keeper_lives(&self) -> bool {
        self.keeper.is_some_and(Identity::is_alive)
    }

    /// Every live process of the pane, its keeper not included: what is below the keeper; the program, what is below it and in
    /// its session, whose terminal no other session has; and its control group.
    fn members(&self) -> Vec<Stat> {
        let mut found = Vec::new();
        if let Some(keeper) = self.keeper.filter(|keeper| keeper.is_alive()) {
            found.extend(list(keeper.pid));
        }
        if let Some(program) = self.program {
            found.extend(self.of_session(program));
        }
        if let Some(group) = &self.cgroup {
            let pids = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            let pids = pids.lines().filter_map(|line| line.parse().ok());
            found.extend(pids.filter_map(stat));
        }
        found.sort_unstable_by_key(|stat| stat.pid);
        found.dedup_by_key(|stat| stat.pid);
        spare_own(&mut found);
        let keeper = self.keeper.map_or(0, |keeper| keeper.pid);
        found.retain(|stat| stat.is_alive() && stat.pid != keeper);
        found
    }

    /// The program and its session. As long as a process is in the session, no other process gets its number; a stranger with
    /// the program's pid is the sign that nobody of it is left.
    fn of_session(&self, program: Identity) -> Vec<Stat> {
        let leader = stat(program.pid);
        if leader
            .as_ref()
            .is_some_and(|stat| stat.start_time != program.start_time)
        {
            return Vec::new();
        }
        let mut found: Vec<Stat> = numbers_in("/proc")
            .into_iter()
            .filter_map(stat)
            .filter(|stat| stat.session == program.pid && stat.start_time >= program.start_time)
            .collect();
        found.extend(list(program.pid));
        found.extend(leader);
        found
    }

    /// Sends a signal to every process of the pane, and tells to how many. It reads the whole of `/proc` and blocks.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> u32 {
        let sent = self.members().into_iter().filter(|stat| send(stat, signal));
        u32::try_from(sent.count()).unwrap_or(u32::MAX)
    }

    /// Kills every process of the pane until none is found or `limit` is over, and returns those that are left. It reads the
    /// whole of `/proc` again and again and blocks, so call it off the runtime.
    #[must_use]
    pub fn kill(&self, limit: Duration) -> Vec<Process> {
        let deadline = Instant::now() + limit;
        let mut calm_rounds = 0;
        loop {
            let members = self.members();
            calm_rounds = match members.is_empty() {
                true => calm_rounds + 1,
                false => 0,
            };
            if calm_rounds == CALM_ROUNDS || Instant::now() >= deadline {
                return members.into_iter().map(Stat::into_process).collect();
            }
            for stat in &members {
                send(stat, Signal::KILL);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// As [`Self::kill`], and then the keeper itself.
    #[must_use]
    pub fn kill_with_keeper(&self, limit: Duration) -> Vec<Process> {
        let mut left = self.kill(limit);
        let Some(keeper) = self.keeper else {
            return left;
        };
        let deadline = Instant::now() + KEEPER_LIMIT;
        while let Some(stat) = keeper.stat().filter(Stat::is_alive) {
            if Instant::now() >= deadline {
                left.push(stat.into_process());
                break;
            }
            send(&stat, Signal::KILL);
            std::thread::sleep(PAUSE);
        }
        left
    }
}

/// It may have ended since it was found; the next round tells.
fn send(stat: &Stat, signal: Signal) -> bool {
    signal_exactly(stat.pid, stat.start_time, signal).is_ok()
}

/// Takes out this process and all below it: a daemon can have been started in one of its own panes, and it is not the pane's to end.
pub(crate) fn spare_own(found: &mut Vec<Stat>) {
    let own = rustix::process::getpid().as_raw_pid();
    if found.iter().any(|stat| stat.pid == own) {
        let ours: Vec<i32> = list(own).iter().map(|stat| stat.pid).collect();
        found.retain(|stat| stat.pid != own && !ours.contains(&stat.pid));
    }
}
