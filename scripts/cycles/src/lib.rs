//! The import graph of a crate's files, and its cycles.
//!
//! A file uses another one when a path in it (in a `use`, inline, or in a macro's arguments) leads to an item that is defined there;
//! re-exports are followed to the definition. A file uses those of the modules that it declares. Tests are left out.

#![allow(clippy::wildcard_enum_match_arm, reason = "syn's enums grow")]

mod crate_tree;
mod graph;
mod names;
mod paths;

pub use crate_tree::CrateTree;
pub use graph::{Graph, Use};
