//! The engine with what it lacks: bounds on what programs can make it keep, replies in our name, and copies of
//! the parts of its state that it does not show.
//!
//! Images (sixel, kitty, iTerm2) are deliberately absent: their sequences are parsed and ignored.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use rio_vt::ansi::mode::{Mode as AnsiMode, NamedPrivateMode, PrivateMode};
use rio_vt::ansi::{ClearMode, CursorShape, KeyboardModes, KeyboardModesApplyBehavior, LineClearMode, TabulationClearMode};
use rio_vt::config::colors::ColorRgb;
use rio_vt::crosswords::attr::Attr;
use rio_vt::crosswords::grid::row::SemanticPrompt;
use rio_vt::crosswords::pos::{CharsetIndex, Column, Line, StandardCharset};
use rio_vt::crosswords::square::Hyperlink;
use rio_vt::performer::handler::Handler;
