//! fugue's client crate.
