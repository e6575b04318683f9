//! The echo of typed text: found while it is printed, and left out where text is searched.
//!
//! The terminal echoes a line while its program reads by lines, and a line editor echoes it again, once more for each
//! place that it repaints it in. What a program prints by itself may say the same words, so each typed line has as many echoes as
//! its terminal's modes explain: one that is due whatever happens, one of a line editor that comes later, and any
//! number while bracketed paste (DECSET 2004) is on, which line editors switch on and off around a line.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::Screen;
use super::engine::Engine;
use super::lines::LineMark;
use super::render::TextBytes;
use super::search::SEARCH_AGAIN_LINES;

/// Typed lines that are remembered, the newest.
const MOST_TYPED: usize = 64;
/// Echoes that are remembered, the newest.
const MOST_FOUND: usize = 256;
/// A typed line of more bytes than this is not looked for: nobody waits for a part of it.
const MOST_LINE_BYTES: usize = 16 * 1024;
/// A line editor may break a long line into so many.
const MOST_BROKEN_LINES: usize = 64;
/// Within so many characters of a line ends what an editor puts before the rest of a broken line.
const MARGIN_CHARS: usize = 16;

/// A line that was typed, without its blanks: editors break lines at blanks and expand tabs.
#[derive(Debug)]
struct Typed {
    words: Arc<str>,
    /// The line in which it was typed.
    epoch: u64,
    row: u64,
    /// It is echoed whatever the modes are when that is printed.
    due: bool,
    /// A line editor echoes it later.
    again: bool,
}

/// A line that begins with an echo of these words, or with a prompt before it.
#[derive(Debug)]
struct Found {
    words: Arc<str>,
    epoch: u64,
    row: u64,
}

/// The record of what was typed of late, and where it was echoed.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    typed: VecDeque<Typed>,
    found: VecDeque<Found>,
    /// From here on is looked for more.
    look_from: (u64, u64),
    /// The line that the cursor is in may be an echo that has not come whole.
    held: bool,
}

/// The terminal's modes for what is typed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineModes {
    /// The program reads by lines (ICANON), so no line editor is active.
    pub by_line: bool,
    /// A line typed now is echoed, by the terminal or an editor.
    pub echoes: bool,
}

/// Text and where in it each line begins, with its row.
struct Lines<'a> {
    text: &'a str,
    starts: &'a [(usize, u64)],
    /// Each line without its blanks, made when it is looked at.
    squeezed: Vec<OnceCell<Squeezed>>,
}

/// A line without its blanks, how many characters it had with them, and where each of its bytes is in the whole text.
struct Squeezed {
    words: String,
    at: Vec<usize>,
    chars: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, starts: &'a [(usize, u64)]) -> Self {
        Self {
            text,
            starts,
            squeezed: starts.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    fn range(&self, line: usize) -> Range<usize> {
        let end = self
            .starts
            .get(line + 1)
            .map_or(self.text.len(), |next| next.0);
        self.starts[line].0..end
    }

    fn squeezed(&self, line: usize) -> &Squeezed {
        self.squeezed[line].get_or_init(|| self.squeeze(line))
    }

    fn squeeze(&self, line: usize) -> Squeezed {
        let range = self.range(line);
        let (from, text) = (range.start, &self.text[range]);
        let mut squeezed = Squeezed {
            words: String::with_capacity(text.len()),
            at: Vec::with_capacity(text.len()),
            chars: text.trim_end().chars().count(),
        };
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            squeezed.words.push(c);
            squeezed
                .at
                .extend((0..c.len_utf8()).map(|byte| from + at + byte));
        }
        squeezed
    }

    /// The end of the echo of `words` that begins in `line`, of rows of `columns`.
    fn echo_end(&self, line: usize, words: &str, columns: usize) -> Option<usize> {
        let here = self.squeezed(line);
        let whole = here.words.rmatch_indices(words).map(|(at, _)| at);
        for at in whole {
            let range = here.at[at]..here.at[at + words.len() - 1] + 1;
            let end = self.text.ceil_char_boundary(range.end);
            if self.stands_alone(range.start..end) {
                return Some(end);
            }
        }
        if here.chars + 2 < columns {
            return None;
        }
        let first = words.chars().next()?;
        let begin = here
            .words
            .match_indices(first)
            .map(|(at, _)| at)
            .find(|&at| words.starts_with(&here.words[at..]))?;
        self.rest_end(line + 1, &words[here.words.len() - begin..], columns)
    }

