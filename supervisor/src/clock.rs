//! The one clock of the crate: tokio's, so that tests can pause it, as nanoseconds since a fixed point.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The time by which the fixed point lies back: a paused clock may run behind the real one.
const HEAD_START: Duration = Duration::from_secs(3600);

static EPOCH: OnceLock<Instant> = OnceLock::new();

/// Now.
pub(crate) fn now() -> Duration {
    let epoch = EPOCH.get_or_init(|| {
        let start = Instant::now();
        start.checked_sub(HEAD_START).unwrap_or(start)
    });
    tokio::time::Instant::now()
        .into_std()
        .saturating_duration_since(*epoch)
}

/// Now, in nanoseconds; 64 bits last 584 years.
pub(crate) fn now_ns() -> u64 {
    as_ns(now())
}

/// A duration in nanoseconds, capped.
pub(crate) fn as_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A duration in milliseconds, capped.
pub(crate) fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
