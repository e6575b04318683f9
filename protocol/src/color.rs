//! Colours of servers: one for each, the same everywhere, so that mixed lists are read at a glance.

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use crate::name::ServerName;

/// One of a terminal's sixteen colours.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "their names say it")]
pub enum ServerColor {
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
    BrightBlack,
    BrightRed,
    BrightGreen,
    BrightYellow,
    BrightBlue,
    BrightMagenta,
    BrightCyan,
    BrightWhite,
}

/// The colours that no state uses.
const CHOICE: [ServerColor; 6] = [
    ServerColor::Blue,
    ServerColor::Magenta,
    ServerColor::Cyan,
    ServerColor::BrightBlue,
    ServerColor::BrightMagenta,
    ServerColor::BrightCyan,
];

impl ServerColor {
    /// The colour of that name, such as `bright_blue`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::iter().find(|color| color.name() == name)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::iter().map(Self::name)
    }

    /// Its name, as the configuration has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The colour of a server that has no other: by its name alone, so that it is the same on each machine and for ever.
    #[must_use]
    pub fn of(name: &ServerName) -> Self {
        // Source: FNV-1a, 32 bits.
        let hash = name.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        // Its low bits are the worst mixed ones.
        CHOICE[(hash >> 16) as usize % CHOICE.len()]
    }

    /// The parameter of SGR that sets it.
    ///
    /// Source: ECMA-48 8.3.117, and aixterm's 90 to 97.
    #[must_use]
    pub const fn sgr(self) -> &'static str {
        match self {
            Self::Black => "30",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Magenta => "35",
            Self::Cyan => "36",
            Self::White => "37",
            Self::BrightBlack => "90",
            Self::BrightRed => "91",
            Self::BrightGreen => "92",
            Self::BrightYellow => "93",
            Self::BrightBlue => "94",
            Self::BrightMagenta => "95",
            Self::BrightCyan => "96",
            Self::BrightWhite => "97",
        }
    }
}

#[cfg(test)]
mod tests;
