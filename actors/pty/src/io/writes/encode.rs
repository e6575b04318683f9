//! Orders as bytes: what is a paste, where Enter stands apart, and what the terminal does with it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol::Error;
use protocol::frame::PastePart;
use terminal::input::{
    Key, KeyCode, Modifiers, PASTE_END, PASTE_START, PasteFilter, is_paste, newlines_to_returns,
    split_enter, without_paste_ends,
};
use terminal::screen::Modes;

use super::super::echo::{line_modes, unread};
use super::super::order::{Line, Piece, PieceKind, WriteOrder};

/// The longest line that a terminal in line mode takes; of a longer one it drops the rest.
///
/// Source: Linux n_tty.c, N_TTY_BUF_SIZE: 4,096 with the end of the line.
pub(super) const LINE_BYTES: usize = 4095;

/// So long before Enter where the program takes no pastes: the terminal hands over what comes before it.
const SHORT_PAUSE: Duration = Duration::from_millis(20);

/// The kind of a part of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    PasteStart,
    PasteBody,
    PasteEnd,
    Enter,
}

/// A part of an order.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) left: Bytes,
    /// Some of it was taken.
    pub(super) begun: bool,
    /// So long after the part before it was read.
    pub(super) after: Option<Duration>,
}

impl Part {
    fn new(role: Role, left: impl Into<Bytes>) -> Self {
        Self {
            role,
            left: left.into(),
            begun: false,
            after: None,
        }
    }

    pub(super) fn plain(left: Bytes) -> Self {
        Self::new(Role::Plain, left)
    }
}

/// A named key of an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys(Key);

impl Keys {
    /// # Errors
    /// A name that is none, in words for whoever gave it.
    pub(super) fn parse_all(line: &Line) -> Result<Vec<Self>, Error> {
        let keys = line.keys.iter().map(|name| {
            Key::parse(name).map(Self).map_err(|error| {
                Error::invalid(error.to_string())
                    .hint("nothing was typed; literal text goes into the text, not into keys")
            })
        });
        keys.collect()
    }
}

const ENTER: Key = Key {
    code: KeyCode::Enter,
    modifiers: Modifiers {
        control: false,
        alt: false,
        shift: false,
    },
};

/// Text and keys as bytes.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) parts: VecDeque<Part>,
    pub(super) pasted: bool,
    /// Enter is among them.
    pub(super) submitted: bool,
}

/// Encodes text and keys for a program with these modes, whose terminal hands over whole lines or single keys.
pub(super) fn encode_line(line: &Line, keys: &[Keys], modes: Modes, by_line: bool) -> Encoded {
    let (text, newline) = split_enter(&line.text);
    let pasted = match line.paste {
        Some(wish) => wish && modes.bracketed_paste && !text.is_empty(),
        None => is_paste(text, modes),
    };
    let mut parts = VecDeque::new();
    if pasted {
        let text = without_paste_ends(&newlines_to_returns(text));
        parts.push_back(Part::new(Role::PasteStart, PASTE_START));
        parts.push_back(Part::new(Role::PasteBody, text));
        parts.push_back(Part::new(Role::PasteEnd, PASTE_END));
    } else {
        parts.push_back(Part::new(Role::Plain, newlines_to_returns(text)));
    }
    let pause = match (by_line, modes.bracketed_paste) {
        (true, _) => None,
        (false, true) => Some(line.pause),
        (false, false) => Some(line.pause.min(SHORT_PAUSE)),
    };
    // A newline and `submit` together mean the same Enter, unless keys come between them.
    let newline_key = (newline && !(line.submit && keys.is_empty())).then_some(ENTER);
    let submit_key = line.submit.then_some(ENTER);
    let keys = newline_key
        .into_iter()
        .chain(keys.iter().map(|key| key.0))
        .chain(submit_key);
    let mut submitted = false;
    let mut plain = BytesMut::new();
    for key in keys {
        let bytes = key.encode(modes);
        if key.code != KeyCode::Enter {
            plain.extend_from_slice(&bytes);
            continue;
        }
        submitted = true;
        parts.push_back(Part::plain(plain.split().freeze()));
        let apart = parts.iter().rfind(|part| !part.left.is_empty());
        let apart = apart.is_some_and(|part| part.role != Role::Enter);
        parts.push_back(Part {
            after: pause.filter(|_| apart),
            ..Part::new(Role::Enter, bytes)
        });
    }
    parts.push_back(Part::plain(plain.freeze()));
    parts.retain(|part| !part.left.is_empty());
    Encoded {
        parts,
        pasted,
        submitted,
    }
}

/// A paste that comes in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pasting {
    /// It has marks, and the program waits for the last one.
    pub(super) marked: bool,
    filter: PasteFilter,
}

impl Pasting {
    fn new(marked: bool) -> Self {
        let filter = PasteFilter::default();
        Self { marked, filter }
    }
}

/// Encodes a piece of what a person types. `paste` is the paste of theirs that is open; returned is the one that is open
/// after it.
pub(super) fn encode_piece(
    piece: &Piece,
    modes: Modes,
    paste: Option<Pasting>,
) -> (VecDeque<Part>, Option<Pasting>) {
    let part = match piece.kind {
        PieceKind::Typed { pasting } => {
            let parts = VecDeque::from([Part::plain(piece.bytes.clone())]);
            let pasting = pasting.then(|| Pasting::new(true));
            return (nonempty(parts), pasting);
        }
        PieceKind::Paste(part) => part,
    };
    let ends = matches!(part, PastePart::Whole | PastePart::End);
    // A paste that was ended meanwhile, because its pieces did not come, begins anew.
    let begins = paste.is_none();
    let mut pasting = paste.unwrap_or_else(|| Pasting::new(modes.bracketed_paste));
    let mut parts = VecDeque::new();
    if !pasting.marked {
        parts.push_back(Part::plain(piece.bytes.clone()));
        return (nonempty(parts), (!ends).then_some(pasting));
    }
    if begins {
        parts.push_back(Part::new(Role::PasteStart, PASTE_START));
    }
    let body = pasting.filter.next(&piece.bytes);
    parts.push_back(Part::new(Role::PasteBody, body));
    if ends {
        parts.push_back(Part::new(Role::PasteEnd, PASTE_END));
    }
    (nonempty(parts), (!ends).then_some(pasting))
}

fn nonempty(mut parts: VecDeque<Part>) -> VecDeque<Part> {
    parts.retain(|part| !part.left.is_empty());
    parts
}

/// The length of the longest line of `text`, which goes on a line of `before` bytes.
pub(super) fn longest_line(text: &str, before: usize) -> usize {
    let lines = text.split(['\n', '\r']).map(str::len);
    let mut before = before;
    lines
        .map(|length| length + std::mem::take(&mut before))
        .max()
        .unwrap_or(0)
}

/// True if the program has read all that was typed, as far as the terminal can tell.
pub(super) fn took_all(terminal: &OwnedFd) -> bool {
    line_modes(terminal).by_line || unread(terminal) == 0
}

/// True if a line ends with the order, or within it.
pub(super) fn ends_line(order: &WriteOrder) -> bool {
    let is_enter = |name: &String| Key::parse(name).is_ok_and(Key::ends_line);
    order.line().is_some_and(|line| {
        line.submit || line.text.contains(['\n', '\r']) || line.keys.iter().any(is_enter)
    })
}
