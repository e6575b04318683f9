//! The row of an orchestration: what never changes, and each fact once.

use model::orchestration::plan::Plan;
use model::orchestration::stored::{self, StoredFact, StoredJob};
use store::{Key, OrchestrationRow, Persist, Row};

use super::OrchestrationEntry;
use crate::clock::{at_ms, millis};

impl Persist for OrchestrationEntry {
    fn key(&self) -> Key {
        Key::Orchestration(self.id)
    }

    fn row(&self) -> Row<'_> {
        Row::Orchestration(OrchestrationRow {
            id: self.id,
            number: self.number,
            job: self.stored_job().map(Box::new),
            facts: self.unwritten_facts(),
            has_ended: self.snapshot().status.is_final(),
        })
    }

    /// At its end the environments of its commands are taken out.
    fn deletes(&self) -> bool {
        self.snapshot().status.is_final()
    }

    fn forget_written(&self) {
        self.written.clear();
    }
}

impl OrchestrationEntry {
    /// The part that never changes, as it is written once; absent at the end.
    fn stored_job(&self) -> Option<StoredJob> {
        Some(StoredJob {
            id: self.id,
            session: self.session.id,
            session_name: self.session.snapshot().name.clone(),
            session_created: self.session_created,
            started_at_ms: self.started_at_ms,
            nonce: self.nonce.clone(),
            key: self.key.clone(),
            plan: Plan::clone(&*self.plan()?),
        })
    }

    /// The facts that are not written yet, each with its name. From here on they count as written.
    fn unwritten_facts(&self) -> Vec<(String, StoredFact)> {
        let facts = self.facts();
        let new = facts.iter().map(|fact| (stored::key(fact), fact));
        let new = new.filter(|(key, _)| self.written.insert(key.clone(), ()).is_none());
        let mut new: Vec<_> = new
            .map(|(key, fact)| (key, StoredFact::of(fact, at_ms)))
            .collect();
        if let Some(took) = self.took()
            && self.written.insert("finished".to_owned(), ()).is_none()
        {
            new.push(("finished".to_owned(), StoredFact::Finished(millis(took))));
        }
        new
    }
}
