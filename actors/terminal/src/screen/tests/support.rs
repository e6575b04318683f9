//! What the tests of the screen share: short ways to make and look at one, and random output.

use proptest::prelude::*;
use protocol::Size;

use crate::screen::Screen;

pub(in crate::screen) fn size(rows: u16, cols: u16) -> Size {
    Size { rows, cols }
}

/// A screen of 5 × 20 with 100 rows of history that was fed `bytes`.
pub(in crate::screen) fn screen(bytes: &str) -> Screen {
    fed(size(5, 20), 100, bytes.as_bytes())
}

pub(super) fn fed(size: Size, history_lines: usize, bytes: &[u8]) -> Screen {
    fed_to(Screen::new(size, history_lines), bytes)
}

pub(super) fn fed_to(mut screen: Screen, bytes: &[u8]) -> Screen {
    screen.advance(bytes);
    screen
}

/// The text of the screen, without history.
pub(super) fn text(screen: &Screen) -> String {
    screen.read_last(1000, false, false, usize::MAX).text
}

/// The text of history and screen.
pub(super) fn all_text(screen: &Screen) -> String {
    screen.read_last(usize::MAX, true, false, usize::MAX).text
}

/// Private modes that do something.
const MODES: [u16; 22] = [
    1, 3, 5, 6, 7, 9, 12, 25, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1047, 1048, 1049, 2004,
    2026, 2027,
];

/// Sequences without parameters to vary.
const FIXED: &[&str] = &[
    "\r",
    "\n",
    "\r\n",
    "\t",
    "\x08",
    "\x07",
    "\x0e",
    "\x0f",
    "\x0b",
    "\x18",
    "\x1b7",
    "\x1b8",
    "\x1bD",
    "\x1bE",
    "\x1bM",
    "\x1bH",
    "\x1bc",
    "\x1b=",
    "\x1b>",
    "\x1b(0",
    "\x1b(B",
    "\x1b)0",
    "\x1b#8",
    "\x1b[4h",
    "\x1b[4l",
    "\x1b[20h",
    "\x1b[20l",
    "\x1b[3b",
    "\x1b[65535b",
    "\x1b[!p",
    "\x1b(A",
    "\x1b)A",
    "\x1bn",
    "\x1bo",
    "\x1b*0",
    "\x1b[?6h\x1b7",
    "\x1b[21;53m",
    "\x1bP$qm\x1b\\",
    "\x1bP+q544E;436F\x1b\\",
    "#1\u{fe0f}\u{20e3}",
    "\x1b[>1u",
    "\x1b[<u",
    "\x1b[=5u",
    "\x1b[=3;2u",
    "\x1b[>4;2m",
    "\x1b[22t",
    "\x1b[23t",
    "\x1b[2 q",
    "\x1b[5 q",
    "\x1b[6n",
    "\x1b[c",
    "\x1b]0;title\x07",
    "\x1b]2;other\x1b\\",
    "\x1b]7;file:///tmp/x\x07",
    "\x1b]8;;http://a/b\x1b\\",
    "\x1b]8;id=1;http://c\x1b\\",
    "\x1b]8;;\x1b\\",
    "\x1b]133;A\x07",
    "\x1b]777;notify;fugue-mark;m\x07",
    "\x1b]777;notify;t;b\x07",
    "\x1b]9;4;1;40\x07",
    "\x1b]99;i=a:d=0;x\x1b\\",
    "\x1b]99;i=a:p=body;y\x1b\\",
    "\x1b]7501;state=working:id=a\x07",
    "\x1b]7501;state=blocked:kind=auth\x1b\\",
    "\x1b]7501;?\x07",
    "\x1b]4;1;#102030\x07",
    "\x1b]11;?\x07",
    "\x1b]104\x07",
    "\x1b]52;c;YQ==\x07",
    "\x1bPq#0;2;0;0;0~\x1b\\",
    "\x1b_Gi=1;AAAA\x1b\\",
    "\x1b[?5W",
    "\x1b[3g",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[2J",
    "\x1b[3J",
    "\x1b[H\x1b[J",
];

/// One piece of output: text, a sequence that programs send, or garbage.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => 0..30_u32, 1 => 0..300_u32, 1 => Just(65_535_u32)];
    let params = proptest::collection::vec(number, 0..4).prop_map(|numbers| {
        numbers
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(";")
    });
    let csi = (params.clone(), "[@A-HIJKLMPSTXZ`abcdefgjkmnrsu]")
        .prop_map(|(p, end)| format!("\x1b[{p}{end}"));
    let sgr = prop_oneof![
        Just("0".to_owned()),
        (0..110_u8).prop_map(|code| code.to_string()),
        any::<u8>().prop_map(|color| format!("38;5;{color}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("48;2;{r};{g};{b}")),
        (0..6_u8).prop_map(|kind| format!("4:{kind}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("58:2::{r}:{g}:{b}")),
    ]
    .prop_map(|code| format!("\x1b[{code}m"));
    let private = (proptest::sample::select(&MODES[..]), "[hl]")
        .prop_map(|(mode, end)| format!("\x1b[?{mode}{end}"));
    let fixed = proptest::sample::select(FIXED).prop_map(str::to_owned);
    prop_oneof![
        6 => "[a-z ]{1,12}".prop_map(String::into_bytes),
        2 => "[äß日本한👍🏽e\u{301}\u{200d}\u{fe0f}─│]{1,6}".prop_map(String::into_bytes),
        5 => fixed.prop_map(String::into_bytes),
        4 => csi.prop_map(String::into_bytes),
        3 => sgr.prop_map(String::into_bytes),
        2 => private.prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 1..6),
        1 => Just(b"\x1b".to_vec()),
    ]
}

/// Output as a program would send it, and some that none would.
pub(super) fn output() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(token(), 0..60).prop_map(|tokens| tokens.concat())
}
