//! The one place where targets become sessions, windows and panes.

use std::sync::Arc;

use protocol::rights::Rights;
use protocol::{ClientUuid, Error, ErrorCode, PaneUuid, SessionUuid, Target, WindowUuid};

use super::{Leaf, Registry};
use crate::pane::PaneEntry;
use crate::session::SessionEntry;

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
    /// `not_found` with names near the given one.
    pub(crate) fn find_session(&self, target: &Target) -> Result<Arc<SessionEntry>, Error> {
        let found = match target {
            Target::Id(id) => self.session(SessionUuid::from(*id)),
            Target::Name(name) => self.session_named(name),
        };
        found.ok_or_else(|| {
            let names = self
                .sessions()
                .into_iter()
                .map(|s| s.snapshot().name.to_string());
            let mut error = not_found("session", target).candidates(near(target, names));
            if let Target::Name(name) = target
                && let Some(ended) = self.ended_session(name)
            {
                error.message = format!("{}: {}", error.message, last_end(&ended.end));
            }
            error
        })
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

    /// The window a target means: by id anywhere, by name within `session` or, without one, in all
    /// sessions. A session's id or name means its focused window.
    ///
    /// # Errors
    /// `not_found`; `ambiguous_name` with the windows that have the name.
    pub(crate) fn find_window(
        &self,
        target: &Target,
        session: Option<&Arc<SessionEntry>>,
    ) -> Result<(Arc<SessionEntry>, WindowUuid), Error> {
        let sessions = session.map_or_else(|| self.sessions(), |s| vec![Arc::clone(s)]);
        let mut found = Vec::new();
        for entry in sessions {
            let snapshot = entry.snapshot();
            let names_session = match target {
                Target::Id(id) => entry.id.as_uuid() == *id,
                Target::Name(name) => snapshot.name == *name,
            };
            let focused = snapshot.focused_window().map(|w| w.id);
            for window in &snapshot.windows {
                let own = match target {
                    Target::Id(id) => window.id.as_uuid() == *id,
                    Target::Name(name) => window.name == *name,
                };
                if own || (names_session && focused == Some(window.id)) {
                    found.push((Arc::clone(&entry), window.id));
                }
            }
        }
        only(found, "window", target, |(entry, window)| {
            format!("{window} in session {}", entry.snapshot().name)
        })
    }

    /// The pane a target means: a pane's id or name, or a session's or window's for its focused
    /// pane. A mirror means the pane it shows.
    ///
    /// # Errors
    /// As [`Self::find_leaf`].
    pub(crate) fn find_pane(&self, target: &Target) -> Result<Arc<PaneEntry>, Error> {
        Ok(Arc::clone(self.find_leaf(target)?.pane()))
    }

    /// The place in a layout that a target means: a pane or a mirror by id or name, or a session or
    /// window for its focused one.
    ///
    /// # Errors
    /// `pane_exited` for a pane that was removed, with its end; `not_found`; `ambiguous_name`.
    pub(crate) fn find_leaf(&self, target: &Target) -> Result<Leaf, Error> {
        match target {
            Target::Id(id) => {
                if let Some(leaf) = self.leaf(PaneUuid::from(*id)) {
                    return Ok(leaf);
                }
                if let Some(ended) = self.ended_pane(PaneUuid::from(*id)) {
                    return Err(pane_exited(&ended.end));
                }
                let focused = match self.session(SessionUuid::from(*id)) {
                    Some(session) => session.snapshot().focused_pane(),
                    None => self
                        .find_window(target, None)
                        .ok()
                        .and_then(|(s, w)| s.snapshot().window(w).map(|window| window.focused)),
                };
                focused
                    .and_then(|pane| self.leaf(pane))
                    .ok_or_else(|| self.pane_not_found(target))
            }
            Target::Name(name) => {
                let mut found = self.leaves();
                found.retain(|leaf| leaf.name().as_deref() == Some(name));
                let focused = self
                    .session_named(name)
                    .and_then(|session| session.snapshot().focused_pane())
                    .and_then(|pane| self.leaf(pane));
                found.extend(focused);
                if found.is_empty()
                    && let Ok((session, window)) = self.find_window(target, None)
                {
                    let focused = session.snapshot().window(window).map(|w| w.focused);
                    found.extend(focused.and_then(|pane| self.leaf(pane)));
                }
                found.sort_by_key(Leaf::id);
                found.dedup_by_key(|leaf| leaf.id());
                if found.is_empty() {
                    let ended = self.ended_named(name);
                    return Err(ended.map_or_else(
                        || self.pane_not_found(target),
                        |ended| pane_exited(&ended.end),
                    ));
                }
                only(found, "pane", target, |leaf| {
                    let session = self
                        .session(leaf.session())
                        .map(|s| s.snapshot().name.clone());
                    let session = session.map_or_else(String::new, |n| format!(" in session {n}"));
                    format!("{} ({}){session}", leaf.id(), leaf.pane().record.command)
                })
            }
        }
    }

    fn pane_not_found(&self, target: &Target) -> Error {
        let sessions = self.sessions().into_iter();
        let named = self.leaves().into_iter().filter_map(|leaf| leaf.name());
        let names = named.map(|name| name.to_string());
        let names = names.chain(sessions.map(|s| s.snapshot().name.to_string()));
        not_found("pane", target)
            .hint("give a pane's id or name, or a session's name for its focused pane; `fugue panes --all` or fugue_list_panes lists them")
            .candidates(near(target, names))
    }
}

/// The names that were probably meant. Nobody misspells an id.
fn near(target: &Target, names: impl IntoIterator<Item = String>) -> Vec<String> {
    match target {
        Target::Id(_) => Vec::new(),
        Target::Name(name) => protocol::near::near(name.as_str(), names),
    }
}

/// The error for a removed pane.
#[must_use]
pub(super) fn pane_exited(end: &protocol::reply::PaneEnd) -> Error {
    let how = end.status.exit.as_ref().map_or_else(
        || "it was closed".to_owned(),
        |exit| format!("its program {exit}"),
    );
    Error::new(
        ErrorCode::PaneExited,
        format!("pane {} is gone: {how}", end.pane_id),
    )
    .hint("`wait` still gives its status and `read` the end of its output; create panes with remain_on_exit to keep them")
}

/// The end of the last pane of an ended session, in words.
fn last_end(end: &protocol::reply::PaneEnd) -> String {
    let how = end.status.exit.as_ref();
    let how = how.map_or_else(|| "was closed".to_owned(), |exit| exit.to_string());
    format!(
        "the last one has ended, with pane {}, which {how}",
        end.pane_id
    )
}

fn not_found(kind: &str, target: &Target) -> Error {
    let shape = match target {
        Target::Id(_) => "the id",
        Target::Name(_) => "the name",
    };
    Error::new(
        ErrorCode::NotFound,
        format!("no {kind} has {shape} {target}"),
    )
    .hint(match kind {
        "session" => "list them first, as with `fugue ls` or fugue_list_sessions",
        _ => "list them first, as with `fugue panes --all` or fugue_list_panes",
    })
}

fn only<T>(
    mut found: Vec<T>,
    kind: &str,
    target: &Target,
    shown: impl Fn(&T) -> String,
) -> Result<T, Error> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(not_found(kind, target)),
        count => Err(Error::new(
            ErrorCode::AmbiguousName,
            format!("{target} fits {count} {kind}s"),
        )
        .hint("use an id")
        .candidates(found.iter().map(shown))),
    }
}
