//! The facts about a view's terminal, and what programs have made of it.

use serde::{Deserialize, Serialize};

use crate::geometry::Size;

/// A colour: red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The size of a character cell in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellPixels {
    /// Its width, at least 1.
    pub width: u16,
    /// Its height, at least 1.
    pub height: u16,
}

impl CellPixels {
    /// That of a terminal with so many pixels; none where the terminal does not tell, which is 0.
    #[must_use]
    pub fn of_terminal(size: Size, width: u16, height: u16) -> Option<Self> {
        let cell = Self {
            width: width.checked_div(size.cols)?,
            height: height.checked_div(size.rows)?,
        };
        (cell.width > 0 && cell.height > 0).then_some(cell)
    }

    /// Width and height of a screen in pixels.
    #[must_use]
    pub fn of_screen(self, size: Size) -> (u16, u16) {
        (
            self.width.saturating_mul(size.cols),
            self.height.saturating_mul(size.rows),
        )
    }
}

/// A terminal's own colours, as far as it tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminalColors {
    /// Of text.
    pub foreground: Option<Rgb>,
    /// Behind it.
    pub background: Option<Rgb>,
    /// Of the cursor.
    pub cursor: Option<Rgb>,
}

/// The facts that are known of a view's terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TerminalFacts {
    /// Its own colours; absent as long as it was not asked.
    pub colors: Option<TerminalColors>,
    /// The size of its cells, where it tells.
    pub cell: Option<CellPixels>,
}

/// The colours that a program has set in place of the terminal's own, but for the cursor's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetColors {
    /// Of text (OSC 10).
    pub foreground: Option<Rgb>,
    /// Behind it (OSC 11).
    pub background: Option<Rgb>,
    /// By number (OSC 4), in order.
    pub indexed: Vec<(u8, Rgb)>,
}

#[cfg(test)]
mod tests;
