//! Any output, cut anywhere, with resizes and restores in between: no panic, bounded work in each turn, bounded memory, and a restored screen
//! that goes on as the other one does.
//!
//! An input is: rows, columns, history, length of chunks; then output, in which `fe ROWS COLUMNS` is a resize and `ff` a restore. Neither
//! byte is ever part of UTF-8.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::Size;
use terminal::screen::{Extent, Screen};

const RESIZE: u8 = 0xfe;
const RESTORE: u8 = 0xff;

/// Screens of more cells do nothing else, but slower.
const MAX_CELLS: u16 = 20_000;

/// Output, and what interrupts it.
enum Step<'a> {
    Output(&'a [u8]),
    Resize(Size),
    Restore,
}

/// From one cell to as many as a screen can have in a row or column.
fn side(byte: u8) -> u16 {
    match u16::from(byte) {
        small @ 0..200 => small + 1,
        large => (large - 199) * 18,
    }
}

fn size(rows: u8, cols: u8) -> Size {
    let cols = side(cols);
    Size::new(side(rows).min(MAX_CELLS / cols).max(1), cols)
}

fn next<'a>(input: &mut &'a [u8]) -> Option<Step<'a>> {
    let rest = *input;
    let (step, taken) = match rest {
        [] => return None,
        [RESIZE, rows, cols, ..] => (Step::Resize(size(*rows, *cols)), 3),
        [RESIZE, ..] => return None,
        [RESTORE, ..] => (Step::Restore, 1),
        _ => {
            let marks = |byte: &u8| matches!(*byte, RESIZE | RESTORE);
            let len = rest.iter().position(marks).unwrap_or(rest.len());
            (Step::Output(&rest[..len]), len)
        }
    };
    *input = &rest[taken..];
    Some(step)
}

/// One turn after the other, each within its bounds.
fn feed(screen: &mut Screen, output: &[u8]) {
    let size = screen.size();
    let cells = u64::from(size.rows) * u64::from(size.cols);
    let mut rest = output;
    while !rest.is_empty() {
        let before = screen.work().cells;
        let taken = screen.advance_some(rest);
        let done = screen.work().cells - before;
        assert!(taken > 0, "a turn takes nothing");
        assert!(
            done <= 64 * rest.len() as u64 + 4 * cells,
            "{done} cells for {} bytes on {size:?}",
            rest.len()
        );
        rest = &rest[taken..];
    }
}

fn restored(screen: &mut Screen) -> Screen {
    let bytes = screen.checkpoint(Extent::Full);
    let mut copy = Screen::restore(&bytes).expect("its own checkpoint");
    screen.take_replies();
    assert_eq!(screen.state(), copy.state(), "restored");
    copy
}

fuzz_target!(|input: &[u8]| {
    let [rows, cols, history, chunk, rest @ ..] = input else {
        return;
    };
    let (history, chunk) = (usize::from(*history), usize::from(*chunk) + 1);
    let mut input = rest;
    let mut screen = Screen::new(size(*rows, *cols), history);
    // Fed byte by byte from its restore on.
    let mut twin: Option<Screen> = None;
    while let Some(step) = next(&mut input) {
        match step {
            Step::Output(output) => {
                output
                    .chunks(chunk)
                    .for_each(|chunk| feed(&mut screen, chunk));
                if let Some(twin) = &mut twin {
                    output.chunks(1).for_each(|byte| feed(twin, byte));
                }
            }
            Step::Resize(size) => {
                screen.resize(size);
                twin.iter_mut().for_each(|twin| twin.resize(size));
            }
            Step::Restore => twin = Some(restored(&mut screen)),
        }
        let kept = screen.kept_bytes();
        let most = Screen::max_kept_bytes(screen.size(), history);
        assert!(kept <= most, "{kept} bytes of {most}");
    }
    let update = screen.update_since(0);
    assert_eq!(update.rows.len(), usize::from(screen.size().rows));
    if let Some(twin) = &mut twin {
        assert_eq!(screen.state(), twin.state(), "went on");
        assert_eq!(screen.take_replies(), twin.take_replies());
    }
});
