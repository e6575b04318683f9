//! Tests of the screen.

mod checkpoints;
mod cursors;
mod golden;
mod hostile;
mod resizing;
mod support;
mod tails;
mod updates;
