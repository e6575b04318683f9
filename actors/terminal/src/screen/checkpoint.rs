//! Checkpoints: a screen as bytes, from which one is rebuilt that goes on exactly as this one would.
//!
//! Not in a checkpoint: replies and events not taken yet.

mod cells;
mod extra;
mod wire;

use std::collections::VecDeque;

use protocol::Size;
use rio_vt::ansi::mode::{Mode as AnsiMode, NamedMode, NamedPrivateMode};
use rio_vt::ansi::{CursorShape as EngineShape, KeyboardModes, TabulationClearMode};
use rio_vt::config::colors::ColorRgb;
use rio_vt::crosswords::Mode;
use rio_vt::crosswords::grid::{Dimensions, Grid};
use rio_vt::crosswords::pos::{CharsetIndex, Column};
use rio_vt::performer::handler::Handler;

use super::boundary::{Boundary, MAX_STRING_BYTES};
use super::bounds::clamp;
use super::engine::{
    Engine, KEYBOARD_MODES, Kept, KeyboardStack, MAX_MARK_BYTES, MAX_MARKS, MAX_TITLE_BYTES,
    MAX_TITLES,
};
use super::lines::{Change, Kind, LineMark, MAX_BREAKS, MAX_EPOCHS, TextCursor};
use super::{MAX_HISTORY_LINES, MAX_SIDE, Screen, palette};
use cells::{GridReader, GridWriter};
use extra::Extra;
use wire::{Reader, Writer};

/// The format's version, first byte of every checkpoint.
const VERSION: u8 = 1;
/// The longest working directory. Source: Linux, `PATH_MAX`, with room.
const MAX_CWD_BYTES: usize = MAX_STRING_BYTES;

/// The modes that are set by a DECSET, and the flag that tells.
const PRIVATE_MODES: [(Mode, NamedPrivateMode); 16] = [
    (Mode::SHOW_CURSOR, NamedPrivateMode::ShowCursor),
    (Mode::APP_CURSOR, NamedPrivateMode::CursorKeys),
    (
        Mode::MOUSE_REPORT_X10,
        NamedPrivateMode::ReportX10MouseClicks,
    ),
    (
        Mode::MOUSE_REPORT_CLICK,
        NamedPrivateMode::ReportMouseClicks,
    ),
    (Mode::MOUSE_DRAG, NamedPrivateMode::ReportCellMouseMotion),
    (Mode::MOUSE_MOTION, NamedPrivateMode::ReportAllMouseMotion),
    (Mode::BRACKETED_PASTE, NamedPrivateMode::BracketedPaste),
    (Mode::SGR_MOUSE, NamedPrivateMode::SgrMouse),
    (Mode::UTF8_MOUSE, NamedPrivateMode::Utf8Mouse),
    (Mode::LINE_WRAP, NamedPrivateMode::LineWrap),
    (Mode::ORIGIN, NamedPrivateMode::Origin),
    (Mode::FOCUS_IN_OUT, NamedPrivateMode::ReportFocusInOut),
    (Mode::ALTERNATE_SCROLL, NamedPrivateMode::AlternateScroll),
    (Mode::URGENCY_HINTS, NamedPrivateMode::UrgencyHints),
    (Mode::GRAPHEME_CLUSTER, NamedPrivateMode::GraphemeCluster),
    (Mode::SYNC_UPDATE, NamedPrivateMode::SyncUpdate),
];

/// An error of restoring a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was written by another version.
    #[error("the checkpoint is of version {0}, this daemon reads version {VERSION}")]
    Version(u8),
    /// It is cut off or was changed.
    #[error("the checkpoint is damaged")]
    Damaged,
}

/// The part of the history that a checkpoint has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// The screen and its whole history.
    #[default]
    Full,
    /// The screen and at most so many rows of its history, the newest.
    Rows(usize),
    /// The screen alone. Cheap, and as good as a full one once more rows have scrolled than the history keeps.
    Screen,
}

