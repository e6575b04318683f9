//! The arithmetic of the ring: positions count all bytes ever written, offsets are places in memory.

use std::ops::Range;

/// A ring of bytes, without the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    capacity: usize,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity }
    }

    pub(super) fn capacity(self) -> usize {
        self.capacity
    }

    /// The offset of `position`, from which `len` bytes lie in one piece.
    ///
    /// # Panics
    /// When they do not.
    pub(super) fn offset(self, position: u64, len: usize) -> usize {
        let range = self.range(position, len);
        assert!(
            range.end <= self.capacity,
            "a slice of the ring does not reach over its end"
        );
        range.start
    }

    /// The number of bytes from `position` on, at most `max`, that lie in one piece.
    pub(super) fn contiguous(self, position: u64, max: usize) -> usize {
        max.min(self.capacity - self.range(position, 0).start)
    }

    fn range(self, position: u64, len: usize) -> Range<usize> {
        // Less than the capacity, which is a usize.
        let start = (position % self.capacity as u64) as usize;
        start..start + len
    }
}

/// The pattern's byte at a position. Neither byte occurs in UTF-8.
fn pattern(position: u64) -> u8 {
    if position.is_multiple_of(2) {
        0xff
    } else {
        0xfe
    }
}

/// Fills `bytes`, which begin at `position`, with the pattern.
pub(super) fn fill_pattern(position: u64, bytes: &mut [u8]) {
    let pair = [pattern(position), pattern(position + 1)];
    let (pairs, last) = bytes.as_chunks_mut::<2>();
    pairs.fill(pair);
    last.fill(pair[0]);
}

/// The number of bytes, counted from the first, that have been written over since they were filled with the pattern.
pub(super) fn written_len(position: u64, bytes: &[u8]) -> usize {
    let differs = |(at, byte): (usize, &u8)| *byte != pattern(position + at as u64);
    bytes
        .iter()
        .enumerate()
        .rposition(differs)
        .map_or(0, |last| last + 1)
}
