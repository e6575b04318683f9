//! Attached views as a client sees them.

use bytes::Bytes;
use protocol::event::ScreenUpdate;
use protocol::frame::ViewId;
use protocol::id::PaneUuid;
use protocol::reply::Attached;
use protocol::request::{Attach, Detach};
use protocol::terminal::TerminalFacts;
use protocol::{Error, Event, Size, Target, transport};

use super::LIMIT;
use super::daemon::{Client, Daemon};

/// The size of most views.
pub const VIEW_SIZE: Size = Size::new(24, 80);

/// How a view is attached.
pub fn attach(view: ViewId, session: impl Into<Target>) -> Attach {
    Attach {
        view,
        session: Some(session.into()),
        size: VIEW_SIZE,
        read_only: false,
        environment: std::collections::BTreeMap::new(),
        terminal: TerminalFacts::default(),
    }
}

/// A name as a target.
pub fn named(name: &str) -> Target {
    Target::parse(name).unwrap()
}

impl Daemon {
    /// A connection that says that it comes from inside a pane.
    pub async fn client_inside(&self, pane: PaneUuid) -> Client {
        let mut hello = transport::client_hello("inside");
        hello.caller_pane = Some(pane);
        let (connection, events) = transport::connect(&self.socket(), hello).await.unwrap();
        Client { connection, events }
    }
}

impl Client {
    /// Attaches a view.
    pub async fn attach(&self, view: ViewId, session: impl Into<Target>) -> Attached {
        self.ok(attach(view, session)).await
    }

    /// Takes a view away.
    pub async fn detach(&self, view: ViewId) -> Result<(), Error> {
        self.call(Detach { view }).await.map(drop)
    }

    /// Clients attached to a session, as everybody is told.
    pub async fn attached(&self, session: &str) -> u32 {
        let sessions = self.sessions().await;
        let found = sessions.iter().find(|info| info.name.as_str() == session);
        found
            .unwrap_or_else(|| panic!("no session {session}"))
            .attached_clients
    }

    /// The next event.
    pub async fn event(&mut self) -> Event {
        let next = tokio::time::timeout(LIMIT, self.events.recv()).await;
        match next {
            Ok(Some(event)) => event,
            Ok(None) => panic!("closed: {}", self.connection.why_closed()),
            Err(_) => panic!("no event came"),
        }
    }

    /// The next change of the screen, asked for another one.
    pub async fn screen(&mut self, view: ViewId) -> ScreenUpdate {
        loop {
            if let Event::Screen {
                view: shown,
                update,
            } = self.event().await
                && shown == view
            {
                self.connection.ready(view).await.unwrap();
                return update;
            }
        }
    }

    /// Types into a view.
    pub async fn types(&self, view: ViewId, text: &str) {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.connection.input(view, bytes).await.unwrap();
    }
}

/// The rows of an update as one text, for looking for something in it.
pub fn shown(update: &ScreenUpdate) -> String {
    let rows = update
        .rows
        .iter()
        .map(|row| String::from_utf8_lossy(&row.ansi));
    rows.collect::<Vec<_>>().join("\n")
}
