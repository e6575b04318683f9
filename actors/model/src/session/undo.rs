//! Changes that are taken back, because they could not be written.

use std::collections::{BTreeMap, VecDeque};

use super::snapshot::SessionSnapshot;

/// A change of what is kept of a session: how it was, and how it became.
#[derive(Debug)]
pub struct Made {
    before: SessionSnapshot,
    after: SessionSnapshot,
}

/// The changes of which it is not known yet whether they are written, in their order.
#[derive(Debug, Default)]
pub struct Unsettled {
    next: u64,
    made: VecDeque<(u64, Made)>,
}

impl Unsettled {
    /// Adds a change; returns its number.
    pub fn push(&mut self, made: Made) -> u64 {
        self.next += 1;
        self.made.push_back((self.next, made));
        self.next
    }

    /// Forgets a change that is written.
    pub fn settled(&mut self, number: u64) {
        self.made.retain(|(other, _)| *other != number);
    }

    /// The session as it is now without this change. Those that were made upon it are then what they would have been without it: if they are
    /// taken back too, nothing of this one comes back.
    #[must_use]
    pub fn take_back(&mut self, number: u64, now: &SessionSnapshot) -> Option<SessionSnapshot> {
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
    /// The change of a session that was `before` and became `after`.
    #[must_use]
    pub fn new(before: SessionSnapshot, after: SessionSnapshot) -> Self {
        Self { before, after }
    }

    /// The session as it is now without this change. What was changed once more since stays.
    #[must_use]
    pub fn taken_back(&self, now: &SessionSnapshot) -> SessionSnapshot {
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
