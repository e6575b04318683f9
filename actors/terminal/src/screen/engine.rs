//! The engine with what it lacks: bounds on what a program can make it keep, replies in our name, and copies of
//! those parts of its state that it does not show.
//!
//! Images (sixel, kitty, iTerm2) are deliberately absent: their sequences are parsed and ignored.

mod dispatch;
mod kept;
mod meter;
mod moves;
mod print;
mod sequences;
mod sgr;
mod strings;

use std::collections::VecDeque;
use std::path::PathBuf;

use protocol::Size;
use protocol::terminal::TerminalFacts;
use rio_vt::ansi::CursorShape;
use rio_vt::crosswords::grid::{Dimensions, Grid};
use rio_vt::crosswords::pos::{CharsetIndex, Column, Cursor, Line};
use rio_vt::crosswords::square::Square;
use rio_vt::crosswords::style::Style;
use rio_vt::crosswords::{Crosswords, CrosswordsSize, Mode};
use rio_vt::event::{VoidListener, WindowId};
use rio_vt::performer::handler::Processor;

pub(super) use self::kept::{Kept, MAX_JOINED_BYTES, MAX_LINKS_BYTES};
pub(super) use self::meter::Meter;
pub use self::meter::Work;
pub(super) use self::moves::SavedCursor;
pub(super) use self::sgr::{BASIC, OVERLINE};
use self::strings::Dcs;
use super::facts::Facts;
use super::lines::{Epochs, Kind, LineMark, TextCursor};
use super::{Permissions, ScreenEvents};

/// The longest title kept, in bytes.
pub(super) const MAX_TITLE_BYTES: usize = 1024;
/// The number of titles that `CSI 22 t` can save; xterm keeps 10.
pub(super) const MAX_TITLES: usize = 16;
/// The longest hyperlink kept, in bytes, as other terminals have it.
const MAX_LINK_BYTES: usize = 2083;
/// The number of characters that one cell takes up besides its first. Emoji families have about 10, stacked marks are unbounded.
const MAX_CLUSTER_CHARS: usize = 64;
/// Replies that the program has not taken yet, in bytes. More are dropped: a program that asks this much without reading
/// will not miss them.
pub(super) const MAX_REPLY_BYTES: usize = 16 * 1024;
/// The title of a notification that is none, but names the place in the text where it stands.
pub const MARK_TITLE: &str = "fugue-mark";
/// Named places kept: one for each step of the longest pipeline.
pub(super) const MAX_MARKS: usize = 256;
/// The longest name of a place, in bytes.
pub(super) const MAX_MARK_BYTES: usize = 64;
/// The kitty keyboard protocol's stack of modes. Source: `rio_vt::crosswords`, `KEYBOARD_MODE_STACK_MAX_DEPTH`.
pub(super) const KEYBOARD_MODES: usize = 8;

/// The engine's ring of keyboard modes for one screen, which it keeps to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyboardStack {
    pub(super) modes: [u8; KEYBOARD_MODES],
    pub(super) top: usize,
}

/// The grid and everything around it that programs change by escape sequences.
pub(super) struct Engine {
    pub(super) term: Crosswords<VoidListener>,
    /// The scroll region: first row and the row after the last one.
    pub(super) region: (i32, i32),
    pub(super) tabs: Vec<bool>,
    pub(super) charset: CharsetIndex,
    /// Which of G0 to G3 are the British set. The engine knows ASCII and line drawing.
    pub(super) british: [bool; 4],
    /// The rest of what was saved (DECSC) on the primary and on the alternate screen.
    pub(super) saved: [SavedCursor; 2],
    pub(super) titles: Vec<String>,
    pub(super) keyboard: KeyboardStack,
    pub(super) keyboard_of_other_screen: KeyboardStack,
    /// The cursor saved (DECSC) on the alternate screen while it is not shown.
    pub(super) alternate_saved: Cursor<Square>,
    /// The character that REP (`CSI b`) repeats: the last character with a width.
    pub(super) last_char: Option<char>,
    pub(super) replies: Vec<u8>,
    pub(super) events: ScreenEvents,
    /// The program's rights over what others see.
    pub(super) permissions: Permissions,
    /// The terminal of who looks.
    pub(super) terminal: TerminalFacts,
    /// Colours were set or taken back.
    pub(super) colors_changed: bool,
    /// Insert mode (IRM). The engine's own is never on.
    pub(super) inserting: bool,
    pub(super) epochs: Epochs,
    /// Added to the engine's count of evicted rows, so that row numbers go on after a restore.
    pub(super) row_base: u64,
    /// The end of the primary screen's text when the alternate screen was entered, and the epoch then.
    pub(super) primary_end: (u64, LineMark),
    /// The program itself has erased what was above this row, of this epoch: nobody has lost it.
    pub(super) erased: (u64, u64),
    /// Places that the program has named, the newest last.
    pub(super) marks: VecDeque<(String, TextCursor)>,
    pub(super) meter: Meter,
    /// The slots of the screen that is shown, and of the other one.
    pub(super) kept: Kept,
    pub(super) kept_of_other_screen: Kept,
    /// The program's facts about itself.
    pub(super) facts: Facts,
    dcs: Dcs,
    /// The engine's own table, for control strings.
    strings: Option<Box<Processor>>,
}

