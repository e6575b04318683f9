//! Restart intensity: how many restarts within which time, and the pause before each.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The number of restarts that a supervisor makes before it gives up.
///
/// It gives up when *more than* `max_restarts` fall within `period`.
///
/// `Source:` OTP supervisor(3), restart intensity; the default of 1 within 5 s is OTP's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intensity {
    /// Restarts allowed within any `period`.
    pub max_restarts: u32,
    /// The length of the sliding window.
    pub period: Duration,
    /// The pause before each restart; `None` restarts at once.
    pub backoff: Option<Backoff>,
}

impl Intensity {
    /// At most `max_restarts` within any `period`, each at once.
    #[must_use]
    pub fn new(max_restarts: u32, period: Duration) -> Self {
        Self {
            max_restarts,
            period,
            backoff: None,
        }
    }

    /// The same with a growing pause before each restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// The pause before the `count`th restart within the window, counted from one.
    pub(crate) fn pause(&self, count: u32) -> Duration {
        self.backoff
            .map_or(Duration::ZERO, |backoff| backoff.pause(count))
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self::new(1, Duration::from_secs(5))
    }
}

/// A pause that grows with each restart within the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// The pause before the first restart.
    pub initial: Duration,
    /// What the pause is multiplied with for each further restart; below 1 counts as 1.
    pub factor: f64,
    /// The longest pause.
    pub max: Duration,
}

impl Backoff {
    fn pause(&self, count: u32) -> Duration {
        let exponent = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        if seconds >= self.max.as_secs_f64() {
            return self.max;
        }
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max)
    }
}

/// The restarts of the last period. Time is a `Duration` since any fixed point.
#[derive(Clone, Debug, Default)]
pub struct Window {
    restarts: VecDeque<Duration>,
}

impl Window {
    /// Counts a restart at `now` and returns how many lie no further back than `period`.
    ///
    /// `Source:` OTP supervisor.erl, `add_restart/1`: a restart exactly one period old still counts.
    pub fn add(&mut self, now: Duration, period: Duration) -> u32 {
        self.restarts.push_back(now);
        while let Some(&oldest) = self.restarts.front() {
            if now.saturating_sub(oldest) <= period {
                break;
            }
            self.restarts.pop_front();
        }
        u32::try_from(self.restarts.len()).unwrap_or(u32::MAX)
    }

    /// The number of restarts that lie no further back than `period` at `now`.
    #[must_use]
    pub fn count(&self, now: Duration, period: Duration) -> u32 {
        let recent = self
            .restarts
            .iter()
            .filter(|&&at| now.saturating_sub(at) <= period)
            .count();
        u32::try_from(recent).unwrap_or(u32::MAX)
    }
}
