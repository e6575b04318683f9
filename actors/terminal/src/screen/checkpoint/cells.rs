//! A grid in a checkpoint: its rows as runs of cells alike, its cursors.
//!
//! Styles and extras are numbered in the order in which they first occur, so that screens that are alike have
//! the same checkpoint although the engine's own numbers differ.

use std::collections::HashMap;

use rio_vt::config::colors::{AnsiColor, ColorRgb, NamedColor};
use rio_vt::crosswords::grid::row::{Row, SemanticPrompt};
use rio_vt::crosswords::grid::{Dimensions, Grid};
use rio_vt::crosswords::pos::{CharsetIndex, Column, Cursor, Line, StandardCharset};
use rio_vt::crosswords::square::{CellFlags, ContentTag, Extras, Hyperlink, Square, Wide};
use rio_vt::crosswords::style::{Style, StyleFlags};

use super::CheckpointError;
use super::wire::{Reader, Writer};
use crate::screen::engine::{BASIC, OVERLINE, saved_style};

/// The bits of a cell that hold its character. Source: `rio_vt::crosswords::square`.
const CODEPOINT: u64 = 0x1f_ffff;
const CHARSETS: [CharsetIndex; 4] = [
    CharsetIndex::G0,
    CharsetIndex::G1,
    CharsetIndex::G2,
    CharsetIndex::G3,
];
/// More than any cell holds: a hyperlink of the longest kind, or its characters.
const MAX_EXTRA_BYTES: usize = 8 * 1024;
/// The kind of a row, its first byte: it is empty, plain ASCII in the default style, or made of runs.
const EMPTY: u8 = 0;
const PLAIN: u8 = 1;
const RUNS: u8 = 2;

/// Writes grids.
pub(super) struct GridWriter<'a> {
    pub(super) out: &'a mut Writer,
    styles: HashMap<u16, usize>,
    extras: HashMap<u16, usize>,
}

impl<'a> GridWriter<'a> {
    pub(super) fn new(out: &'a mut Writer) -> Self {
        Self {
            out,
            styles: HashMap::new(),
            extras: HashMap::new(),
        }
    }

    /// Writes the last `history` rows of the history, the screen and the cursors.
    pub(super) fn grid(&mut self, grid: &Grid<Square>, history: usize) {
        self.out.size(history);
        for line in -(history as i32)..grid.screen_lines() as i32 {
            self.row(grid, &grid[Line(line)]);
        }
        self.cursor(grid, &grid.cursor, grid.cursor.pending_style);
        self.saved_cursor(grid, &grid.saved_cursor);
    }

    /// Writes a cursor saved in `grid`.
    pub(super) fn saved_cursor(&mut self, grid: &Grid<Square>, saved: &Cursor<Square>) {
        self.cursor(grid, saved, saved_style(grid, saved));
    }

    fn row(&mut self, grid: &Grid<Square>, row: &Row<Square>) {
        let prompt = match row.semantic_prompt {
            SemanticPrompt::None => 0,
            SemanticPrompt::Prompt => 1 << 4,
            SemanticPrompt::PromptContinuation => 2 << 4,
        };
        let len = row
            .inner
            .iter()
            .rposition(|cell| !cell.is_default())
            .map_or(0, |last| last + 1);
        let cells = &row.inner[..len];
        let bits = cells.iter().fold(0, |bits, cell| bits | cell.raw());
        match bits {
            0 => self.out.raw(&[EMPTY | prompt]),
            1..0x80 => {
                self.out.raw(&[PLAIN | prompt]);
                self.out.size(len);
                self.out
                    .bytes
                    .extend(cells.iter().map(|cell| cell.raw() as u8));
            }
            _ => {
                self.out.raw(&[RUNS | prompt]);
                self.out.size(len);
                self.runs(grid, cells);
            }
        }
    }

    fn runs(&mut self, grid: &Grid<Square>, cells: &[Square]) {
        for run in cells.chunk_by(|a, b| a.raw() & !CODEPOINT == b.raw() & !CODEPOINT) {
            self.template(grid, run[0]);
            self.out.size(run.len());
            for cell in run {
                self.out.number(cell.raw() & CODEPOINT);
            }
        }
    }

    /// Writes everything about a cell but its character.
    fn template(&mut self, grid: &Grid<Square>, cell: Square) {
        let extras = cell
            .extras_id_checked()
            .filter(|&id| grid.extras_table.get(id).is_some());
        let tag = cell.content_tag() as u64;
        let shape = (cell.wide() as u64) | u64::from(cell.cell_flags().bits()) << 2 | tag << 9;
        self.out.number(shape | u64::from(extras.is_some()) << 11);
        match cell.content_tag() {
            ContentTag::Codepoint => self.style(grid, cell.style_id()),
            ContentTag::BgPalette => self.out.raw(&[cell.bg_palette_index()]),
            ContentTag::BgRgb => {
                let (r, g, b) = cell.bg_rgb();
                self.out.raw(&[r, g, b]);
            }
        }
        if let Some(id) = extras {
            self.extras(grid, id);
        }
    }

