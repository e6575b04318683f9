//! The one place where targets become sessions, windows and panes.

use std::sync::Arc;

use protocol::rights::Rights;
use protocol::target::{Part, TargetPath};
use protocol::{
    ClientUuid, Error, ErrorCode, Name, PaneNumber, PaneUuid, SessionNumber, SessionUuid, Target,
    WindowUuid,
};
use uuid::Uuid;

use super::{EndedPane, Leaf, Registry};
use crate::pane::PaneEntry;
use crate::session::SessionEntry;
use choices::{
    Choice, PaneChoice, before_pane, is_index, nearest, pane_path, part_word, window_choices,
    window_path, word,
};
use model::session::snapshot::{SessionSnapshot, Window};
use said::{
    last_end, no_pane_now, not_found, only, only_part, pane_exited, with_choices, wrong_kind,
};

mod choices;
mod said;

/// The caller of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The connection.
    pub client: ClientUuid,
    /// The pane whose session it means where it names none.
    pub pane: Option<PaneUuid>,
    /// The pane in which it was found to run.
    pub inside: Option<PaneUuid>,
    /// It acts for an agent.
    pub agent: bool,
    /// What it may do.
    pub rights: Rights,
}

impl Caller {
    /// Somebody of whom nothing is known yet but the connection.
    #[must_use]
    pub(crate) fn new(client: ClientUuid) -> Self {
        Self {
            client,
            pane: None,
            inside: None,
            agent: false,
            rights: Rights::PERSON,
        }
    }
}

impl Registry {
    /// The active session: most attached clients, then most recent use, then the newest. Sessions
    /// that orchestrations made for themselves count only when there is no other.
    #[must_use]
    pub(crate) fn active_session(&self) -> Option<Arc<SessionEntry>> {
        self.sessions
            .iter()
            .filter(|entry| entry.is_live())
            .max_by_key(|entry| {
                let snapshot = entry.snapshot();
                (
                    snapshot.made_by.is_none(),
                    snapshot.attached_clients(),
                    entry.last_use(),
                    entry.id,
                )
            })
            .map(|entry| Arc::clone(&entry))
    }

    /// The session of the pane in which the caller runs.
    #[must_use]
    pub(crate) fn callers_session(&self, caller: &Caller) -> Option<Arc<SessionEntry>> {
        self.session(self.pane(caller.pane?)?.session)
    }

    /// The session a target means.
    ///
    /// # Errors
    /// `not_found` with what there is; `invalid_argument` when it names a window or a pane.
    pub(crate) fn find_session(&self, target: &Target) -> Result<Arc<SessionEntry>, Error> {
        let found = match target {
            Target::Id(id) => self.session(SessionUuid::from(*id)),
            Target::Name(name) => self.session_named(name),
            Target::Session(number) => self.session_numbered(*number),
            Target::Window(_) => return Err(wrong_kind(target, "window", "session")),
            Target::Pane(_) => return Err(wrong_kind(target, "pane", "session")),
            Target::Path(path) => {
                let kind = if path.rest.pane().is_some() {
                    "pane"
                } else {
                    "window"
                };
                let error = wrong_kind(target, kind, "session");
                return Err(error.hint(format!("its session is {}", path.session)));
            }
        };
        found.ok_or_else(|| self.session_not_found(target))
    }

    fn session_numbered(&self, number: SessionNumber) -> Option<Arc<SessionEntry>> {
        let mut sessions = self.sessions.iter();
        let found = sessions.find(|entry| entry.snapshot().number == number);
        found.map(|entry| Arc::clone(&entry))
    }

    /// The session meant by a call that only looks or creates: the named one, else the caller's
    /// own, else the active one.
    ///
    /// # Errors
    /// `not_found`; `no_session` when there is none at all.
    pub(crate) fn session_or_default(
        &self,
        target: Option<&Target>,
        caller: &Caller,
    ) -> Result<Arc<SessionEntry>, Error> {
        match target {
            Some(target) => self.find_session(target),
            None => self
                .callers_session(caller)
                .or_else(|| self.active_session())
                .ok_or_else(|| {
                    Error::new(ErrorCode::NoSession, "there is no session")
                        .hint("create one first, as with `fugue new -d` or fugue_create_session")
                }),
        }
    }

