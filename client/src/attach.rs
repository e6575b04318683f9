//! An attached view: a session's focused pane on the caller's own terminal.
//!
//! The server sends what changed, the view draws it and says that it is ready for more, so a slow
//! terminal skips frames instead of queueing them. What is typed goes to the server as it is.

mod kept;
mod link;
mod message;
mod outer;
mod picture;
mod signals;
mod viewer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::fleet::Remote;
use protocol::fleet::reach::{Happened, Pace, Way, heals};
use protocol::reply::Attached;
use protocol::request::{GetSession, WaitPane, Whoami};
use protocol::terminal::TerminalFacts;
use protocol::transport::Route;
use protocol::transport::ssh::{Asking, SshRoute};
use protocol::{Error, ErrorCode, Size, Target, transport};

use crate::cli::Outcome;
pub(crate) use link::Link;
use message::Message;
use outer::guard::{self, Terminal};
use signals::Signals;
use viewer::{Ending, Viewer};

/// The time for which a lost server is looked for.
const LOST_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two tries.
const LOST_PAUSE: Duration = Duration::from_millis(100);

/// The time that the two questions of the nesting check may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// The options of an attached view.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Which session; the active one when absent.
    pub(crate) session: Option<Target>,
    /// What is typed does not reach the session.
    pub(crate) read_only: bool,
    /// The wheel of the mouse goes through the scrollback, for which the view has the mouse.
    pub(crate) mouse: bool,
    /// Titles that programs set become the terminal's own.
    pub(crate) titles: bool,
    /// Variables of the person's login that the session learns.
    pub(crate) login: BTreeMap<String, Option<String>>,
    /// What programs copy reaches the terminal's clipboard.
    pub(crate) clipboard: bool,
    /// What programs want noticed is told to the terminal.
    pub(crate) notifications: bool,
}

/// The size of the caller's terminal, when there is one.
pub(crate) fn terminal_size() -> Option<Size> {
    guard::size_of(std::io::stdout()).or_else(|| guard::size_of(std::io::stdin()))
}

/// Refuses a session that would be shown inside itself.
///
/// # Errors
/// `denied` for the caller's own session.
pub(crate) fn refuse_own_session(link: &mut Link, view: &View) -> Result<(), Error> {
    let own = link.call(&Whoami {}, ASK_LIMIT)?.session;
    let Some(own) = own else { return Ok(()) };
    let wanted = match &view.session {
        Some(pane @ (Target::Window(_) | Target::Pane(_) | Target::Path(_))) => {
            let pane = pane.clone();
            let timeout_ms = 0;
            link.call(&WaitPane { pane, timeout_ms }, ASK_LIMIT)?
                .context
        }
        session => {
            let session = session.clone();
            link.call(&GetSession { session }, ASK_LIMIT)?.context
        }
    };
    if own.session_id != wanted.session_id {
        return Ok(());
    }
    let message = format!(
        "this command runs inside session {}, which would be shown inside itself",
        own.session_name
    );
    Err(Error::new(ErrorCode::Denied, message).hint("name another session, or add --nested"))
}

