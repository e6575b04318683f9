//! Times in buckets that grow by half an octave, written by one task and read by any.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Two buckets per octave from 256 ns to 18 minutes.
const BUCKETS: usize = 64;
/// Times below 2^8 ns share the first bucket.
const FIRST_OCTAVE: u32 = 8;

pub(super) struct Histogram {
    buckets: [AtomicU32; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU32::new(0) }; BUCKETS],
        }
    }
}

impl Histogram {
    pub(super) fn record(&self, ns: u64) {
        let bucket = &self.buckets[index(ns)];
        let count = bucket.load(Ordering::Relaxed);
        bucket.store(count.saturating_add(1), Ordering::Relaxed);
    }

    /// A time that this share of the recorded ones does not exceed, within half a bucket.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let counts: [u64; BUCKETS] =
            std::array::from_fn(|i| u64::from(self.buckets[i].load(Ordering::Relaxed)));
        let total: u64 = counts.iter().sum();
        let mut left = (total as f64 * share).ceil() as u64;
        if left == 0 {
            return Duration::ZERO;
        }
        for (i, count) in counts.into_iter().enumerate() {
            if count >= left {
                return Duration::from_nanos(middle_ns(i));
            }
            left -= count;
        }
        Duration::from_nanos(middle_ns(BUCKETS - 1))
    }
}

fn index(ns: u64) -> usize {
    let octave = ns.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    let upper_half = (ns >> (octave - 1)) & 1;
    let index = 2 * u64::from(octave - FIRST_OCTAVE) + upper_half;
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn middle_ns(index: usize) -> u64 {
    let octave = 1_u64 << (FIRST_OCTAVE as usize + index / 2);
    if index.is_multiple_of(2) {
        octave + octave / 4
    } else {
        octave + 3 * (octave / 4)
    }
}
