//! Control strings: titles, links, colours (OSC), and questions about settings (DCS).

use std::path::PathBuf;

use rio_vt::config::colors::ColorRgb;
use rio_vt::crosswords::grid::row::SemanticPrompt;
use rio_vt::crosswords::square::Hyperlink;
use rio_vt::performer::handler::Handler;
use rio_vt::performer::parser::Params;

use super::{Engine, MAX_LINK_BYTES};
use crate::screen::{Copies, copies, palette, render};

/// The longest question, in bytes: some names of capabilities.
const MAX_QUESTION_BYTES: usize = 1024;

/// The number of parts of a control string that the parser tells apart. What follows them is lost. Source: `rio_vt::performer::parser`.
const MAX_PARTS: usize = 16;

/// The kind of a device control string that has begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DcsKind {
    #[default]
    Ignored,
    /// XTGETTCAP.
    Capabilities,
    /// DECRQSS.
    Setting,
}

/// A device control string until its end.
#[derive(Debug, Default)]
pub(super) struct Dcs {
    kind: DcsKind,
    text: Vec<u8>,
}

impl Engine {
    pub(super) fn begin_dcs(&mut self, params: &Params, marks: &[u8], ignore: bool, action: char) {
        self.dcs.text.clear();
        self.dcs.kind = match (action, marks) {
            _ if ignore => DcsKind::Ignored,
            ('q', [b'+']) => DcsKind::Capabilities,
            ('q', [b'$']) => DcsKind::Setting,
            ('s', [b'=']) => {
                // Synchronized output before DECSET 2026. Source: iTerm2, "Synchronized Updates".
                let first = params
                    .iter()
                    .next()
                    .and_then(|param| param.first().copied());
                if let Some(first @ 1..=2) = first {
                    self.set_private_mode(
                        rio_vt::ansi::mode::NamedPrivateMode::SyncUpdate.into(),
                        first == 1,
                    );
                }
                DcsKind::Ignored
            }
            _ => DcsKind::Ignored,
        };
    }