    fn style(&mut self, grid: &Grid<Square>, id: u16) {
        if id == 0 {
            return self.out.number(0);
        }
        let next = self.styles.len() + 1;
        let index = *self.styles.entry(id).or_insert(next);
        self.out.size(index);
        if index == next {
            let style = grid
                .styles()
                .get(usize::from(id))
                .copied()
                .unwrap_or_default();
            self.style_value(&style);
        }
    }

    fn style_value(&mut self, style: &Style) {
        self.out.number(style.flags.bits().into());
        for color in [Some(style.fg), Some(style.bg), style.underline_color] {
            match color {
                None => self.out.raw(&[0]),
                Some(AnsiColor::Named(name)) => {
                    self.out.raw(&[1]);
                    self.out.number(name as u64);
                }
                Some(AnsiColor::Indexed(index)) => self.out.raw(&[2, index]),
                Some(AnsiColor::Spec(ColorRgb { r, g, b })) => self.out.raw(&[3, r, g, b]),
            }
        }
    }

    fn extras(&mut self, grid: &Grid<Square>, id: u16) {
        let next = self.extras.len();
        let index = *self.extras.entry(id).or_insert(next);
        self.out.size(index);
        if index == next {
            let extras = grid.extras_table.get(id).cloned().unwrap_or_default();
            self.out
                .text(extras.zerowidth.iter().collect::<String>().as_bytes());
            self.out.flag(extras.hyperlink.is_some());
            if let Some(link) = extras.hyperlink {
                self.out.text(link.id().as_bytes());
                self.out.text(link.uri().as_bytes());
            }
        }
    }

    fn cursor(&mut self, grid: &Grid<Square>, cursor: &Cursor<Square>, style: Style) {
        self.out.number(cursor.pos.row.0 as u64);
        self.out.size(cursor.pos.col.0);
        self.out.flag(cursor.should_wrap);
        for index in CHARSETS {
            self.out
                .flag(cursor.charsets[index] == StandardCharset::SpecialCharacterAndLineDrawing);
        }
        self.style_value(&style);
        let mut plain = cursor.template;
        plain.set_style_id(0);
        self.template(grid, plain);
    }
}

/// Reads grids into grids of the engine.
pub(super) struct GridReader<'a, 'b> {
    pub(super) input: &'a mut Reader<'b>,
    styles: Vec<u16>,
    extras: Vec<u16>,
}

