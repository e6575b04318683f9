//! The two rounds of signals that ask processes to end, decided for each by what it does with them.
//!
//! SIGTERM and SIGHUP never reach a process at the same moment. An interactive shell passes its
//! SIGHUP on to its jobs, and the end of a session leader makes the kernel hang up the foreground
//! group, so that both are asked in the second round, when the others have ended. A stopped job that
//! handles SIGHUP gets it by its shell's end: as long as the shell lives, an editor that is woken in the
//! background is stopped again by the first thing it does to the terminal, before it has saved anything.

use std::fs;

use rustix::process::Signal;

use crate::procs::{self, Stat};
use crate::wire::StopTimes;

/// A process's way to treat a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    /// It ends by it.
    Default,
    /// It has a handler, or waits for it (signalfd, sigwait), which needs it blocked.
    Catches,
    /// Nothing.
    Ignores,
}

/// A process's ways to treat the two signals that ask it to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cares {
    pub term: Care,
    pub hup: Care,
}

impl Cares {
    /// Of a process that is gone, or that cannot be looked at.
    const UNKNOWN: Self = Self {
        term: Care::Default,
        hup: Care::Default,
    };

    fn of(pid: i32) -> Self {
        fs::read(format!("/proc/{pid}/status")).map_or(Self::UNKNOWN, |text| Self::parse(&text))
    }

    /// Source: proc(5), `/proc/pid/status`: masks in hexadecimal, bit n-1 is signal n.
    pub(crate) fn parse(status: &[u8]) -> Self {
        let text = String::from_utf8_lossy(status);
        let mask = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map_or(0, |hex| u64::from_str_radix(hex.trim(), 16).unwrap_or(0))
        };
        let (blocked, caught) = (mask("SigBlk:"), mask("SigCgt:"));
        let ignored = mask("SigIgn:");
        let care = |signal: Signal| {
            let bit = 1 << (signal.as_raw() - 1);
            if (blocked | caught) & bit != 0 {
                Care::Catches
            } else if ignored & bit != 0 {
                Care::Ignores
            } else {
                Care::Default
            }
        };
        Self {
            term: care(Signal::TERM),
            hup: care(Signal::HUP),
        }
    }

    /// The signal of the first round; `None` for who has to wait for the second. An interactive
    /// shell ignores SIGTERM; `leads` says that it leads a session.
    pub(crate) fn first(self, leads: bool) -> Option<Signal> {
        match (self.term, self.hup) {
            (Care::Catches, _) => Some(Signal::TERM),
            (Care::Ignores, _) => None,
            (Care::Default, _) if leads => None,
            (Care::Default, Care::Catches) => Some(Signal::HUP),
            (Care::Default, Care::Default | Care::Ignores) => Some(Signal::TERM),
        }
    }

    /// True if a stopped job with these had better be woken by the end of its shell: awake before, it would
    /// stop again at its terminal. Shells end stopped jobs with SIGTERM too, so it must not die of that.
    fn wait_for_their_shell(self) -> bool {
        self.hup == Care::Catches && self.term != Care::Default
    }

    /// The signal of the second round, for who has had that one in the first.
    pub(crate) fn second(self, had: Option<Signal>) -> Signal {
        match had {
            Some(Signal::TERM) => Signal::HUP,
            Some(_) => Signal::TERM,
            None if self.hup == Care::Catches || self.term == Care::Ignores => Signal::HUP,
            None => Signal::TERM,
        }
    }
}

/// The round that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    Second,
    Over,
}

/// The two rounds on everything below one process.
#[derive(Debug)]
pub struct Rounds {
    root: i32,
    /// The program to be held while others are asked, so that a shell does not begin its next command
    /// when the one before has ended. Whoever holds must go on to the second round.
    hold: Option<i32>,
    times: StopTimes,
    round: Round,
    deadline_ms: u64,
    /// The processes that were asked in the first round: pid, start time, signal.
    asked: Vec<(i32, u64, Signal)>,
    /// Stopped jobs that wait for the end of their session's leader.
    jobs: Vec<Stat>,
}

impl Rounds {
    /// Asks all below `root` at once, at `now_ms` of a clock that only goes forward.
    #[must_use]
    pub fn begin(root: i32, hold: Option<i32>, times: StopTimes, now_ms: u64) -> Self {
        let mut rounds = Self {
            root,
            hold,
            times,
            round: Round::First,
            deadline_ms: now_ms.saturating_add(times.first_ms),
            asked: Vec::new(),
            jobs: Vec::new(),
        };
        rounds.first();
        rounds.step(now_ms);
        rounds
    }

