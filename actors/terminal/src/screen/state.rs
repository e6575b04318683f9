//! The state of a screen, and how output goes into it.

use std::path::Path;

use protocol::Size;
use protocol::terminal::{CellPixels, TerminalFacts};
use rio_vt::ansi::CursorShape as EngineShape;
use rio_vt::crosswords::Mode;
use rio_vt::performer::parser::Parser;
use tracing::{Dispatch, dispatcher};

use super::boundary::{self, Boundary, REPLACEMENT, Step};
use super::bounds::{MAX_HISTORY_LINES, clamp};
use super::copies::{Copies, CopyError};
use super::echo::Echoes;
use super::engine::{Engine, Work};
use super::events::ScreenEvents;
use super::modes::{Cursor, CursorShape, Modes};
use super::permissions::Permissions;
use super::{palette, render};

/// The most bytes of a chunk that the engine is given at a time.
const SLICE_BYTES: usize = boundary::MAX_STRING_BYTES;

/// The screen of one pane.
pub struct Screen {
    pub(super) history_lines: usize,
    pub(super) engine: Engine,
    pub(super) parser: Parser,
    pub(super) boundary: Boundary,
    /// The beginning of a character that the last chunk ended in.
    pub(super) partial_char: Vec<u8>,
    pub(super) generation: u64,
    /// The generation in which each row of the screen changed last.
    pub(super) row_generations: Vec<u64>,
    /// The generation in which all rows changed last.
    pub(super) all_rows_generation: u64,
    /// The generation since which the size is the same.
    pub(super) size_generation: u64,
    pub(super) title_generation: u64,
    pub(super) colors_generation: u64,
    /// The parts of a screen besides its rows for which [`Screen::generation`] stands.
    pub(super) shown: (Cursor, Modes),
    pub(super) echoes: Echoes,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.size();
        f.debug_struct("Screen")
            .field("size", &size)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// An empty screen that keeps `history_lines` rows (at most [`MAX_HISTORY_LINES`]) above it.
    ///
    /// Sizes are brought to 1 to [`MAX_SIDE`](super::MAX_SIDE) rows and 2 to as many columns: a wide character needs two.
    #[must_use]
    pub fn new(size: Size, history_lines: usize) -> Self {
        let size = clamp(size);
        let history_lines = history_lines.min(MAX_HISTORY_LINES);
        let mut screen = Self {
            history_lines,
            engine: Engine::new(size, history_lines),
            parser: Parser::default(),
            boundary: Boundary::default(),
            partial_char: Vec::new(),
            generation: 1,
            row_generations: vec![0; size.rows.into()],
            all_rows_generation: 1,
            size_generation: 1,
            title_generation: 0,
            colors_generation: 0,
            shown: (Cursor::default(), Modes::default()),
            echoes: Echoes::default(),
        };
        screen.clear_damage();
        screen.shown = (screen.cursor(), screen.modes());
        screen
    }

