//! The key that a sequence stands for, in each of the forms in which terminals send keys. Only the keys that commands
//! use are told apart.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character without Ctrl, Alt and Super.
    Char(char),
    /// A letter with Ctrl alone.
    Ctrl(char),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    /// Any other key.
    Other,
}

/// Bits of a modifier parameter less one. Source: kitty keyboard protocol, modifiers; xterm ctlseqs, PC-style function keys.
const CTRL: u32 = 4;
const ALT_AND_SUCH: u32 = 2 | 8 | 16 | 32;

/// The first and the last number of keys that only modify others. Source: kitty keyboard protocol, functional keys.
const MODIFIERS: std::ops::RangeInclusive<u32> = 57441..=57454;

/// The key that was pressed; none when one was let go, or only modifies the next one.
pub(super) fn read(unit: &[u8]) -> Option<Key> {
    match unit {
        [byte @ 1..=26] => Some(Key::Ctrl(char::from(byte - 1 + b'a'))),
        [byte @ 0x20..=0x7e] => Some(Key::Char(char::from(*byte))),
        [0x1b, b'[', inner @ .., last] | [0x1b, b'O', inner @ .., last] => control(inner, *last),
        _ => Some(Key::Other),
    }
}

fn control(inner: &[u8], last: u8) -> Option<Key> {
    let text = std::str::from_utf8(inner).unwrap_or_default();
    let mut fields = text.split(';').map(|field| {
        let mut parts = field.split(':').map(|part| part.parse::<u32>().ok());
        (parts.next().flatten(), parts.next().flatten())
    });
    let (number, _) = fields.next().unwrap_or_default();
    let (modifiers, event) = fields.next().unwrap_or_default();
    let (third, _) = fields.next().unwrap_or_default();
    const RELEASE: u32 = 3;
    if event == Some(RELEASE) {
        return None;
    }
    let modifiers = modifiers.map_or(0, |modifiers| modifiers.saturating_sub(1));
    let key = match (last, number) {
        (b'u', Some(code)) if MODIFIERS.contains(&code) => return None,
        (b'u', Some(code)) => character(code, modifiers),
        // modifyOtherKeys. Source: xterm ctlseqs, CSI 27.
        (b'~', Some(27)) => character(third.unwrap_or(0), modifiers),
        (b'~', Some(5)) => Key::PageUp,
        (b'~', Some(6)) => Key::PageDown,
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        _ => Key::Other,
    };
    Some(key)
}

fn character(code: u32, modifiers: u32) -> Key {
    let c = char::from_u32(code).unwrap_or('\0');
    match modifiers {
        _ if modifiers & ALT_AND_SUCH != 0 => Key::Other,
        _ if modifiers & CTRL != 0 => Key::Ctrl(c.to_ascii_lowercase()),
        _ => Key::Char(c),
    }
}
