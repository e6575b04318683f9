//! fugue's protocol crate.
