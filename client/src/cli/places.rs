//! Places: what people call windows and panes, such as `build/0.1`, the window's index and the pane's within it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use protocol::fleet::Remote;
use protocol::reply::{PaneInfo, Panes, WindowInfo};
use protocol::request::{ListPanes, ListWindows};
use protocol::{Error, PaneUuid, ServerName, SessionUuid, Target, WindowUuid};

use super::Caller;
use super::output::table::Cell;

/// The windows of some sessions.
#[derive(Debug, Default)]
pub(crate) struct Places {
    windows: HashMap<WindowUuid, Window>,
}

#[derive(Clone, Debug)]
struct Window {
    index: u32,
    focused: bool,
    /// The way to it from its session, in words: `/logs`, `/2` where its name does not say which one, nothing where it is the only one.
    words: Option<String>,
}

impl Places {
    /// The places of `panes`. A session that has ended meanwhile has none.
    pub(crate) async fn of(server: &Arc<Remote>, panes: &[PaneInfo], limit: Duration) -> Self {
        let mut places = Self::default();
        places.note(panes);
        // An older server does not say with the pane where its window is.
        let unknown = panes.iter().filter(|pane| pane.window_index.is_none());
        let sessions = unknown.map(|pane| pane.session_id).collect();
        places.ask(server, sessions, limit).await;
        places
    }

    /// The places of `panes` in words, for which all windows of their sessions must be known.
    pub(crate) async fn in_words(
        server: &Arc<Remote>,
        panes: &[PaneInfo],
        limit: Duration,
    ) -> Self {
        let mut places = Self::default();
        places.note(panes);
        let sessions = panes.iter().map(|pane| pane.session_id).collect();
        places.ask(server, sessions, limit).await;
        places
    }

    /// Asks for the windows of sessions.
    async fn ask(
        &mut self,
        server: &Arc<Remote>,
        sessions: BTreeSet<SessionUuid>,
        limit: Duration,
    ) {
        let ask = |session: SessionUuid| {
            let server = Arc::clone(server);
            tokio::spawn(async move {
                let list = ListWindows {
                    session: Some(session.into()),
                };
                server.call(&list, limit).await
            })
        };
        let asked: Vec<_> = sessions.into_iter().map(ask).collect();
        for answer in asked {
            if let Ok(Ok(reply)) = answer.await {
                self.add(&reply.windows);
            }
        }
    }

    /// The windows as their panes tell them.
    fn note(&mut self, panes: &[PaneInfo]) {
        self.windows.extend(panes.iter().filter_map(|pane| {
            let place = Window {
                index: pane.window_index?,
                focused: pane.window_focused.unwrap_or_default(),
                words: None,
            };
            Some((pane.window_id, place))
        }));
    }

    pub(crate) fn add(&mut self, windows: &[WindowInfo]) {
        self.windows.extend(windows.iter().map(|window| {
            let place = Window {
                index: window.index,
                focused: window.focused,
                words: Some(words(window, windows)),
            };
            (window.window_id, place)
        }));
    }

    /// True for the one pane of its session that keys go to.
    pub(crate) fn has_keys(&self, pane: &PaneInfo) -> bool {
        let window = self.windows.get(&pane.window_id);
        pane.focused && window.is_some_and(|window| window.focused)
    }

    /// The way to the pane from its session: `/0.1`, or `.1` when its window is not known.
    fn within(&self, pane: &PaneInfo) -> String {
        match self.windows.get(&pane.window_id) {
            Some(window) => format!("/{}.{}", window.index, pane.index),
            None => format!(".{}", pane.index),
        }
    }

    /// The way to the pane from its session, in words: `/logs.1`, `.1`.
    pub(crate) fn named(&self, pane: &PaneInfo) -> String {
        let window = self.windows.get(&pane.window_id);
        match window.and_then(|window| window.words.as_ref()) {
            Some(words) => format!("{words}.{}", pane.index),
            None => self.within(pane),
        }
    }

    /// The pane as a target: `build/0.1`.
    pub(crate) fn address(&self, pane: &PaneInfo) -> String {
        format!("{}{}", pane.session_name, self.within(pane))
    }

    /// The same in a table, where a long name may be cut and the rest is kept.
    pub(crate) fn cell(&self, caller: &Caller, server: &ServerName, pane: &PaneInfo) -> Cell {
        let mark = if self.has_keys(pane) { "*" } else { "" };
        caller
            .cell(server, &pane.session_name)
            .tail(&self.within(pane))
            .tail(mark)
    }
}

/// See [`Window::words`].
fn words(window: &WindowInfo, all: &[WindowInfo]) -> String {
    let name = window.name.as_str();
    let is_index = name.bytes().all(|byte| byte.is_ascii_digit());
    let alike = all.iter().filter(|other| other.name == window.name).count();
    match (all.len(), is_index || alike > 1) {
        (1, _) => String::new(),
        (_, true) => format!("/{}", window.index),
        (_, false) => format!("/{name}"),
    }
}

/// Panes with what people call them.
#[derive(Debug, Default)]
pub(crate) struct Named {
    panes: HashMap<PaneUuid, PaneInfo>,
    places: Places,
}

impl Named {
    /// The panes of a session, or of the whole server.
    ///
    /// # Errors
    /// Those of `list_panes`.
    pub(crate) async fn of(
        server: &Arc<Remote>,
        session: Option<Target>,
        limit: Duration,
    ) -> Result<Self, Error> {
        let list = ListPanes {
            all: session.is_none(),
            session,
            window: None,
        };
        let Panes { panes, .. } = server.call(&list, limit).await?;
        let places = Places::in_words(server, &panes, limit).await;
        Ok(Self::new(panes, places))
    }

    pub(crate) fn new(panes: Vec<PaneInfo>, places: Places) -> Self {
        let panes = panes.into_iter().map(|pane| (pane.pane_id, pane)).collect();
        Self { panes, places }
    }

    pub(crate) fn pane(&self, id: PaneUuid) -> Option<&PaneInfo> {
        self.panes.get(&id)
    }

    /// A pane that is there as people call it: `build/logs.1`.
    pub(crate) fn words(&self, id: PaneUuid) -> Option<String> {
        let pane = self.pane(id)?;
        Some(format!("{}{}", pane.session_name, self.places.named(pane)))
    }

    /// The address of a pane that is there.
    pub(crate) fn address(&self, id: PaneUuid) -> Option<String> {
        self.pane(id).map(|pane| self.places.address(pane))
    }
}
