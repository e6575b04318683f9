//! fugue's supervisor crate.
