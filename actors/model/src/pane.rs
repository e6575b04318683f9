//! Panes.

mod ended;
mod record;

pub use ended::Ended;
pub use record::PaneRecord;