impl<'a, 'b> GridReader<'a, 'b> {
    pub(super) fn new(input: &'a mut Reader<'b>) -> Self {
        Self {
            input,
            styles: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// Fills `grid`, which is empty and of the right size, with what [`GridWriter::grid`] has written. It keeps at most
    /// `max_history` rows.
    pub(super) fn grid(
        &mut self,
        grid: &mut Grid<Square>,
        max_history: usize,
    ) -> Result<(), CheckpointError> {
        let history = self.input.below(max_history + 1)?;
        let cols = grid.columns();
        if history > 0 {
            grid.raw.initialize(history, cols);
        }
        for line in -(history as i32)..grid.screen_lines() as i32 {
            self.row(grid, Line(line))?;
        }
        let cursor = self.cursor(grid)?;
        let saved = self.cursor(grid)?;
        grid.cursor = saved;
        grid.sync_template_style();
        grid.saved_cursor = std::mem::replace(&mut grid.cursor, cursor);
        grid.sync_template_style();
        Ok(())
    }

    fn row(&mut self, grid: &mut Grid<Square>, line: Line) -> Result<(), CheckpointError> {
        let kind = self.input.byte()?;
        let prompt = match kind >> 4 {
            0 => SemanticPrompt::None,
            1 => SemanticPrompt::Prompt,
            2 => SemanticPrompt::PromptContinuation,
            _ => return Err(CheckpointError::Damaged),
        };
        // Only what is needed is touched: most rows are not full.
        if prompt != SemanticPrompt::None {
            grid[line].semantic_prompt = prompt;
        }
        let limit = grid.columns() + 1;
        match kind & 0x0f {
            EMPTY => Ok(()),
            PLAIN => {
                let text = self.input.bytes(limit - 1)?;
                let cells = &mut grid[line][Column(0)..Column(text.len())];
                for (cell, &byte) in cells.iter_mut().zip(text) {
                    *cell = Square::from_char(char::from(byte & 0x7f));
                }
                Ok(())
            }
            RUNS => {
                let len = self.input.below(limit)?;
                self.runs(grid, line, len)
            }
            _ => Err(CheckpointError::Damaged),
        }
    }

    fn runs(
        &mut self,
        grid: &mut Grid<Square>,
        line: Line,
        len: usize,
    ) -> Result<(), CheckpointError> {
        let mut col = 0;
        while col < len {
            let template = self.template(grid)?;
            let end = col + self.input.below(len - col + 1)?;
            if end == col {
                return Err(CheckpointError::Damaged);
            }
            let row = &mut grid[line];
            row.has_styles |= template.style_id_checked().is_some_and(|id| id != 0);
            row.has_extras |= template.has_extras();
            for cell in &mut row[Column(col)..Column(end)] {
                let codepoint = u32::try_from(self.input.number()?)
                    .ok()
                    .and_then(char::from_u32);
                *cell = Square::from_template(template, codepoint.ok_or(CheckpointError::Damaged)?);
            }
            col = end;
        }
        Ok(())
    }

    fn template(&mut self, grid: &mut Grid<Square>) -> Result<Square, CheckpointError> {
        let shape = self.input.below(1 << 12)?;
        let mut cell = Square::default();
        match (shape >> 9) & 0b11 {
            0 => cell.set_style_id(self.style(grid)?),
            1 => cell.set_bg_palette(self.input.byte()?),
            2 => {
                let rgb = self.input.raw(3)?;
                cell.set_bg_rgb(rgb[0], rgb[1], rgb[2]);
            }
            _ => return Err(CheckpointError::Damaged),
        }
        cell.set_wide(match shape & 0b11 {
            0 => Wide::Narrow,
            1 => Wide::Wide,
            2 => Wide::Spacer,
            _ => Wide::LeadingSpacer,
        });
        // Masked to the flags' 7 bits.
        cell.set_cell_flags(CellFlags::from_bits_truncate((shape >> 2) as u8 & 0x7f));
        if shape >> 11 == 1 {
            let id = self.extras(grid)?;
            if !cell.is_bg_only() {
                cell.set_extras_id(Some(id));
            }
        }
        Ok(cell)
    }

    fn style(&mut self, grid: &mut Grid<Square>) -> Result<u16, CheckpointError> {
        let index = self.input.below(self.styles.len() + 2)?;
        if index == 0 {
            return Ok(0);
        }
        if index > self.styles.len() {
            let style = self.style_value()?;
            grid.set_template_style(style);
            grid.sync_template_style();
            self.styles.push(grid.template_style_id());
        }
        Ok(self.styles[index - 1])
    }

    fn style_value(&mut self) -> Result<Style, CheckpointError> {
        let bits = self.input.below(1 << 16)? as u16;
        let known = StyleFlags::all().bits() | OVERLINE.bits();
        let flags = StyleFlags::from_bits_retain(bits & known);
        let fg = self.color()?.ok_or(CheckpointError::Damaged)?;
        let bg = self.color()?.ok_or(CheckpointError::Damaged)?;
        Ok(Style {
            fg,
            bg,
            underline_color: self.color()?,
            flags,
        })
    }

    fn color(&mut self) -> Result<Option<AnsiColor>, CheckpointError> {
        match self.input.byte()? {
            0 => Ok(None),
            1 => named(self.input.number()?).map(|name| Some(AnsiColor::Named(name))),
            2 => Ok(Some(AnsiColor::Indexed(self.input.byte()?))),
            3 => {
                let rgb = self.input.raw(3)?;
                Ok(Some(AnsiColor::Spec(ColorRgb {
                    r: rgb[0],
                    g: rgb[1],
                    b: rgb[2],
                })))
            }
            _ => Err(CheckpointError::Damaged),
        }
    }

    fn extras(&mut self, grid: &mut Grid<Square>) -> Result<u16, CheckpointError> {
        let index = self.input.below(self.extras.len() + 1)?;
        if index == self.extras.len() {
            let zerowidth = self.input.text(MAX_EXTRA_BYTES)?.chars().collect();
            let mut hyperlink = None;
            if self.input.flag()? {
                let id = self.input.text(MAX_EXTRA_BYTES)?;
                hyperlink = Some(Hyperlink::new(Some(id), self.input.text(MAX_EXTRA_BYTES)?));
            }
            self.extras.push(grid.extras_table.alloc(Extras {
                zerowidth,
                hyperlink,
            }));
        }
        Ok(self.extras[index])
    }

    pub(super) fn cursor(
        &mut self,
        grid: &mut Grid<Square>,
    ) -> Result<Cursor<Square>, CheckpointError> {
        let mut cursor = Cursor::default();
        cursor.pos.row = Line(self.input.below(grid.screen_lines())? as i32);
        cursor.pos.col = Column(self.input.below(grid.columns())?);
        cursor.should_wrap = self.input.flag()?;
        for index in CHARSETS {
            if self.input.flag()? {
                cursor.charsets[index] = StandardCharset::SpecialCharacterAndLineDrawing;
            }
        }
        cursor.pending_style = self.style_value()?;
        cursor.style_dirty = true;
        cursor.template = self.template(grid)?;
        Ok(cursor)
    }
}

/// The colour names that programs can set. Others of the engine's are made by it for display only.
fn named(number: u64) -> Result<NamedColor, CheckpointError> {
    const OTHERS: [NamedColor; 3] = [
        NamedColor::Foreground,
        NamedColor::Background,
        NamedColor::Cursor,
    ];
    let known = |name: &&NamedColor| **name as u64 == number;
    BASIC
        .iter()
        .chain(&OTHERS)
        .find(known)
        .copied()
        .ok_or(CheckpointError::Damaged)
}