impl Screen {
    /// The screen as bytes. Unfinished escape sequences and characters are part of it: what comes after it is exactly the output not
    /// yet given to [`Screen::advance`].
    ///
    /// It takes `&mut self` because the engine shows its primary screen only when that is the active one.
    #[must_use]
    pub fn checkpoint(&mut self, extent: Extent) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(&[VERSION]);
        let size = self.size();
        out.number(size.rows.into());
        out.number(size.cols.into());
        out.size(self.history_lines);
        out.number(self.generation);
        let (pending, dropping) = self.boundary.portable();
        out.text(&Extra::of(&self.engine, pending).before(pending));
        out.flag(dropping);
        out.text(&self.partial_char);
        write_engine(&self.engine, &mut out);
        let alternate = self
            .engine
            .is_alternate()
            .then(|| self.engine.grid().clone());
        self.engine.with_primary(|engine| {
            let history = engine.grid().history_size();
            let kept = match extent {
                Extent::Full => history,
                Extent::Rows(rows) => rows.min(history),
                Extent::Screen => 0,
            };
            out.number(engine.history_top().wrapping_add((history - kept) as u64));
            GridWriter::new(&mut out).grid(engine.grid(), kept);
        });
        // Looking at the primary screen has marked everything as changed.
        self.clear_damage();
        let grid = alternate.as_ref().unwrap_or(self.engine.grid());
        GridWriter::new(&mut out).saved_cursor(grid, &self.engine.alternate_saved);
        out.flag(alternate.is_some());
        if let Some(grid) = &alternate {
            GridWriter::new(&mut out).grid(grid, 0);
        }
        out.bytes
    }

    /// Everything there is about the screen, as bytes: a full checkpoint of generation 0, which screens share that are the same and
    /// go on the same way, whatever has become of each. For comparisons; it cannot tell a client what has changed.
    #[must_use]
    pub fn state(&mut self) -> Vec<u8> {
        let generation = std::mem::replace(&mut self.generation, 0);
        let state = self.checkpoint(Extent::Full);
        self.generation = generation;
        state
    }

    /// The screen that [`Screen::checkpoint`] was called on. Clients are to draw it anew: its generation has grown by one.
    ///
    /// # Errors
    /// [`CheckpointError`]: the caller starts from an empty screen and as much output as there is.
    pub fn restore(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let mut input = Reader::new(bytes);
        let version = input.byte()?;
        if version != VERSION {
            return Err(CheckpointError::Version(version));
        }
        let size = read_size(&mut input)?;
        let history_lines = input.below(MAX_HISTORY_LINES + 1)?;
        let mut screen = Self::new(size, history_lines);
        screen.generation = input
            .number()?
            .checked_add(1)
            .ok_or(CheckpointError::Damaged)?;
        let (extra, pending) = Extra::split(input.bytes(MAX_STRING_BYTES + extra::MAX_BYTES)?);
        let dropping = input.flag()?;
        screen.partial_char = input.bytes(3)?.to_vec();
        read_engine(&mut screen, &mut input)?;
        let region = screen.engine.region;
        read_primary(&mut screen.engine, &mut input, history_lines)?;
        let saved = GridReader::new(&mut input).cursor(&mut screen.engine.term.grid)?;
        screen.engine.alternate_saved = saved;
        if input.flag()? {
            screen.engine.swap_screens();
            read_grid(&mut screen.engine, &mut input, 0)?;
        }
        if !input.is_empty() {
            return Err(CheckpointError::Damaged);
        }
        let cursor = screen.engine.grid().cursor.clone();
        screen
            .engine
            .set_scrolling_region(region.0 as usize + 1, Some(region.1 as usize));
        screen.engine.term.grid.cursor = cursor;
        extra.restore(&mut screen.engine);
        screen.parser.advance(&mut screen.engine, pending);
        screen.boundary = Boundary::resume(pending, dropping);
        screen.redraw_all();
        Ok(screen)
    }

    /// Makes everything new to every client.
    fn redraw_all(&mut self) {
        self.engine.replies.clear();
        self.engine.events = super::ScreenEvents::default();
        self.clear_damage();
        self.shown = (self.cursor(), self.modes());
        self.all_rows_generation = self.generation;
        self.size_generation = self.generation;
        self.title_generation = self.generation;
        self.colors_generation = self.generation;
        self.engine.colors_changed = false;
    }
}

