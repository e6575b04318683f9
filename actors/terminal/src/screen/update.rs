//! The changes of a screen, by generations: what a client has to draw.

use protocol::Size;
use protocol::event::ScreenRow;
use protocol::reply::{Notice, Progress};
use protocol::terminal::SetColors;
use rio_vt::crosswords::pos::Line;

use super::modes::{Cursor, Modes};
use super::palette::{self, Palette};
use super::{Screen, clusters};

/// A change of the screen: what a client must draw to get from one generation to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenUpdate {
    /// The generation that the client has after it.
    pub generation: u64,
    /// All rows are there: the client starts from an empty screen.
    pub full: bool,
    /// The screen's size.
    pub size: Size,
    /// The rows that changed, with their text in UTF-8 and SGR sequences. Each begins and ends with default attributes; what
    /// is right of it is to be cleared (EL).
    pub rows: Vec<ScreenRow>,
    /// The cursor.
    pub cursor: Cursor,
    /// The modes.
    pub modes: Modes,
    /// The title, if it changed.
    pub title: Option<String>,
    /// The colours that the program has set, but for the cursor's, if they changed.
    pub colors: Option<SetColors>,
    /// The program's progress, if that changed.
    pub progress: Option<Progress>,
    /// Notifications that came since.
    pub notices: Vec<Notice>,
    /// The number of rows of the history between the end and what is shown.
    pub rows_back: u64,
}

impl Screen {
    /// A number that grows whenever something visible changed.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn row_generation(&self, row: usize) -> u64 {
        self.row_generations[row].max(self.all_rows_generation)
    }

    pub(super) fn clear_damage(&mut self) {
        for line in 0..self.row_generations.len() {
            self.engine.term.grid[Line(line as i32)].dirty = false;
        }
        self.engine.term.reset_damage();
    }

    /// Gives everything that changed since the last call a new generation.
    pub(super) fn note_changes(&mut self) {
        let next = self.generation + 1;
        let colors_changed = std::mem::take(&mut self.engine.colors_changed);
        let told = self.engine.facts.note(next);
        self.engine.events.told |= told;
        let mut changed = self.engine.events.title_changed || colors_changed || told;
        if self.engine.term.is_fully_damaged() {
            self.all_rows_generation = next;
            changed = true;
            self.clear_damage();
        } else {
            for (line, generation) in self.row_generations.iter_mut().enumerate() {
                // Reading through the shared reference leaves the mark alone.
                if self.engine.term.grid.raw[Line(line as i32)].dirty {
                    *generation = next;
                    changed = true;
                    self.engine.term.grid.raw[Line(line as i32)].dirty = false;
                }
            }
        }
        let shown = (self.cursor(), self.modes());
        if changed || shown != self.shown {
            self.shown = shown;
            self.generation = next;
        }
        if colors_changed {
            self.colors_generation = next;
        }
    }

    /// The change since `generation`, which is 0 for a client that has nothing yet.
    #[must_use]
    pub fn update_since(&self, generation: u64) -> ScreenUpdate {
        let full = generation < self.size_generation || generation > self.generation;
        let since = if full { 0 } else { generation };
        let size = self.size();
        let palette = Palette::of(self.engine.term.colors());
        let changed = (0..size.rows).filter(|&row| full || self.row_generation(row.into()) > since);
        let rows = changed
            .map(|row| clusters::screen_row(self.engine.grid(), palette, row, Line(row.into())))
            .collect();
        let title = full || self.title_generation > since;
        let colors = full || self.colors_generation > since;
        ScreenUpdate {
            generation: self.generation,
            full,
            size,
            rows,
            cursor: self.cursor(),
            modes: self.modes(),
            title: title.then(|| self.title().to_owned()),
            colors: colors.then(|| palette::set_colors(self.engine.term.colors())),
            progress: self.engine.facts.progress_since(since),
            notices: self.engine.facts.notices_since(generation),
            rows_back: 0,
        }
    }
}
