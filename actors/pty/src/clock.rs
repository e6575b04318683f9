//! The clock that a task's times are told in, in the units of the wire.

use std::time::Duration;

use protocol::time::millis;

/// Milliseconds of a clock that nobody sets; only differences mean something.
#[must_use]
pub fn steady_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    millis(Duration::try_from(now).unwrap_or_default())
}