    /// The session that a view is to show, and the pane in it that is to be seen first, if a window or a pane is named.
    ///
    /// # Errors
    /// As [`Self::session_or_default`] and [`Self::find_leaf`].
    pub(crate) fn session_to_view(
        &self,
        target: Option<&Target>,
        caller: &Caller,
    ) -> Result<(Arc<SessionEntry>, Option<PaneUuid>), Error> {
        match target {
            Some(target @ (Target::Window(_) | Target::Pane(_) | Target::Path(_))) => {
                let leaf = self.find_leaf(target, caller)?;
                let session = self.session(leaf.session());
                let session = session.ok_or_else(|| not_found("session", target))?;
                Ok((session, Some(leaf.id())))
            }
            target => Ok((self.session_or_default(target, caller)?, None)),
        }
    }

    /// The window a target means, within `session` when that is given. A session's target means its focused window; a
    /// name is looked for in the caller's own session first, then in the active one, then in all.
    ///
    /// # Errors
    /// `not_found`; `ambiguous_name` with the windows that have the name; `invalid_argument` when it names a pane.
    pub(crate) fn find_window(
        &self,
        target: &Target,
        session: Option<&Arc<SessionEntry>>,
        caller: &Caller,
    ) -> Result<(Arc<SessionEntry>, WindowUuid), Error> {
        let sessions = session.map_or_else(|| self.sessions(), |s| vec![Arc::clone(s)]);
        let found = match target {
            Target::Id(id) => in_windows(&sessions, |entry, window| {
                window.id.as_uuid() == *id || is_focused_of(entry, window, *id)
            }),
            Target::Window(number) => in_windows(&sessions, |_, window| window.number == *number),
            Target::Session(number) => in_windows(&sessions, |entry, window| {
                let snapshot = entry.snapshot();
                snapshot.number == *number && is_focused_of(entry, window, entry.id.as_uuid())
            }),
            Target::Name(name) => {
                let named = in_windows(&sessions, |_, window| window.name == *name);
                let mut found = self.nearest(named, |(entry, _)| entry.id, caller);
                found.extend(in_windows(&sessions, |entry, window| {
                    entry.snapshot().name == *name
                        && is_focused_of(entry, window, entry.id.as_uuid())
                }));
                found.dedup_by_key(|(_, window)| *window);
                found
            }
            Target::Pane(_) => return Err(wrong_kind(target, "pane", "window")),
            Target::Path(path) => {
                if path.rest.pane().is_some() {
                    return Err(wrong_kind(target, "pane", "window"));
                }
                let (entry, window) = self.window_on_path(path)?;
                let within = session.is_none_or(|session| session.id == entry.id);
                if within {
                    vec![(entry, window.id)]
                } else {
                    Vec::new()
                }
            }
        };
        only(found, "window", target, |(entry, window)| {
            window_path(&entry.snapshot(), *window)
        })
        .map_err(|error| {
            with_choices(error, || {
                let seen = sessions.iter().map(|entry| entry.snapshot());
                let seen = seen.filter(|snapshot| session.is_some() || !snapshot.is_out_of_sight());
                let choices = seen
                    .flat_map(|snapshot| window_choices(&snapshot))
                    .collect();
                nearest(word(target), choices)
            })
        })
    }

    /// The session of a path, and its window: the focused one when the path names none.
    fn window_on_path(&self, path: &TargetPath) -> Result<(Arc<SessionEntry>, Window), Error> {
        let entry = self.find_session(&path.session.clone().into())?;
        let snapshot = entry.snapshot();
        let Some(part) = path.rest.window() else {
            let focused = snapshot.focused_window().cloned();
            let focused = focused.ok_or_else(|| no_pane_now(&snapshot));
            return focused.map(|window| (entry, window));
        };
        let windows = snapshot.windows.iter().enumerate();
        let is_it = |(index, window): &(usize, &Window)| match part {
            Part::Index(wanted) => usize::try_from(*wanted) == Ok(*index),
            Part::Name(name) | Part::Named(name) => window.name == *name,
            Part::Number(number) => window.number == *number,
            Part::Id(id) => window.id.as_uuid() == *id,
        };
        let found: Vec<_> = windows.filter(is_it).collect();
        let (_, window) = only_part(found, "window", part, &snapshot.name, |(_, window)| {
            window_path(&snapshot, window.id)
        })
        .map_err(|error| {
            with_choices(error, || {
                nearest(part_word(part), window_choices(&snapshot))
            })
        })?;
        Ok((Arc::clone(&entry), window.clone()))
    }

