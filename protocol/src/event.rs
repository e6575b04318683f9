//! Events: messages of a server to an attached client that has not asked for them.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::frame::ViewId;
use crate::geometry::Size;
use crate::reply::{Attached, Notice, Progress};
use crate::terminal::{Rgb, SetColors};

/// Terminal modes of a pane that its viewer must follow, as bits.
pub mod mode {
    /// The program draws on the alternate screen.
    pub const ALTERNATE_SCREEN: u32 = 1;
    /// Pasted text is wanted in brackets (DECSET 2004).
    pub const BRACKETED_PASTE: u32 = 1 << 1;
    /// Cursor keys send application sequences (DECCKM).
    pub const APPLICATION_CURSOR: u32 = 1 << 2;
    /// The keypad sends application sequences (DECKPAM).
    pub const APPLICATION_KEYPAD: u32 = 1 << 3;
    /// Mouse clicks are wanted (DECSET 1000).
    pub const MOUSE_CLICK: u32 = 1 << 4;
    /// Mouse drags are wanted (DECSET 1002).
    pub const MOUSE_DRAG: u32 = 1 << 5;
    /// All mouse motion is wanted (DECSET 1003).
    pub const MOUSE_MOTION: u32 = 1 << 6;
    /// Mouse reports in SGR form (DECSET 1006).
    pub const MOUSE_SGR: u32 = 1 << 7;
    /// Focus changes are wanted (DECSET 1004).
    pub const FOCUS_EVENTS: u32 = 1 << 8;
    /// The program is between the marks of a synchronised update (DECSET 2026).
    pub const SYNCHRONIZED: u32 = 1 << 9;
    /// Mouse reports in UTF-8 form (DECSET 1005).
    pub const MOUSE_UTF8: u32 = 1 << 10;
}

/// The cursor of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenCursor {
    /// Row from 0.
    pub row: u16,
    /// Column from 0.
    pub col: u16,
    /// It is shown.
    pub visible: bool,
    /// Its shape as in DECSCUSR, 0 for the terminal's own.
    pub shape: u8,
}

/// One row of a screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenRow {
    /// Row from 0.
    pub row: u16,
    /// The row as text with SGR sequences, beginning from default attributes; what follows its end is blank.
    #[serde(with = "serde_bytes")]
    pub ansi: Vec<u8>,
    /// The parts of `ansi` that are no single character in one column, in order: what a terminal's own table of widths might
    /// see otherwise. Absent from a server that does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<Cluster>>,
}

/// Characters of a row that take up one place together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u16, u8, bool)", into = "(u32, u16, u8, bool)")]
pub struct Cluster {
    /// Where they begin in the row's text, in bytes.
    pub at: u32,
    /// How long they are, in bytes.
    pub bytes: u16,
    /// How many columns they take.
    pub cells: u8,
    /// Terminals disagree about that: what follows has to be placed by its column.
    pub doubtful: bool,
}

impl From<(u32, u16, u8, bool)> for Cluster {
    fn from((at, bytes, cells, doubtful): (u32, u16, u8, bool)) -> Self {
        Self {
            at,
            bytes,
            cells,
            doubtful,
        }
    }
}

impl From<Cluster> for (u32, u16, u8, bool) {
    fn from(cluster: Cluster) -> Self {
        (cluster.at, cluster.bytes, cluster.cells, cluster.doubtful)
    }
}

/// A place that copied text is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// What is pasted by a command.
    Clipboard,
    /// What is selected, and pasted by the mouse.
    Primary,
}

/// Text that a program has copied (OSC 52).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Where to.
    pub selection: Selection,
    /// The text, at most [`Copied::MAX_BYTES`].
    #[serde(with = "serde_bytes")]
    pub text: Vec<u8>,
}

impl Copied {
    /// The longest text that is passed on, in bytes: more than people paste, and less than a screen may take of memory.
    pub const MAX_BYTES: usize = 1024 * 1024;
}

