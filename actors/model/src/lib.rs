//! The state that the daemon is about, as values: sessions with their windows and layouts, what panes were made as,
//! and what orchestrations are to do and have done.
//!
//! Pure: no I/O, no runtime, no clock. Actors publish these values and make the next ones of them; the database keeps them.
#![forbid(unsafe_code)]

pub mod orchestration;
pub mod origin;
pub mod pane;
pub mod session;