    /// The pane a target means, as [`Self::find_leaf`] finds it. A mirror means the pane it shows.
    ///
    /// # Errors
    /// As [`Self::find_leaf`].
    pub(crate) fn find_pane(
        &self,
        target: &Target,
        caller: &Caller,
    ) -> Result<Arc<PaneEntry>, Error> {
        Ok(Arc::clone(self.find_leaf(target, caller)?.pane()))
    }

    /// The place in a layout that a target means: a pane or a mirror, or a session's or window's focused one.
    ///
    /// A name is a session's, else that of a pane of the caller's own session, then of the active one, else of the only pane
    /// that has it, else of the only window.
    ///
    /// # Errors
    /// `pane_exited` for a pane that was removed, with its end; `not_found`; `ambiguous_name`.
    pub(crate) fn find_leaf(&self, target: &Target, caller: &Caller) -> Result<Leaf, Error> {
        match target {
            Target::Id(id) => self.leaf_with_id(target, *id, caller),
            Target::Session(_) => {
                let session = self.find_session(target)?;
                self.focused_leaf(&session, None)
            }
            Target::Window(_) => {
                let (session, window) = self.find_window(target, None, caller)?;
                self.focused_leaf(&session, Some(window))
            }
            Target::Pane(number) => {
                let mut leaves = self.leaves().into_iter();
                let found = leaves.find(|leaf| leaf.number() == *number);
                found.ok_or_else(|| {
                    let ended = self.ended_numbered(*number);
                    ended.map_or_else(
                        || self.pane_not_found(target),
                        |ended| pane_exited(target, &ended.end),
                    )
                })
            }
            Target::Path(path) => self.leaf_on_path(path),
            Target::Name(name) => self.leaf_named(target, name, caller),
        }
    }

    /// The remembered end that a target means which nothing that lives has: a pane's by its id, its number, its name or its
    /// session's name.
    #[must_use]
    pub(crate) fn find_ended(&self, target: &Target, why: &Error) -> Option<Arc<EndedPane>> {
        match target {
            Target::Id(id) => self.ended_pane(PaneUuid::from(*id)),
            Target::Pane(number) => self.ended_numbered(*number),
            // A name that fits several things is not that of one that has ended.
            Target::Name(_) if why.code == ErrorCode::AmbiguousName => None,
            Target::Name(name) => self.ended_named(name),
            Target::Session(_) | Target::Window(_) | Target::Path(_) => None,
        }
    }

    fn leaf_with_id(&self, target: &Target, id: Uuid, caller: &Caller) -> Result<Leaf, Error> {
        if let Some(leaf) = self.leaf(PaneUuid::from(id)) {
            return Ok(leaf);
        }
        if let Some(ended) = self.ended_pane(PaneUuid::from(id)) {
            return Err(pane_exited(target, &ended.end));
        }
        if let Some(session) = self.session(SessionUuid::from(id)) {
            return self.focused_leaf(&session, None);
        }
        match self.find_window(target, None, caller) {
            Ok((session, window)) => self.focused_leaf(&session, Some(window)),
            Err(_) => Err(self.pane_not_found(target)),
        }
    }

    /// The focused pane of a window, or of the focused one.
    fn focused_leaf(
        &self,
        session: &SessionEntry,
        window: Option<WindowUuid>,
    ) -> Result<Leaf, Error> {
        let snapshot = session.snapshot();
        let pane = match window {
            Some(window) => snapshot.window(window).map(|window| window.focused),
            None => snapshot.focused_pane(),
        };
        pane.and_then(|pane| self.leaf(pane))
            .ok_or_else(|| no_pane_now(&snapshot))
    }