/// Shows the session on the caller's terminal until the view ends, and says why it ended. Blocks
/// its thread for that long: a view has nothing to do beside itself.
pub(crate) fn attach(server: &Arc<Remote>, mut link: Link, view: &View) -> Outcome {
    let mut terminal = Terminal::open()?;
    let size = terminal.size();
    let facts = TerminalFacts {
        colors: None,
        cell: terminal.cell(),
    };
    let attached = first(server, &mut link, view, size, facts)?;
    let context = &attached.context;
    let mut signals = Signals::listen()?;
    terminal.enter()?;
    // Others may have attached from a newer login before it is attached again.
    let same = View {
        session: Some(context.session_id.into()),
        login: BTreeMap::new(),
        ..*view
    };
    let (ending, kept) = {
        let mut viewer = Viewer::new(&terminal, view);
        viewer.ask();
        if let Some(notice) = notice(view, &attached) {
            viewer.say(notice);
        }
        // Resized before anybody listened.
        if terminal.size() != size {
            let _ = viewer.resized(&mut link);
        }
        let ending = show(server, &same, &mut link, &mut viewer, &mut signals);
        viewer.await_answers();
        (ending, viewer.kept.bytes())
    };
    drop(terminal);
    // Also after the end of the session: the server has the terminal in its care until it is told that all is well.
    let unread = match ending {
        Ending::Lost(_) => link.waiting_input(),
        Ending::Ended(_) | Ending::SessionLost => {
            let unread = link.waiting_input();
            link.leave();
            unread
        }
        Ending::Detached | Ending::Signal(_) | Ending::TerminalGone => link.detach(),
    } + kept;
    let name = context.session_name.as_str();
    let (line, status) = last_words(&ending, name, server.name().as_str());
    // A terminal that is gone takes no words.
    if !matches!(ending, Ending::TerminalGone) {
        crate::cli::print_line(&line)?;
        if unread > 0 {
            crate::cli::print_line(&format!(
                "[{unread} bytes of what was typed were not read by the program and are lost]"
            ))?;
        }
    }
    Ok(status)
}

/// The message at the beginning of a view that does not show all, or does not take keys.
fn notice(view: &View, attached: &Attached) -> Option<Message> {
    let more = (attached.panes > 1).then(|| {
        let panes = attached.panes;
        Message::new([
            format!(
                "one of {panes} panes: C-b o shows the next, C-b n the next window's, C-b ? helps"
            ),
            format!("one of {panes} panes: C-b o shows the next, C-b ? helps"),
            format!("one of {panes} panes: C-b ? helps"),
            format!("one of {panes} panes"),
        ])
    });
    let reads = view.read_only.then(|| {
        Message::new([
            "read-only: keys do not reach the session, C-b d leaves",
            "read-only: C-b d leaves",
            "read-only",
        ])
    });
    match (reads, more) {
        (Some(reads), Some(more)) => Some(reads.and(more)),
        (one, other) => one.or(other),
    }
}

/// Attaches for the first time. A server that is being replaced at that moment is followed by the next one.
fn first(
    server: &Remote,
    link: &mut Link,
    view: &View,
    size: Size,
    facts: TerminalFacts,
) -> Result<Attached, Error> {
    let end = Instant::now() + transport::grace() + LOST_LIMIT;
    loop {
        match link.attach(view, size, facts) {
            Err(why) if why.code == ErrorCode::ServerUnreachable && Instant::now() < end => {}
            attached => return attached,
        }
        std::thread::sleep(LOST_PAUSE);
        // One that is not there yet is looked for again, up to the same end.
        if let Ok(next) = Link::open_again(server, Asking::Never) {
            *link = next;
        }
    }
}

/// Shows one connection after the other until the view ends for good.
fn show(
    server: &Arc<Remote>,
    view: &View,
    link: &mut Link,
    viewer: &mut Viewer<'_>,
    signals: &mut Signals,
) -> Ending {
    loop {
        let ending = viewer.watch(link, signals);
        if !ending.may_come_back() {
            return ending;
        }
        // A server that took this process for dead has put the terminal back.
        let is_late = matches!(&ending, Ending::Lost(why) if why.code == ErrorCode::Timeout);
        if is_late && let Err(instead) = viewer.enter_again() {
            return instead;
        }
        viewer.kept.take_over(link);
        link.end_input();
        let found = match server.route() {
            Route::Unix { .. } => search(server, view, viewer, signals),
            Route::Ssh(route) => search_far((server, route), view, viewer, signals),
        };
        match found {
            Ok(found) => *link = found,
            Err(Ending::Lost(_)) if server.socket().is_some() => return ending,
            Err(instead) => return instead,
        }
    }
}

