//! Keys for programs that want to tell apart what terminals send alike: Shift+Enter and Enter, Ctrl+I and Tab.
//!
//! Sources: the kitty keyboard protocol (sw.kovidgoyal.net/kitty/keyboard-protocol); xterm ctlseqs, "Alt and Meta Keys",
//! modifyOtherKeys.

use super::key::{F13, Key, KeyCode, Modifiers, control_byte};
use crate::screen::Modes;

/// Escape and keys with Control or Alt get a code of their own.
const DISAMBIGUATE: u8 = 1;
/// Shifted characters are told beside the plain ones.
const ALTERNATES: u8 = 1 << 2;
/// Every key gets a code, also those that send text.
const ALL_KEYS: u8 = 1 << 3;
/// The text is told with the code.
const TEXT: u8 = 1 << 4;

/// The bytes that `key` sends if `modes` ask for more than a plain terminal sends; `None` where it is the same.
pub(super) fn encode(key: Key, modes: Modes) -> Option<Vec<u8>> {
    let text = match (modes.keyboard, modes.modify_other_keys) {
        (0, 0) => None,
        (0, level) => other_key(key, level),
        (flags, _) => kitty(key, flags),
    };
    text.map(String::into_bytes)
}

/// A key that has a code: the code, what else is held, and whether it sends text when nothing but Shift is held.
struct Coded {
    code: u32,
    shifted: Option<char>,
    modifiers: Modifiers,
    text: Option<char>,
}

fn coded(key: Key) -> Option<Coded> {
    let mut modifiers = key.modifiers;
    let code = key.code.number()?;
    if let KeyCode::Char(char) = key.code
        && char != '\n'
    {
        return Some(character(char, modifiers));
    }
    modifiers.shift |= key.code == KeyCode::BackTab;
    // A line feed is C-j.
    modifiers.control |= key.code == KeyCode::Char('\n');
    Some(Coded {
        code,
        shifted: None,
        modifiers,
        text: None,
    })
}

fn character(char: char, mut modifiers: Modifiers) -> Coded {
    let lower = char.to_lowercase().next().filter(|_| char.is_uppercase());
    // `C-A` is the same key as `C-a`; `A` is Shift and `a`.
    modifiers.shift |= lower.is_some() && !modifiers.control;
    let base = lower.unwrap_or(char);
    let text = match modifiers.shift {
        true => base.to_uppercase().next().unwrap_or(base),
        false => base,
    };
    Coded {
        code: base.into(),
        shifted: modifiers.shift.then_some(text).filter(|&text| text != base),
        modifiers,
        text: Some(text),
    }
}

fn kitty(key: Key, flags: u8) -> Option<String> {
    let Some(coded) = coded(key) else {
        return Some(functional(key));
    };
    let modifiers = coded.modifiers;
    let sends_text = coded.text.is_some() && !modifiers.control && !modifiers.alt;
    let is_plain_control = modifiers == Modifiers::default()
        && matches!(key.code, KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace);
    let has_code = match flags & ALL_KEYS {
        0 => flags & DISAMBIGUATE != 0 && !sends_text && !is_plain_control,
        _ => true,
    };
    if !has_code {
        return None;
    }
    let mut out = format!("\x1b[{}", coded.code);
    if let Some(shifted) = coded.shifted.filter(|_| flags & ALTERNATES != 0) {
        out += &format!(":{}", u32::from(shifted));
    }
    let text = coded
        .text
        .filter(|_| sends_text && flags & ALL_KEYS != 0 && flags & TEXT != 0);
    match (modifiers.code(), text) {
        (1, None) => {}
        (1, Some(text)) => out += &format!(";;{}", u32::from(text)),
        (code, None) => out += &format!(";{code}"),
        (code, Some(text)) => out += &format!(";{code};{}", u32::from(text)),
    }
    Some(out + "u")
}

/// Keys that have the same sequences as ever, but never those of the application modes; F3 was mistaken for a report of the cursor.
fn functional(key: Key) -> String {
    let code = key.modifiers.code();
    let letter = |letter: char| match code {
        1 => format!("\x1b[{letter}"),
        _ => format!("\x1b[1;{code}{letter}"),
    };
    let tilde = |number: u8| match code {
        1 => format!("\x1b[{number}~"),
        _ => format!("\x1b[{number};{code}~"),
    };
    match key.code {
        KeyCode::Up => letter('A'),
        KeyCode::Down => letter('B'),
        KeyCode::Right => letter('C'),
        KeyCode::Left => letter('D'),
        KeyCode::Home => letter('H'),
        KeyCode::End => letter('F'),
        KeyCode::Function(1) => letter('P'),
        KeyCode::Function(2) => letter('Q'),
        KeyCode::Function(4) => letter('S'),
        KeyCode::Function(3) => tilde(13),
        KeyCode::Function(5) => tilde(15),
        KeyCode::Function(number @ 6..=10) => tilde(number + 11),
        KeyCode::Function(number) => tilde(number + 12),
        KeyCode::Insert => tilde(2),
        KeyCode::Delete => tilde(3),
        KeyCode::PageUp => tilde(5),
        KeyCode::PageDown
        | KeyCode::Char(_)
        | KeyCode::Enter
        | KeyCode::Tab
        | KeyCode::BackTab
        | KeyCode::Escape
        | KeyCode::Backspace => tilde(6),
    }
}

/// xterm's form, `CSI 27 ; modifiers ; code ~`: at level 1 for keys that would be lost, at level 2 for all that are not plain.
fn other_key(key: Key, level: u8) -> Option<String> {
    let coded = coded(key).filter(|coded| coded.code < F13)?;
    let modifiers = coded.modifiers;
    let shift_only = !modifiers.control && !modifiers.alt;
    if modifiers == Modifiers::default() {
        return None;
    }
    let has_code = if let KeyCode::Char(char) = key.code {
        match char {
            ' ' if shift_only => level > 1,
            '\n' => false,
            _ if shift_only => false,
            _ => level > 1 || (modifiers.control && control_byte(char).is_none()),
        }
    } else if matches!(key.code, KeyCode::Tab | KeyCode::BackTab) {
        // Shift+Tab has had a sequence of its own for long.
        level > 1 || !shift_only
    } else {
        level > 1 || key.code == KeyCode::Enter
    };
    let code = coded.shifted.map_or(coded.code, u32::from);
    has_code.then(|| format!("\x1b[27;{};{code}~", modifiers.code()))
}