    /// The end of `rest`, which is broken into the lines from `line` on.
    fn rest_end(&self, line: usize, rest: &str, columns: usize) -> Option<usize> {
        let mut rest = rest;
        for line in (line..self.starts.len()).take(MOST_BROKEN_LINES) {
            let here = self.squeezed(line);
            let margin = here.words.char_indices().take(MARGIN_CHARS);
            let margin = margin.filter(|(_, c)| matches!(*c, ':' | '>' | '|' | '…'));
            let mut begins = std::iter::once(0).chain(margin.map(|(at, c)| at + c.len_utf8()));
            let fits = |begin: &usize| {
                let part = &here.words[*begin..];
                part.starts_with(rest) || (!part.is_empty() && rest.starts_with(part))
            };
            let begin = begins.find(fits)?;
            let part = &here.words[begin..];
            if part.starts_with(rest) {
                let end = here.at[begin + rest.len() - 1] + 1;
                return Some(self.text.ceil_char_boundary(end));
            }
            if here.chars + 2 < columns {
                return None;
            }
            rest = &rest[part.len()..];
        }
        None
    }

    /// True if no word goes on at either end of the range.
    fn stands_alone(&self, range: Range<usize>) -> bool {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let part = &self.text[range.clone()];
        let goes_on_before =
            word(part.chars().next()) && word(self.text[..range.start].chars().next_back());
        let goes_on_after =
            word(part.chars().next_back()) && word(self.text[range.end..].chars().next());
        !goes_on_before && !goes_on_after
    }
}

impl Engine {
    fn row_now(&self, epoch: u64, row: u64) -> u64 {
        let mark = LineMark::at(row);
        self.epochs.follow(epoch, mark, self.screen_top()).row
    }
}

impl Echoes {
    /// The parts of `text`, of the primary screen with a line from each of `starts` on, that are echoes with the prompt before them; in order, apart.
    pub(super) fn cuts(
        &self,
        engine: &Engine,
        text: &str,
        starts: &[(usize, u64)],
    ) -> Vec<Range<usize>> {
        if self.found.is_empty() && !self.held {
            return Vec::new();
        }
        let lines = Lines::new(text, starts);
        let columns = usize::from(engine.size().cols);
        let mut cuts = Vec::new();
        for found in &self.found {
            let row = engine.row_now(found.epoch, found.row);
            let line = lines.starts.binary_search_by_key(&row, |&(_, row)| row);
            let end = line.ok().and_then(|line| {
                let end = lines.echo_end(line, &found.words, columns)?;
                Some(lines.starts[line].0..end)
            });
            cuts.extend(end);
        }
        if self.held {
            let cursor = engine.row_of(engine.grid().cursor.pos.row);
            let line = lines.starts.partition_point(|&(_, row)| row <= cursor);
            cuts.extend(
                line.checked_sub(1)
                    .map(|line| lines.starts[line].0..lines.text.len()),
            );
        }
        apart(cuts)
    }

