//! The rows of mirrors and ends of panes, and the list of all that has a row.

use std::sync::Arc;

use model::pane::StoredMirror;
use protocol::Name;
use store::{Key, Persist, Row, StoredEnd};

use super::{EndedPane, Leaf, Mirror, Registry};

impl Persist for Mirror {
    fn key(&self) -> Key {
        Key::Mirror(self.id)
    }

    fn row(&self) -> Row<'_> {
        Row::Mirror(StoredMirror {
            id: self.id,
            number: self.number,
            session: self.session,
            of: self.of.id,
            name: self.name.load_full().map(|name| Name::clone(&name)),
            created_at_ms: self.created_at_ms,
        })
    }
}

impl Persist for EndedPane {
    fn key(&self) -> Key {
        Key::EndedPane(self.end.pane_id)
    }

    fn row(&self) -> Row<'_> {
        Row::EndedPane(Box::new(StoredEnd {
            context: self.context.clone(),
            end: self.end.clone(),
            tail: serde_json::to_value(&self.tail).unwrap_or_default(),
        }))
    }
}

impl EndedPane {
    /// The end of a pane of an earlier daemon.
    ///
    /// # Errors
    /// What about its text cannot be understood.
    pub(crate) fn restored(stored: StoredEnd) -> Result<Self, serde_json::Error> {
        Ok(Self {
            context: stored.context,
            end: stored.end,
            tail: serde_json::from_value(stored.tail)?,
        })
    }
}

impl Registry {
    /// All that has a row of its own.
    #[must_use]
    pub(crate) fn everything(&self) -> Vec<Arc<dyn Persist>> {
        let mut all: Vec<Arc<dyn Persist>> = Vec::new();
        for session in self.sessions() {
            all.push(session);
        }
        for leaf in self.leaves() {
            all.push(match leaf {
                Leaf::Pane(pane) => pane,
                Leaf::Mirror(mirror) => mirror,
            });
        }
        for orchestration in &self.orchestrations {
            all.push(Arc::clone(&orchestration) as _);
        }
        for ended in self.ended_panes() {
            all.push(ended);
        }
        all
    }
}
