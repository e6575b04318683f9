//! Any text as a key name and as typed text: no panic, short errors, and a paste that text cannot end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use terminal::input::{Key, encode_key, encode_text, is_paste};
use terminal::screen::Modes;

const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

fuzz_target!(|input: &[u8]| {
    let Some((&first, text)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let modes = Modes {
        bracketed_paste: first & 1 != 0,
        application_cursor: first & 2 != 0,
        application_keypad: first & 4 != 0,
        ..Modes::default()
    };
    match Key::parse(text) {
        Ok(key) => assert!(!encode_key(key, modes).is_empty(), "{key:?} sends nothing"),
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
    let sent = encode_text(text, modes);
    if is_paste(text, modes) {
        let inside = sent
            .strip_prefix(PASTE_START)
            .and_then(|rest| rest.strip_suffix(PASTE_END))
            .expect("a paste is in brackets");
        let ends_early = inside
            .windows(PASTE_END.len())
            .any(|bytes| bytes == PASTE_END);
        assert!(!ends_early, "text ends its own paste");
    }
});
