//! The shortest names by which what was found can be said.

use clap_complete::engine::CompletionCandidate;
use protocol::reply::{Orchestration, PaneInfo, SessionInfo, WindowInfo};
use protocol::target::{Part, PathRest, SessionPart, TargetPath};
use protocol::{Name, PaneNumber, WindowNumber};

use super::Kind;
use crate::cli::units::count;

/// The things of one server.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sessions: Vec<SessionInfo>,
    pub(super) windows: Vec<WindowInfo>,
    pub(super) panes: Vec<PaneInfo>,
    pub(super) orchestrations: Vec<Orchestration>,
}

impl Found {
    /// The names of all things of this kind. Numbers are for whoever begins with their sign.
    pub(super) fn candidates(&self, kind: Kind, current: &str) -> Vec<CompletionCandidate> {
        match (kind, current.chars().next()) {
            (Kind::Server, _) => Vec::new(),
            (Kind::Orchestration, _) => self.orchestration_numbers(),
            (Kind::Pane, Some(PaneNumber::SIGN)) => self.pane_numbers(),
            (Kind::Window | Kind::Place, Some(WindowNumber::SIGN)) => self.window_numbers(),
            (Kind::Session, _) => self.session_names(),
            (Kind::Window, _) => self.window_names(),
            (Kind::Place, _) => chained(self.session_names(), self.window_names()),
            (Kind::Pane, _) => {
                let sessions = self.session_names();
                chained(chained(sessions, self.window_names()), self.inner_panes())
            }
        }
    }

    fn session_names(&self) -> Vec<CompletionCandidate> {
        let name = |session: &SessionInfo| {
            let has = format!(
                "{}, {}",
                count(session.windows as usize, "window"),
                count(session.panes as usize, "pane")
            );
            candidate(&session.name, &has).hide(session.is_out_of_sight())
        };
        self.sessions.iter().map(name).collect()
    }

    fn window_names(&self) -> Vec<CompletionCandidate> {
        let windows = self.windows.iter();
        windows.filter_map(|one| self.window_name(one)).collect()
    }

    /// The panes of windows that have several; the pane of another one is the window's or the session's focused one.
    fn inner_panes(&self) -> Vec<CompletionCandidate> {
        let address = |pane: &PaneInfo| {
            let mut sessions = self.sessions.iter();
            let session = sessions.find(|session| session.session_id == pane.session_id)?;
            let window = self.window(pane);
            let beside = match window {
                Some(window) => window.panes.len(),
                None if session.windows == 1 => session.panes as usize,
                None => 1,
            };
            let part = self.pane_part(pane);
            let rest = match window.filter(|window| !window.focused) {
                Some(window) => PathRest::Both(self.window_part(window), part),
                None => PathRest::Pane(part),
            };
            (beside > 1).then(|| candidate(path(&pane.session_name, rest), &pane.command))
        };
        self.panes.iter().filter_map(address).collect()
    }

    fn pane_numbers(&self) -> Vec<CompletionCandidate> {
        let number = |pane: &PaneInfo| {
            let what = format!("{}: {}", pane.session_name, pane.command);
            pane.number.map(|number| candidate(number, &what))
        };
        self.panes.iter().filter_map(number).collect()
    }

    fn window_numbers(&self) -> Vec<CompletionCandidate> {
        let number = |window: &WindowInfo| {
            let session = self.session(window)?;
            let what = format!("{}: {}", session.name, window.name);
            window.number.map(|number| candidate(number, &what))
        };
        self.windows.iter().filter_map(number).collect()
    }

    fn orchestration_numbers(&self) -> Vec<CompletionCandidate> {
        let number = |one: &Orchestration| {
            let names: Vec<_> = one.commands.iter().map(|each| each.name.as_str()).collect();
            let what = names.join(", ");
            one.number.map(|number| candidate(number, &what))
        };
        self.orchestrations.iter().filter_map(number).collect()
    }

    fn window_name(&self, window: &WindowInfo) -> Option<CompletionCandidate> {
        let session = self.session(window)?;
        let rest = PathRest::Window(self.window_part(window));
        let has = count(window.panes.len(), "pane");
        Some(candidate(path(&session.name, rest), &has))
    }

    fn session(&self, window: &WindowInfo) -> Option<&SessionInfo> {
        let mut sessions = self.sessions.iter();
        sessions.find(|session| session.session_id == window.session_id)
    }

    fn window(&self, pane: &PaneInfo) -> Option<&WindowInfo> {
        let mut windows = self.windows.iter();
        windows.find(|window| window.window_id == pane.window_id)
    }

    /// The window by its name, or by its index where another one has the same or it is only a number.
    fn window_part(&self, window: &WindowInfo) -> Part<WindowNumber> {
        let beside = self.windows.iter().filter(|other| {
            other.session_id == window.session_id && other.window_id != window.window_id
        });
        let name = window.name.as_str();
        let number = name.bytes().all(|byte| byte.is_ascii_digit());
        match number
            || beside
                .map(|other| &other.name)
                .any(|other| other.as_str() == name)
        {
            true => Part::Index(window.index),
            false => Part::Name(window.name.clone()),
        }
    }

    /// The pane by its name, or by its index where it has none of its own.
    fn pane_part(&self, pane: &PaneInfo) -> Part<PaneNumber> {
        let mut beside = self
            .panes
            .iter()
            .filter(|other| other.window_id == pane.window_id && other.pane_id != pane.pane_id);
        match &pane.name {
            Some(name) if !beside.any(|other| other.name.as_ref() == Some(name)) => {
                Part::Name(name.clone())
            }
            Some(_) | None => Part::Index(pane.index),
        }
    }
}

fn path(session: &Name, rest: PathRest) -> TargetPath {
    TargetPath {
        session: SessionPart::Name(session.clone()),
        rest,
    }
}

fn candidate(value: impl std::fmt::Display, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value.to_string()).help(Some(help.to_owned().into()))
}

fn chained(
    first: Vec<CompletionCandidate>,
    second: Vec<CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    first.into_iter().chain(second).collect()
}
