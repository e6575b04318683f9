//! Questions to a session's actor, which may be about to be restarted.

use std::time::Duration;

use protocol::frame::ViewId;
use protocol::{ClientUuid, Error, ErrorCode};
use supervisor::{ActorId, CallError};

use super::entry::{Phase, SessionEntry};
use super::message::SessionMsg;

/// The time that a session's actors may take to start or to answer.
pub(crate) const SESSION_LIMIT: Duration = Duration::from_secs(5);

/// Asks the session's actor, which may be about to be restarted.
///
/// # Errors
/// `not_found` when the session has ended; `busy` when its actor does not answer.
pub(crate) async fn ask<R>(
    entry: &SessionEntry,
    make: impl FnOnce(supervisor::Reply<R>) -> SessionMsg,
) -> Result<R, Error> {
    let address = address(entry, None).await?;
    let answer = address.call(make, SESSION_LIMIT).await;
    answer.map_err(|error| unanswered(entry, error))
}

/// As [`ask`] for what does no harm when it is carried out twice: the next actor is asked when one
/// has ended before it answered.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn ask_again<R>(
    entry: &SessionEntry,
    make: impl Fn(supervisor::Reply<R>) -> SessionMsg,
) -> Result<R, Error> {
    const MORE_TRIES: usize = 2;
    let mut asked = address(entry, None).await?;
    let mut answer = asked.call(&make, SESSION_LIMIT).await;
    for _ in 0..MORE_TRIES {
        if !matches!(answer, Err(CallError::Gone)) {
            break;
        }
        asked = address(entry, Some(asked.id())).await?;
        answer = asked.call(&make, SESSION_LIMIT).await;
    }
    answer.map_err(|error| unanswered(entry, error))
}

fn unanswered(entry: &SessionEntry, error: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::Busy,
        format!("session {}: {error}", entry.snapshot().name),
    )
    .hint("look whether it was carried out, and try again; `fugue tree` or fugue_actor_tree shows what its actor does")
}

/// Tells the session's actor something that must arrive as long as the session lives.
pub(crate) async fn tell(entry: &SessionEntry, msg: SessionMsg) {
    if let Ok(address) = address(entry, None).await {
        let _ = address.cast(msg);
    }
}

/// Takes a view away, also while the session's actor is being restarted.
///
/// # Errors
/// `busy` when the session's actor does not answer.
pub(crate) async fn leave(
    entry: &SessionEntry,
    client: ClientUuid,
    view: ViewId,
) -> Result<(), Error> {
    let detach = |reply| SessionMsg::Detach(client, view, reply);
    match ask_again(entry, detach).await {
        // A session that ended meanwhile has nobody attached.
        Err(error) if error.code == ErrorCode::NotFound => Ok(()),
        left => left,
    }
}

/// The actor's address, waited for while it is being restarted. `ended` is not meant, though it may still be there.
async fn address(
    entry: &SessionEntry,
    ended: Option<ActorId>,
) -> Result<supervisor::Address<SessionMsg>, Error> {
    let mut phase = entry.phase();
    let waiting = async {
        tokio::select! {
            biased;
            address = entry.address.next_after(ended) => Some(address),
            _ = phase.wait_for(|phase| *phase == Phase::Ended) => None,
        }
    };
    match tokio::time::timeout(SESSION_LIMIT, waiting).await {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(Error::new(
            ErrorCode::NotFound,
            format!("session {} has ended", entry.snapshot().name),
        )
        .hint("`fugue ls` or fugue_list_sessions lists the sessions there are")),
        Err(_) => {
            let why = format!("its actor is not there within {SESSION_LIMIT:?}");
            Err(unanswered(entry, why))
        }
    }
}