    /// Takes in output of the program. It makes no difference how the output is cut into chunks.
    pub fn advance(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.advance_some(rest)..];
        }
    }

    /// Takes in output as far as the work of one turn goes, and returns how many bytes that were: at least one, if there are any.
    ///
    /// A turn writes at most 64 cells for each byte given to it and four times the screen besides.
    #[must_use = "what was not taken in is to be given again"]
    pub fn advance_some(&mut self, bytes: &[u8]) -> usize {
        let title_changed = std::mem::take(&mut self.engine.events.title_changed);
        let size = self.size();
        let cells = u64::from(size.rows) * u64::from(size.cols);
        self.engine.meter.begin_turn(bytes.len(), cells);
        let mut taken = 0;
        // The engine logs what it cannot use, but output is never to be logged.
        dispatcher::with_default(&Dispatch::none(), || {
            for slice in bytes.chunks(SLICE_BYTES) {
                let fed = self.feed(slice);
                taken += fed;
                if fed < slice.len() || self.engine.meter.is_spent() {
                    break;
                }
            }
        });
        self.note_changes();
        if self.engine.events.title_changed {
            self.title_generation = self.generation;
        }
        self.engine.events.title_changed |= title_changed;
        taken
    }

    /// The work that all output so far has made. A restored screen begins anew.
    #[must_use]
    pub fn work(&self) -> Work {
        self.engine.meter.work()
    }

    /// Feeds bytes until the turn's work is done, and returns how many.
    fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut rest = self.finish_char(bytes);
        while !rest.is_empty() && !self.engine.meter.is_spent() {
            match self.boundary.step(rest, self.engine.permissions.copies) {
                Step::Feed(0) => rest = &rest[self.boundary.end_dropping(rest)..],
                Step::Feed(len) => {
                    let taken = self.feed_engine(&rest[..len]);
                    rest = &rest[taken..];
                    if taken == len {
                        rest = self.finish_char(rest);
                    }
                }
                Step::Drop(len) => rest = &rest[len..],
                Step::Cancel => {
                    self.parser.advance(&mut self.engine, b"\x18");
                    if self.boundary.is_copy() && self.engine.permissions.copies == Copies::PassedOn
                    {
                        self.engine.events.not_copied = Some(CopyError::TooLong);
                    }
                    self.boundary.cancelled();
                }
            }
        }
        bytes.len() - rest.len()
    }

    /// Feeds the character that was left unfinished, and returns the bytes after it.
    fn finish_char<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut bytes = bytes;
        while !self.partial_char.is_empty() {
            let Some((&byte, rest)) = bytes.split_first() else {
                break;
            };
            self.partial_char.push(byte);
            if boundary::partial_utf8_len(&self.partial_char) < self.partial_char.len() {
                let is_char = std::str::from_utf8(&self.partial_char).is_ok();
                let char = if is_char {
                    &self.partial_char
                } else {
                    REPLACEMENT
                };
                self.parser.advance(&mut self.engine, char);
                self.partial_char.clear();
                // A byte that does not continue the character begins something else.
                return if is_char { rest } else { bytes };
            }
            bytes = rest;
        }
        bytes
    }

    /// Feeds `bytes` but for an unfinished character at their end, which the engine would take for another one depending on
    /// where the chunk ends. Returns how many it took: fewer when the turn's work is done.
    fn feed_engine(&mut self, bytes: &[u8]) -> usize {
        let before = self.boundary.beginning().to_vec();
        self.boundary.fed(bytes);
        let held = match self.boundary.is_ground() {
            true => boundary::partial_utf8_len(bytes),
            false => 0,
        };
        let (mut now, partial) = bytes.split_at(bytes.len() - held);
        // What is unfinished before that will stay so.
        let mut broken = 0;
        while held > 0 && boundary::partial_utf8_len(now) > 0 {
            now = &now[..now.len() - boundary::partial_utf8_len(now)];
            broken += 1;
        }
        self.engine.meter.begin_piece();
        boundary::parse(&mut self.parser, &mut self.engine, &before, now);
        if self.engine.meter.is_spent() {
            return self.go_back(&before, now);
        }
        self.partial_char.extend_from_slice(partial);
        for _ in 0..broken {
            self.parser.advance(&mut self.engine, REPLACEMENT);
        }
        bytes.len()
    }

    /// Brings the parser back behind the last sequence that the engine has carried out of `bytes`: what followed was left undone.
    fn go_back(&mut self, before: &[u8], bytes: &[u8]) -> usize {
        let count = self.engine.meter.sequences();
        let taken = Boundary::after_sequences(before, bytes, count);
        if taken < bytes.len() {
            self.boundary = Boundary::resume(before, false);
            self.boundary.fed(&bytes[..taken]);
            self.parser = boundary::parser_after(self.boundary.pending());
        }
        taken
    }

    /// The answers to the program's queries, to be written to it.
    pub fn take_replies(&mut self) -> Option<Vec<u8>> {
        match self.engine.replies.is_empty() {
            true => None,
            false => Some(std::mem::take(&mut self.engine.replies)),
        }
    }

    /// Sets the program's rights from now on.
    pub fn permit(&mut self, permissions: Permissions) {
        self.engine.permissions = permissions;
    }

    /// Notes what is known of the terminal of who looks: what programs are told that ask.
    pub fn set_terminal(&mut self, terminal: TerminalFacts) {
        self.engine.terminal = terminal;
    }

    /// The size of the cells of that terminal, where it is known.
    #[must_use]
    pub fn cell(&self) -> Option<CellPixels> {
        self.engine.terminal.cell
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> ScreenEvents {
        std::mem::take(&mut self.engine.events)
    }

    /// Changes the size. The primary screen and its history are wrapped anew, the alternate screen is cut or extended; sizes
    /// are clamped as in [`Screen::new`].
    pub fn resize(&mut self, size: Size) {
        let size = clamp(size);
        if size == self.size() {
            return;
        }
        self.engine.resize(size);
        self.row_generations.clear();
        self.row_generations.resize(size.rows.into(), 0);
        self.note_changes();
        self.size_generation = self.generation;
    }

    /// The size.
    #[must_use]
    pub fn size(&self) -> Size {
        self.engine.size()
    }

    /// The title that the program has set, at most 1,024 bytes without control characters.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.engine.term.title
    }

    /// The working directory that the program has told (OSC 7).
    #[must_use]
    pub fn cwd(&self) -> Option<&Path> {
        self.engine.cwd().map(std::path::PathBuf::as_path)
    }

    /// The modes.
    #[must_use]
    pub fn modes(&self) -> Modes {
        let mode = self.engine.term.mode();
        Modes {
            alternate_screen: mode.contains(Mode::ALT_SCREEN),
            bracketed_paste: mode.contains(Mode::BRACKETED_PASTE),
            application_cursor: mode.contains(Mode::APP_CURSOR),
            application_keypad: mode.contains(Mode::APP_KEYPAD),
            mouse_clicks: mode.intersects(Mode::MOUSE_REPORT_CLICK | Mode::MOUSE_REPORT_X10),
            mouse_drag: mode.contains(Mode::MOUSE_DRAG),
            mouse_motion: mode.contains(Mode::MOUSE_MOTION),
            mouse_sgr: mode.contains(Mode::SGR_MOUSE),
            mouse_utf8: mode.contains(Mode::UTF8_MOUSE),
            alternate_scroll: mode.contains(Mode::ALTERNATE_SCROLL),
            focus_events: mode.contains(Mode::FOCUS_IN_OUT),
            synchronized_output: mode.contains(Mode::SYNC_UPDATE),
            keyboard: self.engine.term.keyboard_mode().bits(),
            modify_other_keys: self.engine.term.modify_other_keys().unwrap_or(0),
        }
    }

    /// The cursor.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let grid = self.engine.grid();
        Cursor {
            // Within a size of two u16.
            row: grid.cursor.pos.row.0 as u16,
            col: render::cursor_col(grid) as u16,
            visible: self.engine.term.mode().contains(Mode::SHOW_CURSOR),
            shape: match self.engine.term.cursor_shape {
                EngineShape::Hidden => CursorShape::Own,
                EngineShape::Block => CursorShape::Block,
                EngineShape::Underline => CursorShape::Underline,
                EngineShape::Beam => CursorShape::Bar,
            },
            blinking: self.engine.term.blinking_cursor,
            color: palette::cursor_color(self.engine.term.colors()),
        }
    }

    /// Ends a synchronized update (DECSET 2026) that the program has not ended in time.
    pub fn end_synchronized_update(&mut self) {
        self.engine.term.end_sync_update();
        self.note_changes();
    }

    /// The number of rows that have left the screen at its top since the start, whether or not they are still kept.
    #[must_use]
    pub fn rows_scrolled(&self) -> u64 {
        match self.engine.is_alternate() {
            true => self.engine.primary_end.1.row,
            false => self.engine.screen_top(),
        }
    }
}
