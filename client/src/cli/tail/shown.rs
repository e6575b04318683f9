//! The text of followed panes on stdout, and on stderr what happened to them meanwhile.

use std::io::{self, IsTerminal, Write};

use protocol::plain;
use protocol::reply::PaneText;

use super::Piece;
use super::lines::Lines;
use crate::cli::output::style::{Style, Tone};
use crate::cli::{Caller, output};

/// The line in the place of what is missing.
fn gap(text: &PaneText) -> String {
    match text.dropped_lines {
        0 => "[output is left out here: it came faster than it could be followed]".to_owned(),
        lines => format!(
            "[{lines} lines or more are left out here: they came faster than they could be followed]"
        ),
    }
}

/// The output of a `fugue tail`.
pub(super) struct Shown {
    labels: Vec<String>,
    lines: Lines,
    /// The panes on whose alternate screen a program draws.
    full_screen: Vec<bool>,
    /// The look of what is said on stderr.
    style: Style,
}

impl Shown {
    pub(super) fn new(caller: &Caller, labels: Vec<String>) -> Self {
        let colours = caller.color.applies_here(io::stderr().is_terminal());
        Self {
            lines: Lines::new(&labels),
            full_screen: vec![false; labels.len()],
            style: Style::new(None, true, colours),
            labels,
        }
    }

    /// Shows a piece. What a program draws on the alternate screen is no output that could be followed line by line: of it only what is
    /// there in the beginning is shown.
    pub(super) fn take(&mut self, piece: &Piece) -> io::Result<()> {
        let (of, text) = (piece.of, &piece.text);
        if piece.is_restarted {
            self.aside(of, "restarted")?;
        }
        let was = std::mem::replace(&mut self.full_screen[of], text.alternate);
        match (was, text.alternate) {
            (false, true) if !piece.is_first => {
                return self.aside(of, "full screen: `fugue attach` shows it");
            }
            (true, true) => return Ok(()),
            (true, false) => output::print(&self.lines.broken_off(of))?,
            (false, true | false) => {}
        }
        if piece.is_behind_gap {
            output::print(&self.lines.cut(of, &gap(text)))?;
        } else if text.rewritten {
            output::print(&self.lines.written_over(of))?;
        }
        output::print(&self.lines.add(of, &text.text))
    }

    /// Shows the beginnings of lines whose ends have not come.
    pub(super) fn unfinished(&mut self) -> io::Result<()> {
        output::print(&self.lines.unfinished())
    }

    /// Shows the rest.
    pub(super) fn end(&mut self) -> io::Result<()> {
        output::print(&self.lines.end())
    }

    /// A pane as it was typed.
    pub(super) fn label(&self, of: usize) -> &str {
        &self.labels[of]
    }

    /// Says on stderr what is no text of the pane, below what it has printed.
    fn aside(&mut self, of: usize, what: &str) -> io::Result<()> {
        output::print(&self.lines.broken_off(of))?;
        let of = match self.labels.len() {
            1 => String::new(),
            _ => format!("{} ", plain::plain_line(&self.labels[of])),
        };
        let line = self.style.paint(&format!("{of}-- {what} --"), Tone::Faint);
        // A stderr that is closed is not worth a failure.
        let _ = writeln!(io::stderr(), "{line}");
        Ok(())
    }
}
