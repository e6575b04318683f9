//! What a person types in an attached view: bytes for the program, and commands behind the prefix
//! key C-b. No I/O, no clock; nothing is held back, so a lone Escape is passed on at once.

/// C-b.
const PREFIX: u8 = 0x02;

/// Begins a bracketed paste. Source: xterm ctlseqs, bracketed paste mode.
const PASTE_BEGINS: &[u8] = b"\x1b[200~";

/// Ends a bracketed paste.
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What to do with what was typed, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Pass these bytes on.
    Input(Vec<u8>),
    /// C-b d.
    Detach,
    /// C-b n.
    NextWindow,
    /// C-b p.
    PreviousWindow,
    /// C-b o.
    NextPane,
    /// C-b r.
    Redraw,
    /// C-b ?.
    Help,
}

/// What `C-b ?` shows.
pub(super) const HELP: &str =
    "C-b d detach  C-b n/p next/previous window  C-b o next pane  C-b r redraw  C-b C-b sends C-b";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// Inside a bracketed paste nothing is a command.
    Paste,
    /// The prefix was pressed.
    Prefix,
    /// An escape sequence, such as a cursor key, was begun behind the prefix: it means nothing.
    PrefixEscape,
    /// Its parameters.
    PrefixSequence,
    /// One more byte of it.
    PrefixLast,
}

/// Reads typed bytes in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct PrefixParser {
    state: State,
    /// How many bytes of the paste mark that is looked for have been seen.
    matched: usize,
}

impl PrefixParser {
    /// What the next bytes mean.
    pub(super) fn parse(&mut self, bytes: &[u8]) -> Vec<Action> {
        let mut actions = Vec::new();
        for &byte in bytes {
            match self.step(byte) {
                Step::Nothing => {}
                Step::Pass => pass(&mut actions, byte),
                Step::Do(action) => actions.push(action),
            }
        }
        actions
    }

    fn step(&mut self, byte: u8) -> Step {
        match self.state {
            State::Plain if byte == PREFIX => {
                self.matched = 0;
                self.state = State::Prefix;
                Step::Nothing
            }
            State::Plain => {
                if self.saw(byte, PASTE_BEGINS) {
                    self.state = State::Paste;
                }
                Step::Pass
            }
            State::Paste => {
                if self.saw(byte, PASTE_ENDS) {
                    self.state = State::Plain;
                }
                Step::Pass
            }
            State::Prefix => {
                self.state = State::Plain;
                self.command(byte)
            }
            State::PrefixEscape => {
                self.state = match byte {
                    b'[' => State::PrefixSequence,
                    b'O' => State::PrefixLast,
                    _ => State::Plain,
                };
                Step::Nothing
            }
            State::PrefixSequence => {
                if (0x40..=0x7e).contains(&byte) {
                    self.state = State::Plain;
                }
                Step::Nothing
            }
            State::PrefixLast => {
                self.state = State::Plain;
                Step::Nothing
            }
        }
    }

    fn command(&mut self, byte: u8) -> Step {
        match byte {
            PREFIX => Step::Pass,
            b'd' => Step::Do(Action::Detach),
            b'n' => Step::Do(Action::NextWindow),
            b'p' => Step::Do(Action::PreviousWindow),
            b'o' => Step::Do(Action::NextPane),
            b'r' => Step::Do(Action::Redraw),
            b'?' => Step::Do(Action::Help),
            0x1b => {
                self.state = State::PrefixEscape;
                Step::Nothing
            }
            _ => Step::Nothing,
        }
    }

    /// Follows `mark` by one byte; true when it is complete.
    fn saw(&mut self, byte: u8, mark: &[u8]) -> bool {
        if mark[self.matched] == byte {
            self.matched += 1;
        } else {
            // Only the mark's first byte occurs in it once, so a mark can only begin anew here.
            self.matched = usize::from(mark[0] == byte);
        }
        let complete = self.matched == mark.len();
        if complete {
            self.matched = 0;
        }
        complete
    }
}

enum Step {
    Nothing,
    Pass,
    Do(Action),
}

fn pass(actions: &mut Vec<Action>, byte: u8) {
    match actions.last_mut() {
        Some(Action::Input(bytes)) => bytes.push(byte),
        Some(
            Action::Detach
            | Action::NextWindow
            | Action::PreviousWindow
            | Action::NextPane
            | Action::Redraw
            | Action::Help,
        )
        | None => actions.push(Action::Input(vec![byte])),
    }
}

#[cfg(test)]
mod tests;