    pub(super) fn extend_dcs(&mut self, bytes: &[u8]) {
        let room = MAX_QUESTION_BYTES - self.dcs.text.len();
        if self.dcs.kind != DcsKind::Ignored {
            self.dcs
                .text
                .extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    pub(super) fn end_dcs(&mut self) {
        let Dcs { kind, text } = std::mem::take(&mut self.dcs);
        match kind {
            DcsKind::Ignored => {}
            DcsKind::Capabilities => text
                .split(|&byte| byte == b';')
                .filter(|name| !name.is_empty())
                .for_each(|name| self.report_capability(name)),
            DcsKind::Setting => self.report_setting(&text),
        }
    }

    /// Answers XTGETTCAP for one name in hexadecimal digits. What images are called is not there, and the clipboard only where it is.
    fn report_capability(&mut self, hex: &[u8]) {
        let Some(name) = from_hex(hex) else {
            return self.reply(format_args!("\x1bP0+r\x1b\\"));
        };
        let name_hex = to_hex(name.as_bytes());
        match name.as_str() {
            "TN" | "name" => {
                let value = to_hex(b"xterm-256color");
                self.reply(format_args!("\x1bP1+r{name_hex}={value}\x1b\\"));
            }
            "Ms" if self.permissions.copies == Copies::PassedOn => {
                self.by_the_engine(&[b"\x1bP+q", name_hex.as_bytes(), b"\x1b\\"]);
            }
            "sixel" | "iterm2" | "kitty" | "TK" | "Ms" => {
                self.reply(format_args!("\x1bP0+r{name_hex}\x1b\\"));
            }
            _ => self.by_the_engine(&[b"\x1bP+q", name_hex.as_bytes(), b"\x1b\\"]),
        }
    }

    /// Answers DECRQSS. Source: xterm ctlseqs, "Request Status String": 1 is valid, 0 is not.
    fn report_setting(&mut self, setting: &[u8]) {
        match setting {
            b"m" => {
                let style = render::sgr(&self.term.grid.template_style());
                self.reply(format_args!("\x1bP1$r{style}m\x1b\\"));
            }
            b"r" => {
                let (top, end) = self.region;
                self.reply(format_args!("\x1bP1$r{};{end}r\x1b\\", top + 1));
            }
            b" q" => {
                let style = self.cursor_number();
                self.reply(format_args!("\x1bP1$r{style} q\x1b\\"));
            }
            b"\"p" => self.reply(format_args!("\x1bP1$r62;1\"p\x1b\\")),
            b"\"q" => self.reply(format_args!("\x1bP1$r0\"q\x1b\\")),
            _ => self.reply(format_args!("\x1bP0$r\x1b\\")),
        }
    }

    pub(super) fn osc(&mut self, parts: &[&[u8]], bell_terminated: bool) {
        match parts {
            [b"8", params, address @ ..] if !address.is_empty() => {
                // An address with more semicolons than there are parts would be another address.
                let whole = parts.len() < MAX_PARTS;
                self.link(params, &address.join(&b';'), whole);
            }
            [b"52", selections, text] => self.copy(selections, text),
            _ if self.tell(parts) => {}
            _ => {
                let end: &[u8] = if bell_terminated { b"\x07" } else { b"\x1b\\" };
                self.by_the_engine(&[b"\x1b]", &parts.join(&b';'), end]);
            }
        }
    }

    /// Lets the engine's own table say what a string means; it comes back as calls of [`Handler`].
    fn by_the_engine(&mut self, pieces: &[&[u8]]) {
        let mut processor = self.strings.take().unwrap_or_default();
        for piece in pieces {
            processor.advance(self, piece);
        }
        self.strings = Some(processor);
    }

    fn copy(&mut self, selections: &[u8], text: &[u8]) {
        if self.permissions.copies == Copies::Ignored || text == b"?" {
            return;
        }
        match copies::read(selections, text) {
            Ok(copied) => {
                for copied in copied {
                    let all = &mut self.events.copied;
                    all.retain(|before| before.selection != copied.selection);
                    all.push(copied);
                }
            }
            Err(error) => self.events.not_copied = Some(error),
        }
    }

    fn link(&mut self, params: &[u8], address: &[u8], whole: bool) {
        let id = params
            .split(|&byte| byte == b':')
            .find_map(|param| param.strip_prefix(b"id="));
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .ok()
                .filter(|text: &&str| text.len() <= MAX_LINK_BYTES)
                .filter(|text| !text.chars().any(char::is_control))
        };
        // Without an id of its own, equal links share one entry by their address.
        let link = text(id.unwrap_or_default())
            .zip(text(address))
            .filter(|(_, address)| whole && !address.is_empty())
            .map(|(id, address)| Hyperlink::new(Some(id), address))
            .filter(|_| self.admits_link());
        self.term.set_hyperlink(link);
        self.count_slots();
    }
}

/// The calls that the engine's table makes for control strings.
impl Handler for Engine {
    fn set_title(&mut self, title: Option<String>) {
        self.rename(title.unwrap_or_default());
    }

    fn set_current_directory(&mut self, path: PathBuf) {
        if self.term.current_directory.as_ref() != Some(&path) {
            self.term.current_directory = Some(path);
            self.events.cwd_changed = true;
        }
    }

    fn set_semantic_prompt(&mut self, mark: SemanticPrompt) {
        self.term.set_semantic_prompt(mark);
        self.events.prompt = true;
    }

    fn set_cursor_shape(&mut self, shape: rio_vt::ansi::CursorShape) {
        self.term.set_cursor_shape(shape);
    }

    fn set_color(&mut self, index: usize, color: ColorRgb) {
        self.change_color(index, Some(color));
    }

    fn reset_color(&mut self, index: usize) {
        self.change_color(index, None);
    }

    fn dynamic_color_sequence(&mut self, prefix: String, index: usize, terminator: &str) {
        let own = self.terminal.colors;
        if let Some(ColorRgb { r, g, b }) = palette::told_color(&self.term.colors, own, index) {
            self.reply(format_args!(
                "\x1b]{prefix};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{terminator}"
            ));
        }
    }

    fn xtgettcap_response(&mut self, response: String) {
        self.reply(format_args!("{response}"));
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn from_hex(digits: &[u8]) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect();
    String::from_utf8(bytes?).ok()
}