impl Engine {
    pub(super) fn new(size: Size, history_lines: usize) -> Self {
        let dimensions = CrosswordsSize::new(size.cols.into(), size.rows.into());
        let mut term = Crosswords::new(
            dimensions,
            // Stands for the terminal's own: no sequence asks for it.
            CursorShape::Hidden,
            VoidListener,
            WindowId::from(0),
            0,
            history_lines,
        );
        // Programs place their text by the width of single characters, and so do the terminals of attached clients.
        term.set_grapheme_clustering(false);
        Self {
            term,
            region: (0, size.rows.into()),
            tabs: default_tabs(size.cols.into()),
            charset: CharsetIndex::G0,
            british: [false; 4],
            saved: [SavedCursor::default(); 2],
            titles: Vec::new(),
            keyboard: KeyboardStack::default(),
            keyboard_of_other_screen: KeyboardStack::default(),
            alternate_saved: Cursor::default(),
            last_char: None,
            replies: Vec::new(),
            events: ScreenEvents::default(),
            permissions: Permissions::default(),
            terminal: TerminalFacts::default(),
            colors_changed: false,
            inserting: false,
            epochs: Epochs::default(),
            row_base: 0,
            primary_end: (0, LineMark::default()),
            erased: (0, 0),
            marks: VecDeque::new(),
            meter: Meter::default(),
            kept: Kept::default(),
            kept_of_other_screen: Kept::default(),
            facts: Facts::default(),
            dcs: Dcs::default(),
            strings: None,
        }
    }

    pub(super) fn grid(&self) -> &Grid<Square> {
        &self.term.grid
    }

    pub(super) fn size(&self) -> Size {
        // The engine was given two u16.
        Size {
            rows: self.term.screen_lines() as u16,
            cols: self.term.columns() as u16,
        }
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.term.mode().contains(Mode::ALT_SCREEN)
    }

    /// The number of the screen's first row. Rows are numbered from the start of output, on the primary screen only.
    pub(super) fn screen_top(&self) -> u64 {
        self.history_top() + self.grid().history_size() as u64
    }

    /// The number of the oldest row kept.
    pub(super) fn history_top(&self) -> u64 {
        self.row_base.wrapping_add(self.grid().lines_evicted())
    }

    /// The engine's line for a row number that is not older than [`Engine::history_top`].
    pub(super) fn line_of(&self, row: u64) -> Line {
        Line(row.wrapping_sub(self.screen_top()) as i64 as i32)
    }

    /// The number of an engine's line.
    pub(super) fn row_of(&self, line: Line) -> u64 {
        self.screen_top().wrapping_add(i64::from(line.0) as u64)
    }

    pub(super) fn reply(&mut self, text: std::fmt::Arguments<'_>) {
        use std::io::Write as _;
        if self.replies.len() < MAX_REPLY_BYTES {
            // Writing into a vector cannot fail.
            let _ = self.replies.write_fmt(text);
        }
    }

    /// Keeps the end of the text so far under this name.
    pub(super) fn mark(&mut self, name: String) {
        if name.len() > MAX_MARK_BYTES {
            return;
        }
        let (epoch, mark) = match self.is_alternate() {
            true => self.primary_end,
            false => (self.epochs.count, self.end_mark()),
        };
        if self.marks.len() >= MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((
            name,
            TextCursor {
                kind: Kind::Text,
                epoch,
                mark,
            },
        ));
    }

    pub(super) fn cwd(&self) -> Option<&PathBuf> {
        self.term.current_directory.as_ref()
    }

    /// Exchanges the primary and the alternate screen. The alternate one is empty when it is entered.
    pub(super) fn swap_screens(&mut self) {
        if self.is_alternate() {
            self.alternate_saved = portable(self.grid(), &self.grid().saved_cursor);
        }
        std::mem::swap(&mut self.keyboard, &mut self.keyboard_of_other_screen);
        std::mem::swap(&mut self.kept, &mut self.kept_of_other_screen);
        self.term.swap_alt();
        self.count_slots();
        if self.is_alternate() {
            self.term.grid.saved_cursor = std::mem::take(&mut self.alternate_saved);
        }
    }

    /// After a change of size, which resets the scroll region, keeps old tab stops, and leaves alone what is not shown.
    pub(super) fn resized(&mut self) {
        let cols = self.term.columns();
        let old = self.tabs.len();
        self.region = (0, self.term.screen_lines() as i32);
        self.tabs.truncate(cols);
        self.tabs.extend((old..cols).map(is_default_tab));
        let bottom = self.grid().bottommost_line();
        let saved = &mut self.alternate_saved.pos;
        saved.row = saved.row.min(bottom);
        saved.col = saved.col.min(Column(cols - 1));
    }
}

/// Tab stops every 8 columns. Source: terminfo `it`.
fn is_default_tab(col: usize) -> bool {
    col.is_multiple_of(8)
}

fn default_tabs(cols: usize) -> Vec<bool> {
    (0..cols).map(is_default_tab).collect()
}

/// `cursor` without what holds in its grid's tables only: its hyperlink, and its style by number.
fn portable(grid: &Grid<Square>, cursor: &Cursor<Square>) -> Cursor<Square> {
    let style = saved_style(grid, cursor);
    Cursor {
        template: Square::default(),
        pending_style: style,
        style_dirty: true,
        ..cursor.clone()
    }
}

/// The style that a saved cursor brings back.
pub(super) fn saved_style(grid: &Grid<Square>, cursor: &Cursor<Square>) -> Style {
    match cursor.style_dirty {
        true => cursor.pending_style,
        false => grid.style_of(&cursor.template),
    }
}
