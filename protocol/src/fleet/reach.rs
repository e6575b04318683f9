//! The way to a server without I/O: what has happened and the time in; the next try out.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode};

/// The pauses between tries, which double from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After a loss, and after the first try that failed.
    pub first: Duration,
    /// Between two tries at most.
    pub longest: Duration,
}

impl Pace {
    /// For a server of this machine, which is back in a blink when it is replaced.
    pub const NEAR: Self = Self {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(250),
    };

    /// For one on another machine.
    pub const FAR: Self = Self {
        first: Duration::from_millis(200),
        longest: Duration::from_secs(30),
    };
}

/// The part of a pause that chance takes off at most, so that many clients do not come back at one moment.
const JITTER: f64 = 0.25;

/// States of the way to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody has asked for it.
    Idle,
    /// A try is under way since then.
    Connecting(Instant),
    /// It is there since then.
    Connected(Instant),
    /// It is away; the next try is due then.
    Waiting {
        /// Why it is away.
        cause: Error,
        /// When it is tried again.
        until: Instant,
    },
    /// It is there and will not have us: time does not heal that, only a new wish does.
    Refused(Error),
}

/// Things that happen to the way to a server.
#[derive(Clone, Debug)]
pub enum Happened {
    /// Somebody wants it now.
    Wanted,
    /// The try has brought a connection.
    Opened,
    /// The try has failed.
    Failed(Error),
    /// The connection is lost.
    Lost(Error),
    /// Time has passed.
    Time,
    /// The machine has slept: what was open is probably gone, and what is away may be back.
    Woke,
    /// Nobody wants it any more.
    Left,
}

/// Things to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Rest,
    /// Try to connect.
    Connect,
    /// Ask the server for a sign of life.
    Ask,
}

/// The way to one server: its state, and the pause before the next try.
#[derive(Clone, Debug)]
pub struct Way {
    pace: Pace,
    reach: Reach,
    /// Tries that have failed since it was there.
    failed: u32,
    /// Chance, of which each pause takes a little.
    chance: u64,
}

impl Way {
    /// A way that nobody has gone yet. `chance` is any number, another one in each client.
    #[must_use]
    pub fn new(pace: Pace, chance: u64) -> Self {
        Self {
            pace,
            reach: Reach::Idle,
            failed: 0,
            chance,
        }
    }

    /// The state.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The time of the next try.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.reach {
            Reach::Waiting { until, .. } => Some(*until),
            Reach::Idle | Reach::Connecting(_) | Reach::Connected(_) | Reach::Refused(_) => None,
        }
    }

    /// Takes in what has happened. What does not fit the state changes nothing: an answer may be late.
    pub fn take(&mut self, happened: Happened, now: Instant) -> Act {
        match (happened, &self.reach) {
            (Happened::Wanted, Reach::Idle | Reach::Waiting { .. } | Reach::Refused(_)) => {
                self.connect(now)
            }
            (Happened::Time, Reach::Waiting { until, .. }) if *until <= now => self.connect(now),
            (Happened::Woke, Reach::Waiting { .. }) => self.connect(now),
            (Happened::Woke, Reach::Connected(_)) => Act::Ask,
            (Happened::Opened, Reach::Connecting(_)) => {
                self.failed = 0;
                self.reach = Reach::Connected(now);
                Act::Rest
            }
            (Happened::Failed(cause), Reach::Connecting(_)) => {
                self.away(cause, now);
                Act::Rest
            }
            (Happened::Lost(cause), Reach::Connected(_)) => {
                self.away(cause, now);
                Act::Rest
            }
            (Happened::Left, _) => {
                self.reach = Reach::Idle;
                self.failed = 0;
                Act::Rest
            }
            (
                Happened::Wanted
                | Happened::Time
                | Happened::Woke
                | Happened::Opened
                | Happened::Failed(_)
                | Happened::Lost(_),
                _,
            ) => Act::Rest,
        }
    }

    fn connect(&mut self, now: Instant) -> Act {
        self.reach = Reach::Connecting(now);
        Act::Connect
    }

    fn away(&mut self, cause: Error, now: Instant) {
        if !heals(&cause) {
            self.reach = Reach::Refused(cause);
            return;
        }
        let until = now + self.pause();
        self.failed = self.failed.saturating_add(1);
        self.reach = Reach::Waiting { cause, until };
    }

    /// The pause before the next try: doubled with each, less by chance.
    fn pause(&mut self) -> Duration {
        let doubled = self.pace.first.saturating_mul(1 << self.failed.min(16));
        let pause = doubled.min(self.pace.longest);
        // Source: xorshift64, Marsaglia 2003.
        self.chance |= 1;
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let part = (self.chance >> 40) as f64 / (1u64 << 24) as f64;
        pause.mul_f64(1.0 - JITTER * part)
    }
}

/// True if time may heal it: the server is away or too busy, as opposed to one that will not have us.
#[must_use]
pub fn heals(cause: &Error) -> bool {
    matches!(
        cause.code,
        ErrorCode::ServerUnreachable
            | ErrorCode::Timeout
            | ErrorCode::Busy
            | ErrorCode::Limit
            | ErrorCode::Internal
    )
}

#[cfg(test)]
mod tests;
