//! Characters: into which cell they go, and which are joined to the one before.

use std::sync::OnceLock;

use rio_vt::ansi::mode::NamedPrivateMode;
use rio_vt::codepoint_width::codepoint_width;
use rio_vt::crosswords::Mode;
use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::pos::{Column, Line};
use rio_vt::crosswords::square::{CellFlags, Wide};
use rio_vt::grapheme_lut::class_of;
use rio_vt::performer::handler::Handler as _;

use super::{Engine, MAX_CLUSTER_CHARS};

const JOINER: char = '\u{200d}';
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';
/// Skin tones.
const MODIFIERS: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';

/// True if a character can change what is before it although it is not just put on top.
fn is_special(codepoint: u32) -> bool {
    codepoint == JOINER as u32
        || codepoint & !1 == TEXT_STYLE as u32
        || codepoint.wrapping_sub(*MODIFIERS.start() as u32) < 5
}

fn is_pictograph(c: char) -> bool {
    static CLASS: OnceLock<u8> = OnceLock::new();
    class_of(c) == *CLASS.get_or_init(|| class_of('\u{1f600}'))
}

fn to_char(codepoint: u32) -> char {
    char::from_u32(codepoint).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn width(c: char) -> usize {
    codepoint_width(c.into()).unwrap_or(0).into()
}

impl Engine {
    pub(super) fn input(&mut self, c: char) {
        if self.inserting {
            return self.insert(&[c.into()]);
        }
        if self.continues_emoji(c) && self.admits_joined() {
            self.with_clusters(c);
            return self.count_slots();
        }
        self.put(c);
    }

    /// Prints `c` without regard to insert mode and to emoji that it may be a part of.
    fn put(&mut self, c: char) {
        let c = self.translated(c);
        let width = width(c);
        if width > 0 {
            self.last_char = Some(c);
        }
        let may_join = c <= '\u{ff}' || self.cluster_len() < MAX_CLUSTER_CHARS;
        match width {
            0 if !may_join || !self.admits_joined() => {}
            0 if self.styles_keycap(c) => self.attach(c),
            _ if may_join && self.has_room_for_joined() => self.input_joined(c),
            _ => self.input_apart(c),
        }
        self.count_slots();
    }

    /// Printable ASCII.
    #[inline]
    pub(super) fn input_ascii(&mut self, text: &str) {
        if self.inserting || self.is_british() {
            let codepoints: Vec<u32> = text.bytes().map(u32::from).collect();
            return self.input_codepoints(&codepoints);
        }
        self.last_char = text.as_bytes().last().map(|&byte| char::from(byte));
        self.term.input_ascii_str(text);
    }

    pub(super) fn input_codepoints(&mut self, codepoints: &[u32]) {
        for block in codepoints.chunks(MAX_CLUSTER_CHARS) {
            if self.inserting {
                self.insert(block);
            } else if !self.put_plain(block) {
                block.iter().for_each(|&c| self.input(to_char(c)));
            }
        }
    }

    /// Prints characters that are not joined to each other, many at a time; false when they may be.
    fn put_plain(&mut self, block: &[u32]) -> bool {
        let special = block
            .iter()
            .fold(false, |special, &codepoint| special | is_special(codepoint));
        let one_by_one =
            special || self.is_british() || self.term.mode().contains(Mode::GRAPHEME_CLUSTER);
        if one_by_one || !self.has_room_for(block.len()) {
            return false;
        }
        self.term.input_codepoints(block);
        self.count_slots();
        let mut backwards = block.iter().rev().map(|&c| to_char(c));
        self.last_char = backwards.find(|&c| width(c) > 0).or(self.last_char);
        true
    }

    /// Prints characters before what is at the cursor. Source: ECMA-48 7.2.10, IRM.
    ///
    /// The engine's own insert mode shifts cells without regard to wide characters, and so leaves halves of them. As many as fit into
    /// the row are inserted at once: each shifts the rest of the row. They are not joined to what is before them.
    fn insert(&mut self, block: &[u32]) {
        let mut rest = block;
        while let Some(&c) = rest.first() {
            let taken = match width(to_char(c)) {
                0 => {
                    self.put(to_char(c));
                    1
                }
                _ => self.insert_into_row(rest),
            };
            rest = &rest[taken..];
        }
    }

    /// Inserts characters up to the next mark or the end of the row, but at least one, and returns how many.
    fn insert_into_row(&mut self, block: &[u32]) -> usize {
        let cursor = &self.term.grid.cursor;
        let to_end = self.term.columns() - cursor.pos.col.0;
        let (room, shifted) = match cursor.should_wrap {
            true => (0, self.term.columns()),
            false => (to_end, to_end),
        };
        let (mut taken, mut wide) = (0, 0);
        let mut widths = block.iter().map(|&c| width(to_char(c)));
        while let Some(next) = widths
            .next()
            .filter(|next| *next > 0 && wide + next <= room)
        {
            wide += next;
            taken += 1;
        }
        self.meter.charge(shifted, 0);
        let clusters = self.term.mode().contains(Mode::GRAPHEME_CLUSTER);
        let mode = NamedPrivateMode::GraphemeCluster;
        self.term.unset_private_mode(mode.into());
        if taken == 0 {
            self.insert_at_end(to_char(block[0]));
        } else {
            self.term.insert_blank(wide);
            if !self.put_plain(&block[..taken]) {
                block[..taken].iter().for_each(|&c| self.put(to_char(c)));
            }
        }
        if clusters {
            self.term.set_private_mode(mode.into());
        }
        taken.max(1)
    }

    /// Inserts a character that does not leave room in its row.
    fn insert_at_end(&mut self, c: char) {
        let width = width(c);
        if self.term.grid.cursor.should_wrap {
            self.term.wrapline();
        }
        let last = self.term.grid.last_column();
        let no_room = width > 1 && self.term.grid.cursor.pos.col == last;
        if no_room && self.term.mode().contains(Mode::LINE_WRAP) {
            self.term.write_at_cursor(' ');
            self.term.grid.cursor_cell().set_wide(Wide::LeadingSpacer);
            self.term.wrapline();
        }
        if self.term.grid.cursor.pos.col + width <= last {
            self.term.insert_blank(width);
        }
        self.put(c);
    }

    /// Repeats the last character with what is joined to it, at most to the end of the screen. Source: ECMA-48 8.3.103, REP.
    pub(super) fn repeat(&mut self, count: usize) {
        let Some(c) = self.last_char else {
            return;
        };
        let (rows, cols) = (self.term.screen_lines(), self.term.columns());
        let cursor = &self.term.grid.cursor;
        let (row, col) = (cursor.pos.row.0 as usize, cursor.pos.col.0);
        let marks = self.marks_on(c);
        // Inserted characters, and those with marks, cost more: they end with the row.
        let last_row = if self.inserting || !marks.is_empty() {
            row + 1
        } else {
            rows
        };
        let left = (last_row - row) * cols - col - usize::from(cursor.should_wrap);
        let width = width(c).max(1);
        let count = count.min(left / width);
        if count == 0 {
            return;
        }
        self.meter
            .charge(count * width, count.div_ceil(cols) * self.region_rows());
        if !self.inserting {
            return self.print_again(c, &marks, count);
        }
        self.meter.charge(cols - col, 0);
        self.term.insert_blank(count * width);
        self.inserting = false;
        self.print_again(c, &marks, count);
        self.inserting = true;
    }

    /// Prints `c` and what is joined to it so many times.
    fn print_again(&mut self, c: char, marks: &[char], count: usize) {
        if !marks.is_empty() {
            for _ in 0..count {
                self.input(c);
                marks.iter().for_each(|&mark| self.input(mark));
            }
            return;
        }
        let block = vec![u32::from(c); count.min(MAX_CLUSTER_CHARS)];
        let text: String = block.iter().map(|&c| to_char(c)).collect();
        let mut left = count;
        while left > 0 {
            let now = left.min(block.len());
            match c.is_ascii() {
                true => self.input_ascii(&text[..now]),
                false => self.input_codepoints(&block[..now]),
            }
            left -= now;
        }
    }

    /// The marks that are joined to the last printed character, if that is still before the cursor.
    fn marks_on(&self, c: char) -> Vec<char> {
        let (row, col) = self.previous_cell();
        let grid = self.grid();
        let cell = grid[row][col];
        let shown = grid.cursor.charsets[self.charset].map(c);
        let extras = cell
            .extras_id_checked()
            .filter(|_| !cell.is_bg_only() && cell.c() == shown)
            .and_then(|id| grid.extras_table.get(id));
        extras.map_or_else(Vec::new, |extras| extras.zerowidth.clone())
    }

    /// The British set has a pound sign where ASCII has a number sign. Source: VT220 manual, "National Replacement Character Sets".
    fn translated(&self, c: char) -> char {
        match c {
            '#' if self.is_british() => '£',
            _ => c,
        }
    }

    #[inline]
    fn is_british(&self) -> bool {
        self.british[self.charset as usize]
    }

    /// The cell before the cursor.
    fn previous_cell(&self) -> (Line, Column) {
        let grid = self.grid();
        let cursor = &grid.cursor;
        let mut col = cursor.pos.col.0;
        if !cursor.should_wrap {
            col = col.saturating_sub(1);
        }
        if grid[cursor.pos.row][Column(col)].is_spacer() {
            col = col.saturating_sub(1);
        }
        (cursor.pos.row, Column(col))
    }

    /// The characters that the cell before the cursor holds besides its first character.
    fn cluster(&self) -> &[char] {
        let grid = self.grid();
        let (row, col) = self.previous_cell();
        let extras = grid[row][col]
            .extras_id_checked()
            .and_then(|id| grid.extras_table.get(id));
        extras.map_or(&[], |extras| &extras.zerowidth)
    }

    fn cluster_len(&self) -> usize {
        self.cluster().len()
    }

    /// So many characters can follow without regard to the cell before them.
    fn has_room_for(&self, count: usize) -> bool {
        let cluster = self.cluster();
        self.has_room_for_joined()
            && cluster.len() + count <= MAX_CLUSTER_CHARS
            && cluster.last() != Some(&JOINER)
    }

    /// True if `c` goes on with an emoji: after a joiner, or as its skin tone. Source: Unicode UTS 51, ED-13 and ED-16.
    fn continues_emoji(&self, c: char) -> bool {
        if c <= '\u{ff}' || self.term.mode().contains(Mode::GRAPHEME_CLUSTER) {
            return false;
        }
        let modifier = MODIFIERS.contains(&c);
        if !modifier && !is_pictograph(c) {
            return false;
        }
        let cursor = &self.grid().cursor;
        if cursor.pos.col == 0 && !cursor.should_wrap {
            return false;
        }
        let (row, col) = self.previous_cell();
        let base = self.grid()[row][col];
        if base.is_bg_only() || !is_pictograph(base.c()) {
            return false;
        }
        let cluster = self.cluster();
        cluster.len() < MAX_CLUSTER_CHARS && (modifier || cluster.last() == Some(&JOINER))
    }

    /// True if `c` tells how a keycap (`1`, then it, then U+20E3) is to look. The engine has it only after emoji.
    fn styles_keycap(&self, c: char) -> bool {
        let (row, col) = self.previous_cell();
        matches!(c, TEXT_STYLE | EMOJI_STYLE)
            && matches!(self.grid()[row][col].c(), '0'..='9' | '#' | '*')
            && !self.term.mode().contains(Mode::GRAPHEME_CLUSTER)
    }

    /// Adds `c` to the cell before the cursor.
    fn attach(&mut self, c: char) {
        let (row, col) = self.previous_cell();
        let grid = &mut self.term.grid;
        let cell = grid[row][col];
        if cell.is_bg_only() {
            return;
        }
        let mut extras = cell
            .extras_id()
            .and_then(|id| grid.extras_table.get(id).cloned())
            .unwrap_or_default();
        extras.zerowidth.push(c);
        let id = grid.alloc_extras(extras);
        if id != 0 {
            grid[row].has_extras = true;
            let cell = &mut grid[row][col];
            cell.set_extras_id(Some(id));
            cell.insert_cell_flag(CellFlags::GRAPHEME);
        }
    }

    /// Prints `c` by the rules of clusters, which are off.
    fn with_clusters(&mut self, c: char) {
        let mode = NamedPrivateMode::GraphemeCluster;
        self.term.set_private_mode(mode.into());
        self.input_joined(c);
        self.term.unset_private_mode(mode.into());
    }

    /// Prints `c`, as a part of the cluster before it where the mode and the rules say so.
    fn input_joined(&mut self, c: char) {
        self.term.input(c);
        if c > '\u{ff}' && self.term.mode().contains(Mode::GRAPHEME_CLUSTER) {
            // A cluster that becomes wide can cover half of a wide character, in the next row when it has to move there.
            let line = self.term.grid.cursor.pos.row;
            self.repair_wide(line);
            if line > 0 {
                self.repair_wide(line - 1);
            }
        }
    }

    /// Puts `c` into a cell of its own even where it would continue a cluster.
    fn input_apart(&mut self, c: char) {
        let clusters = self.term.mode().contains(Mode::GRAPHEME_CLUSTER);
        self.term.set_grapheme_clustering(false);
        self.term.input(c);
        if clusters {
            self.term
                .set_private_mode(NamedPrivateMode::GraphemeCluster.into());
        }
    }
}