    fn leaf_on_path(&self, path: &TargetPath) -> Result<Leaf, Error> {
        let (entry, window) = self.window_on_path(path)?;
        let Some(part) = path.rest.pane() else {
            return self.focused_leaf(&entry, Some(window.id));
        };
        let snapshot = entry.snapshot();
        let mut found = self.leaves_like(part, &window.layout.panes());
        if found.is_empty() && path.rest.window().is_none() && !matches!(part, Part::Index(_)) {
            found = self.leaves_like(part, &snapshot.panes().collect::<Vec<_>>());
        }
        let within = window_path(&snapshot, window.id);
        only_part(found, "pane", part, &within, |leaf| self.shown_leaf(leaf)).map_err(|error| {
            with_choices(error, || {
                let wanted = part_word(part);
                nearest(wanted, self.panes_by(wanted, &snapshot, &window))
            })
        })
    }

    /// Those of these panes that a part of a path means.
    fn leaves_like(&self, part: &Part<PaneNumber>, panes: &[PaneUuid]) -> Vec<Leaf> {
        let leaves = panes.iter().enumerate();
        let leaves = leaves.filter_map(|(index, id)| self.leaf(*id).map(|leaf| (index, leaf)));
        let is_it = |(index, leaf): &(usize, Leaf)| match part {
            Part::Index(wanted) => usize::try_from(*wanted) == Ok(*index),
            Part::Name(name) | Part::Named(name) => leaf.name().as_deref() == Some(name),
            Part::Number(number) => leaf.number() == *number,
            Part::Id(id) => leaf.id().as_uuid() == *id,
        };
        leaves.filter(is_it).map(|(_, leaf)| leaf).collect()
    }

    fn leaf_named(&self, target: &Target, name: &Name, caller: &Caller) -> Result<Leaf, Error> {
        if let Some(session) = self.session_named(name) {
            return self.focused_leaf(&session, None);
        }
        let mut named = self.leaves();
        named.retain(|leaf| leaf.name().as_deref() == Some(name));
        named.sort_by_key(Leaf::id);
        let found = self.nearest(named, Leaf::session, caller);
        if !found.is_empty() {
            return only(found, "pane", target, |leaf| self.shown_leaf(leaf));
        }
        match self.find_window(target, None, caller) {
            Ok((session, window)) => self.focused_leaf(&session, Some(window)),
            Err(error) if error.code == ErrorCode::AmbiguousName => Err(error),
            Err(_) => Err(self.ended_named(name).map_or_else(
                || self.pane_not_found(target),
                |ended| pane_exited(target, &ended.end),
            )),
        }
    }

    /// Of several things with one name those of the caller's own session, else those of the active one, else all.
    fn nearest<T>(
        &self,
        mut found: Vec<T>,
        session_of: impl Fn(&T) -> SessionUuid,
        caller: &Caller,
    ) -> Vec<T> {
        if found.len() < 2 {
            return found;
        }
        let near = [self.callers_session(caller), self.active_session()];
        for session in near.into_iter().flatten() {
            if found.iter().any(|one| session_of(one) == session.id) {
                found.retain(|one| session_of(one) == session.id);
                break;
            }
        }
        found
    }
}

impl Registry {
    /// A pane as somebody can name it: by its path, or by its number where its session has a name that is for no one to type.
    fn shown_leaf(&self, leaf: &Leaf) -> String {
        let session = self.session(leaf.session()).map(|entry| entry.snapshot());
        let seen = session.filter(|snapshot| !snapshot.is_out_of_sight());
        let path = seen.and_then(|snapshot| pane_path(&snapshot, leaf.id()));
        path.unwrap_or_else(|| leaf.shown())
    }

    fn session_not_found(&self, target: &Target) -> Error {
        let choices = nearest(word(target), self.session_choices());
        let error = not_found("session", target).candidates(choices);
        let Target::Name(name) = target else {
            return error;
        };
        match self.ended_session(name) {
            Some(ended) => Error {
                message: format!("{}: {}", error.message, last_end(&ended.end)),
                ..error
            },
            None => error,
        }
    }

