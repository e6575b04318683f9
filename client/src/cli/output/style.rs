//! Styles: the width, the colours and the ids that text for people has. Everything that is shown asks here.

use clap::ValueEnum;
use protocol::color::ServerColor;

/// Columns of text that no terminal shows, such as a file's.
const UNSEEN_COLS: usize = 80;

/// The answer to whether there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set and not empty
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl ColorChoice {
    /// True if text for a place that is a `terminal` or is none has colours in it.
    ///
    /// Source: <https://no-color.org>.
    #[must_use]
    pub(crate) fn applies(self, terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }

    /// As [`Self::applies`], with the environment of this process.
    #[must_use]
    pub(crate) fn applies_here(self, terminal: bool) -> bool {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.applies(terminal, no_color)
    }
}

/// A meaning that has a colour of its own. The words say the same to those who see none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing of note.
    #[default]
    Plain,
    /// It is well.
    Good,
    /// It failed, or hangs.
    Bad,
    /// It wants to be looked at.
    Warning,
    /// A name, or a head.
    Strong,
    /// Only there to guide the eye.
    Faint,
    /// It is of this server.
    Server(ServerColor),
}

impl Tone {
    /// The parameter of SGR.
    ///
    /// Source: ECMA-48 8.3.117.
    const fn sgr(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Warning => Some("33"),
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Server(color) => Some(color.sgr()),
        }
    }
}

/// The way in which text is laid out and coloured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// Longer lines are cut to so many columns.
    pub(crate) cols: Option<usize>,
    /// Further lines of a screen are left out.
    pub(crate) rows: Option<usize>,
    /// Tones are shown.
    pub(crate) colours: bool,
    /// Ids are shown in full, beside the short numbers.
    pub(crate) ids: bool,
}

impl Style {
    /// The style for a terminal of `cols` columns, or for what is none; `wide` is uncut and has every id.
    #[must_use]
    pub(crate) fn new(cols: Option<usize>, wide: bool, colours: bool) -> Self {
        Self {
            cols: (!wide).then(|| cols.unwrap_or(UNSEEN_COLS)),
            rows: None,
            colours,
            ids: wide,
        }
    }

    /// The text in its colour.
    #[must_use]
    pub(crate) fn paint(self, text: &str, tone: Tone) -> String {
        match tone.sgr().filter(|_| self.colours && !text.is_empty()) {
            Some(sgr) => format!("\x1b[{sgr}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
