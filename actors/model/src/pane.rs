//! Panes.

mod close;
mod ended;
mod life;
mod made_by;
mod record;
mod state;
mod stored;

pub use close::{Cause, CloseStep, Closing};
pub use ended::Ended;
pub use life::{Asked, Course, PaneLife};
pub use made_by::MadeBy;
pub use record::PaneRecord;
pub use state::{Again, Known, Next, PaneState};
pub use stored::{StoredMirror, StoredPane, StoredProcess, StoredState};
