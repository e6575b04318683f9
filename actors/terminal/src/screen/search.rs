//! Looking for patterns in a pane's text, without the echo of what was typed.

use std::borrow::Cow;
use std::ops::Range;

pub use regex::Regex as Pattern;
use regex::{Captures, Regex, RegexBuilder};

use super::Screen;
use super::echo::Echoes;
use super::engine::Engine;
use super::lines::{Kind, LineMark, TextCursor};

/// The number of lines before the end that a search looks at again, so that patterns over several lines match although the lines come one by one.
pub(super) const SEARCH_AGAIN_LINES: usize = 16;

/// The largest compiled pattern, in bytes.
const COMPILED_BYTES: usize = 1024 * 1024;

/// A pattern to search for, in which `^` and `$` are the ends of lines. A search takes time linear in the text, whatever it is.
///
/// # Errors
/// It is no regular expression, or one that takes more than 1 MiB; the message shows where.
pub fn pattern(text: &str) -> Result<Pattern, regex::Error> {
    RegexBuilder::new(text)
        .multi_line(true)
        .size_limit(COMPILED_BYTES)
        .build()
}

/// A place in the text where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The text that matched.
    pub text: String,
    /// The whole lines that the match is in.
    pub line: String,
    /// The pattern's groups, in order from group 1; `None` for those that took no part.
    pub groups: Vec<Option<String>>,
    /// The place right after the match.
    pub after: TextCursor,
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The first match.
    pub found: Option<Match>,
    /// The place to search on from after more output when nothing matched.
    pub resume: TextCursor,
}

impl Match {
    pub(super) fn new(text: &str, captures: &Captures<'_>, after: TextCursor) -> Self {
        let group = |group: Option<regex::Match<'_>>| group.map(|group| group.as_str().to_owned());
        Self {
            text: captures[0].to_owned(),
            line: whole_lines(text, captures.get_match().range()).to_owned(),
            groups: captures.iter().skip(1).map(group).collect(),
            after,
        }
    }
}

/// Text without the parts that are not to be found, and the way back to places in the whole text.
pub(super) struct Sought<'a> {
    text: Cow<'a, str>,
    /// The place to look from.
    from: usize,
    /// The parts left out, as ranges of the whole text, in order and apart.
    cuts: Vec<Range<usize>>,
}

impl<'a> Sought<'a> {
    /// `text` from its byte `from` on, without `cuts`.
    pub(super) fn new(text: &'a str, from: usize, cuts: Vec<Range<usize>>) -> Self {
        if cuts.is_empty() {
            return Self {
                text: Cow::Borrowed(text),
                from,
                cuts,
            };
        }
        let (mut kept, mut at, mut before) = (String::with_capacity(text.len()), 0, 0);
        for cut in &cuts {
            kept.push_str(&text[at..cut.start]);
            at = cut.end;
            before += from.clamp(cut.start, cut.end) - cut.start;
        }
        kept.push_str(&text[at..]);
        Self {
            text: Cow::Owned(kept),
            from: from - before,
            cuts,
        }
    }

    /// The first match, and where it ends in the whole text. The blanks before the terminal's cursor may be a prompt's, and
    /// may be nothing: a pattern matches with them or else without.
    pub(super) fn find(&self, pattern: &Regex) -> Option<(Captures<'_>, usize)> {
        let trimmed = self.text.trim_end_matches(' ');
        let captures = pattern.captures_at(&self.text, self.from).or_else(|| {
            let differs = trimmed.len() < self.text.len() && self.from <= trimmed.len();
            differs
                .then(|| pattern.captures_at(trimmed, self.from))
                .flatten()
        })?;
        let end = self.whole(captures.get_match().end());
        Some((captures, end))
    }

