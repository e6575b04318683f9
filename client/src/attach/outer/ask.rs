//! Questions that the outer terminal is asked once, and its answers. Pure: no I/O, the time is an argument.

use std::time::{Duration, Instant};

use protocol::terminal::{Rgb, TerminalColors};

/// Its colours. What every terminal answers comes last: then nothing more is to be expected.
///
/// Source: xterm ctlseqs, OSC 10, 11 and 12; DA1.
const QUESTIONS: &[u8] = b"\x1b]10;?\x1b\\\x1b]11;?\x1b\\\x1b]12;?\x1b\\\x1b[c";

/// Something that the terminal answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Foreground(Rgb),
    Background(Rgb),
    Cursor(Rgb),
    /// What kind of terminal it is.
    Identity,
}

/// The answer that a sequence is, if any.
pub(crate) fn read(sequence: &[u8]) -> Option<Answer> {
    if let [0x1b, b'[', b'?', .., b'c'] = sequence {
        return Some(Answer::Identity);
    }
    let text = std::str::from_utf8(sequence).ok()?.strip_prefix("\x1b]")?;
    let text = text
        .strip_suffix("\x1b\\")
        .or_else(|| text.strip_suffix('\x07'))?;
    let (number, color) = text.split_once(';')?;
    let color = color_of(color)?;
    match number {
        "10" => Some(Answer::Foreground(color)),
        "11" => Some(Answer::Background(color)),
        "12" => Some(Answer::Cursor(color)),
        _ => None,
    }
}

/// Source: X(7), color names: `rgb:` with one to four digits each; terminals also write `rgba:` and `#`.
fn color_of(text: &str) -> Option<Rgb> {
    let scaled = |digits: &str| {
        let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)? - 1;
        let value = u32::from_str_radix(digits, 16).ok()?;
        u8::try_from((value * 255 + most / 2).checked_div(most)?).ok()
    };
    if let Some(digits) = text.strip_prefix('#') {
        let part = digits.len() / 3;
        let at = |n: usize| digits.get(n * part..(n + 1) * part).and_then(scaled);
        return Some((at(0)?, at(1)?, at(2)?));
    }
    let parts = text
        .strip_prefix("rgb:")
        .or_else(|| text.strip_prefix("rgba:"))?;
    let mut parts = parts.split('/').map(|digits| {
        let is_short = (1..=4).contains(&digits.len());
        is_short.then(|| scaled(digits)).flatten()
    });
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// The progress of the asking.
#[derive(Clone, Copy, Debug, Default)]
enum Asked {
    #[default]
    Not,
    /// Answers are waited for until then.
    Until(Instant),
    Over,
}

/// The questions to one terminal and its answers.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    asked: Asked,
    colors: TerminalColors,
    /// There is something new since [`Questions::news`].
    is_new: bool,
}

impl Questions {
    /// Asks. Answers that take longer than `limit` are taken all the same, but not waited for.
    pub(crate) fn ask(&mut self, now: Instant, limit: Duration, out: &mut Vec<u8>) {
        out.extend_from_slice(QUESTIONS);
        self.asked = Asked::Until(now + limit);
    }

    pub(crate) fn answered(&mut self, answer: Answer) {
        let field = match answer {
            Answer::Foreground(color) => Some((&mut self.colors.foreground, color)),
            Answer::Background(color) => Some((&mut self.colors.background, color)),
            Answer::Cursor(color) => Some((&mut self.colors.cursor, color)),
            Answer::Identity => None,
        };
        match field {
            Some((field, color)) => self.is_new |= field.replace(color) != Some(color),
            None => self.end(),
        }
    }

    /// The time for which answers are still waited for.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        match self.asked {
            Asked::Until(end) => Some(end.saturating_duration_since(now)),
            Asked::Not | Asked::Over => None,
        }
    }

    /// Ends the wait when its time is over.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.left(now).is_some_and(|left| left.is_zero()) {
            self.end();
        }
    }

    fn end(&mut self) {
        // That nothing was answered is known now, too.
        self.is_new |= matches!(self.asked, Asked::Until(_));
        self.asked = Asked::Over;
    }

    /// True if there is something new, once.
    pub(crate) fn news(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// The terminal's colours as far as it tells them; none as long as that is not known.
    pub(crate) fn colors(&self) -> Option<TerminalColors> {
        let is_known =
            matches!(self.asked, Asked::Over) || self.colors != TerminalColors::default();
        is_known.then_some(self.colors)
    }
}

#[cfg(test)]
mod tests;
