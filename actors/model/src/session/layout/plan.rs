//! Layouts as callers describe them: checked, then made of ids.

use protocol::request::{LayoutNode, LayoutPart, LayoutSplit, PaneSpec};
use protocol::{Direction, Error, PaneUuid, Size};

use super::{Layout, NoRoom, Node, extent, group, shares, with_extent};

/// Most parts of one split, and the least one: a layout of that many panes.
const MOST_PARTS: usize = LayoutNode::MOST_PANES;

impl Layout {
    /// The layout that `wanted` describes, with `panes` in its places in layout order.
    ///
    /// # Errors
    /// `invalid_argument` naming the part that is empty, too deep, too large or has no possible ratio.
    ///
    /// # Panics
    /// If there are fewer `panes` than `wanted` has.
    pub fn planned(wanted: &LayoutNode, panes: &[PaneUuid]) -> Result<Self, Error> {
        let mut ids = panes.iter().copied();
        let root = node(wanted, &mut ids, "layout")?;
        Ok(Self { root })
    }

    /// The layout as a request would describe it, with what `pane` gives for each pane. Those for which it gives nothing have no place
    /// in it; absent when there is no other one.
    pub fn wanted(
        &self,
        pane: &mut impl FnMut(PaneUuid) -> Option<PaneSpec>,
    ) -> Option<LayoutNode> {
        self.root.wanted(pane)
    }

    /// This layout and `other` to the right of it, each in a half.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        let both = vec![self.root, other.root];
        Self {
            root: group(Direction::Right, both.into_iter()),
        }
    }

    /// The sizes of the two parts of a layout made by [`Layout::beside`] in a window of `size`.
    #[must_use]
    pub(crate) fn halves(&self, size: Size) -> (Size, Size) {
        match &self.root {
            Node::Split(direction, children) if children.len() == 2 => {
                let shares = shares(children, *direction, extent(size, *direction));
                let part = |index: usize| with_extent(size, *direction, shares[index]);
                (part(0), part(1))
            }
            Node::Split(..) | Node::Pane(_) => (size, size),
        }
    }

    /// True if every pane has a cell in a window of `size`.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn fits(&self, size: Size) -> Result<(), NoRoom> {
        self.root.fits(size).then_some(()).ok_or(NoRoom)
    }

    /// True if every split in a window of `size` is divided as it should be, to within one cell.
    ///
    /// # Errors
    /// [`NoRoom`] when some pane needs more than its share to have a cell.
    pub(crate) fn divides(&self, size: Size) -> Result<(), NoRoom> {
        if self.root.fits(size) && self.root.divides(size) {
            Ok(())
        } else {
            Err(NoRoom)
        }
    }

    /// The layout in which `pane` has `ratio` of the innermost split that it is in; unchanged when it
    /// is alone.
    #[must_use]
    pub(crate) fn with_ratio(&self, pane: PaneUuid, ratio: f64) -> Self {
        let mut layout = self.clone();
        layout.root.set_ratio(pane, ratio);
        layout
    }
}

/// Checks a layout's size and shape before anything is made of it. Gives the panes' places in words, in layout order.
///
/// # Errors
/// `invalid_argument` when it is too deep or has no panes or too many.
pub fn checked(wanted: &LayoutNode) -> Result<Vec<String>, Error> {
    if wanted.depth() > LayoutNode::DEEPEST {
        return Err(Error::invalid(format!(
            "the layout is {} splits deep; at most {} are possible",
            wanted.depth(),
            LayoutNode::DEEPEST
        ))
        .hint("put parts in the same direction side by side in one split"));
    }
    let mut places = Vec::new();
    name_places(wanted, "layout", &mut places);
    match places.len() {
        0 => Err(Error::invalid("the layout has no pane").hint("give at least one pane")),
        1..=LayoutNode::MOST_PANES => Ok(places),
        count => Err(Error::invalid(format!(
            "the layout has {count} panes; at most {} are possible",
            LayoutNode::MOST_PANES
        ))
        .hint("make several windows, each with a layout of its own")),
    }
}

fn name_places(wanted: &LayoutNode, path: &str, places: &mut Vec<String>) {
    match wanted {
        LayoutNode::Pane(_) => places.push(format!("{path}.pane")),
        LayoutNode::Split(split) => {
            for (index, part) in split.splits.iter().enumerate() {
                let path = format!("{path}.splits[{index}].layout");
                name_places(&part.layout, &path, places);
            }
        }
    }
}

