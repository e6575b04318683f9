//! An attached view: which pane it looks at, what it has seen, what is typed into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::event::ScreenUpdate;
use protocol::frame::{PastePart, ViewId};
use protocol::reply::Attached;
use protocol::request::{Attach, UpdateView};
use protocol::{ClientUuid, Error, ErrorCode, Event, PaneUuid, Size, WindowUuid};
use pty::Seen;
use tokio::sync::watch;

use super::Looks;
use super::focus::{self, Looking};
use super::notices;
use super::typing::{Typed, Typing, WINDOW_BYTES};
use crate::clock::epoch_ms;
use crate::pane::PaneEntry;
use crate::registry::Caller;
use crate::server::Server;
use crate::session::life::{ask, ask_again, leave, tell};
use crate::session::{AttachRequest, SessionMsg};
use crate::session::{Phase, SessionEntry};
use model::session::change::Change;
use model::session::snapshot::SessionSnapshot;

/// Frames that a client has not shown yet. With the second one an echo does not wait for the word that the
/// frame before it was shown.
const FRAMES_AHEAD: usize = 2;

/// One attached view of a connection.
pub(super) struct View {
    pub(super) id: ViewId,
    pub(super) session: Arc<SessionEntry>,
    read_only: bool,
    /// Of the client's terminal.
    size: Size,
    /// The time at which it was attached, in milliseconds since 1970.
    since_ms: u64,
    client: ClientUuid,
    pane: PaneUuid,
    window: WindowUuid,
    focus_epoch: u64,
    changes: watch::Receiver<Arc<SessionSnapshot>>,
    phase: watch::Receiver<Phase>,
    /// What the client has on its screen.
    seen: Seen,
    /// The row of the scrollback that the client has scrolled to.
    scrolled: Option<u64>,
    /// Its frame has been sent: none follows until something is typed.
    is_scrolled_sent: bool,
    /// The person's look at the pane, from its first frame on.
    looking: Option<Looking>,
    /// So many frames may be sent before the client says that it has shown one.
    frames_left: usize,
    frame: Option<BoxFuture<'static, Result<(Seen, ScreenUpdate), Error>>>,
    typing: Typing,
    /// Bytes that were dropped without the client having been told.
    dropped: u64,
}

/// A message of a view to its connection.
pub(super) enum Said {
    /// An event for the client.
    Event(Event),
    /// The view is over.
    Over(String),
}

/// The events that a view waits for.
enum Happened {
    Ended,
    Typed(Typed),
    Frame(Result<(Seen, ScreenUpdate), Error>),
    Changed,
}

impl View {
    /// Attaches a view for this connection.
    pub(super) async fn attach(
        server: &Arc<Server>,
        caller: &Caller,
        address: supervisor::Address<super::ClientMsg>,
        params: Attach,
    ) -> Result<(Self, Attached), Error> {
        let size = params.size.checked()?;
        let registry = &server.registry;
        let (session, wanted) = registry.session_to_view(params.session.as_ref(), caller)?;
        let request = AttachRequest {
            client: caller.client,
            view: params.view,
            address,
            size: (!params.read_only).then_some(size),
            login: match params.read_only {
                true => BTreeMap::new(),
                false => server.config.told_at_login(params.environment),
            },
            terminal: params.terminal,
        };
        let changes = session.changes();
        if let Err(error) = ask_again(&session, |reply| SessionMsg::Attach(request.clone(), reply))
            .await
            .and_then(|attached| attached)
        {
            // It may have been carried out although the answer is lost.
            let _ = leave(&session, caller.client, params.view).await;
            return Err(error);
        }
        let snapshot = session.snapshot();
        let wanted = wanted.and_then(|pane| Some((snapshot.window_of(pane)?.id, pane)));
        let Some((window, pane)) = wanted.or_else(|| focus(&snapshot)) else {
            leave(&session, caller.client, params.view).await?;
            return Err(Error::new(
                ErrorCode::Busy,
                format!("session {} has no pane at this moment", snapshot.name),
            )
            .hint("try again when its orchestration has started one"));
        };
        let view = Self {
            id: params.view,
            read_only: params.read_only,
            size,
            since_ms: epoch_ms(),
            client: caller.client,
            pane,
            window,
            focus_epoch: snapshot.focus_epoch,
            changes,
            phase: session.phase(),
            seen: Seen::default(),
            scrolled: None,
            is_scrolled_sent: false,
            looking: None,
            frames_left: FRAMES_AHEAD,
            frame: None,
            typing: Typing::new(),
            dropped: 0,
            session,
        };
        let attached = view.attached(server);
        Ok((view, attached))
    }

    /// Its look, as everybody may see it.
    pub(super) fn looks(&self) -> Looks {
        Looks {
            session: self.session.id,
            window: self.window,
            pane: self.pane,
            size: self.size,
            read_only: self.read_only,
            since_ms: self.since_ms,
        }
    }

