//! Keys by name, and what they send.

use super::extended;
use crate::screen::Modes;

/// The longest key name that is looked at, in bytes.
const MAX_NAME_BYTES: usize = 32;
/// The most suggestions that an error carries.
const MAX_SUGGESTIONS: usize = 3;

/// A key without modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCode {
    /// A character.
    Char(char),
    /// F1 to F20.
    Function(u8),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor right.
    Right,
    /// Cursor left.
    Left,
}

/// F13 in the private use area. Source: kitty keyboard protocol, functional keys.
pub(super) const F13: u32 = 57_376;

impl KeyCode {
    /// Its number for programs that tell keys apart; `None` for keys that had a sequence of their own before.
    pub(super) fn number(self) -> Option<u32> {
        match self {
            Self::Char(char) => Some(char.into()),
            Self::Enter => Some(13),
            Self::Tab | Self::BackTab => Some(9),
            Self::Escape => Some(27),
            Self::Backspace => Some(127),
            Self::Function(number @ 13..) => Some(F13 + u32::from(number) - 13),
            Self::Function(_)
            | Self::Delete
            | Self::Insert
            | Self::Home
            | Self::End
            | Self::PageUp
            | Self::PageDown
            | Self::Up
            | Self::Down
            | Self::Right
            | Self::Left => None,
        }
    }
}

/// Modifier keys held with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Control, `C-`.
    pub control: bool,
    /// Alt, `M-`.
    pub alt: bool,
    /// Shift, `S-`.
    pub shift: bool,
}

/// A key with its modifiers, such as `C-c` or `S-Up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// The keys that are held with it.
    pub modifiers: Modifiers,
}

/// The text is not a key name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.told())]
pub struct KeyError {
    /// The name as given, cut to 32 characters.
    pub name: String,
    /// The modifier that is given twice, when that is what is wrong.
    pub twice: Option<&'static str>,
    /// Valid names that are close to it.
    pub suggestions: Vec<&'static str>,
}

/// All names, the usual one of each key first.
const NAMES: [(&str, KeyCode); 40] = [
    ("Enter", KeyCode::Enter),
    ("Return", KeyCode::Enter),
    ("CR", KeyCode::Enter),
    ("Tab", KeyCode::Tab),
    ("BTab", KeyCode::BackTab),
    ("BackTab", KeyCode::BackTab),
    ("Space", KeyCode::Char(' ')),
    ("Escape", KeyCode::Escape),
    ("Esc", KeyCode::Escape),
    ("BSpace", KeyCode::Backspace),
    ("Backspace", KeyCode::Backspace),
    ("BS", KeyCode::Backspace),
    ("DC", KeyCode::Delete),
    ("Delete", KeyCode::Delete),
    ("Del", KeyCode::Delete),
    ("IC", KeyCode::Insert),
    ("Insert", KeyCode::Insert),
    ("Ins", KeyCode::Insert),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PPage", KeyCode::PageUp),
    ("PageUp", KeyCode::PageUp),
    ("PgUp", KeyCode::PageUp),
    ("NPage", KeyCode::PageDown),
    ("PageDown", KeyCode::PageDown),
    ("PgDn", KeyCode::PageDown),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Right", KeyCode::Right),
    ("Left", KeyCode::Left),
    ("ArrowUp", KeyCode::Up),
    ("ArrowDown", KeyCode::Down),
    ("ArrowRight", KeyCode::Right),
    ("ArrowLeft", KeyCode::Left),
    ("UpArrow", KeyCode::Up),
    ("DownArrow", KeyCode::Down),
    ("RightArrow", KeyCode::Right),
    ("LeftArrow", KeyCode::Left),
    ("SpaceBar", KeyCode::Char(' ')),
    ("LF", KeyCode::Char('\n')),
];

/// Names that people use for the modifiers, and the usual spelling. A name of one letter is followed by a hyphen or a plus, a longer one
/// by an underscore as well.
const MODIFIERS: [(&str, &str); 10] = [
    ("C", "C-"),
    ("Ctrl", "C-"),
    ("Control", "C-"),
    ("M", "M-"),
    ("A", "M-"),
    ("Alt", "M-"),
    ("Meta", "M-"),
    ("Option", "M-"),
    ("S", "S-"),
    ("Shift", "S-"),
];