    /// The same in `text` of the alternate screen, where the same words are an echo wherever they stand: a program that draws
    /// the whole screen shows what is typed in its own way.
    pub(super) fn cuts_of_alternate(&self, text: &str, columns: usize) -> Vec<Range<usize>> {
        let begins = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts: Vec<_> = std::iter::once(0).chain(begins).zip(0..).collect();
        let lines = Lines::new(text, &starts);
        let mut cuts = Vec::new();
        for (line, &(start, _)) in starts.iter().enumerate() {
            let ends = self
                .typed
                .iter()
                .filter_map(|typed| lines.echo_end(line, &typed.words, columns));
            cuts.extend(ends.map(|end| start..end));
        }
        apart(cuts)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    fn knows(&self, engine: &Engine, words: &Arc<str>, row: u64) -> bool {
        let same =
            |found: &Found| found.words == *words && engine.row_now(found.epoch, found.row) == row;
        self.found.iter().rev().any(same)
    }

    fn look(&mut self, engine: &Engine, lines: &Lines<'_>, pasting: bool, by_line: bool) {
        let columns = usize::from(engine.size().cols);
        let mut typed = std::mem::take(&mut self.typed);
        for typed in &mut typed {
            let begin = engine.row_now(typed.epoch, typed.row);
            let first = lines.starts.partition_point(|&(_, row)| row < begin);
            for line in first..lines.starts.len() {
                let expected = pasting || typed.due || (typed.again && !by_line);
                if !expected {
                    break;
                }
                let row = lines.starts[line].1;
                if lines.echo_end(line, &typed.words, columns).is_none()
                    || self.knows(engine, &typed.words, row)
                {
                    continue;
                }
                if typed.due && !pasting {
                    typed.due = false;
                } else {
                    (typed.due, typed.again) = (false, false);
                }
                if self.found.len() == MOST_FOUND {
                    self.found.pop_front();
                }
                self.found.push_back(Found {
                    words: Arc::clone(&typed.words),
                    epoch: engine.epochs.count,
                    row,
                });
            }
        }
        self.typed = typed;
    }
}

/// The ranges in order, those that touch as one.
fn apart(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

impl Screen {
    /// `text` is typed now, by a caller who will wait for what the program makes of it.
    pub fn typed(&mut self, text: &str, modes: LineModes) {
        let engine = &self.engine;
        let row = match engine.is_alternate() {
            true => engine.primary_end.1.row,
            false => engine.line_start(engine.row_of(engine.grid().cursor.pos.row)),
        };
        let epoch = engine.epochs.count;
        let (look_epoch, look_row) = self.echoes.look_from;
        let look_row = match self.echoes.is_empty() {
            true => row,
            false => engine.row_now(look_epoch, look_row).min(row),
        };
        self.echoes.look_from = (epoch, look_row);
        let lines = text
            .split(['\n', '\r'])
            .filter(|line| line.len() <= MOST_LINE_BYTES);
        for line in lines {
            let words: String = line
                .chars()
                .filter(|c| !c.is_whitespace() && !c.is_control())
                .collect();
            if words.is_empty() {
                continue;
            }
            if self.echoes.typed.len() == MOST_TYPED {
                self.echoes.typed.pop_front();
            }
            self.echoes.typed.push_back(Typed {
                words: words.into(),
                epoch,
                row,
                due: modes.echoes,
                again: modes.by_line,
            });
        }
        self.hold(modes.by_line);
    }

    /// True if what is printed has to be looked through for echoes.
    #[must_use]
    pub fn expects_echoes(&self) -> bool {
        !self.echoes.is_empty()
    }

    /// Looks for echoes in what was printed since the last call. `by_line`: the program reads by lines now.
    pub fn note_echoes(&mut self, by_line: bool) {
        let engine = &self.engine;
        if engine.is_alternate() || self.echoes.is_empty() {
            self.echoes.held = false;
            return;
        }
        let pasting = self.modes().bracketed_paste;
        let looks = pasting || !by_line || self.echoes.typed.iter().any(|typed| typed.due);
        if looks {
            let end = engine.end_row();
            let (epoch, row) = self.echoes.look_from;
            let from = engine.row_now(epoch, row).clamp(engine.history_top(), end);
            let from = engine.line_start(from);
            let (mut text, mut starts, mut row) = (TextBytes::default(), Vec::new(), from);
            while row <= end {
                starts.push((text.len(), row));
                row = engine.push_line(row, end, &mut text);
                text.end_line();
            }
            let lines = Lines::new(text.as_str(), &starts);
            self.echoes.look(engine, &lines, pasting, by_line);
            let next = engine.lines_before_end(SEARCH_AGAIN_LINES, from);
            self.echoes.look_from = (engine.epochs.count, next);
        }
        self.hold(by_line);
    }

    fn hold(&mut self, by_line: bool) {
        let editing = !by_line || self.modes().bracketed_paste;
        let comes = |typed: &Typed| typed.due || (typed.again && editing);
        self.echoes.held = !self.engine.is_alternate() && self.echoes.typed.iter().any(comes);
    }

    /// True if an echo is under way: until it has come, or [`Screen::end_echoes`], the cursor's line is not searched.
    #[must_use]
    pub fn awaits_echo(&self) -> bool {
        self.echoes.held
    }

    /// Gives up what has not been echoed by now, but for what a line editor echoes once it is there.
    pub fn end_echoes(&mut self, by_line: bool) {
        self.echoes.held = false;
        for typed in &mut self.echoes.typed {
            typed.due = false;
            typed.again &= by_line;
        }
    }
}
