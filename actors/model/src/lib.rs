//! The state that the daemon is about, as values: sessions with their windows and layouts, and what panes were made as.
//!
//! Pure: no I/O, no runtime, no clock. Actors publish these values and make the next ones of them; the database keeps them.
#![forbid(unsafe_code)]

pub mod origin;
pub mod pane;
pub mod session;
