//! fugue's mcp crate.
