//! Panes.

mod record;

pub use record::PaneRecord;