    /// The state of the view, as the client is told.
    pub(super) fn attached(&self, server: &Server) -> Attached {
        let snapshot = self.session.snapshot();
        Attached {
            context: snapshot.context(&server.name),
            window_id: self.window,
            pane_id: self.pane,
            attached_clients: snapshot.attached_clients(),
            panes: u32::try_from(snapshot.panes().count()).unwrap_or(u32::MAX),
            input_window: WINDOW_BYTES,
        }
    }

    /// Changes what it shows or its size.
    pub(super) async fn update(
        &mut self,
        server: &Arc<Server>,
        caller: &Caller,
        params: &UpdateView,
    ) -> Result<Attached, Error> {
        if let Some(terminal) = params.terminal
            && !self.read_only
        {
            tell(
                &self.session,
                SessionMsg::ViewTerminal(caller.client, terminal),
            )
            .await;
        }
        if let Some(size) = params.size {
            let size = size.checked()?;
            self.size = size;
            if !self.read_only {
                tell(&self.session, SessionMsg::ViewSize(caller.client, size)).await;
            }
        }
        let snapshot = self.session.snapshot();
        if let Some(pane) = stepped(&snapshot, self.window, self.pane, params) {
            self.look_at(&snapshot, pane);
            if !self.read_only {
                let change = Box::new(Change::ViewStep(pane));
                ask(&self.session, |reply| SessionMsg::Change(change, reply)).await??;
            }
        }
        if params.scroll != 0
            && let Some(pane) = self.pane(server)
        {
            self.scrolled = pane.io.scroll_from(self.scrolled, params.scroll).await?;
            self.draw_anew();
        }
        if params.redraw {
            self.draw_anew();
        }
        Ok(self.attached(server))
    }

    fn look_at(&mut self, snapshot: &SessionSnapshot, pane: PaneUuid) {
        if let Some(window) = snapshot.window_of(pane) {
            self.window = window.id;
        }
        self.pane = pane;
        self.scrolled = None;
        self.looking = None;
        self.seen = Seen::default();
        self.draw_anew();
    }

    fn draw_anew(&mut self) {
        self.seen = self.seen.anew();
        self.is_scrolled_sent = false;
        self.frame = None;
    }

    /// The person did something by hand: what they see is the end, and the size is theirs.
    fn acted(&mut self, server: &Server, bytes: &[u8]) {
        self.session.note_use(&server.store);
        if self.scrolled.take().is_some() {
            self.draw_anew();
        }
        if self.session.sized_by() != Some(self.client) && is_by_hand(bytes) {
            self.session.typed_by(self.client);
        }
    }

    /// The client has shown a frame.
    pub(super) fn ready(&mut self) {
        self.frames_left = (self.frames_left + 1).min(FRAMES_AHEAD);
    }

    /// The person typed or pasted something.
    pub(super) fn input(&mut self, server: &Server, bytes: &Bytes, part: Option<PastePart>) {
        if self.read_only {
            return;
        }
        if part.is_none()
            && let Some(focused) = focus::report(bytes)
        {
            if let Some(looking) = &mut self.looking {
                looking.focus(focused);
            }
            self.typing.not_typed(bytes);
            return;
        }
        self.acted(server, bytes);
        let pane = self.typing.goes_on_in().map(Arc::clone).or_else(|| {
            let leaf = server.registry.leaf(self.pane)?;
            leaf.writable().map(Arc::clone).ok()
        });
        self.dropped += match pane {
            Some(pane) => self.typing.input(&pane, bytes, part),
            None => self.typing.drop_all(bytes),
        };
    }

    /// The news about the person's input.
    fn told(&mut self) -> Option<Said> {
        let view = self.id;
        if self.dropped > 0 {
            let dropped_bytes = std::mem::take(&mut self.dropped);
            return Some(Said::Event(Event::InputBlocked {
                view,
                dropped_bytes,
            }));
        }
        let bytes = self.typing.told()?;
        Some(Said::Event(Event::InputTaken { view, bytes }))
    }

    fn pane(&self, server: &Server) -> Option<Arc<PaneEntry>> {
        let leaf = server.registry.leaf(self.pane)?;
        Some(Arc::clone(leaf.pane()))
    }

    /// Waits until there is something to say. Safe to cancel.
    pub(super) async fn next(&mut self, server: &Arc<Server>) -> Said {
        loop {
            if let Some(said) = self.told() {
                return said;
            }
            self.start_work(server);
            match self.happens().await {
                Happened::Ended => return Said::Over(self.why_ended(server)),
                Happened::Typed(typed) => self.dropped += self.typing.typed(typed),
                Happened::Frame(Ok((seen, mut update))) => {
                    if !update.notices.is_empty() {
                        let leaf = server.registry.leaf(self.pane);
                        let name = leaf.and_then(|leaf| leaf.name());
                        let session = &self.session.snapshot().name;
                        notices::mark(&mut update, name.as_deref(), session);
                    }
                    self.frame = None;
                    self.seen = seen;
                    self.is_scrolled_sent = self.scrolled.is_some();
                    self.frames_left -= 1;
                    self.look(server, update.modes);
                    return Said::Event(Event::Screen {
                        view: self.id,
                        update,
                    });
                }
                // The pane is gone; the session's next snapshot says where to look.
                Happened::Frame(Err(_)) => {
                    self.frame = None;
                    if let Some(said) = self.follow(server) {
                        return said;
                    }
                }
                Happened::Changed => {
                    if let Some(said) = self.follow(server) {
                        return said;
                    }
                }
            }
        }
    }

