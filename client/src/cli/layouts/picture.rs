//! A picture of a window's panes: boxes in the proportions of their places, with what is in them.

use protocol::reply::PlacedPane;
use protocol::{ServerName, Size};
use unicode_width::UnicodeWidthStr;

use super::super::Caller;
use super::super::output::printable;
use super::super::output::style::Tone;
use super::super::output::table::cut;
use super::super::units::size;

/// Columns where the style has no width.
const USUAL_COLS: usize = 80;

/// The narrowest picture.
const LEAST_COLS: usize = 12;

/// The highest one of which all panes have room for their text.
const USUAL_ROWS: usize = 24;

/// The highest one.
const MOST_ROWS: usize = 60;

/// A pane has room for two lines of text where that can be.
const TEXT_ROWS: usize = 2;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// The box of a pane: its first and last column and row, which it shares with its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

/// Text within a box.
struct Label {
    row: usize,
    col: usize,
    text: String,
    tone: Tone,
}

/// The picture, in lines that are no longer than the style says.
pub(super) fn draw(
    caller: &Caller,
    server: &ServerName,
    panes: &[PlacedPane],
    window: Size,
) -> String {
    let cols = caller.style.cols.unwrap_or(USUAL_COLS).max(LEAST_COLS);
    let frames = frames(panes, window, cols);
    let rows = frames.iter().map(|frame| frame.bottom + 1).max();
    let mut lines = vec![vec![0u8; cols]; rows.unwrap_or(0)];
    for frame in &frames {
        trace(&mut lines, *frame);
    }
    let labels = panes.iter().zip(&frames);
    let mut labels: Vec<Label> = labels
        .flat_map(|(pane, frame)| labels_of(caller, server, pane, *frame))
        .collect();
    labels.sort_by_key(|label| (label.row, label.col));
    let mut text = String::new();
    for (row, line) in lines.iter().enumerate() {
        let mut col = 0;
        while col < cols {
            match labels
                .iter()
                .find(|label| (label.row, label.col) == (row, col))
            {
                Some(label) => {
                    text.push_str(&caller.style.paint(&label.text, label.tone));
                    col += label.text.width().max(1);
                }
                None => {
                    text.push(line_of(line[col]));
                    col += 1;
                }
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// The boxes of panes in a picture of so many columns, as high as the window is in proportion, and higher where a pane would have no room
/// for its text.
fn frames(panes: &[PlacedPane], window: Size, cols: usize) -> Vec<Frame> {
    // Panes of a window that became too small reach beyond its edge.
    let reach = |cells: u16, at: fn(&PlacedPane) -> usize| {
        let reached = panes.iter().map(at).max().unwrap_or(0);
        reached.max(usize::from(cells)) + 1
    };
    let across = reach(window.cols, |pane| {
        usize::from(pane.col) + usize::from(pane.size.cols)
    });
    let down = reach(window.rows, |pane| {
        usize::from(pane.row) + usize::from(pane.size.rows)
    });
    // A picture of half the height is as good, and more of it fits a screen.
    let usual = down * (cols - 1) / across / 2;
    let usual = usual.clamp(TEXT_ROWS + 1, USUAL_ROWS);
    let of_height = |height: usize| -> Vec<Frame> {
        let at = |cell: usize, cells: usize, whole: usize| cell * whole / cells;
        let frame = |pane: &PlacedPane| {
            let (row, col) = (usize::from(pane.row), usize::from(pane.col));
            let (rows, columns) = (usize::from(pane.size.rows), usize::from(pane.size.cols));
            Frame {
                left: at(col, across, cols - 1),
                right: at(col + columns + 1, across, cols - 1),
                top: at(row, down, height),
                bottom: at(row + rows + 1, down, height),
            }
        };
        panes.iter().map(frame).collect()
    };
    let has_room = |frames: &Vec<Frame>| {
        let mut frames = frames.iter();
        frames.all(|frame| frame.bottom - frame.top > TEXT_ROWS)
    };
    let mut heights = (usual..=MOST_ROWS).map(of_height);
    heights.find(has_room).unwrap_or_else(|| of_height(usual))
}

fn trace(lines: &mut [Vec<u8>], frame: Frame) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = frame;
    for row in [top, bottom] {
        for col in left..right {
            lines[row][col] |= RIGHT;
            lines[row][col + 1] |= LEFT;
        }
    }
    for col in [left, right] {
        for row in top..bottom {
            lines[row][col] |= DOWN;
            lines[row + 1][col] |= UP;
        }
    }
}

/// The character of lines that meet.
fn line_of(arms: u8) -> char {
    const CHARS: [char; 16] = [
        ' ', '│', '│', '│', '─', '┘', '┐', '┤', '─', '└', '┌', '├', '─', '┴', '┬', '┼',
    ];
    CHARS[usize::from(arms & (UP | DOWN | LEFT | RIGHT))]
}

fn labels_of(
    caller: &Caller,
    server: &ServerName,
    pane: &PlacedPane,
    frame: Frame,
) -> impl Iterator<Item = Label> {
    let number = caller.short(server, pane.number, pane.pane_id);
    let focused = if pane.focused { "*" } else { "" };
    let name = pane.name.as_ref().map(|name| format!(" {name}"));
    let head = format!("{number}{focused}{}", name.unwrap_or_default());
    let what = match pane.mirror_of {
        Some(_) => "mirror".to_owned(),
        None => pane.command.replace(['\n', '\t'], " "),
    };
    let head_tone = match pane.focused {
        true => Tone::Strong,
        false => Tone::Plain,
    };
    let texts = [
        (head, head_tone),
        (size(pane.size), Tone::Plain),
        (what, Tone::Faint),
    ];
    let room = (frame.right - frame.left).saturating_sub(3);
    let rows = (frame.bottom - frame.top).saturating_sub(1);
    let labels = texts.into_iter().take(rows).enumerate();
    labels
        .filter(move |_| room > 0)
        .map(move |(at, (text, tone))| Label {
            row: frame.top + 1 + at,
            col: frame.left + 2,
            text: cut(&printable(text), room),
            tone,
        })
}
