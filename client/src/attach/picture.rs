//! The picture that a view shows: the part of its pane that fits, and a message. Pure: no I/O and no clock.

use std::rc::Rc;

use protocol::Size;
use protocol::event::{ScreenCursor, ScreenUpdate};
use protocol::terminal::{Rgb, SetColors};

use super::message::Message;
use super::outer::clipboard;
use super::outer::colors::Colors;
use super::outer::modes::Modes;
use super::outer::mouse::Mouse;
use super::outer::row::Row;
use super::outer::writer::{Picture, Writer};

/// The view's pane as it was told, and the terminal on which it is drawn.
#[derive(Debug)]
pub(super) struct Display {
    terminal: Size,
    pane: Size,
    rows: Vec<Rc<Row>>,
    /// The text of each row as it came, which spares reading the same one again.
    texts: Vec<Vec<u8>>,
    cursor: ScreenCursor,
    modes: u32,
    /// The program's kitty flags and its level of modifyOtherKeys.
    keyboard: (u8, u8),
    cursor_color: Option<Rgb>,
    set_colors: SetColors,
    title: String,
    /// How far the pane is scrolled back.
    rows_back: u64,
    /// The first row and column of the pane that are shown.
    origin: (u16, u16),
    /// The person chose what is shown: it does not follow the cursor.
    panned: bool,
    message: Option<Message>,
    writer: Writer,
    outer: Modes,
    colors: Colors,
}

impl Display {
    /// For a terminal of this size that was just made ready.
    pub(super) fn new(terminal: Size, mouse: bool) -> Self {
        Self {
            terminal,
            pane: terminal,
            rows: Vec::new(),
            texts: Vec::new(),
            cursor: ScreenCursor::default(),
            modes: 0,
            keyboard: (0, 0),
            cursor_color: None,
            set_colors: SetColors::default(),
            title: String::new(),
            rows_back: 0,
            origin: (0, 0),
            panned: false,
            message: None,
            writer: Writer::new(terminal),
            outer: Modes::new(mouse),
            colors: Colors::default(),
        }
    }

    /// The terminal was made ready anew, or has another size: all is written again.
    pub(super) fn ready_again(&mut self, terminal: Size, out: &mut Vec<u8>) {
        self.terminal = terminal;
        self.writer.forget(terminal);
        self.outer.forget();
        self.colors.forget();
        self.show(out);
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, terminal: Size, out: &mut Vec<u8>) {
        if terminal != self.terminal {
            self.terminal = terminal;
            self.writer.distrust(terminal);
            self.show(out);
        }
    }

    /// Somebody else may have written to the terminal: all rows are written again.
    pub(super) fn redraw(&mut self, out: &mut Vec<u8>) {
        self.writer.distrust(self.terminal);
        self.show(out);
    }

    /// The bits of the program's modes.
    pub(super) fn modes(&self) -> u32 {
        self.modes
    }

    /// The pane is scrolled back.
    pub(super) fn is_scrolled(&self) -> bool {
        self.rows_back > 0
    }

    /// Rows of the terminal.
    pub(super) fn height(&self) -> u16 {
        self.terminal.rows
    }

    /// A message stands on the last line.
    pub(super) fn has_message(&self) -> bool {
        self.message.is_some()
    }

    /// The bytes that undo all colours that are set when this update is drawn, if that is more than before.
    pub(super) fn undo_after(&mut self, update: &ScreenUpdate) -> Option<Vec<u8>> {
        let set = update.colors.as_ref().unwrap_or(&self.set_colors);
        let is_more = self.colors.touch(set, update.cursor_color);
        is_more.then(|| self.colors.undo())
    }

    /// Takes an update in and draws it.
    pub(super) fn update(&mut self, update: &ScreenUpdate, out: &mut Vec<u8>) {
        self.pane = update.size;
        let height = usize::from(update.size.rows);
        if update.full {
            self.rows.clear();
            self.texts.clear();
        }
        self.rows.resize(height, Rc::default());
        self.texts.resize(height, Vec::new());
        for row in &update.rows {
            let at = usize::from(row.row);
            if at < height && self.texts[at] != row.ansi {
                self.rows[at] = Rc::new(Row::read(row));
                self.texts[at].clone_from(&row.ansi);
            }
        }
        self.cursor = update.cursor;
        self.modes = update.modes;
        self.keyboard = (update.keyboard, update.modify_other_keys);
        self.cursor_color = update.cursor_color;
        if let Some(colors) = &update.colors {
            self.set_colors.clone_from(colors);
        }
        self.rows_back = update.rows_back;
        if let Some(title) = &update.title {
            self.title.clone_from(title);
        }
        self.show(out);
        if update.bell {
            out.push(0x07);
        }
        for copied in &update.copied {
            clipboard::copy(copied, out);
        }
    }