    async fn happens(&mut self) -> Happened {
        tokio::select! {
            biased;
            _ = self.phase.wait_for(|phase| *phase == Phase::Ended) => Happened::Ended,
            typed = self.typing.next() => Happened::Typed(typed),
            frame = maybe(&mut self.frame) => Happened::Frame(frame),
            Ok(()) = self.changes.changed() => Happened::Changed,
        }
    }

    fn start_work(&mut self, server: &Server) {
        if self.frames_left > 0
            && self.frame.is_none()
            && !self.is_scrolled_sent
            && let Some(pane) = self.pane(server)
        {
            let (seen, scrolled) = (self.seen, self.scrolled);
            let frame = async move {
                match scrolled {
                    Some(first) => pane.io.frame_scrolled(first, seen).await,
                    None => pane.io.next_frame(seen).await,
                }
            };
            self.frame = Some(frame.boxed());
        }
    }

    /// The client gets a frame of its pane: its person looks at it.
    fn look(&mut self, server: &Server, modes: u32) {
        if let Some(looking) = &mut self.looking {
            looking.modes(modes);
        } else if !self.read_only
            && let Some(leaf) = server.registry.leaf(self.pane)
            && let Ok(pane) = leaf.writable()
        {
            self.looking = Some(Looking::begin(Arc::clone(pane), modes));
        }
    }

    /// After a change of the session: the pane may be gone, or somebody selected another one for all.
    fn follow(&mut self, server: &Server) -> Option<Said> {
        let snapshot = self.session.snapshot();
        let selected = snapshot.focus_epoch != self.focus_epoch;
        self.focus_epoch = snapshot.focus_epoch;
        let gone = snapshot.window_of(self.pane).is_none();
        if !selected && !gone {
            return None;
        }
        let in_window = snapshot.window(self.window).map(|window| window.focused);
        let target = match in_window {
            Some(pane) if gone && !selected => Some(pane),
            _ => snapshot.focused_pane(),
        };
        let target = target.filter(|target| *target != self.pane)?;
        self.look_at(&snapshot, target);
        self.frames_left = FRAMES_AHEAD;
        Some(Said::Event(Event::Switched {
            view: self.id,
            attached: self.attached(server),
        }))
    }

    fn why_ended(&self, server: &Server) -> String {
        let name = &self.session.snapshot().name;
        let end = server.registry.ended_pane(self.pane);
        let exit = end.and_then(|ended| ended.end.status.exit.clone());
        match exit {
            Some(exit) => format!("session {name} ended: {exit}"),
            None => format!("session {name} ended"),
        }
    }
}

/// True if somebody typed or clicked: to move the mouse and to turn its wheel is to look.
///
/// Source: xterm ctlseqs, SGR mouse reports.
fn is_by_hand(bytes: &[u8]) -> bool {
    const WHEEL: u32 = 64;
    const MOTION: u32 = 32;
    let Some(report) = bytes.strip_prefix(b"\x1b[<") else {
        return !bytes.starts_with(b"\x1b[M");
    };
    let button = report
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    let button = std::str::from_utf8(button)
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    button.is_some_and(|button| button & (WHEEL | MOTION) == 0)
}

async fn maybe<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

fn focus(snapshot: &SessionSnapshot) -> Option<(WindowUuid, PaneUuid)> {
    let window = snapshot.focused_window()?;
    Some((window.id, window.focused))
}

/// The pane so many windows or panes further on, in a circle.
fn stepped(
    snapshot: &SessionSnapshot,
    window: WindowUuid,
    pane: PaneUuid,
    params: &UpdateView,
) -> Option<PaneUuid> {
    let circle = |at: usize, step: i32, len: usize| {
        let len = i64::try_from(len).ok().filter(|len| *len > 0)?;
        let at = i64::try_from(at).ok()? + i64::from(step);
        usize::try_from(at.rem_euclid(len)).ok()
    };
    let at = snapshot.windows.iter().position(|w| w.id == window)?;
    if params.window_step != 0 {
        let next = circle(at, params.window_step, snapshot.windows.len())?;
        return Some(snapshot.windows[next].focused);
    }
    if params.pane_step != 0 {
        let panes = snapshot.windows[at].layout.panes();
        let at = panes.iter().position(|p| *p == pane)?;
        return panes
            .get(circle(at, params.pane_step, panes.len())?)
            .copied();
    }
    None
}
