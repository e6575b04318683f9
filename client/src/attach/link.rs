//! One connection with one attached view.

use std::sync::Arc;
use std::time::Duration;

use protocol::connection::Connection;
use protocol::fleet::Server;
use protocol::frame::ViewId;
use protocol::reply::Attached;
use protocol::request::{Attach, Detach, UpdateView};
use protocol::{Error, Event, Size, transport};
use tokio::sync::mpsc;

use super::View;

/// The one view of this connection.
pub(super) const VIEW: ViewId = 1;

/// How long attaching may take.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// How long a change of the view may take.
const UPDATE_LIMIT: Duration = Duration::from_secs(10);

/// How long a polite goodbye may take; closing the connection does the same.
const DETACH_LIMIT: Duration = Duration::from_millis(500);

/// An open connection on which nothing is attached yet.
pub(crate) struct Line {
    /// For calls before the view is attached.
    pub(crate) connection: Connection,
    events: mpsc::Receiver<Event>,
}

impl Line {
    /// Connects. One connection serves for making, asking and attaching, so that an attached
    /// person is one client of the server.
    pub(crate) async fn open(server: &Server) -> Result<Self, Error> {
        let hello = transport::client_hello("fugue");
        let (connection, events) = transport::connect(server.socket(), hello).await?;
        Ok(Self { connection, events })
    }
}

/// An open connection and what it shows.
pub(super) struct Link {
    pub(super) connection: Arc<Connection>,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) attached: Attached,
}

impl Link {
    /// Attaches.
    pub(super) async fn attach(line: Line, view: &View, size: Size) -> Result<Self, Error> {
        let Line { connection, events } = line;
        let attach = Attach {
            view: VIEW,
            session: view.session.clone(),
            size,
            read_only: view.read_only,
        };
        let attached = connection.call(&attach, ATTACH_LIMIT).await?;
        Ok(Self {
            connection: Arc::new(connection),
            events,
            attached,
        })
    }

    /// Connects and attaches.
    pub(super) async fn open(server: &Server, view: &View, size: Size) -> Result<Self, Error> {
        Self::attach(Line::open(server).await?, view, size).await
    }

    /// Asks for a change of the view. Nobody waits for the answer: what comes of it is drawn.
    pub(super) fn update(&self, update: UpdateView) {
        let connection = Arc::clone(&self.connection);
        tokio::spawn(async move { connection.call(&update, UPDATE_LIMIT).await });
    }

    /// Says goodbye, so that the server has seen all input and counts one client less.
    pub(super) async fn detach(&self) {
        let _ = self
            .connection
            .call(&Detach { view: VIEW }, DETACH_LIMIT)
            .await;
    }
}

/// A change of the view that changes nothing yet.
pub(super) fn no_change() -> UpdateView {
    UpdateView {
        view: VIEW,
        size: None,
        window_step: 0,
        pane_step: 0,
        redraw: false,
    }
}
