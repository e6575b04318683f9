//! The screen of a pane: bytes in, a grid of cells with its history out.
//!
//! This module alone knows the terminal engine (`docs/adr/0003-terminal-engine.md`). It defines nothing itself, so that its parts
//! import each other and not the whole.

mod boundary;
mod bounds;
mod checkpoint;
mod clusters;
mod copies;
mod echo;
mod engine;
mod events;
mod facts;
mod kept;
mod last;
mod lines;
mod modes;
mod next_life;
mod palette;
mod permissions;
mod reflow;
mod render;
mod scrolled;
mod search;
mod state;
mod styled;
mod tail;
mod text;
mod told;
mod update;

#[cfg(test)]
mod tests;

pub use bounds::{DEFAULT_HISTORY_LINES, MAX_HISTORY_LINES, MAX_SIDE};
pub use checkpoint::{CheckpointError, Extent};
pub use copies::{Copies, CopyError};
pub use echo::LineModes;
pub use engine::{MARK_TITLE, Work};
pub use events::ScreenEvents;
pub use lines::{TextCursor, TextCursorError};
pub use modes::{Cursor, CursorShape, Modes};
pub use permissions::Permissions;
pub use search::{Match, Pattern, Search, pattern};
pub use state::Screen;
pub use tail::Tail;
pub use text::Text;
pub use update::ScreenUpdate;
