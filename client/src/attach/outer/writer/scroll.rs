//! Rows that moved up or down together: the terminal moves them itself instead of being told them again.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Row, Writer, changed_rows, put};

/// A scroll that saves fewer rows than this is not worth its sequences.
const LEAST_ROWS: usize = 2;

/// Rows from `top` to `bottom` that move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    top: usize,
    bottom: usize,
    /// By how many rows.
    by: usize,
    up: bool,
}

impl Writer {
    /// Moves rows that stand elsewhere on the terminal already; `shown` follows.
    pub(super) fn scroll(&mut self, shown: &mut [Rc<Row>], wanted: &[Rc<Row>], out: &mut Vec<u8>) {
        let Some(found) = find(shown, wanted) else {
            return;
        };
        let Move {
            top,
            bottom,
            by,
            up,
        } = found;
        // New rows have the pen's background.
        self.take(None, out);
        let all = top == 0 && bottom + 1 == usize::from(self.size.rows);
        if !all {
            put(out, format_args!("\x1b[{};{}r", top + 1, bottom + 1));
        }
        put(out, format_args!("\x1b[{};1H", top + 1));
        match (by, if up { 'M' } else { 'L' }) {
            (1, letter) => put(out, format_args!("\x1b[{letter}")),
            (by, letter) => put(out, format_args!("\x1b[{by}{letter}")),
        }
        self.at = None;
        if !all {
            out.extend_from_slice(b"\x1b[r");
            self.at = Some((0, 0));
        }
        let region = &mut shown[top..=bottom];
        let len = region.len();
        if up {
            region.rotate_left(by);
            region[len - by..].fill(Rc::default());
        } else {
            region.rotate_right(by);
            region[..by].fill(Rc::default());
        }
    }
}

/// The one move that brings most rows to their places.
fn find(shown: &[Rc<Row>], wanted: &[Rc<Row>]) -> Option<Move> {
    let changed = changed_rows(shown, wanted);
    let (first, last) = (*changed.first()?, *changed.last()?);
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, row) in shown.iter().enumerate().take(last + 1).skip(first) {
        if row.columns() > 0 {
            places.entry(row.hash).or_default().push(index);
        }
    }
    // By how far each wanted row is away from where it stands: rows that occur often say little.
    let mut votes: HashMap<isize, usize> = HashMap::new();
    for (index, row) in wanted.iter().enumerate().take(last + 1).skip(first) {
        let found = places.get(&row.hash);
        for from in found.filter(|from| from.len() <= 4).into_iter().flatten() {
            if *from != index {
                *votes
                    .entry(from.cast_signed() - index.cast_signed())
                    .or_default() += 1;
            }
        }
    }
    let (by, _) = votes
        .into_iter()
        .max_by_key(|(by, votes)| (*votes, -by.abs()))?;
    let source = |index: usize| {
        index
            .checked_add_signed(by)
            .filter(|from| (first..=last).contains(from))
    };
    let moves = |index: &usize| {
        let from = source(*index);
        from.is_some_and(|from| wanted[*index].columns() > 0 && wanted[*index] == shown[from])
    };
    let places: Vec<usize> = (first..=last).filter(moves).collect();
    if places.len() < LEAST_ROWS {
        return None;
    }
    let (begin, end) = (*places.first()?, *places.last()?);
    let (top, bottom) = match by > 0 {
        true => (begin, source(end)?),
        false => (source(begin)?, end),
    };
    Some(Move {
        top,
        bottom,
        by: by.unsigned_abs(),
        up: by > 0,
    })
}
