//! Tests of the screen.

mod checkpoints;
mod copies;
mod cursors;
mod echoes;
mod golden;
mod hostile;
mod next_life;
mod resizing;
mod styled;
pub(in crate::screen) mod support;
mod tails;
mod updates;
mod work;
mod xterm;
