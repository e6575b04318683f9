//! Subscriptions to resources: the daemon says that something changed, the client is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use protocol::request::Watch;
use protocol::{Error, ErrorCode, transport};
use tokio::task::AbortHandle;

use crate::call::Front;
use crate::resources::Address;
use crate::route::{Place, QUICK};
use crate::waiting::GRACE;

/// Most resources that one connection, or one listening request, is told about.
pub(crate) const MOST: usize = 64;

/// Notifications about one resource are so far apart at least: whoever reads after each of them reads no faster.
const PACE: Duration = Duration::from_millis(250);

/// One wait in the daemon.
const WAIT: Duration = Duration::from_secs(60);

/// The time that a client may take to take a notification before it is given up.
const TELL_LIMIT: Duration = Duration::from_secs(10);

/// The pause before asking a server again that cannot be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells the client that a resource changed; false when it cannot be told any more.
pub(crate) type Tell = Box<dyn Fn(String) -> BoxFuture<'static, bool> + Send + Sync>;

/// The subscriptions of one connection that began with `initialize`.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<String, AbortHandle>>);

impl Subscriptions {
    /// Begins to tell about a resource; once more changes nothing.
    ///
    /// # Errors
    /// `invalid_argument` for a bad address, `not_found`, `unknown_server`, `server_unreachable`, `limit`.
    pub(crate) async fn add(&self, front: &Arc<Front>, uri: &str, tell: Tell) -> Result<(), Error> {
        let (place, address) = known(front, uri)?;
        let version = version(&place, &address, None, Duration::ZERO).await?;
        let uri = uri.to_owned();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, task| !task.is_finished());
        if all.contains_key(&uri) {
            return Ok(());
        }
        if all.len() >= MOST {
            return Err(Error::new(
                ErrorCode::Limit,
                format!("there are {MOST} subscriptions already"),
            )
            .hint("unsubscribe from some, or subscribe to the tree"));
        }
        let watching = follow(place, address, uri.clone(), Some(version), tell);
        all.insert(uri, tokio::spawn(watching).abort_handle());
        Ok(())
    }

    /// Tells no more about a resource.
    pub(crate) fn remove(&self, uri: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = all.remove(uri) {
            task.abort();
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        let all = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(AbortHandle::abort);
    }
}

/// Those of `uris` that name something on a known server, at most as many as are followed.
pub(crate) fn possible(front: &Front, uris: &[String]) -> Vec<String> {
    let mut possible: Vec<String> = uris
        .iter()
        .filter(|uri| known(front, uri).is_ok())
        .cloned()
        .collect();
    possible.truncate(MOST);
    possible
}

/// Tells about all of `uris` until the returned future is dropped.
pub(crate) async fn follow_all(front: &Front, uris: &[String], tell: impl Fn() -> Tell) {
    let followed = uris.iter().filter_map(|uri| {
        let (place, address) = known(front, uri).ok()?;
        Some(follow(place, address, uri.clone(), None, tell()))
    });
    join_all(followed).await;
}

fn known(front: &Front, uri: &str) -> Result<(Place, Address), Error> {
    let address = Address::parse(uri)?;
    let place = address.place(&front.fleet)?;
    Ok((place, address))
}

async fn version(
    place: &Place,
    address: &Address,
    after: Option<String>,
    limit: Duration,
) -> Result<String, Error> {
    let params = Watch {
        pane: address.pane().cloned(),
        after,
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    let limit = if limit.is_zero() {
        QUICK
    } else {
        limit + GRACE
    };
    Ok(place.look(&params, limit).await?.version)
}

fn gone(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotFound
            | ErrorCode::PaneExited
            | ErrorCode::AmbiguousName
            | ErrorCode::Denied
            | ErrorCode::Unsupported
    )
}

/// Tells about one resource until it is gone, which is told too. A server that goes away is waited
/// for and not started.
async fn follow(place: Place, address: Address, uri: String, mut seen: Option<String>, tell: Tell) {
    let tell = |uri| {
        let told = tokio::time::timeout(TELL_LIMIT, tell(uri));
        told.map(|told| told.unwrap_or(false))
    };
    loop {
        while place.socket().is_some_and(transport::is_absent) {
            tokio::time::sleep(PAUSE).await;
        }
        let next = version(&place, &address, seen.clone(), WAIT).await;
        let changed = match next {
            Ok(version) => {
                let first = seen.is_none();
                let changed = !first && seen.as_ref() != Some(&version);
                seen = Some(version);
                changed
            }
            Err(error) if gone(error.code) => {
                tell(uri).await;
                return;
            }
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                false
            }
        };
        if changed {
            if !tell(uri.clone()).await {
                return;
            }
            tokio::time::sleep(PACE).await;
        }
    }
}
