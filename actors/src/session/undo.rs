//! Answers that wait until what they tell is written, and changes that are taken back when it cannot be.

use std::collections::{BTreeMap, VecDeque};

use protocol::Error;
use supervisor::{Address, Reply};

use super::snapshot::SessionSnapshot;
use super::{SessionMsg, SessionState};
use crate::step::step;
use crate::store::Saved;

/// A change of what is kept of a session: how it was, and how it became.
#[derive(Debug)]
pub(super) struct Made {
    before: SessionSnapshot,
    after: SessionSnapshot,
}

/// The undoing of a change, when it is dropped and not settled: also by a panic.
pub(super) struct Undo(Option<(Address<SessionMsg>, u64)>);

impl Undo {
    fn settled(mut self) {
        if let Some((actor, number)) = self.0.take() {
            let _ = actor.cast(SessionMsg::Settled(number));
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some((actor, number)) = self.0.take() {
            // An actor that has ended in between keeps the change, which is written when that is possible.
            let _ = actor.cast(SessionMsg::Undo(number));
        }
    }
}

/// The changes of which it is not known yet whether they are written, in their order.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    next: u64,
    made: VecDeque<(u64, Made)>,
}

impl Unsettled {
    fn push(&mut self, made: Made) -> u64 {
        self.next += 1;
        self.made.push_back((self.next, made));
        self.next
    }

    pub(super) fn settled(&mut self, number: u64) {
        self.made.retain(|(other, _)| *other != number);
    }

    /// The session as it is now without this change. Those that were made upon it are then what they would have been without it: if they are
    /// taken back too, nothing of this one comes back.
    fn take_back(&mut self, number: u64, now: &SessionSnapshot) -> Option<SessionSnapshot> {
        let at = self.made.iter().position(|(other, _)| *other == number)?;
        let (_, made) = self.made.remove(at)?;
        for (_, later) in self.made.iter_mut().skip(at) {
            later.before = made.taken_back(&later.before);
            later.after = made.taken_back(&later.after);
        }
        Some(made.taken_back(now))
    }
}

impl Made {
    /// The session as it is now without this change. What was changed once more since stays.
    pub(super) fn taken_back(&self, now: &SessionSnapshot) -> SessionSnapshot {
        let Self { before, after } = self;
        let mut next = now.clone();
        if now.name == after.name {
            next.name.clone_from(&before.name);
        }
        if now.tags == after.tags {
            next.tags.clone_from(&before.tags);
        }
        entries_back(&mut next.metadata, &before.metadata, &after.metadata);
        let (environment, was) = (&mut next.environment.changes, &before.environment.changes);
        entries_back(environment, was, &after.environment.changes);
        for window in &mut next.windows {
            let (was, became) = (before.window(window.id), after.window(window.id));
            if let (Some(was), Some(became)) = (was, became)
                && window.name == became.name
            {
                window.name.clone_from(&was.name);
            }
        }
        next
    }
}

/// Takes entries back that a change has made, where they are still what it made of them.
fn entries_back<V: Clone + PartialEq>(
    now: &mut BTreeMap<String, V>,
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
) {
    let changed = before.keys().chain(after.keys());
    for key in changed.filter(|key| before.get(*key) != after.get(*key)) {
        if now.get(key) == after.get(key) {
            match before.get(key) {
                Some(value) => now.insert(key.clone(), value.clone()),
                None => now.remove(key),
            };
        }
    }
}

impl SessionState {
    /// The undoing of a change that was made, if it is one of what is kept for good: a focus is not.
    pub(super) fn undo_of(
        &mut self,
        myself: &Address<SessionMsg>,
        before: SessionSnapshot,
    ) -> Option<Undo> {
        let after = self.now.clone();
        let made = Made { before, after };
        if made.taken_back(&self.now) == self.now {
            return None;
        }
        Some(Undo(Some((myself.clone(), self.unsettled.push(made)))))
    }

    /// Takes a change back.
    pub(super) fn undo(&mut self, number: u64) {
        let next = self.unsettled.take_back(number, &self.now);
        if let Some(Err(error)) = next.map(|next| self.become_next(next)) {
            tracing::warn!(session_id = %self.now.id, %error, "a change cannot be taken back");
        }
    }
}

/// Answers when what the answer tells is written; a failure to write it is the answer then.
pub(super) fn reply_when_saved<T: Send + 'static>(
    saved: Option<Saved>,
    reply: Reply<Result<T, Error>>,
    answer: Result<T, Error>,
    undo: Option<Undo>,
) {
    match saved {
        Some(saved) if answer.is_ok() => {
            tokio::spawn(async move {
                let written = match step!("change: it is recorded") {
                    Ok(()) => saved.wait().await,
                    failed => failed,
                };
                match undo {
                    Some(undo) if written.is_ok() => undo.settled(),
                    other => drop(other),
                }
                reply.send(written.and(answer));
            });
        }
        Some(_) | None => {
            if let Some(undo) = undo {
                undo.settled();
            }
            reply.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use protocol::Name;
    use protocol::request::UpdateSession;

    use super::{Made, Unsettled};
    use crate::session::change::{Change, tests::empty};
    use crate::session::snapshot::SessionSnapshot;

    fn set(session: &SessionSnapshot, entries: &[(&str, Option<&str>)]) -> SessionSnapshot {
        let entries = entries.iter().copied();
        let entries: BTreeMap<_, _> = entries
            .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
            .collect();
        let update = UpdateSession {
            name: entries
                .get("name")
                .cloned()
                .flatten()
                .map(|name| Name::new(&name).expect("it is in order")),
            environment: entries.clone(),
            metadata: entries,
            ..UpdateSession::default()
        };
        session
            .changed(Change::Session(update))
            .expect("it is in order")
    }

    #[test]
    fn a_change_is_taken_back_but_for_what_was_changed_once_more() {
        let before = set(&empty(), &[("kept", Some("1")), ("gone", Some("2"))]);
        let entries = [
            ("gone", None),
            ("new", Some("3")),
            ("name", Some("renamed")),
        ];
        let after = set(&before, &entries);
        let made = Made {
            before: before.clone(),
            after: after.clone(),
        };
        assert_eq!(made.taken_back(&after), before);
        let later = set(&after, &[("new", Some("4")), ("other", Some("5"))]);
        let expected = set(&before, &[("new", Some("4")), ("other", Some("5"))]);
        assert_eq!(made.taken_back(&later), expected);
        assert_eq!(
            made.taken_back(&before),
            before,
            "there is nothing to take back"
        );
    }

    #[test]
    fn changes_that_are_all_refused_leave_nothing_of_each_other() {
        let base = set(&empty(), &[("A", Some("base"))]);
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
            let mut unsettled = Unsettled::default();
            let mut now = base.clone();
            let numbers = ["one", "two", "three"].map(|value| {
                let after = set(
                    &now,
                    &[("A", Some(value)), ("name", Some(value)), (value, None)],
                );
                let before = std::mem::replace(&mut now, after.clone());
                unsettled.push(Made { before, after })
            });
            for at in order {
                now = unsettled.take_back(numbers[at], &now).expect("it is known");
            }
            assert_eq!(now, base, "{order:?}");
            assert!(unsettled.made.is_empty());
        }
    }
}
