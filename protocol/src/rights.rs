//! The rights of a caller, and their scope. One table says what each request needs; the daemon checks it before it
//! acts.
//!
//! A rail against accidents: programs of one user can reach each other by other ways, which no server can close.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{OrchestrationUuid, PaneUuid, SessionUuid};
use crate::request::{Request, RunLayout, RunOptions};
use crate::target::Target;

/// The level of a caller's rights.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    /// Look.
    Read,
    /// Look and type.
    Type,
    /// Whatever concerns sessions, panes and runs.
    Full,
    /// Everything, the end of the server included.
    Admin,
    /// Execute what a coordinator hands out: beside the others, it reaches none of what they reach.
    Runner,
}

impl Level {
    /// True if it is enough where `needed` is asked for.
    #[must_use]
    pub fn reaches(self, needed: Self) -> bool {
        let rank = |level| match level {
            Self::Read => Some(0),
            Self::Type => Some(1),
            Self::Full => Some(2),
            Self::Admin => Some(3),
            Self::Runner => None,
        };
        match (rank(self), rank(needed)) {
            (Some(own), Some(needed)) => own >= needed,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// The scope of a caller's rights: the things that they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// With everything.
    All,
    /// With one session and what is in it.
    Session(SessionUuid),
    /// With one run and its panes.
    Run(OrchestrationUuid),
    /// With one pane.
    Pane(PaneUuid),
    /// With its own session, if it has one, and with everything that was made from there.
    Own(Option<SessionUuid>),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Session(id) => write!(f, "session {id}"),
            Self::Run(id) => write!(f, "run {id}"),
            Self::Pane(id) => write!(f, "pane {id}"),
            Self::Own(_) => f.write_str("own"),
        }
    }
}

/// The rights of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// How much.
    pub level: Level,
    /// With what.
    pub scope: Scope,
}

impl Rights {
    /// Those of somebody outside of all panes.
    pub const PERSON: Self = Self {
        level: Level::Admin,
        scope: Scope::All,
    };
    /// Those of a pane that a person has made.
    pub const PANE: Self = Self {
        level: Level::Full,
        scope: Scope::All,
    };

    /// Those of a pane in this session that an agent has made.
    #[must_use]
    pub fn of_agents_pane(session: SessionUuid) -> Self {
        Self {
            level: Level::Full,
            scope: Scope::Own(Some(session)),
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.level, self.scope)
    }
}

