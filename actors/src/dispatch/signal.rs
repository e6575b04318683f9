//! The request that sends a signal to the processes of a pane.

use std::sync::Arc;
use std::time::Duration;

use keeper::SignalScope;
use protocol::reply::Signalled;
use protocol::request::{SignalPane, SignalTo};
use protocol::{Error, ErrorCode};
use tokio::time::timeout;

use super::pane::session_of;
use crate::registry::Caller;
use crate::server::Server;

/// The highest number of a signal. Source: signal(7), SIGRTMAX.
const LAST: i32 = 64;

/// The time that the pane's keeper may take.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn signal(
    server: &Arc<Server>,
    caller: &Caller,
    params: SignalPane,
) -> Result<Signalled, Error> {
    let number = params.signal;
    if !(1..=LAST).contains(&number) {
        return Err(Error::invalid(format!("there is no signal {number}"))
            .hint(format!("signals have the numbers 1 to {LAST}")));
    }
    let leaf = server.registry.find_leaf(&params.pane, caller)?;
    let pane = leaf.writable()?;
    let session = session_of(server, pane.session, &pane.shown())?;
    let gone = || {
        Error::new(
            ErrorCode::PaneExited,
            format!("the program of pane {} has ended", params.pane),
        )
        .hint("a signal needs a program that runs")
    };
    if pane.state().borrow().has_ended() {
        return Err(gone());
    }
    let scope = match params.to {
        SignalTo::Foreground => SignalScope::ForegroundGroup,
        SignalTo::Program => SignalScope::Program,
        SignalTo::All => SignalScope::All,
    };
    let process = pane.process();
    let sent = timeout(LIMIT, process.keeper.signal(number, scope)).await;
    let away = |why: String| {
        Error::new(
            ErrorCode::Unreachable,
            format!("the signal was not sent: {why}"),
        )
        .hint("`fugue panes` or fugue_list_panes says how the pane is")
    };
    let processes = match sent {
        Ok(Ok(0)) => return Err(gone()),
        Ok(Ok(processes)) => processes,
        Ok(Err(error)) => return Err(away(error.to_string())),
        Err(_) => return Err(away(format!("its keeper did not answer within {LIMIT:?}"))),
    };
    tracing::info!(pane = %pane.shown(), pane_id = %pane.id, signal = number, processes, "signal sent");
    Ok(Signalled {
        context: session.context(&server.name),
        pane_id: pane.id,
        processes,
    })
}
