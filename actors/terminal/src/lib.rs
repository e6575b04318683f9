//! The terminal of a pane: output to cells and text, keys and pastes to the bytes that a program reads.
//!
//! Pure: no I/O, no runtime, no clock. This crate alone knows the terminal engine (`docs/adr/0003-terminal-engine.md`) and
//! the engine of patterns.
#![forbid(unsafe_code)]

pub mod input;
pub mod plain;
pub mod screen;