fn write_engine(engine: &Engine, out: &mut Writer) {
    let mode = engine.term.mode();
    let modes = PRIVATE_MODES
        .iter()
        .enumerate()
        .filter(|(_, (flag, _))| mode.contains(*flag));
    out.number(modes.fold(0, |bits, (at, _)| bits | 1 << at));
    out.flag(engine.inserting);
    for flag in [Mode::LINE_FEED_NEW_LINE, Mode::APP_KEYPAD] {
        out.flag(mode.contains(flag));
    }
    out.number(engine.region.0 as u64);
    out.number(engine.region.1 as u64);
    for &tab in &engine.tabs {
        out.flag(tab);
    }
    // An older daemon knows two; `extra` has the true one.
    out.raw(&[(engine.charset as u8).min(1)]);
    let mut keyboards = [&engine.keyboard, &engine.keyboard_of_other_screen];
    if engine.is_alternate() {
        keyboards.reverse();
    }
    for stack in keyboards {
        out.raw(&stack.modes);
        out.size(stack.top);
    }
    out.raw(&[
        engine.term.modify_other_keys().unwrap_or(0),
        engine.term.cursor_shape as u8,
    ]);
    out.flag(engine.term.blinking_cursor);
    out.number(engine.last_char.map_or(0, |c| u64::from(u32::from(c)) + 1));
    out.text(engine.term.title.as_bytes());
    out.size(engine.titles.len());
    for title in &engine.titles {
        out.text(title.as_bytes());
    }
    let cwd = engine
        .cwd()
        .and_then(|cwd| cwd.to_str())
        .filter(|cwd| cwd.len() <= MAX_CWD_BYTES);
    out.text(cwd.unwrap_or("").as_bytes());
    let colors =
        (0..palette::COLORS).filter_map(|at| engine.term.colors[at].map(|color| (at, color)));
    let colors: Vec<_> = colors.collect();
    out.size(colors.len());
    for (at, color) in colors {
        let ColorRgb { r, g, b } = palette::from_array(color);
        out.size(at);
        out.raw(&[r, g, b]);
    }
    write_epochs(engine, out);
}

fn write_epochs(engine: &Engine, out: &mut Writer) {
    out.number(engine.epochs.count);
    out.size(engine.epochs.changes.len());
    for change in &engine.epochs.changes {
        match change {
            Change::Cleared(top) => {
                out.flag(false);
                out.number(*top);
            }
            Change::Reflowed(rows) => {
                out.flag(true);
                out.size(rows.len());
                for &(old, new) in rows {
                    out.number(old);
                    out.number(new);
                }
            }
        }
    }
    let (epoch, mark) = engine.primary_end;
    write_place(epoch, mark, out);
    out.size(engine.marks.len());
    for (name, place) in &engine.marks {
        out.text(name.as_bytes());
        write_place(place.epoch, place.mark, out);
    }
}

fn write_place(epoch: u64, mark: LineMark, out: &mut Writer) {
    for number in [epoch, mark.row, mark.seen.into(), mark.hash.into()] {
        out.number(number);
    }
}

fn read_place(input: &mut Reader<'_>) -> Result<(u64, LineMark), CheckpointError> {
    let epoch = input.number()?;
    let row = input.number()?;
    let [seen, hash] = [input.number()?, input.number()?];
    let narrow = |number: u64| u32::try_from(number).map_err(|_| CheckpointError::Damaged);
    Ok((
        epoch,
        LineMark {
            row,
            seen: narrow(seen)?,
            hash: narrow(hash)?,
        },
    ))
}