/// The modifier that `name` begins with, in its usual spelling, and what is left of the name.
fn modifier(name: &str) -> Option<(&'static str, &str)> {
    MODIFIERS.iter().find_map(|(known, usual)| {
        let (word, rest) = name.split_at_checked(known.len())?;
        let joined = rest.chars().next()?;
        let joins = matches!(joined, '-' | '+') || (joined == '_' && known.len() > 1);
        let after = rest.get(1..).filter(|after| !after.is_empty())?;
        (joins && word.eq_ignore_ascii_case(known)).then_some((*usual, after))
    })
}

impl Key {
    /// The valid names, for people.
    pub const VALID: &'static str = "single characters, Enter, Tab, BTab, Space, Escape, BSpace, Delete (DC), Insert (IC), \
         Home, End, PageUp (PPage), PageDown (NPage), Up, Down, Left, Right, F1 to F20, each with C- (Control), M- (Alt), S- (Shift) before it";

    /// Reads a key name: `Enter`, `C-c`, `M-x`, `C-M-x`, `S-Up`, `F5`, `a`. Case counts for single characters only. Other usual
    /// spellings are taken too: `ctrl+c`, `Alt-x`, `shift+tab`, `page_down`, `UpArrow`.
    ///
    /// # Errors
    /// [`KeyError`] with names close to the one given.
    pub fn parse(name: &str) -> Result<Self, KeyError> {
        let mut modifiers = Modifiers::default();
        let mut rest = name;
        while let Some((usual, after)) = modifier(rest) {
            let held = match usual {
                "C-" => &mut modifiers.control,
                "M-" => &mut modifiers.alt,
                _ => &mut modifiers.shift,
            };
            hold(held, usual, name)?;
            rest = after;
        }
        let control = rest.strip_prefix('^').filter(|_| rest.len() == 2);
        if let Some(char) = control {
            hold(&mut modifiers.control, "C-", name)?;
            rest = char;
        }
        let code = code(rest).ok_or_else(|| KeyError::new(name, rest))?;
        Ok(Self { code, modifiers })
    }

    /// The bytes that the key sends.
    #[must_use]
    pub fn encode(self, modes: Modes) -> Vec<u8> {
        extended::encode(self, modes).unwrap_or_else(|| self.encode_plain(modes))
    }

    /// Source: xterm ctlseqs, "PC-Style Function Keys" and "VT220-Style Function Keys".
    fn encode_plain(self, modes: Modes) -> Vec<u8> {
        let modifiers = self.modifiers;
        match self.code {
            KeyCode::Char(char) => modifiers.meta(char_bytes(char, modifiers)),
            KeyCode::Enter => modifiers.meta(vec![b'\r']),
            KeyCode::Escape => modifiers.meta(vec![0x1b]),
            KeyCode::Backspace => modifiers.meta(vec![if modifiers.control { 0x08 } else { 0x7f }]),
            KeyCode::Tab if modifiers.shift => modifiers.meta(b"\x1b[Z".to_vec()),
            KeyCode::Tab => modifiers.meta(vec![b'\t']),
            KeyCode::BackTab => modifiers.meta(b"\x1b[Z".to_vec()),
            KeyCode::Up => modifiers.letter('A', modes.application_cursor),
            KeyCode::Down => modifiers.letter('B', modes.application_cursor),
            KeyCode::Right => modifiers.letter('C', modes.application_cursor),
            KeyCode::Left => modifiers.letter('D', modes.application_cursor),
            KeyCode::Home => modifiers.letter('H', modes.application_cursor),
            KeyCode::End => modifiers.letter('F', modes.application_cursor),
            KeyCode::Insert => modifiers.tilde(2),
            KeyCode::Delete => modifiers.tilde(3),
            KeyCode::PageUp => modifiers.tilde(5),
            KeyCode::PageDown => modifiers.tilde(6),
            KeyCode::Function(number) => match number {
                1..=4 => modifiers.letter(char::from(b'O' + number), true),
                5 => modifiers.tilde(15),
                6..=10 => modifiers.tilde(number + 11),
                11..=14 => modifiers.tilde(number + 12),
                15 | 16 => modifiers.tilde(number + 13),
                _ => modifiers.tilde(number + 14),
            },
        }
    }

    /// True if a command line ends with it: Enter, and what sends the same.
    #[must_use]
    pub fn ends_line(self) -> bool {
        if let KeyCode::Char(char) = self.code {
            let sends_enter = matches!(char.to_ascii_lowercase(), 'm' | 'j');
            return char == '\n' || (self.modifiers.control && sends_enter);
        }
        self.code == KeyCode::Enter
    }
}

