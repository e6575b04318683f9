//! The two clocks of the daemon, in the units of the wire.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
#[must_use]
pub fn epoch_ms() -> u64 {
    millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

/// Milliseconds of a clock that nobody sets; only differences mean something.
#[must_use]
pub fn steady_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    millis(Duration::try_from(now).unwrap_or_default())
}

/// A duration in whole milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The moment of a wall clock time, as far back as this clock reaches.
#[must_use]
pub fn instant(at_ms: u64) -> Instant {
    let now = Instant::now();
    let ago = Duration::from_millis(epoch_ms().saturating_sub(at_ms));
    now.checked_sub(ago).unwrap_or(now)
}
