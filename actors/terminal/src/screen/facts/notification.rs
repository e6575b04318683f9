//! Notifications and progress: OSC 9, OSC 777 and OSC 99 as they are written, bounded and without control characters.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use protocol::reply::{Notice, NoticeForm, Progress};
use serde::{Deserialize, Serialize};

/// The longest title or text kept, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 1024;

/// The longest name of a notification in parts, in bytes.
const MAX_ID_BYTES: usize = 64;

/// The commands of OSC 9 that are no text. Source: ConEmu, "ANSI X3.64 and Xterm", OSC 9.
const OSC_9_COMMANDS: std::ops::RangeInclusive<u8> = 1..=12;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The meaning of a control string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing that is kept.
    Nothing,
    /// The program's progress.
    Progress(Progress),
    /// Something to be noticed.
    Notice(Notice),
    /// It asks which parts of OSC 99 are known, by this name.
    Question(String),
}

/// The beginning of a notification that comes in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    id: String,
    title: String,
    body: String,
}

impl Draft {
    pub(super) fn kept_bytes(&self) -> usize {
        64 + self.id.len() + self.title.len() + self.body.len()
    }

    /// The same, unless it cannot have been written here.
    pub(super) fn checked(self) -> Option<Self> {
        let fits = clean(&self.title) == self.title && clean(&self.body) == self.body;
        (fits && name(self.id.as_bytes()) == self.id).then_some(self)
    }
}

/// A notification whose texts are bounded and clean.
pub(super) fn bounded(notice: Notice) -> Notice {
    Notice {
        form: notice.form,
        title: clean(&notice.title),
        body: clean(&notice.body),
        from: String::new(),
    }
}

fn clean(text: &str) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text
}

fn notice(form: NoticeForm, title: &[u8], body: &[u8]) -> Told {
    let text = |bytes| clean(&String::from_utf8_lossy(bytes));
    let (title, body) = (text(title), text(body));
    if title.trim().is_empty() && body.trim().is_empty() {
        return Told::Nothing;
    }
    Told::Notice(Notice {
        form,
        title,
        body,
        from: String::new(),
    })
}

/// Reads what stands behind `OSC 9 ;`.
pub(super) fn osc9(parts: &[&[u8]]) -> Told {
    let command = parts.first().and_then(|first| number(first));
    match (command, parts) {
        (Some(4), [_, rest @ ..]) => progress(rest).map_or(Told::Nothing, Told::Progress),
        (Some(command), _) if OSC_9_COMMANDS.contains(&command) => Told::Nothing,
        _ => notice(NoticeForm::Osc9, b"", &parts.join(&b';')),
    }
}

/// Source: ConEmu, "ANSI X3.64 and Xterm", `OSC 9 ; 4 ; st ; pr`.
fn progress(parts: &[&[u8]]) -> Option<Progress> {
    let percent = parts
        .get(1)
        .and_then(|part| number(part))
        .map(|percent| percent.min(100));
    Some(match *parts.first()? {
        b"0" => Progress::None,
        b"1" => Progress::Value {
            percent: percent.unwrap_or(0),
        },
        b"2" => Progress::Error { percent },
        b"3" => Progress::Indeterminate,
        b"4" => Progress::Paused { percent },
        _ => return None,
    })
}

fn number(digits: &[u8]) -> Option<u8> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}

/// `OSC 777 ; notify ; title ; body`. Source: rxvt-unicode, extension "notify".
pub(super) fn osc777(title: &[u8], body: &[u8]) -> Told {
    notice(NoticeForm::Osc777, title, body)
}

/// `OSC 99 ; about ; payload`, after the parts in `draft`. Source: kitty, "Desktop notifications".
pub(super) fn osc99(draft: Option<Draft>, about: &[u8], payload: &[u8]) -> (Told, Option<Draft>) {
    let value = |key: u8| {
        let mut pairs = about.split(|&byte| byte == b':');
        pairs.find_map(|pair| match pair {
            [found, b'=', value @ ..] if *found == key => Some(value),
            _ => None,
        })
    };
    let id = name(value(b'i').unwrap_or_default());
    let part = value(b'p').unwrap_or(b"title");
    if part == b"?" {
        return (Told::Question(id), draft);
    }
    if !matches!(part, b"title" | b"body") {
        // Buttons, icons, and what is asked of or done to one that is shown.
        return (Told::Nothing, draft);
    }
    let decoded = match value(b'e') {
        Some(b"1") => BASE64.decode(payload).unwrap_or_default(),
        _ => payload.to_vec(),
    };
    let mut whole = draft.filter(|draft| draft.id == id).unwrap_or_default();
    whole.id = id;
    let text = match part {
        b"body" => &mut whole.body,
        _ => &mut whole.title,
    };
    let more = clean(&String::from_utf8_lossy(&decoded));
    let joined = std::mem::take(text) + &more;
    *text = clean(&joined);
    if value(b'd') == Some(b"0") {
        return (Told::Nothing, Some(whole));
    }
    let told = notice(
        NoticeForm::Osc99,
        whole.title.as_bytes(),
        whole.body.as_bytes(),
    );
    (told, None)
}

/// The letters of a notification's name that can be given back. Source: kitty, "Desktop notifications", `i`.
fn name(bytes: &[u8]) -> String {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+.".contains(byte);
    let letters = bytes.iter().copied().filter(allowed).take(MAX_ID_BYTES);
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests;
