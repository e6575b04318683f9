//! The output of programs: plain text, dense colours, and the frames of agents' terminal interfaces.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use protocol::Size;

/// The size of an agent's terminal.
pub(crate) const AGENT_SIZE: Size = Size::new(40, 120);

const WORDS: [&str; 24] = [
    "error",
    "warning",
    "compiling",
    "finished",
    "src/main.rs",
    "0x7ffe",
    "the",
    "of",
    "and",
    "connection",
    "request",
    "42",
    "1.7.3",
    "->",
    "[info]",
    "2026-01-17T09:31:02Z",
    "thread",
    "worker-3",
    "took",
    "ms",
    "ok",
    "retry",
    "(cached)",
    "user@host",
];

const SPINNER: [char; 8] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧'];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Source: Knuth, MMIX's linear congruential generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn words(&mut self, cols: usize) -> String {
        let mut text = String::new();
        loop {
            let word = WORDS[self.roll(WORDS.len())];
            if text.len() + word.len() + 1 > cols {
                return text;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
}

/// The kinds of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// Lines of text, up to a terminal's width.
    Text,
    /// A cursor move and two colours for every few characters, 24x80.
    Dense,
    /// Synchronised frames with true colour, boxes, line erasing and a spinner, 40x120.
    Agent,
}

impl Payload {
    /// Writes about `bytes` of it to a new file in `dir`.
    pub(crate) fn file(self, dir: &Path, bytes: usize) -> Result<PathBuf> {
        let path = dir.join(format!("{self:?}"));
        let mut file = BufWriter::new(File::create(&path)?);
        let mut dice = Dice(1);
        let mut written = 0;
        let mut piece = String::new();
        for number in 0.. {
            if written >= bytes {
                break;
            }
            piece.clear();
            match self {
                Self::Text => text_line(&mut dice, &mut piece),
                Self::Dense => dense(&mut dice, &mut piece),
                Self::Agent => agent_frame(number, &mut dice, &mut piece),
            }
            file.write_all(piece.as_bytes())?;
            written += piece.len();
        }
        file.flush()?;
        Ok(path)
    }

    /// A file with so many lines of text in `dir`.
    pub(crate) fn lines(dir: &Path, lines: usize) -> Result<PathBuf> {
        let path = dir.join("lines");
        let mut dice = Dice(1);
        let mut text = String::new();
        for _ in 0..lines {
            text_line(&mut dice, &mut text);
        }
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

fn text_line(dice: &mut Dice, out: &mut String) {
    let cols = 20 + dice.roll(59);
    out.push_str(&dice.words(cols));
    out.push('\n');
}

fn dense(dice: &mut Dice, out: &mut String) {
    let (row, col) = (1 + dice.roll(24), 1 + dice.roll(76));
    let (fore, back) = (dice.roll(256), dice.roll(256));
    let _ = write!(out, "\x1b[{row};{col}H\x1b[38;5;{fore};48;5;{back}m");
    for _ in 0..=dice.roll(4) {
        out.push(char::from(b'!' + dice.roll(94) as u8));
    }
}

fn agent_frame(number: usize, dice: &mut Dice, out: &mut String) {
    let cols = usize::from(AGENT_SIZE.cols);
    let inner = cols - 4;
    let colour = |dice: &mut Dice| (100 + dice.roll(156), 100 + dice.roll(156), dice.roll(256));
    out.push_str("\x1b[?2026h\x1b[?25l\x1b[H");
    let log_rows = usize::from(AGENT_SIZE.rows) - 8;
    for _ in 0..log_rows {
        let (red, green, blue) = colour(dice);
        let wide = 30 + dice.roll(inner - 30);
        let text = dice.words(wide);
        let _ = write!(
            out,
            "\x1b[38;2;{red};{green};{blue}m● \x1b[39m{text}\x1b[0m\x1b[K\r\n"
        );
    }
    let spinner = SPINNER[number % SPINNER.len()];
    let _ = write!(
        out,
        "\x1b[2K\x1b[38;2;215;119;87m{spinner} Thinking… \x1b[2m({}s · ↑ {} tokens · esc to interrupt)\x1b[22m\x1b[39m\r\n\x1b[2K\r\n",
        number / 10,
        number * 7
    );
    let _ = write!(
        out,
        "\x1b[38;2;136;136;136m╭{}╮\x1b[39m\x1b[K\r\n",
        "─".repeat(cols - 2)
    );
    for row in 0..3 {
        let text = if row == 1 {
            dice.words(inner - 10)
        } else {
            String::new()
        };
        let _ = write!(
            out,
            "\x1b[38;2;136;136;136m│\x1b[39m \x1b[1m{text:inner$}\x1b[22m \x1b[38;2;136;136;136m│\x1b[39m\r\n"
        );
    }
    let _ = write!(
        out,
        "\x1b[38;2;136;136;136m╰{}╯\x1b[39m\x1b[K\r\n",
        "─".repeat(cols - 2)
    );
    let _ = write!(
        out,
        "\x1b[2m  ? for shortcuts\x1b[22m\x1b[K\x1b[4A\r\x1b[{}C\x1b[?25h\x1b[?2026l",
        2 + number % 40
    );
}
