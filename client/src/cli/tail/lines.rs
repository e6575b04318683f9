//! Text of several panes as lines, each with its pane's name before it.

/// The lines of panes whose text comes in pieces.
pub(super) struct Lines {
    /// What stands before each line; empty for a single pane.
    prefixes: Vec<String>,
    /// The beginning of each pane's line whose end has not come.
    open: Vec<String>,
    /// The pane whose line has been begun on the output.
    begun: Option<usize>,
}

impl Lines {
    /// No lines yet of the panes with these labels.
    pub(super) fn new(labels: &[String]) -> Self {
        let width = labels.iter().map(|label| label.chars().count()).max();
        let width = width.unwrap_or_default();
        let prefix = |label: &String| match labels.len() {
            0 | 1 => String::new(),
            _ => format!("{label:width$} | "),
        };
        Self {
            prefixes: labels.iter().map(prefix).collect(),
            open: vec![String::new(); labels.len()],
            begun: None,
        }
    }

    /// The whole lines that are there with this piece of a pane's text.
    pub(super) fn add(&mut self, of: usize, piece: &str) -> String {
        let mut shown = String::new();
        for part in piece.split_inclusive('\n') {
            self.open[of].push_str(part);
            if part.ends_with('\n') {
                self.show(of, &mut shown);
            }
        }
        shown
    }

    /// A line in the place of text that is missing; what was begun before it stays as it is.
    pub(super) fn cut(&mut self, of: usize, told: &str) -> String {
        let mut shown = self.broken_off(of);
        if self.begun.take().is_some() {
            shown.push('\n');
        }
        shown + &self.add(of, &format!("{told}\n"))
    }

    /// The end of a pane's line that does not go on: what follows begins a line of its own.
    pub(super) fn broken_off(&mut self, of: usize) -> String {
        let mut shown = String::new();
        if !self.open[of].is_empty() {
            self.show(of, &mut shown);
        }
        if self.begun.take_if(|begun| *begun == of).is_some() {
            shown.push('\n');
        }
        shown
    }

    /// The same for a line that was written over, which follows anew: what is not shown of it yet never was.
    pub(super) fn written_over(&mut self, of: usize) -> String {
        self.open[of].clear();
        self.broken_off(of)
    }

    /// The beginnings of lines whose ends have not come.
    pub(super) fn unfinished(&mut self) -> String {
        let mut shown = String::new();
        for of in 0..self.open.len() {
            if !self.open[of].is_empty() {
                self.show(of, &mut shown);
            }
        }
        shown
    }

    /// The rest, with the end of a line that has none.
    pub(super) fn end(&mut self) -> String {
        let mut shown = self.unfinished();
        if self.begun.take().is_some() {
            shown.push('\n');
        }
        shown
    }

    fn show(&mut self, of: usize, shown: &mut String) {
        let text = std::mem::take(&mut self.open[of]);
        if self.begun != Some(of) {
            if self.begun.is_some() {
                shown.push('\n');
            }
            shown.push_str(&self.prefixes[of]);
        }
        self.begun = (!text.ends_with('\n')).then_some(of);
        shown.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[&str]) -> Lines {
        Lines::new(&labels.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn one_pane_is_shown_as_it_is() {
        let mut lines = of(&["web"]);
        assert_eq!(lines.add(0, "a\nb"), "a\n");
        assert_eq!(lines.unfinished(), "b");
        assert_eq!(lines.add(0, "c\n"), "c\n");
        assert_eq!(lines.end(), "");
    }

    #[test]
    fn what_is_missing_has_a_line_of_its_own() {
        let mut lines = of(&["web"]);
        assert_eq!(lines.add(0, "a\nb"), "a\n");
        assert_eq!(lines.cut(0, "[gap]"), "b\n[gap]\n");
        assert_eq!(lines.add(0, "c\n"), "c\n");
        assert_eq!(lines.cut(0, "[gap]"), "[gap]\n");
        let mut lines = of(&["a", "b"]);
        lines.add(0, "x");
        assert_eq!(lines.unfinished(), "a | x");
        assert_eq!(lines.cut(1, "[gap]"), "\nb | [gap]\n");
    }

    #[test]
    fn what_does_not_go_on_ends_its_line() {
        let mut lines = of(&["web"]);
        assert_eq!(lines.add(0, "$ vim"), "");
        assert_eq!(lines.broken_off(0), "$ vim\n");
        assert_eq!(lines.broken_off(0), "");
        assert_eq!(lines.add(0, "after\n10%"), "after\n");
        assert_eq!(lines.written_over(0), "", "it was not shown");
        assert_eq!(lines.add(0, "20%"), "");
        assert_eq!(lines.unfinished(), "20%");
        assert_eq!(lines.written_over(0), "\n", "it was shown");
        assert_eq!(lines.add(0, "30%\n"), "30%\n");
        let mut lines = of(&["a", "b"]);
        lines.add(0, "x");
        assert_eq!(lines.unfinished(), "a | x");
        assert_eq!(lines.broken_off(1), "", "the other's line goes on");
        assert_eq!(lines.add(0, "y\n"), "y\n");
    }

    #[test]
    fn lines_of_several_panes_are_told_apart() {
        let mut lines = of(&["web", "worker"]);
        assert_eq!(lines.add(0, "a\n"), "web    | a\n");
        assert_eq!(lines.add(1, "x"), "");
        assert_eq!(lines.add(0, "b\n"), "web    | b\n");
        assert_eq!(lines.unfinished(), "worker | x");
        assert_eq!(lines.add(0, "c\n"), "\nweb    | c\n");
        assert_eq!(lines.add(1, "y\nz"), "worker | y\n");
        assert_eq!(lines.end(), "worker | z\n");
    }
}