/// The subject of a request, as its parameters name it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum About<'a> {
    /// The server as a whole.
    Server,
    /// A list, whose answer has only what the caller's scope covers.
    List,
    /// Something that is made.
    New,
    /// A session; the caller's default one without a target.
    Session(Option<&'a Target>),
    /// A session, which is made when nothing has the name.
    SessionOrNew(&'a Target),
    /// A window, in this session if one is named.
    Window(&'a Target, Option<&'a Target>),
    /// A pane or a mirror.
    Pane(&'a Target),
    /// A run.
    Run(OrchestrationUuid),
}

/// Something that a request is about, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// See [`About::Server`].
    Server,
    /// See [`About::List`].
    List,
    /// See [`About::New`].
    New,
    /// A session.
    Session {
        /// Its id.
        id: SessionUuid,
        /// The run that it was made for.
        run: Option<OrchestrationUuid>,
        /// The sessions from which it was made, the nearest first.
        makers: Vec<SessionUuid>,
    },
    /// A pane.
    Pane {
        /// Its id.
        id: PaneUuid,
        /// Its session.
        session: SessionUuid,
        /// The run that the session was made for.
        run: Option<OrchestrationUuid>,
        /// The sessions from which it was made, the nearest first.
        makers: Vec<SessionUuid>,
    },
    /// A run.
    Run {
        /// Its id.
        id: OrchestrationUuid,
        /// The session of its panes.
        session: SessionUuid,
        /// The sessions from which it was begun, the nearest first.
        makers: Vec<SessionUuid>,
    },
}

impl Scope {
    /// True if a thing lies within it.
    #[must_use]
    pub fn covers(&self, thing: &Thing) -> bool {
        match (self, thing) {
            (Self::All, _) | (_, Thing::List) => true,
            (_, Thing::Server) => false,
            (Self::Own(_), Thing::New) => true,
            (Self::Session(_) | Self::Run(_) | Self::Pane(_), Thing::New) => false,
            (Self::Own(own), Thing::Session { id, makers, .. }) => is_own(*own, *id, makers),
            (
                Self::Own(own),
                Thing::Pane {
                    session, makers, ..
                }
                | Thing::Run {
                    session, makers, ..
                },
            ) => is_own(*own, *session, makers),
            (Self::Session(own), Thing::Session { id, .. }) => own == id,
            (Self::Session(own), Thing::Pane { session, .. } | Thing::Run { session, .. }) => {
                own == session
            }
            (Self::Run(own), Thing::Session { run, .. } | Thing::Pane { run, .. }) => {
                Some(*own) == *run
            }
            (Self::Run(own), Thing::Run { id, .. }) => own == id,
            (Self::Pane(own), Thing::Pane { id, .. }) => own == id,
            (Self::Pane(_), Thing::Session { .. } | Thing::Run { .. }) => false,
        }
    }
}

fn is_own(own: Option<SessionUuid>, session: SessionUuid, makers: &[SessionUuid]) -> bool {
    own.is_some_and(|own| own == session || makers.contains(&own))
}

/// The level that a request needs, and what it is about. Without a subject it concerns nobody but its caller.
#[must_use]
#[allow(clippy::too_many_lines, reason = "one table, a row for each request")]
pub fn needed(request: &Request) -> (Level, Vec<About<'_>>) {
    match request {
        Request::Status(_)
        | Request::Whoami(_)
        | Request::UpdateView(_)
        | Request::Detach(_)
        | Request::GuardTerminal(_) => (Level::Read, vec![]),
        // The next server goes on with everything.
        Request::StopServer(stop) if stop.keep_panes => (Level::Full, vec![About::Server]),
        Request::StopServer(_) => (Level::Admin, vec![About::Server]),
        Request::Forget(forget) => match &forget.session {
            None => (Level::Full, vec![About::Server]),
            session => (Level::Full, vec![About::Session(session.as_ref())]),
        },
        Request::ListClients(_) => (Level::Read, vec![About::Server]),
        Request::Tree(tree) => match &tree.session {
            None => (Level::Read, vec![About::Server]),
            session => (Level::Read, vec![About::Session(session.as_ref())]),
        },
        Request::CreateSession(_) => (Level::Full, vec![About::New]),
        Request::ListSessions(_) | Request::ListOrchestrations(_) => {
            (Level::Read, vec![About::List])
        }
        Request::GetSession(get) => (Level::Read, vec![About::Session(get.session.as_ref())]),
        Request::UpdateSession(update) => {
            (Level::Full, vec![About::Session(update.session.as_ref())])
        }
        Request::KillSession(kill) => (Level::Full, vec![About::Session(Some(&kill.session))]),
        Request::CreateWindow(create) => {
            (Level::Full, vec![About::Session(create.session.as_ref())])
        }
        Request::ListWindows(list) => (Level::Read, vec![About::Session(list.session.as_ref())]),
        Request::UpdateWindow(update) => {
            let session = update.session.as_ref();
            (Level::Full, vec![About::Window(&update.window, session)])
        }
        Request::CreatePane(create) => {
            let place = place(create.session.as_ref(), create.window.as_ref());
            let beside = create.beside.as_ref().map(About::Pane);
            let named = create.window.is_some() || create.session.is_some() || beside.is_none();
            let about = named.then_some(place).into_iter().chain(beside);
            (Level::Full, about.collect())
        }
        Request::CreateLayout(create) => {
            let place = place(create.session.as_ref(), create.window.as_ref());
            (Level::Full, vec![place])
        }
        Request::GetLayout(get) => {
            let place = place(get.session.as_ref(), get.window.as_ref());
            (Level::Read, vec![place])
        }
        Request::MirrorPane(mirror) => {
            let place = place(mirror.session.as_ref(), mirror.window.as_ref());
            (Level::Full, vec![About::Pane(&mirror.pane), place])
        }
        Request::ListPanes(list) if list.all => (Level::Read, vec![About::List]),
        Request::ListPanes(list) => {
            let place = place(list.session.as_ref(), list.window.as_ref());
            (Level::Read, vec![place])
        }
        Request::ListUsage(list) if list.all => (Level::Read, vec![About::List]),
        Request::ListUsage(list) => (Level::Read, vec![About::Session(list.session.as_ref())]),
        Request::UpdatePane(update) => (Level::Full, vec![About::Pane(&update.pane)]),
        Request::ClosePane(close) => (Level::Full, vec![About::Pane(&close.pane)]),
        Request::RetryPane(retry) => (Level::Full, vec![About::Pane(&retry.pane)]),
        Request::RestartPane(restart) => (Level::Full, vec![About::Pane(&restart.pane)]),
        Request::SignalPane(signal) => (Level::Full, vec![About::Pane(&signal.pane)]),
        Request::WaitPane(wait) => (Level::Read, vec![About::Pane(&wait.pane)]),
        Request::ReadPane(read) => (Level::Read, vec![About::Pane(&read.pane)]),
        Request::SendInput(send) => (Level::Type, vec![About::Pane(&send.pane)]),
        Request::Expect(expect) => (Level::Read, vec![About::Pane(&expect.pane)]),
        Request::Watch(watch) => {
            let pane = watch.pane.as_ref().map(About::Pane);
            (Level::Read, pane.into_iter().collect())
        }
        Request::Attach(attach) => {
            let level = if attach.read_only {
                Level::Read
            } else {
                Level::Type
            };
            (level, vec![About::Session(attach.session.as_ref())])
        }
        Request::RunParallel(run) => (Level::Full, vec![run_place(&run.options)]),
        Request::RunPipeline(run) => (Level::Full, vec![run_place(&run.options)]),
        Request::GetOrchestration(get) => (Level::Read, vec![About::Run(get.orchestration_id)]),
        Request::CancelOrchestration(cancel) => {
            (Level::Full, vec![About::Run(cancel.orchestration_id)])
        }
    }
}

fn place<'a>(session: Option<&'a Target>, window: Option<&'a Target>) -> About<'a> {
    match window {
        Some(window) => About::Window(window, session),
        None => About::Session(session),
    }
}

fn run_place(options: &RunOptions) -> About<'_> {
    match (&options.session, options.layout) {
        (Some(target), _) => About::SessionOrNew(target),
        (None, RunLayout::Hidden) => About::New,
        (None, RunLayout::Tiled) => About::Session(None),
    }
}

#[cfg(test)]
mod tests;
