//! The work that output makes: counted, and limited for one turn.
//!
//! A few bytes can ask for a lot (`ESC # 8` writes a whole screen), so time is bounded by what is done, not by what is read. Text
//! is never stopped; a turn ends after the sequence that used it up.

/// Cells that one byte of output may write before the turn ends. What is inserted after the last sequence does not end it: up to 24
/// cells a byte more.
const CELLS_PER_BYTE: u64 = 40;

/// Whole screens that one turn may write besides. The last sequence of a turn can write as many again.
const SCREENS: u64 = 2;

/// A moved row costs as much as so many written cells.
const CELLS_PER_ROW: u64 = 4;

/// The work done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Cells written or erased.
    pub cells: u64,
    /// Rows moved to another place.
    pub rows: u64,
}

impl Work {
    /// One figure for both, in written cells.
    #[must_use]
    pub fn total(self) -> u64 {
        self.cells + self.rows * CELLS_PER_ROW
    }
}

/// Counts work, and says when a turn is over.
#[derive(Debug, Default)]
pub(in crate::screen) struct Meter {
    work: Work,
    limit: u64,
    sequences: usize,
    spent: bool,
}

impl Meter {
    /// Begins a turn that has `bytes` of output, on a screen of so many cells.
    pub(in crate::screen) fn begin_turn(&mut self, bytes: usize, screen: u64) {
        self.limit = self.work.total() + bytes as u64 * CELLS_PER_BYTE + SCREENS * screen;
        self.spent = false;
    }

    /// Begins a piece of output whose sequences are counted.
    pub(in crate::screen) fn begin_piece(&mut self) {
        self.sequences = 0;
    }

    /// Work that is about to be done.
    #[inline]
    pub(super) fn charge(&mut self, cells: usize, rows: usize) {
        self.work.cells += cells as u64;
        self.work.rows += rows as u64;
    }

    /// A sequence or control character was carried out.
    #[inline]
    pub(super) fn end_sequence(&mut self) {
        self.sequences += 1;
        self.spent = self.work.total() >= self.limit;
    }

    /// The turn is over: whatever comes is for the next one.
    #[inline]
    pub(in crate::screen) fn is_spent(&self) -> bool {
        self.spent
    }

    /// The number of sequences of the piece that were carried out.
    pub(in crate::screen) fn sequences(&self) -> usize {
        self.sequences
    }

    pub(in crate::screen) fn work(&self) -> Work {
        self.work
    }
}
