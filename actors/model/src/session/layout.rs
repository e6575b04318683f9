//! The split tree of one window: pure geometry, panes are only ids.

use std::fmt;

use protocol::{Direction, PaneUuid, Size};
use serde::{Deserialize, Serialize};

pub mod plan;

/// A pane's place in its window, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// First row.
    pub row: u16,
    /// First column.
    pub col: u16,
    /// Extent.
    pub size: Size,
}

/// A window's panes: one, or splits within splits. Panes of a split are one cell apart, for the
/// border between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    root: Node,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Node {
    Pane(PaneUuid),
    /// At least two children; weights are positive and add up to 1.
    Split(Direction, Vec<(f64, Node)>),
}

/// There is no room for another pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room: each pane needs a row and a column, and a cell between two panes")]
pub struct NoRoom;

impl Layout {
    /// A window of one pane.
    #[must_use]
    pub fn single(pane: PaneUuid) -> Self {
        Self {
            root: Node::Pane(pane),
        }
    }

    /// Panes in a grid as near to square as it goes, row by row.
    ///
    /// # Panics
    /// If `panes` is empty.
    #[must_use]
    pub fn tiled(panes: &[PaneUuid]) -> Self {
        assert!(!panes.is_empty(), "a window has at least one pane");
        let columns = (1..).find(|n| n * n >= panes.len()).unwrap_or(1);
        let rows = panes
            .chunks(columns)
            .map(|row| group(Direction::Right, row.iter().copied().map(Node::Pane)))
            .collect::<Vec<_>>();
        Self {
            root: group(Direction::Down, rows.into_iter()),
        }
    }

    /// The panes in layout order.
    #[must_use]
    pub fn panes(&self) -> Vec<PaneUuid> {
        let mut panes = Vec::new();
        self.root.collect(&mut panes);
        panes
    }

    /// The layout with `new` beside `target`, taking `ratio` (above 0, below 1) of its space.
    ///
    /// # Errors
    /// [`NoRoom`] when some pane of a window of this `size` would have no cell left.
    pub fn split(
        &self,
        target: PaneUuid,
        new: PaneUuid,
        direction: Direction,
        ratio: f64,
        size: Size,
    ) -> Result<Self, NoRoom> {
        let mut layout = self.clone();
        layout.root.split(target, new, direction, ratio);
        if layout.root.fits(size) {
            Ok(layout)
        } else {
            Err(NoRoom)
        }
    }

    /// The layout without `pane`; `None` when it was the only one.
    #[must_use]
    pub fn without(&self, pane: PaneUuid) -> Option<Self> {
        self.root.clone().without(pane).map(|root| Self { root })
    }

    /// The place of each pane in a window of `size`, in layout order. In a window that became too small
    /// a pane keeps one row and one column, and reaches beyond the window's edge.
    #[must_use]
    pub fn rects(&self, size: Size) -> Vec<(PaneUuid, Rect)> {
        let mut rects = Vec::new();
        let whole = Rect {
            row: 0,
            col: 0,
            size,
        };
        self.root.place(whole, &mut rects);
        rects
    }

    /// The layout in which `pane` has `extent` rows (`Down`) or columns (`Right`), as near as the
    /// innermost split in that direction can give; unchanged when there is none.
    #[must_use]
    pub(crate) fn resized(
        &self,
        pane: PaneUuid,
        direction: Direction,
        extent: u16,
        size: Size,
    ) -> Self {
        let mut layout = self.clone();
        layout.root.resize(pane, direction, extent, size);
        layout
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pane(pane) => pane.fmt(f),
            Self::Split(direction, children) => {
                write!(f, "{direction}(")?;
                for (index, (weight, child)) in children.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{weight:.2}: {child}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Equal shares; a group of one is the one.
fn group(direction: Direction, nodes: impl ExactSizeIterator<Item = Node>) -> Node {
    #[allow(clippy::cast_precision_loss, reason = "a few hundred panes at most")]
    let share = 1.0 / nodes.len() as f64;
    let mut children: Vec<_> = nodes.map(|node| (share, node)).collect();
    match children.len() {
        1 => children.remove(0).1,
        _ => Node::Split(direction, children),
    }
}

fn extent(size: Size, direction: Direction) -> u16 {
    match direction {
        Direction::Right => size.cols,
        Direction::Down => size.rows,
    }
}

fn with_extent(size: Size, direction: Direction, extent: u16) -> Size {
    match direction {
        Direction::Right => Size::new(size.rows, extent),
        Direction::Down => Size::new(extent, size.cols),
    }
}

/// Cells for each child out of `total` without the borders: boundaries are rounded where they fall, so
/// each share is right to within one cell, as long as every child gets what it needs at least.
fn shares(children: &[(f64, Node)], direction: Direction, total: u16) -> Vec<u16> {
    let least: Vec<u16> = children
        .iter()
        .map(|(_, child)| extent(child.least(), direction))
        .collect();
    let borders = u16::try_from(children.len()).unwrap_or(u16::MAX) - 1;
    let mut needed = least.iter().fold(0, |sum: u16, n| sum.saturating_add(*n));
    let cells = total.saturating_sub(borders).max(needed);
    let mut sum = 0.0;
    let mut before = 0;
    let mut shares = Vec::with_capacity(children.len());
    for ((weight, _), least) in children.iter().zip(&least) {
        sum += weight;
        needed -= least;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=u16::MAX right here"
        )]
        let wished = (f64::from(cells) * sum)
            .round()
            .clamp(0.0, f64::from(u16::MAX)) as u16;
        let boundary = wished.clamp(before + least, cells - needed);
        let boundary = if needed == 0 && shares.len() + 1 == children.len() {
            cells
        } else {
            boundary
        };
        shares.push(boundary - before);
        before = boundary;
    }
    shares
}

impl Node {
    fn collect(&self, panes: &mut Vec<PaneUuid>) {
        match self {
            Self::Pane(pane) => panes.push(*pane),
            Self::Split(_, children) => children.iter().for_each(|(_, c)| c.collect(panes)),
        }
    }

