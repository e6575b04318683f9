//! Sizes and directions, always rows then columns.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// A terminal's size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Height in cells.
    pub rows: u16,
    /// Width in cells.
    pub cols: u16,
}

impl Size {
    /// The size of what nobody has looked at: room for the tables and paths that programs print.
    pub const DEFAULT: Self = Self {
        rows: 40,
        cols: 120,
    };
    /// The size of a run's panes: their output is read and not looked at.
    pub const RUN: Self = Self {
        rows: 50,
        cols: 200,
    };
    /// The largest side of a pane in cells: 1000 × 1000 cells are 16 MB of grid, more is a mistake.
    pub const MAX_SIDE: u16 = 1000;

    /// `rows` × `cols`.
    #[must_use]
    pub const fn new(rows: u16, cols: u16) -> Self {
        Self { rows, cols }
    }

    /// The size itself when both sides are within 1 to [`Size::MAX_SIDE`].
    ///
    /// # Errors
    /// `invalid_argument` naming the limits.
    pub fn checked(self) -> Result<Self, Error> {
        let fits = |side: u16| (1..=Self::MAX_SIDE).contains(&side);
        if fits(self.rows) && fits(self.cols) {
            return Ok(self);
        }
        Err(Error::new(
            ErrorCode::InvalidArgument,
            format!(
                "a size of {} columns × {} rows is out of range",
                self.cols, self.rows
            ),
        )
        .hint(format!(
            "columns and rows are each 1 to {}; omit the size for 120x40",
            Self::MAX_SIDE
        )))
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The direction in which a split puts the new pane, seen from the old one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Direction {
    /// Side by side, the new pane to the right.
    #[default]
    Right,
    /// One above the other, the new pane below.
    Down,
}