    /// Goes on when those of the present round have ended or their time is over. True when nobody is
    /// left, or when what is left has had its time.
    pub fn step(&mut self, now_ms: u64) -> bool {
        let left = members(self.root);
        let time_is_over = self.deadline_ms <= now_ms;
        if left.is_empty() {
            self.round = Round::Over;
        }
        if self.round == Round::First && (time_is_over || !self.is_asked_left(&left)) {
            self.round = Round::Second;
            self.deadline_ms = now_ms.saturating_add(self.times.second_ms);
            self.second(&left);
        } else if self.round == Round::Second && time_is_over {
            self.round = Round::Over;
        } else if self.round == Round::Second {
            self.wake_jobs(&left);
        }
        self.round == Round::Over
    }

    fn is_asked_left(&self, left: &[Stat]) -> bool {
        let is_asked = |stat: &Stat| {
            let mut asked = self.asked.iter();
            asked.any(|&(pid, start, _)| (pid, start) == (stat.pid, stat.start_time))
        };
        left.iter().any(is_asked)
    }

    fn first(&mut self) {
        let all = members(self.root);
        let mut chosen = Vec::new();
        let mut held = None;
        for stat in &all {
            let cares = Cares::of(stat.pid);
            if cares.wait_for_their_shell() && is_stopped_job(stat, &all) {
                continue;
            }
            let first = match leads_others(stat, &all) && cares.term == Care::Catches {
                // Its end would hang up those that are still saving what they have.
                true => None,
                false => cares.first(stat.session == stat.pid),
            };
            match first {
                Some(signal) => chosen.push((stat, signal)),
                None if self.hold == Some(stat.pid) => held = Some(stat),
                None => {}
            }
        }
        if let Some(stat) = held.filter(|_| !chosen.is_empty()) {
            let _ = procs::signal_exactly(stat.pid, stat.start_time, Signal::STOP);
        }
        for (stat, signal) in chosen {
            if ask(stat, signal) {
                self.asked.push((stat.pid, stat.start_time, signal));
            }
        }
    }

    fn second(&mut self, left: &[Stat]) {
        let had = |stat: &Stat| {
            let mut asked = self.asked.iter();
            asked.find(|&&(pid, start, _)| (pid, start) == (stat.pid, stat.start_time))
        };
        let waits = |stat: &&Stat| {
            let cares = Cares::of(stat.pid);
            had(stat).is_none() && cares.wait_for_their_shell() && is_stopped_job(stat, left)
        };
        let (jobs, others): (Vec<&Stat>, Vec<&Stat>) = left.iter().partition(waits);
        for stat in others {
            if jobs.iter().any(|job| job.session == stat.pid) {
                // Asked, it would send them SIGHUP and SIGTERM at one moment; its end is SIGHUP alone.
                let _ = procs::signal_exactly(stat.pid, stat.start_time, Signal::KILL);
            } else {
                let had = had(stat).map(|&(_, _, signal)| signal);
                let cares = Cares::of(stat.pid);
                let leads = stat.session == stat.pid && had.is_none();
                let signal = match leads && cares.term == Care::Catches {
                    true => Signal::TERM,
                    false => cares.second(had),
                };
                ask(stat, signal);
            }
        }
        self.jobs = jobs.into_iter().cloned().collect();
    }

    /// Their shell's end wakes stopped jobs with SIGHUP and SIGCONT; who is still stopped then is asked.
    fn wake_jobs(&mut self, left: &[Stat]) {
        let is_over = |job: &mut Stat| !left.iter().any(|stat| stat.pid == job.session);
        for job in self.jobs.extract_if(.., is_over) {
            let now = left
                .iter()
                .find(|stat| (stat.pid, stat.start_time) == (job.pid, job.start_time));
            if let Some(stat) = now.filter(|stat| stat.is_stopped()) {
                ask(stat, Cares::of(stat.pid).second(None));
            }
        }
    }
}

/// Everything below `root` but the process that asks, which can have been started there, and what is below it.
fn members(root: i32) -> Vec<Stat> {
    let mut found = procs::list(root);
    procs::spare_own(&mut found);
    found
}

/// True if it is stopped in the background of a session whose leader lives.
fn is_stopped_job(stat: &Stat, all: &[Stat]) -> bool {
    stat.is_stopped()
        && stat.session != stat.pid
        && stat.group != stat.foreground
        && all.iter().any(|other| other.pid == stat.session)
}

/// True if it leads a session in which others live.
fn leads_others(stat: &Stat, all: &[Stat]) -> bool {
    let mut others = all.iter().filter(|other| other.pid != stat.pid);
    stat.session == stat.pid && others.any(|other| other.session == stat.pid)
}

/// Sends a signal, and SIGCONT with it: one that is stopped has to hear it.
fn ask(stat: &Stat, signal: Signal) -> bool {
    // One that has just gone is what is wanted.
    let asked = procs::signal_exactly(stat.pid, stat.start_time, signal).is_ok();
    let _ = procs::signal_exactly(stat.pid, stat.start_time, Signal::CONT);
    asked
}

#[cfg(test)]
mod tests;
