//! The state of a session at one moment: immutable, published, and the state that its actor is restarted from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocol::frame::ViewId;
use protocol::reply::{SessionContext, WindowInfo};
use protocol::{
    ClientUuid, Name, OrchestrationUuid, PaneUuid, ServerName, SessionNumber, SessionUuid, Size,
    WindowNumber, WindowUuid,
};

use super::layout::{Layout, Rect};

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its id.
    pub id: WindowUuid,
    /// Its number; not given yet until its session shows it.
    pub number: WindowNumber,
    /// Its label.
    pub name: Name,
    /// The places of its panes.
    pub layout: Layout,
    /// The pane that commands and viewers mean when they name the window.
    pub focused: PaneUuid,
    /// An orchestration's: kept as a grid whenever a pane comes or goes.
    pub tiled_for: Option<OrchestrationUuid>,
}

impl Window {
    /// The places of its panes in a session of `size`.
    #[must_use]
    pub fn rects(&self, size: Size) -> Vec<(PaneUuid, Rect)> {
        self.layout.rects(size)
    }
}

/// The variables that programs of a session are started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The environment of who made the session.
    pub base: Arc<BTreeMap<String, String>>,
    /// The variables that were set (a value) or taken out (`None`) since.
    pub changes: BTreeMap<String, Option<String>>,
}

impl Environment {
    /// The variables for a program started now.
    #[must_use]
    pub fn merged(&self) -> BTreeMap<String, String> {
        let mut merged = BTreeMap::clone(&self.base);
        for (name, value) in &self.changes {
            match value {
                Some(value) => merged.insert(name.clone(), value.clone()),
                None => merged.remove(name),
            };
        }
        merged
    }
}

/// A session at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSnapshot {
    /// Its id.
    pub id: SessionUuid,
    /// Its number; not given yet until it is entered among the others.
    pub number: SessionNumber,
    /// Its name.
    pub name: Name,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// Labels.
    pub tags: Vec<String>,
    /// Facts that people and programs note about it.
    pub metadata: BTreeMap<String, String>,
    /// For its programs.
    pub environment: Environment,
    /// Working directory of programs that name none.
    pub cwd: String,
    /// Of its windows.
    pub size: Size,
    /// In order; empty only before the first pane and while an orchestration holds the session.
    pub windows: Vec<Window>,
    /// The window that the session's name means.
    pub focused: Option<WindowUuid>,
    /// Grows when somebody selects a window or pane for all who look.
    pub focus_epoch: u64,
    /// Attached clients with their views.
    pub clients: BTreeMap<ClientUuid, BTreeSet<ViewId>>,
    /// Orchestrations that need it to stay although it may be empty.
    pub leases: BTreeSet<OrchestrationUuid>,
    /// The orchestration that made it, if it was not a person or a program.
    pub made_by: Option<OrchestrationUuid>,
}

impl SessionSnapshot {
    /// The beginning of a session, whose programs are started with these variables; it has no windows yet.
    #[must_use]
    pub fn new(
        name: Name,
        base: Arc<BTreeMap<String, String>>,
        cwd: String,
        size: Size,
        created_at_ms: u64,
    ) -> Self {
        Self {
            id: SessionUuid::new(),
            number: SessionNumber::default(),
            name,
            created_at_ms,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            environment: Environment {
                base,
                changes: BTreeMap::new(),
            },
            cwd,
            size,
            windows: Vec::new(),
            focused: None,
            focus_epoch: 0,
            clients: BTreeMap::new(),
            leases: BTreeSet::new(),
            made_by: None,
        }
    }

    /// True if an orchestration made it for itself alone, and nobody has given it a name since.
    #[must_use]
    pub fn is_out_of_sight(&self) -> bool {
        self.made_by
            .is_some_and(|id| self.name.is_of_orchestration(id))
    }

    /// The window with this id.
    #[must_use]
    pub fn window(&self, id: WindowUuid) -> Option<&Window> {
        self.windows.iter().find(|window| window.id == id)
    }

    /// The window that holds `pane`.
    #[must_use]
    pub fn window_of(&self, pane: PaneUuid) -> Option<&Window> {
        self.windows
            .iter()
            .find(|window| window.layout.panes().contains(&pane))
    }

    /// The index of a pane's window, and of the pane within it.
    #[must_use]
    pub fn place_of(&self, pane: PaneUuid) -> Option<(u32, u32)> {
        let mut windows = self.windows.iter().enumerate();
        windows.find_map(|(window, found)| {
            let panes = found.layout.panes();
            let index = panes.iter().position(|id| *id == pane)?;
            Some((u32::try_from(window).ok()?, u32::try_from(index).ok()?))
        })
    }

    /// The focused window.
    #[must_use]
    pub fn focused_window(&self) -> Option<&Window> {
        self.focused
            .and_then(|id| self.window(id))
            .or_else(|| self.windows.first())
    }

    /// The focused pane of the focused window.
    #[must_use]
    pub fn focused_pane(&self) -> Option<PaneUuid> {
        self.focused_window().map(|window| window.focused)
    }

    /// All panes, window by window, in layout order.
    pub fn panes(&self) -> impl Iterator<Item = PaneUuid> + '_ {
        self.windows.iter().flat_map(|w| w.layout.panes())
    }

    /// The number of attached clients.
    #[must_use]
    pub fn attached_clients(&self) -> u32 {
        u32::try_from(self.clients.len()).unwrap_or(u32::MAX)
    }

    /// The session that an answer is about.
    #[must_use]
    pub fn context(&self, server: &ServerName) -> SessionContext {
        SessionContext {
            session_id: self.id,
            session_name: self.name.clone(),
            server: server.clone(),
        }
    }

    /// Gives numbers to those windows that have none.
    pub fn number_windows(&mut self, mut next: impl FnMut() -> WindowNumber) {
        let unnumbered = |window: &&mut Window| !window.number.is_given();
        for window in self.windows.iter_mut().filter(unnumbered) {
            window.number = next();
        }
    }

    /// The windows as they stand in a list.
    #[must_use]
    pub fn window_infos(&self) -> Vec<WindowInfo> {
        let focused = self.focused_window().map(|window| window.id);
        self.windows
            .iter()
            .enumerate()
            .map(|(index, window)| WindowInfo {
                context: None,
                window_id: window.id,
                number: window.number.told(),
                session_id: self.id,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                name: window.name.clone(),
                focused: focused == Some(window.id),
                focused_pane: window.focused,
                panes: window.layout.panes(),
                layout: window.layout.to_string(),
                size: self.size,
            })
            .collect()
    }
}
