//! Panes.

mod ended;
mod record;
mod stored;

pub use ended::Ended;
pub use record::PaneRecord;
pub use stored::{StoredMirror, StoredPane, StoredProcess, StoredState};