    /// The sessions that people see in their lists.
    fn seen(&self) -> impl Iterator<Item = Arc<SessionSnapshot>> {
        let snapshots = self.sessions().into_iter().map(|entry| entry.snapshot());
        snapshots.filter(|snapshot| !snapshot.is_out_of_sight())
    }

    fn session_choices(&self) -> Vec<Choice> {
        let choice = |snapshot: Arc<SessionSnapshot>| Choice::new(&snapshot.name, &snapshot.name);
        self.seen().map(choice).collect()
    }

    /// The panes of a window, as they can be typed.
    fn pane_choices(&self, snapshot: &SessionSnapshot, window: &Window) -> Vec<PaneChoice> {
        let before = before_pane(snapshot, window);
        let leaves = window.layout.panes().into_iter().enumerate();
        let leaves = leaves.filter_map(|(index, pane)| Some((index, self.leaf(pane)?)));
        let leaves: Vec<_> = leaves.collect();
        let names: Vec<_> = leaves.iter().filter_map(|(_, leaf)| leaf.name()).collect();
        let choice = |(index, leaf): &(usize, Leaf)| {
            let own = leaf.name();
            let own = own.filter(|own| names.iter().filter(|name| *name == own).count() == 1);
            PaneChoice {
                named: own.map(|own| {
                    let part = Part::<PaneNumber>::Name(Name::clone(&own));
                    Choice::new(&own, format!("{before}.{part}"))
                }),
                indexed: Choice::new(index, format!("{before}.{index}")),
            }
        };
        leaves.iter().map(choice).collect()
    }

    /// The panes of a window by their names where a word was typed, and by their indexes else.
    fn panes_by(
        &self,
        wanted: Option<&Name>,
        snapshot: &SessionSnapshot,
        window: &Window,
    ) -> Vec<Choice> {
        let panes = self.pane_choices(snapshot, window).into_iter();
        let typed = |pane: PaneChoice| match (pane.named, wanted) {
            (Some(named), Some(_)) => named,
            (Some(_), None) | (None, Some(_) | None) => pane.indexed,
        };
        panes.map(typed).collect()
    }

    /// A name may be meant for a session, a window or a pane; what is no name is meant for a pane.
    fn pane_not_found(&self, target: &Target) -> Error {
        let wanted = word(target);
        let mut choices = Vec::new();
        for snapshot in self.seen() {
            let panes = snapshot
                .windows
                .iter()
                .flat_map(|w| self.pane_choices(&snapshot, w));
            if wanted.is_none() {
                choices.extend(panes.map(|pane| pane.indexed));
                continue;
            }
            choices.push(Choice::new(&snapshot.name, &snapshot.name));
            choices.extend(panes.filter_map(|pane| pane.named));
            // What nobody has named is reached by its session.
            let named = |window: &&Window| !is_index(&window.name);
            let named = snapshot.windows.iter().filter(named);
            choices.extend(named.map(|w| Choice::new(&w.name, window_path(&snapshot, w.id))));
        }
        not_found("pane", target).candidates(nearest(wanted, choices))
    }
}

/// Windows that are chosen, each with its session.
fn in_windows(
    sessions: &[Arc<SessionEntry>],
    chosen: impl Fn(&SessionEntry, &Window) -> bool,
) -> Vec<(Arc<SessionEntry>, WindowUuid)> {
    let mut found = Vec::new();
    for entry in sessions {
        let snapshot: Arc<SessionSnapshot> = entry.snapshot();
        let windows = snapshot.windows.iter();
        let chosen = windows.filter(|window| chosen(entry, window));
        found.extend(chosen.map(|window| (Arc::clone(entry), window.id)));
    }
    found
}

/// True if it is the focused window of the session with this id.
fn is_focused_of(entry: &SessionEntry, window: &Window, id: Uuid) -> bool {
    let focused = entry.snapshot().focused_window().map(|window| window.id);
    entry.id.as_uuid() == id && focused == Some(window.id)
}
