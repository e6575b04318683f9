//! fugue's actors crate.
