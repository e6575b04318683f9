//! The bounds of a screen: its sides and its history.

use protocol::Size;
use rio_vt::crosswords::MIN_COLUMNS;

/// The history kept by default, in rows.
pub const DEFAULT_HISTORY_LINES: usize = 2_000;
/// The longest history, in rows.
pub const MAX_HISTORY_LINES: usize = 100_000;
/// The longest side of a screen, in cells.
pub const MAX_SIDE: u16 = 1_000;

/// The nearest size that a screen can have: 1 to [`MAX_SIDE`] rows, 2 to [`MAX_SIDE`] columns.
pub(super) fn clamp(size: Size) -> Size {
    Size {
        rows: size.rows.clamp(1, MAX_SIDE),
        cols: size.cols.clamp(MIN_COLUMNS as u16, MAX_SIDE),
    }
}
