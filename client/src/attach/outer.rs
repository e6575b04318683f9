//! The terminal on which a view is shown: its modes and how they are undone, what it sends, and what is written to it.
//!
//! Nothing here knows of sessions and servers, so any way of showing panes stands on these parts.

pub(crate) mod ask;
pub(crate) mod clipboard;
pub(crate) mod colors;
pub(crate) mod guard;
pub(crate) mod modes;
pub(crate) mod mouse;
pub(crate) mod notices;
pub(crate) mod row;
pub(crate) mod split;
pub(crate) mod writer;
