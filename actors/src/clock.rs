//! The two clocks of the daemon, in the units of the wire.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use protocol::time::millis;
pub(crate) use pty::steady_ms;

/// Milliseconds since 1970.
#[must_use]
pub(crate) fn epoch_ms() -> u64 {
    millis(since_epoch())
}

#[cfg(not(test))]
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A wall clock that goes on with tokio's clock, so that a test can let days pass.
#[cfg(test)]
fn since_epoch() -> Duration {
    static BEGIN: std::sync::OnceLock<(Duration, Instant)> = std::sync::OnceLock::new();
    let begin = || {
        (
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            now(),
        )
    };
    let (wall, clock) = BEGIN.get_or_init(begin);
    *wall + now().saturating_duration_since(*clock)
}

/// The present moment of the clock that tokio's timers use.
#[must_use]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock time of a moment, in milliseconds since 1970.
#[must_use]
pub(crate) fn at_ms(moment: Instant) -> u64 {
    epoch_ms().saturating_sub(millis(now().saturating_duration_since(moment)))
}

/// The moment of a wall clock time, as far back as this clock reaches.
#[must_use]
pub(crate) fn instant(at_ms: u64) -> Instant {
    let now = now();
    let ago = Duration::from_millis(epoch_ms().saturating_sub(at_ms));
    now.checked_sub(ago).unwrap_or(now)
}