fn node(
    wanted: &LayoutNode,
    ids: &mut impl Iterator<Item = PaneUuid>,
    path: &str,
) -> Result<Node, Error> {
    let split = match wanted {
        LayoutNode::Pane(_) => {
            return Ok(Node::Pane(
                ids.next().expect("an id was made for each pane"),
            ));
        }
        LayoutNode::Split(split) => split,
    };
    let weights = weights(split, path)?;
    let mut children = Vec::with_capacity(weights.len());
    for (index, (weight, part)) in weights.into_iter().zip(&split.splits).enumerate() {
        let path = format!("{path}.splits[{index}].layout");
        children.push((weight, node(&part.layout, ids, &path)?));
    }
    Ok(match children.len() {
        1 => children.remove(0).1,
        _ => Node::Split(split.direction, children),
    })
}

/// The parts' shares, which add up to 1.
fn weights(split: &LayoutSplit, path: &str) -> Result<Vec<f64>, Error> {
    let count = split.splits.len();
    if !(1..=MOST_PARTS).contains(&count) {
        return Err(Error::invalid(format!(
            "{path}.splits has {count} parts; it may have 1 to {MOST_PARTS}"
        ))
        .hint("give a list of {ratio, layout}"));
    }
    let mut given = 0.0;
    let mut open = 0_u32;
    for (index, part) in split.splits.iter().enumerate() {
        match part.ratio {
            Some(ratio) if ratio.is_finite() && ratio > 0.0 && ratio <= 1e6 => given += ratio,
            Some(ratio) => {
                return Err(Error::invalid(format!(
                    "{path}.splits[{index}].ratio is {ratio}; a share is above 0"
                ))
                .hint("give shares such as 0.3 and 0.7, or leave them out for equal ones"));
            }
            None => open += 1,
        }
    }
    // Shares of parts without a ratio: what the others leave of the whole.
    let left = 1.0 - given;
    if open > 0 && left <= 0.0 {
        return Err(Error::invalid(format!(
            "{path}: the ratios add up to {given}, which leaves nothing for the parts without one"
        ))
        .hint("give every part a ratio, or less than 1 in all"));
    }
    let share = left / f64::from(open.max(1));
    let total = if open == 0 { given } else { 1.0 };
    let parts = split.splits.iter();
    Ok(parts.map(|p| p.ratio.unwrap_or(share) / total).collect())
}

impl Node {
    fn wanted(&self, pane: &mut impl FnMut(PaneUuid) -> Option<PaneSpec>) -> Option<LayoutNode> {
        let (direction, children) = match self {
            Self::Pane(id) => return Some(LayoutNode::Pane(Box::new(pane(*id)?))),
            Self::Split(direction, children) => (*direction, children),
        };
        let parts = children.iter().filter_map(|(weight, child)| {
            let layout = child.wanted(pane)?;
            let ratio = Some(*weight);
            Some(LayoutPart { ratio, layout })
        });
        let mut splits: Vec<_> = parts.collect();
        match splits.len() {
            0 => None,
            1 => Some(splits.remove(0).layout),
            _ => Some(LayoutNode::Split(LayoutSplit { direction, splits })),
        }
    }

    fn divides(&self, size: Size) -> bool {
        let Self::Split(direction, children) = self else {
            return true;
        };
        let shares = shares(children, *direction, extent(size, *direction));
        let cells: f64 = shares.iter().map(|share| f64::from(*share)).sum();
        let mut parts = children.iter().zip(&shares);
        parts.all(|((weight, child), share)| {
            (f64::from(*share) - weight * cells).abs() <= 1.0
                && child.divides(with_extent(size, *direction, *share))
        })
    }

    fn set_ratio(&mut self, pane: PaneUuid, ratio: f64) {
        let Self::Split(_, children) = self else {
            return;
        };
        let Some(index) = children.iter().position(|(_, c)| c.holds(pane)) else {
            return;
        };
        if matches!(children[index].1, Self::Split(..)) {
            children[index].1.set_ratio(pane, ratio);
            return;
        }
        let rest = 1.0 - children[index].0;
        for (position, (share, _)) in children.iter_mut().enumerate() {
            *share = if position == index {
                ratio
            } else {
                *share / rest * (1.0 - ratio)
            };
        }
    }
}

#[cfg(test)]
mod tests;
