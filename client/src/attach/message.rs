//! Messages on the last line of a view, which say less where there is less room. Pure.

use unicode_width::UnicodeWidthStr;

use crate::cli::cut;

/// The forms of one message, the one that says most first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message(Vec<String>);

impl Message {
    /// A message of these forms.
    pub(super) fn new<T: Into<String>>(forms: impl IntoIterator<Item = T>) -> Self {
        Self(forms.into_iter().map(Into::into).collect())
    }

    /// The keys, as `C-b ?` shows them.
    pub(super) fn help() -> Self {
        Self::new([
            "C-b: d detach n/p window o pane r redraw PgUp/PgDn scroll arrows pan C-b itself",
            "C-b: d detach n/p window o pane PgUp/PgDn scroll arrows pan",
            "C-b: d detach n/p window o pane",
            "C-b d detaches",
        ])
    }

    /// Both: each says less as the room gets less, and the second goes first.
    pub(super) fn and(self, other: Self) -> Self {
        let Self(mut forms) = other;
        let shortest = self.0.last().cloned().unwrap_or_default();
        let first = self.0.first().cloned().unwrap_or_default();
        let whole = forms.iter().map(|form| format!("{first}; {form}"));
        let brief = forms.iter().map(|form| format!("{shortest}; {form}"));
        forms = whole.chain(brief).chain(self.0).collect();
        Self(forms)
    }

    /// The first form that fits into so many columns, else the beginning of the last one, up to the end of a word.
    pub(super) fn fitted(&self, cols: u16) -> String {
        let cols = usize::from(cols);
        let fits = self.0.iter().find(|form| form.width() <= cols);
        let Some(last) = fits.or(self.0.last()) else {
            return String::new();
        };
        let shown = cut(last, cols);
        match shown
            .strip_suffix('…')
            .and_then(|shown| shown.rsplit_once(' '))
        {
            Some((words, _)) if last.width() > cols => format!("{words} …"),
            Some(_) | None => shown,
        }
    }
}

#[cfg(test)]
mod tests;
