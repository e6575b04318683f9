//! The order to start a program in a new pane.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::request::{PaneSpec, RunStreams};

use crate::session::SessionEntry;
use model::session::change::Place;

/// An order to start a program, and its place.
pub(crate) struct SpawnOrder {
    /// In this session.
    pub session: Arc<SessionEntry>,
    /// The pane.
    pub spec: PaneSpec,
    /// Its place.
    pub place: Place,
    /// It becomes the focused one.
    pub select: bool,
    /// Whether it has a terminal.
    pub streams: RunStreams,
    /// It is a pipeline's shell: what begins each of its reports on the status pipe.
    pub report_word: Option<String>,
    /// What people are shown as its command, when that is not what is executed.
    pub shown_as: Option<String>,
    /// The environment instead of the session's.
    pub environment: Option<Arc<BTreeMap<String, String>>>,
}

impl SpawnOrder {
    /// An order for a program on a terminal, as people and programs give them.
    #[must_use]
    pub(crate) fn terminal(
        session: &Arc<SessionEntry>,
        spec: PaneSpec,
        place: Place,
        select: bool,
    ) -> Self {
        Self {
            session: Arc::clone(session),
            spec,
            place,
            select,
            streams: RunStreams::Terminal,
            report_word: None,
            shown_as: None,
            environment: None,
        }
    }
}