    /// Puts a message on the last line, or takes it away.
    pub(super) fn say(&mut self, message: Option<Message>, out: &mut Vec<u8>) {
        self.message = message;
        self.show(out);
    }

    /// Shows another part of a pane that is larger than the terminal, half a terminal further on.
    pub(super) fn pan(&mut self, down: i8, right: i8, out: &mut Vec<u8>) {
        let moved = |from: u16, by: i8, shown: u16| {
            let step = (shown / 2).max(1);
            match by {
                ..0 => from.saturating_sub(step),
                0 => from,
                1.. => from.saturating_add(step),
            }
        };
        self.panned = true;
        self.origin = (
            moved(self.origin.0, down, self.terminal.rows),
            moved(self.origin.1, right, self.terminal.cols),
        );
        self.show(out);
    }

    /// The part that is shown follows the cursor again.
    pub(super) fn follow(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.panned) {
            self.show(out);
        }
    }

    /// The place in the pane that a report is about; none outside of it, unless a button is held down that was pressed
    /// inside.
    pub(super) fn inside(&self, mouse: Mouse, held: bool) -> Option<Mouse> {
        let row = mouse.row.saturating_add(self.origin.0);
        let col = mouse.col.saturating_add(self.origin.1);
        let last = (
            self.pane.rows.saturating_sub(1),
            self.pane.cols.saturating_sub(1),
        );
        let is_inside = row <= last.0 && col <= last.1;
        let (row, col) = (row.min(last.0), col.min(last.1));
        (is_inside || held).then_some(Mouse { row, col, ..mouse })
    }

    fn show(&mut self, out: &mut Vec<u8>) {
        self.choose_part();
        let picture = self.picture();
        self.writer.draw(&picture, out);
        self.outer.mirror(self.modes, out);
        let (flags, level) = self.keyboard;
        self.outer.set_keyboard(flags, level, out);
        self.colors.show(&self.set_colors, self.cursor_color, out);
        self.outer.set_title(&self.title, out);
    }

    /// Chooses what is shown of a pane that is larger than the terminal: what the person chose, else where the cursor is.
    fn choose_part(&mut self) {
        let (rows, cols) = (self.terminal.rows, self.terminal.cols);
        let most = (
            self.pane.rows.saturating_sub(rows),
            self.pane.cols.saturating_sub(cols),
        );
        let (row, col) = self.origin;
        self.origin = match self.panned {
            true => (row, col),
            false => (
                following(row, self.cursor.row, rows, 0),
                following(col, self.cursor.col, cols, cols / 4),
            ),
        };
        self.origin = (self.origin.0.min(most.0), self.origin.1.min(most.1));
    }

    fn picture(&self) -> Picture {
        let (first, left) = self.origin;
        let cols = self.terminal.cols;
        let row = |index: u16| {
            let row = self.rows.get(usize::from(index) + usize::from(first));
            match row {
                Some(row) if left == 0 && row.columns() <= usize::from(cols) => Rc::clone(row),
                Some(row) => Rc::new(row.part(left, cols)),
                None => Rc::default(),
            }
        };
        let mut rows: Vec<Rc<Row>> = (0..self.terminal.rows).map(row).collect();
        if let (Some(message), Some(last)) = (&self.message, rows.last_mut()) {
            *last = Rc::new(Row::message(&message.fitted(cols), cols));
        }
        let at = self
            .cursor
            .row
            .checked_sub(first)
            .zip(self.cursor.col.checked_sub(left));
        let cursor = at.filter(|(row, _)| {
            self.cursor.visible && *row < self.pane.rows && *row < self.terminal.rows
        });
        // In the column behind the last one a cursor waits on the last.
        let cursor = cursor.filter(|(_, col)| *col < cols || left == 0);
        Picture {
            rows,
            cursor,
            shape: self.cursor.shape,
        }
    }
}

/// The first of `shown` rows or columns that are shown, so that `at` is among them, with `margin` more when they move on.
fn following(first: u16, at: u16, shown: u16, margin: u16) -> u16 {
    if at < shown {
        return 0;
    }
    let last = first.saturating_add(shown);
    if at < first {
        at.saturating_sub(margin)
    } else if at >= last {
        (at + 1).saturating_add(margin).saturating_sub(shown)
    } else {
        first
    }
}

#[cfg(test)]
mod tests;