/// The changes of a screen since an earlier generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenUpdate {
    /// The generation that the rows bring a viewer to.
    pub generation: u64,
    /// All rows are there: clear first.
    pub full: bool,
    /// The pane's size.
    pub size: Size,
    /// Changed rows in order.
    pub rows: Vec<ScreenRow>,
    /// The cursor.
    pub cursor: ScreenCursor,
    /// Bits of [`mode`].
    pub modes: u32,
    /// The flags of the kitty keyboard protocol that the program has set. The viewer's terminal is to be switched alike.
    #[serde(default)]
    pub keyboard: u8,
    /// The level of xterm's modifyOtherKeys that the program has set.
    #[serde(default)]
    pub modify_other_keys: u8,
    /// The cursor's colour, if the program has set one (OSC 12).
    #[serde(default)]
    pub cursor_color: Option<Rgb>,
    /// The other colours that the program has set, when they changed. The rows have them by their value, for terminals that cannot be
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colors: Option<SetColors>,
    /// The title, when it changed.
    #[serde(default)]
    pub title: Option<String>,
    /// The bell rang.
    #[serde(default)]
    pub bell: bool,
    /// What the program has copied since the last update, the last text for each selection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copied: Vec<Copied>,
    /// How far the program is, when that changed (OSC 9;4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Notifications that came since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// So many rows of the scrollback are above the end: the rows are from there, and nothing follows until the view is
    /// scrolled again or something is typed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows_back: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Something that happened to one attached view.
///
/// On the wire a map with one entry: the kind, then its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The view's pane changed. The next one comes after the client's `ready` frame.
    Screen {
        /// Which view.
        view: ViewId,
        /// The change.
        update: ScreenUpdate,
    },
    /// The view looks at another pane now.
    Switched {
        /// Which view.
        view: ViewId,
        /// What it shows.
        attached: Attached,
    },
    /// Input of this view was dropped because the program does not read.
    InputBlocked {
        /// Which view.
        view: ViewId,
        /// How many bytes were dropped.
        dropped_bytes: u64,
    },
    /// So much more of this view's input is not under way any more: the program's terminal took it, or it was dropped and
    /// that was told. Told now and then, never for each key.
    InputTaken {
        /// Which view.
        view: ViewId,
        /// How many bytes since the last time.
        bytes: u64,
    },
    /// The view is attached no more.
    Detached {
        /// Which view.
        view: ViewId,
        /// Why: the session ended, another client asked for it.
        reason: String,
    },
    /// An event of a newer server that this client does not know.
    #[serde(untagged)]
    Other(Ignored),
}

/// Any value, not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ignored;

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

// By hand, because serde's own "otherwise" variant would also swallow a known event with a wrong
// field, and would keep a copy of every screen until it knows which variant it is.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventVisitor)
    }
}

struct EventVisitor;

#[derive(Deserialize)]
struct ScreenFields {
    view: ViewId,
    update: ScreenUpdate,
}

#[derive(Deserialize)]
struct SwitchedFields {
    view: ViewId,
    attached: Attached,
}

#[derive(Deserialize)]
struct InputBlockedFields {
    view: ViewId,
    dropped_bytes: u64,
}

#[derive(Deserialize)]
struct InputTakenFields {
    view: ViewId,
    bytes: u64,
}

#[derive(Deserialize)]
struct DetachedFields {
    view: ViewId,
    reason: String,
}

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event: a map with its kind as the key")
    }

    fn visit_unit<E>(self) -> Result<Event, E> {
        Ok(Event::Other(Ignored))
    }

    fn visit_str<E>(self, _kind: &str) -> Result<Event, E> {
        Ok(Event::Other(Ignored))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        let Some(kind) = map.next_key::<String>()? else {
            return Ok(Event::Other(Ignored));
        };
        let event = match kind.as_str() {
            "screen" => {
                let ScreenFields { view, update } = map.next_value()?;
                Event::Screen { view, update }
            }
            "switched" => {
                let SwitchedFields { view, attached } = map.next_value()?;
                Event::Switched { view, attached }
            }
            "input_blocked" => {
                let InputBlockedFields {
                    view,
                    dropped_bytes,
                } = map.next_value()?;
                Event::InputBlocked {
                    view,
                    dropped_bytes,
                }
            }
            "input_taken" => {
                let InputTakenFields { view, bytes } = map.next_value()?;
                Event::InputTaken { view, bytes }
            }
            "detached" => {
                let DetachedFields { view, reason } = map.next_value()?;
                Event::Detached { view, reason }
            }
            _ => Event::Other(map.next_value()?),
        };
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(event)
    }
}

#[cfg(test)]
mod tests;