impl std::str::FromStr for Key {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl Modifiers {
    /// xterm's number for the modifiers, from 1 for none.
    pub(super) fn code(self) -> u8 {
        1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.control)
    }

    /// With Alt an ESC goes first.
    fn meta(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.alt {
            bytes.insert(0, 0x1b);
        }
        bytes
    }

    /// `CSI letter`, or `SS3 letter` for application keys; with modifiers `CSI 1 ; code letter`.
    fn letter(self, letter: char, application: bool) -> Vec<u8> {
        match (self.code(), application) {
            (1, false) => format!("\x1b[{letter}"),
            (1, true) => format!("\x1bO{letter}"),
            (code, _) => format!("\x1b[1;{code}{letter}"),
        }
        .into_bytes()
    }

    /// `CSI number ~`, with modifiers `CSI number ; code ~`.
    fn tilde(self, number: u8) -> Vec<u8> {
        match self.code() {
            1 => format!("\x1b[{number}~"),
            code => format!("\x1b[{number};{code}~"),
        }
        .into_bytes()
    }
}

fn char_bytes(char: char, modifiers: Modifiers) -> Vec<u8> {
    if let Some(byte) = control_byte(char).filter(|_| modifiers.control) {
        return vec![byte];
    }
    let char = match modifiers.shift {
        true => char.to_ascii_uppercase(),
        false => char,
    };
    char.to_string().into_bytes()
}

/// The byte that Control makes of a character: none for most, which are then sent as they are. Source: xterm ctlseqs, VT100 keyboards.
pub(super) fn control_byte(char: char) -> Option<u8> {
    match char {
        'a'..='z' => Some(char as u8 - b'a' + 1),
        'A'..='Z' => Some(char as u8 - b'A' + 1),
        '@' | ' ' | '2' => Some(0x00),
        '[' | '3' => Some(0x1b),
        '\\' | '4' => Some(0x1c),
        ']' | '5' => Some(0x1d),
        '^' | '6' => Some(0x1e),
        '_' | '-' | '/' | '7' => Some(0x1f),
        '?' | '8' => Some(0x7f),
        _ => None,
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(char), None) = (chars.next(), chars.next()) {
        return (!char.is_control()).then_some(KeyCode::Char(char));
    }
    let joins = |c: char| matches!(c, '_' | '-' | ' ');
    if name.starts_with(joins) || name.ends_with(joins) {
        return None;
    }
    let words = name.replace(joins, "");
    if let Some((_, code)) = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(&words))
    {
        return Some(*code);
    }
    let number = name
        .strip_prefix(['F', 'f'])
        .filter(|digits| !digits.starts_with(['0', '+']))?;
    number
        .parse()
        .ok()
        .filter(|number| (1..=20).contains(number))
        .map(KeyCode::Function)
}

/// Notes that a modifier is held.
fn hold(held: &mut bool, modifier: &'static str, name: &str) -> Result<(), KeyError> {
    match std::mem::replace(held, true) {
        false => Ok(()),
        true => Err(KeyError {
            name: name.chars().take(MAX_NAME_BYTES).collect(),
            twice: Some(modifier),
            suggestions: Vec::new(),
        }),
    }
}

impl KeyError {
    fn new(name: &str, bare: &str) -> Self {
        Self {
            name: name.chars().take(MAX_NAME_BYTES).collect(),
            twice: None,
            suggestions: close_names(bare),
        }
    }

    fn told(&self) -> String {
        let name = &self.name;
        if let Some(modifier) = self.twice {
            return format!("the key `{name}` cannot be sent: {modifier} is given twice");
        }
        let near = match self.suggestions.as_slice() {
            [] => String::new(),
            some => format!(", did you mean {}?", some.join(" or ")),
        };
        format!("unknown key `{name}`{near}; valid are: {}", Key::VALID)
    }
}

/// Names within two typing errors, nearest first.
fn close_names(name: &str) -> Vec<&'static str> {
    if name.len() > MAX_NAME_BYTES {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let distance = |known: &str| edit_distance(&name, &known.to_ascii_lowercase());
    let mut near: Vec<_> = NAMES
        .iter()
        .map(|(known, _)| (distance(known), *known))
        .collect();
    near.retain(|(distance, known)| *distance <= 2 && *distance < known.len());
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, known)| known)
        .collect()
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