    fn holds(&self, pane: PaneUuid) -> bool {
        match self {
            Self::Pane(own) => *own == pane,
            Self::Split(_, children) => children.iter().any(|(_, c)| c.holds(pane)),
        }
    }

    fn split(&mut self, target: PaneUuid, new: PaneUuid, direction: Direction, ratio: f64) {
        match self {
            Self::Pane(pane) if *pane == target => {
                let old = Self::Pane(target);
                *self = Self::Split(
                    direction,
                    vec![(1.0 - ratio, old), (ratio, Self::Pane(new))],
                );
            }
            Self::Pane(_) => {}
            Self::Split(own, children) => {
                let index = children
                    .iter()
                    .position(|(_, c)| matches!(c, Self::Pane(pane) if *pane == target));
                match index {
                    Some(index) if *own == direction => {
                        let share = children[index].0 * ratio;
                        children[index].0 -= share;
                        children.insert(index + 1, (share, Self::Pane(new)));
                    }
                    _ => children
                        .iter_mut()
                        .for_each(|(_, c)| c.split(target, new, direction, ratio)),
                }
            }
        }
    }

    fn without(self, pane: PaneUuid) -> Option<Self> {
        match self {
            Self::Pane(own) => (own != pane).then_some(self),
            Self::Split(direction, children) => {
                let mut kept: Vec<_> = children
                    .into_iter()
                    .filter_map(|(weight, child)| Some((weight, child.without(pane)?)))
                    .collect();
                let total: f64 = kept.iter().map(|(weight, _)| weight).sum();
                kept.iter_mut().for_each(|(weight, _)| *weight /= total);
                match kept.len() {
                    0 => None,
                    1 => Some(kept.remove(0).1),
                    _ => Some(Self::Split(direction, kept)),
                }
            }
        }
    }

    /// The smallest size in which every pane has a cell.
    fn least(&self) -> Size {
        match self {
            Self::Pane(_) => Size::new(1, 1),
            Self::Split(direction, children) => {
                let borders = u16::try_from(children.len()).unwrap_or(u16::MAX) - 1;
                let sizes = children.iter().map(|(_, child)| child.least());
                match direction {
                    Direction::Right => sizes.fold(Size::new(0, borders), |sum, size| {
                        Size::new(sum.rows.max(size.rows), sum.cols.saturating_add(size.cols))
                    }),
                    Direction::Down => sizes.fold(Size::new(borders, 0), |sum, size| {
                        Size::new(sum.rows.saturating_add(size.rows), sum.cols.max(size.cols))
                    }),
                }
            }
        }
    }

    fn fits(&self, size: Size) -> bool {
        let least = self.least();
        least.rows <= size.rows && least.cols <= size.cols
    }

    fn place(&self, rect: Rect, rects: &mut Vec<(PaneUuid, Rect)>) {
        match self {
            Self::Pane(pane) => rects.push((*pane, rect)),
            Self::Split(direction, children) => {
                let shares = shares(children, *direction, extent(rect.size, *direction));
                let mut at = rect;
                for ((_, child), share) in children.iter().zip(shares) {
                    at.size = with_extent(rect.size, *direction, share);
                    child.place(at, rects);
                    match direction {
                        Direction::Right => at.col = at.col.saturating_add(share + 1),
                        Direction::Down => at.row = at.row.saturating_add(share + 1),
                    }
                }
            }
        }
    }

    /// True if a split below or here in that direction took the wish.
    fn resize(&mut self, pane: PaneUuid, direction: Direction, wanted: u16, size: Size) -> bool {
        let Self::Split(own, children) = self else {
            return false;
        };
        let Some(index) = children.iter().position(|(_, c)| c.holds(pane)) else {
            return false;
        };
        let shares = shares(children, *own, extent(size, *own));
        let inner = with_extent(size, *own, shares[index]);
        if children[index].1.resize(pane, direction, wanted, inner) {
            return true;
        }
        if *own != direction {
            return false;
        }
        let cells: u16 = shares.iter().sum();
        let others = u16::try_from(children.len() - 1).unwrap_or(u16::MAX);
        let given = wanted.clamp(1, cells.saturating_sub(others).max(1));
        let weight = f64::from(given) / f64::from(cells);
        let rest: f64 = 1.0 - children[index].0;
        for (position, (share, _)) in children.iter_mut().enumerate() {
            *share = if position == index {
                weight
            } else {
                *share / rest * (1.0 - weight)
            };
        }
        true
    }
}

#[cfg(test)]
mod tests;
