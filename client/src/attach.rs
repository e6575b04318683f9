//! An attached view: a session's focused pane on the caller's own terminal.
//!
//! The server sends what changed, the view draws it and says that it is ready for more, so a slow
//! terminal skips frames instead of queueing them. What is typed goes to the server as it is.

mod link;
mod prefix;
mod render;
mod terminal;
mod viewer;

use std::time::{Duration, Instant};

use protocol::fleet::Server;
use protocol::request::{GetSession, Whoami};
use protocol::{Error, ErrorCode, Size, Target};

use crate::cli::Outcome;
pub(crate) use link::Line;
use link::Link;
use terminal::{Signals, Terminal};
use viewer::{Ending, Viewer};

/// How long a lost server is looked for.
const LOST_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two tries.
const LOST_PAUSE: Duration = Duration::from_millis(100);

/// How long the two questions of the nesting check may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// What is attached and how.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Which session; the active one when absent.
    pub(crate) session: Option<Target>,
    /// What is typed does not reach the session.
    pub(crate) read_only: bool,
}

/// The size of the caller's terminal, when there is one.
pub(crate) fn terminal_size() -> Option<Size> {
    terminal::size_of(std::io::stdout()).or_else(|| terminal::size_of(std::io::stdin()))
}

/// Refuses a session that would be shown inside itself.
///
/// # Errors
/// `denied` for the caller's own session.
pub(crate) async fn refuse_own_session(line: &Line, view: &View) -> Result<(), Error> {
    let own = line.connection.call(&Whoami {}, ASK_LIMIT).await?.session;
    let Some(own) = own else { return Ok(()) };
    let get = GetSession {
        session: view.session.clone(),
    };
    let wanted = line.connection.call(&get, ASK_LIMIT).await?.context;
    if own.session_id != wanted.session_id {
        return Ok(());
    }
    let message = format!(
        "this command runs inside session {}, which would be shown inside itself",
        own.session_name
    );
    Err(Error::new(ErrorCode::Denied, message).hint("name another session, or add --nested"))
}

/// Shows the session on the caller's terminal until the view ends, and says why it ended.
pub(crate) async fn attach(server: &Server, line: Line, view: View) -> Outcome {
    let mut terminal = Terminal::open()?;
    let size = terminal.size();
    let mut link = Link::attach(line, &view, size).await?;
    let name = link.attached.context.session_name.to_string();
    let mut signals = Signals::listen()?;
    terminal.enter()?;
    let ending = {
        let mut viewer = Viewer::new(&terminal, view.read_only);
        // Resized before anybody listened.
        if terminal.size() != size {
            viewer.resized(&link);
        }
        show(server, &view, &mut link, &mut viewer, &mut signals).await
    };
    drop(terminal);
    if matches!(
        ending,
        Ending::Detached | Ending::Signal(_) | Ending::TerminalGone
    ) {
        link.detach().await;
    }
    let (line, status) = last_words(&ending, &name, server.name().as_str());
    // A terminal that is gone takes no words.
    if !matches!(ending, Ending::TerminalGone) {
        crate::cli::print_line(&line)?;
    }
    Ok(status)
}

/// Shows one connection after the other until the view ends for good.
async fn show(
    server: &Server,
    view: &View,
    link: &mut Link,
    viewer: &mut Viewer<'_>,
    signals: &mut Signals,
) -> Ending {
    loop {
        let ending = viewer.watch(link, signals).await;
        let Ending::Lost(why) = ending else {
            return ending;
        };
        // The server said why it closes, so it does not come back for us; but a view that was stopped
        // for a while is only late.
        if !matches!(why.code, ErrorCode::ServerUnreachable | ErrorCode::Timeout) {
            return Ending::Lost(why);
        }
        let same = View {
            session: Some(link.attached.context.session_id.into()),
            read_only: view.read_only,
        };
        match search(server, &same, viewer, signals).await {
            Ok(found) => *link = found,
            Err(Some(ending)) => return ending,
            Err(None) => return Ending::Lost(why),
        }
    }
}

/// Looks for a server that is being restarted. `None` when it did not come back.
async fn search(
    server: &Server,
    view: &View,
    viewer: &mut Viewer<'_>,
    signals: &mut Signals,
) -> Result<Link, Option<Ending>> {
    viewer.say("the server is gone; looking for it (C-b d leaves)");
    let end = Instant::now() + LOST_LIMIT;
    loop {
        let size = viewer.size();
        let again = async {
            let link = Link::open(server, view, size).await;
            if link.is_err() {
                tokio::time::sleep(LOST_PAUSE).await;
            }
            link
        };
        tokio::select! {
            link = again => match link {
                Ok(link) => {
                    viewer.welcome();
                    return Ok(link);
                }
                Err(error) if error.code == ErrorCode::NotFound => {
                    return Err(Some(Ending::SessionLost));
                }
                Err(_) if Instant::now() >= end => return Err(None),
                Err(_) => {}
            },
            ending = viewer.wait_for_leave(signals) => return Err(Some(ending)),
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