    fn whole(&self, at: usize) -> usize {
        let before = |at: usize, cut: &Range<usize>| match cut.start < at {
            true => at + cut.len(),
            false => at,
        };
        self.cuts.iter().fold(at, before)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Engine {
    /// The first row of the `count`-th line before the end, not before `row`.
    pub(super) fn lines_before_end(&self, count: usize, row: u64) -> u64 {
        let mut start = self.line_start(self.end_row());
        for _ in 1..count {
            if start <= row {
                break;
            }
            start = self.line_start(start - 1);
        }
        start.max(row)
    }
}

impl Screen {
    /// Looks for `pattern` in the text printed since `cursor`.
    ///
    /// It is cheap enough to be called after every chunk of output when each call goes on from `resume`. A match may
    /// span lines, but not more than the last 16 of what had been printed at the call before. In the alternate
    /// screen only lines that have changed since the cursor are searched. The echo of what was typed is no output.
    #[must_use]
    pub fn search_since(&self, cursor: &TextCursor, pattern: &Regex) -> Search {
        self.search(cursor, pattern, &self.echoes)
    }

    /// As [`Screen::search_since`], in all text, whoever made the program print it.
    #[must_use]
    pub fn search_all_since(&self, cursor: &TextCursor, pattern: &Regex) -> Search {
        self.search(cursor, pattern, &Echoes::default())
    }

    fn search(&self, cursor: &TextCursor, pattern: &Regex, echoes: &Echoes) -> Search {
        if self.engine.is_alternate() {
            return self.search_alternate(cursor, pattern, echoes);
        }
        let start = self.engine.start(cursor);
        let epoch = self.engine.epochs.count;
        if start.waits {
            return Search {
                found: None,
                resume: TextCursor {
                    kind: cursor.kind,
                    epoch,
                    mark: start.mark,
                },
            };
        }
        let rendered = self.engine.render_from(start.mark, usize::MAX);
        let place = |mark| TextCursor {
            kind: Kind::Text,
            epoch,
            mark,
        };
        let (text, lines) = (&rendered.text, &rendered.lines);
        let cuts = echoes.cuts(&self.engine, text, lines);
        let sought = Sought::new(text, rendered.seen, cuts);
        let Some((captures, end)) = sought.find(pattern) else {
            let row = self
                .engine
                .lines_before_end(SEARCH_AGAIN_LINES, start.mark.row);
            let mark = if row == start.mark.row {
                start.mark
            } else {
                LineMark::at(row)
            };
            return Search {
                found: None,
                resume: place(mark),
            };
        };
        let matched = end.saturating_sub(rendered.seen);
        let after = place(self.engine.render_from(start.mark, matched).end);
        Search {
            found: Some(Match::new(sought.text(), &captures, after)),
            resume: after,
        }
    }

    fn search_alternate(&self, cursor: &TextCursor, pattern: &Regex, echoes: &Echoes) -> Search {
        let since = match cursor.kind {
            Kind::Alternate(generation) => generation,
            Kind::Text | Kind::NextLine => 0,
        };
        let text = match since < self.generation {
            true => self.changed_lines(since),
            false => String::new(),
        };
        let after = TextCursor {
            kind: Kind::Alternate(self.generation),
            ..*cursor
        };
        let columns = usize::from(self.size().cols);
        let cuts = echoes.cuts_of_alternate(&text, columns);
        let sought = Sought::new(&text, 0, cuts);
        match sought.find(pattern) {
            Some((captures, _)) => Search {
                found: Some(Match::new(sought.text(), &captures, after)),
                resume: after,
            },
            None => Search {
                found: None,
                resume: *cursor,
            },
        }
    }
}

/// The lines of `text` that `part` of it touches, at most the first 4 KiB of them.
#[must_use]
pub(super) fn whole_lines(text: &str, part: std::ops::Range<usize>) -> &str {
    const MOST_BYTES: usize = 4096;
    let start = text[..part.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[part.end..].find('\n');
    let end = end.map_or(text.len(), |at| part.end + at);
    let line = &text[start..end];
    &line[..line.floor_char_boundary(MOST_BYTES)]
}
