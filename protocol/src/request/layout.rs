//! The call that makes a whole layout at once.

use serde::{Deserialize, Serialize};

use super::PaneSpec;
use crate::geometry::Direction;
use crate::name::Name;
use crate::target::Target;

/// A layout of new panes, all or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateLayout {
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// Into which window, in the right half beside what is there; a new window when absent.
    #[serde(default)]
    pub window: Option<Target>,
    /// The name of a new window; its index when absent.
    #[serde(default)]
    pub name: Option<Name>,
    /// The panes and their places.
    pub layout: LayoutNode,
    /// Make its first pane the focused one.
    #[serde(default)]
    pub select: bool,
}

/// A part of a layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutNode {
    /// Space that is shared.
    Split(LayoutSplit),
    /// One pane.
    Pane(Box<PaneSpec>),
}

impl LayoutNode {
    /// Most splits within splits, a pane alone being 1 deep.
    pub const DEEPEST: usize = 32;
    /// Most panes of one layout.
    pub const MOST_PANES: usize = 64;

    /// The panes in layout order.
    #[must_use]
    pub fn panes(&self) -> Vec<&PaneSpec> {
        match self {
            Self::Pane(pane) => vec![pane],
            Self::Split(split) => {
                let parts = split.splits.iter();
                parts.flat_map(|part| part.layout.panes()).collect()
            }
        }
    }

    /// The depth of splits within splits, a pane alone being 1 deep.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Pane(_) => 1,
            Self::Split(split) => {
                let parts = split.splits.iter().map(|part| part.layout.depth());
                1 + parts.max().unwrap_or(0)
            }
        }
    }
}

/// Space that is shared by parts side by side or one above the other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LayoutSplit {
    /// Which way they follow each other.
    #[serde(default)]
    pub direction: Direction,
    /// At least one.
    pub splits: Vec<LayoutPart>,
}

/// A part of a split.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayoutPart {
    /// Its share in proportion to the others', above 0; parts without one share equally what the others leave of 1.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// What is in it.
    pub layout: LayoutNode,
}

/// A window's layout, in the shape that [`CreateLayout`] takes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GetLayout {
    /// In which session; the caller's own or the active one when absent.
    #[serde(default)]
    pub session: Option<Target>,
    /// Which window; the session's focused one when absent.
    #[serde(default)]
    pub window: Option<Target>,
}