/// Looks for a server that is being restarted.
fn search(
    server: &Remote,
    view: &View,
    viewer: &mut Viewer<'_>,
    signals: &mut Signals,
) -> Result<Link, Ending> {
    viewer.say(Message::new([
        "the server is gone; looking for it (C-b d leaves)",
        "the server is gone (C-b d leaves)",
    ]));
    let begun = Instant::now();
    let end = begun + transport::grace() + LOST_LIMIT;
    loop {
        let open = match begun.elapsed() >= transport::grace() {
            true => Link::open_again,
            false => Link::open,
        };
        let again = open(server, Asking::Never).and_then(|mut link| {
            link.attach(view, viewer.size(), viewer.facts())?;
            Ok(link)
        });
        match again {
            Ok(link) => {
                viewer.welcome();
                return Ok(link);
            }
            Err(error) if error.code == ErrorCode::NotFound => return Err(Ending::SessionLost),
            Err(error) if Instant::now() >= end => return Err(Ending::Lost(error)),
            Err(_) => viewer.idle(signals, LOST_PAUSE)?,
        }
    }
}

/// Looks for a server on another machine for as long as somebody waits for it. What is typed meanwhile was meant for a picture that
/// is old by then, and goes nowhere; what was typed before is sent.
fn search_far(
    (server, route): (&Arc<Remote>, &SshRoute),
    view: &View,
    viewer: &mut Viewer<'_>,
    signals: &mut Signals,
) -> Result<Link, Ending> {
    let name = server.name();
    viewer.say(Message::new([
        format!(
            "the connection to {name} is lost: keys go nowhere until it is back (C-b d leaves)"
        ),
        format!("no connection to {name}: keys go nowhere (C-b d leaves)"),
        "no connection: keys go nowhere".to_owned(),
    ]));
    let before = std::mem::take(&mut viewer.kept);
    let mut way = Way::new(Pace::FAR, u64::from(std::process::id()));
    loop {
        way.take(Happened::Wanted, Instant::now());
        let (asked, route) = (Arc::clone(server), route.clone());
        // ssh may take its time, in which the view can be left.
        let opening = std::thread::spawn(move || {
            route.end_shared();
            Link::open(&asked, Asking::Never)
        });
        while !opening.is_finished() {
            viewer.idle(signals, LOST_PAUSE)?;
        }
        let opened = opening.join().unwrap_or_else(|_| {
            Err(Error::new(
                ErrorCode::Internal,
                "opening a connection panicked",
            ))
        });
        let again = opened.and_then(|mut link| {
            link.attach(view, viewer.size(), viewer.facts())?;
            Ok(link)
        });
        match again {
            Ok(link) => {
                viewer.kept = before;
                viewer.welcome();
                return Ok(link);
            }
            Err(error) if error.code == ErrorCode::NotFound => return Err(Ending::SessionLost),
            Err(error) if !heals(&error) => return Err(Ending::Lost(error)),
            Err(error) => {
                way.take(Happened::Failed(error), Instant::now());
                while way.wake_at().is_some_and(|at| at > Instant::now()) {
                    viewer.idle(signals, LOST_PAUSE)?;
                }
            }
        }
    }
}

/// The line that stays on the terminal, and the exit status.
fn last_words(ending: &Ending, session: &str, server: &str) -> (String, u8) {
    match ending {
        Ending::Detached => (format!("[detached from session {session}]"), 0),
        Ending::Ended(reason) => (format!("[{reason}]"), 0),
        Ending::SessionLost => (format!("[session {session} was lost with the server]"), 1),
        Ending::Lost(why) if why.code == ErrorCode::ServerUnreachable => {
            (format!("[server {server} exited]"), 4)
        }
        Ending::Lost(why) => (format!("[server {server} exited: {why}]"), 1),
        Ending::Signal(signal) => (
            format!("[detached from session {session}]"),
            u8::try_from(128 + signal).unwrap_or(1),
        ),
        Ending::TerminalGone => (String::new(), 1),
    }
}

#[cfg(test)]
mod tests;