fn read_size(input: &mut Reader<'_>) -> Result<Size, CheckpointError> {
    let limit = usize::from(MAX_SIDE) + 1;
    let size = Size {
        rows: input.below(limit)? as u16,
        cols: input.below(limit)? as u16,
    };
    if clamp(size) == size {
        Ok(size)
    } else {
        Err(CheckpointError::Damaged)
    }
}

/// Reads what [`write_engine`] has written into a fresh screen.
fn read_engine(screen: &mut Screen, input: &mut Reader<'_>) -> Result<(), CheckpointError> {
    let modes = input.below(1 << PRIVATE_MODES.len())?;
    let ansi_modes = [input.flag()?, input.flag()?, input.flag()?];
    let rows = screen.engine.term.screen_lines();
    let region = (input.below(rows)?, input.below(rows + 1)?);
    if region.0 >= region.1 {
        return Err(CheckpointError::Damaged);
    }
    read_tabs(&mut screen.engine, input)?;
    let charset = match input.byte()? {
        0 => CharsetIndex::G0,
        1 => CharsetIndex::G1,
        _ => return Err(CheckpointError::Damaged),
    };
    let keyboards = [read_keyboard(input)?, read_keyboard(input)?];
    let modify_other_keys = input.byte()?.min(2);
    let shape = match input.byte()? {
        0 => EngineShape::Block,
        1 => EngineShape::Underline,
        2 => EngineShape::Beam,
        _ => EngineShape::Hidden,
    };
    let blinking = input.flag()?;
    let last_char = u32::try_from(input.number()?)
        .ok()
        .ok_or(CheckpointError::Damaged)?;
    let engine = &mut screen.engine;
    engine.last_char = match last_char.checked_sub(1) {
        Some(c) => Some(char::from_u32(c).ok_or(CheckpointError::Damaged)?),
        None => None,
    };
    read_texts(engine, input)?;
    read_epochs(engine, input)?;
    restore_modes(engine, modes, ansi_modes);
    engine.region = (region.0 as i32, region.1 as i32);
    engine.set_active_charset(charset);
    restore_keyboard(engine, keyboards);
    engine.term.set_modify_other_keys(modify_other_keys);
    engine.term.cursor_shape = shape;
    engine.term.blinking_cursor = blinking;
    Ok(())
}

fn restore_modes(engine: &mut Engine, modes: usize, [insert, newline, keypad]: [bool; 3]) {
    for (at, (_, mode)) in PRIVATE_MODES.iter().enumerate() {
        match modes >> at & 1 {
            1 => engine.term.set_private_mode((*mode).into()),
            // Resetting one mouse mode would reset them all; none is set yet.
            _ if !is_mouse(*mode) => engine.term.unset_private_mode((*mode).into()),
            _ => {}
        }
    }
    if insert {
        engine.set_mode(AnsiMode::Named(NamedMode::Insert), true);
    }
    if newline {
        engine.set_mode(AnsiMode::Named(NamedMode::LineFeedNewLine), true);
    }
    if keypad {
        engine.term.set_keypad_application_mode();
    }
}

fn is_mouse(mode: NamedPrivateMode) -> bool {
    use NamedPrivateMode as M;
    let reports = [
        M::ReportX10MouseClicks,
        M::ReportMouseClicks,
        M::ReportCellMouseMotion,
        M::ReportAllMouseMotion,
    ];
    reports.contains(&mode)
}

fn read_tabs(engine: &mut Engine, input: &mut Reader<'_>) -> Result<(), CheckpointError> {
    engine.clear_tabs(TabulationClearMode::All);
    for col in 0..engine.tabs.len() {
        if input.flag()? {
            engine.term.grid.cursor.pos.col = Column(col);
            engine.set_tab();
        }
    }
    engine.term.grid.cursor.pos.col = Column(0);
    Ok(())
}

fn read_keyboard(input: &mut Reader<'_>) -> Result<KeyboardStack, CheckpointError> {
    let mut modes = [0; KEYBOARD_MODES];
    modes.copy_from_slice(input.raw(KEYBOARD_MODES)?);
    Ok(KeyboardStack {
        modes,
        top: input.below(KEYBOARD_MODES)?,
    })
}

/// Brings the engine's two rings of keyboard modes, which are empty, to these. The primary screen is the active one.
fn restore_keyboard(engine: &mut Engine, [primary, alternate]: [KeyboardStack; 2]) {
    engine.swap_screens();
    push_keyboard(engine, &alternate);
    engine.swap_screens();
    push_keyboard(engine, &primary);
}

/// Once around the ring sets every entry, and some more steps lead to the top.
fn push_keyboard(engine: &mut Engine, stack: &KeyboardStack) {
    for step in 1..=KEYBOARD_MODES + stack.top {
        let modes = stack.modes[step % KEYBOARD_MODES];
        engine.push_keyboard_mode(KeyboardModes::from_bits_truncate(modes));
    }
}

fn read_texts(engine: &mut Engine, input: &mut Reader<'_>) -> Result<(), CheckpointError> {
    engine.term.title = input.text(MAX_TITLE_BYTES)?.to_owned();
    engine.titles.clear();
    for _ in 0..input.below(MAX_TITLES + 1)? {
        engine.titles.push(input.text(MAX_TITLE_BYTES)?.to_owned());
    }
    let cwd = input.text(MAX_CWD_BYTES)?;
    engine.term.current_directory = (!cwd.is_empty()).then(|| cwd.into());
    for _ in 0..input.below(palette::COLORS + 1)? {
        let at = input.below(palette::COLORS)?;
        let rgb = input.raw(3)?;
        let color = ColorRgb {
            r: rgb[0],
            g: rgb[1],
            b: rgb[2],
        };
        engine.change_color(at, Some(color));
    }
    Ok(())
}

fn read_epochs(engine: &mut Engine, input: &mut Reader<'_>) -> Result<(), CheckpointError> {
    engine.epochs.count = input.number()?;
    let mut changes = VecDeque::new();
    for _ in 0..input.below(MAX_EPOCHS + 1)? {
        if !input.flag()? {
            changes.push_back(Change::Cleared(input.number()?));
            continue;
        }
        let len = input.below(MAX_BREAKS + 1)?;
        let rows: Result<Vec<_>, CheckpointError> = (0..len)
            .map(|_| Ok((input.number()?, input.number()?)))
            .collect();
        changes.push_back(Change::Reflowed(rows?));
    }
    engine.epochs.changes = changes;
    engine.primary_end = read_place(input)?;
    for _ in 0..input.below(MAX_MARKS + 1)? {
        let name = input.text(MAX_MARK_BYTES)?.to_owned();
        let (epoch, mark) = read_place(input)?;
        engine.marks.push_back((
            name,
            TextCursor {
                kind: Kind::Text,
                epoch,
                mark,
            },
        ));
    }
    Ok(())
}

fn read_primary(
    engine: &mut Engine,
    input: &mut Reader<'_>,
    history_lines: usize,
) -> Result<(), CheckpointError> {
    engine.row_base = input.number()?.wrapping_sub(engine.grid().lines_evicted());
    read_grid(engine, input, history_lines)
}

fn read_grid(
    engine: &mut Engine,
    input: &mut Reader<'_>,
    max_history: usize,
) -> Result<(), CheckpointError> {
    let grid = &mut engine.term.grid;
    let (rows, cols) = (grid.screen_lines(), grid.columns());
    *grid = Grid::new(rows, cols, max_history);
    GridReader::new(input).grid(grid, max_history)?;
    engine.kept = Kept::default();
    engine.count_slots();
    Ok(())
}
