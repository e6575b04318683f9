//! The first result by idempotency key: a repeated request gets it instead of acting again.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use futures_util::FutureExt;
use protocol::{Error, ErrorCode};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::clock::epoch_ms;
use crate::step::step;
use crate::store::Store;
use model::pane::MadeBy;
use store::StoredKey;

/// The time for which a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Keys remembered at most; beyond it the call is refused rather than made unsafe.
const KEYS: usize = 10_000;

/// Bytes of remembered results at most; beyond it the call is refused too.
const RESULT_BYTES: usize = 64 << 20;

/// Longest key in bytes.
const KEY_BYTES: usize = 256;

type Outcome = Result<Bytes, Error>;

tokio::task_local! {
    /// The request or the job that is being carried out.
    static CURRENT: MadeBy;
}

/// Does `work`, whose panes are made by `maker`.
pub(crate) async fn made_by<R>(maker: MadeBy, work: impl Future<Output = R>) -> R {
    CURRENT.scope(maker, work).await
}

/// The request or the job that is being carried out by this task, if it can be found again by its key.
#[must_use]
pub(crate) fn current() -> Option<MadeBy> {
    CURRENT.try_with(MadeBy::clone).ok()
}

/// The key of the request that is being carried out by this task, if it came with one.
#[must_use]
pub(crate) fn current_key() -> Option<String> {
    current()?.key().map(str::to_owned)
}

#[derive(Clone)]
struct Entry {
    since: Instant,
    params: u64,
    outcome: Arc<OnceCell<Outcome>>,
}

/// The remembered results.
#[derive(Default)]
pub(crate) struct Idempotency {
    entries: DashMap<String, Entry>,
    /// Bytes of results, counted anew when old ones are forgotten.
    result_bytes: AtomicUsize,
}

/// True if the same request can succeed later.
fn passes(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::Busy | ErrorCode::Timeout | ErrorCode::Limit
    )
}

impl Idempotency {
    /// The result of the first call with this key: `work`'s, if this is the first. Calls that come
    /// while the first one is under way wait for it.
    ///
    /// # Errors
    /// `invalid_argument` when the key was used for another call or is too long; `limit` when too
    /// many keys are remembered; otherwise the first call's own error, which is forgotten when it
    /// is one that passes (`busy`, `timeout`, `limit`).
    pub(crate) async fn once(
        &self,
        key: &str,
        method: &str,
        params: &[u8],
        store: &Store,
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let params = fingerprint(method, params);
        let entry = self.entry(key, params)?;
        let recorded = || async {
            // Before anything is made: what a daemon that dies has made for a key without an answer is taken back by the next.
            step!("key: it is recorded")?;
            if let Err(error) = store.save_key(key, params, None).wait().await {
                let _ = store.forget_key(key);
                // Nothing was begun: the same request may be sent again, whatever has failed.
                let code = if passes(&error) {
                    error.code
                } else {
                    ErrorCode::Busy
                };
                return Err(Error { code, ..error });
            }
            let outcome = CURRENT.scope(MadeBy::Request(key.to_owned()), work).await;
            // What was made is made; that it cannot be written is logged, and a panic must not have it made again.
            let answered = self.record(key, params, store, &outcome);
            if AssertUnwindSafe(answered).catch_unwind().await.is_err() {
                tracing::error!(key, "the result of a request is not recorded");
            }
            outcome
        };
        let outcome = entry.outcome.get_or_init(recorded).await.clone();
        if outcome.as_ref().is_err_and(passes) {
            // Who is told to try again must be able to.
            self.entries
                .remove_if(key, |_, known| Arc::ptr_eq(&known.outcome, &entry.outcome));
        }
        outcome
    }

    async fn record(&self, key: &str, params: u64, store: &Store, outcome: &Outcome) {
        let recorded = match outcome {
            Ok(reply) => {
                self.result_bytes.fetch_add(reply.len(), Ordering::Relaxed);
                store.save_key(key, params, Some(reply.clone()))
            }
            Err(_) => store.forget_key(key),
        };
        step!("key: its answer is recorded", sure);
        let _ = recorded.wait().await;
    }

    /// A key that an earlier daemon has answered.
    pub(crate) fn restore(&self, stored: StoredKey) {
        let age = Duration::from_millis(epoch_ms().saturating_sub(stored.at_ms));
        let since = Instant::now().checked_sub(age);
        if let (Some(since), Some(reply)) = (since, stored.outcome) {
            let entry = Entry {
                since,
                params: stored.params,
                outcome: Arc::new(OnceCell::new_with(Some(Ok(reply)))),
            };
            self.entries.insert(stored.key, entry);
        }
    }

    /// Forgets the keys whose time is over.
    pub(crate) fn forget_old(&self) {
        let mut bytes = 0;
        self.entries.retain(|_, entry| {
            let kept = entry.since.elapsed() < REMEMBERED;
            let result = entry
                .outcome
                .get()
                .and_then(|outcome| outcome.as_ref().ok());
            bytes += result.filter(|_| kept).map_or(0, Bytes::len);
            kept
        });
        self.result_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Forgets all keys whose requests are answered, and says which.
    pub(crate) fn forget_answered(&self) -> Vec<String> {
        let answered = self
            .entries
            .iter()
            .filter(|entry| entry.outcome.get().is_some());
        let keys: Vec<String> = answered.map(|entry| entry.key().clone()).collect();
        for key in &keys {
            self.entries.remove(key);
        }
        self.forget_old();
        keys
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= KEYS || self.result_bytes.load(Ordering::Relaxed) >= RESULT_BYTES
    }

    /// The number of keys that are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn entry(&self, key: &str, params: u64) -> Result<Entry, Error> {
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(Error::invalid(format!(
                "an idempotency key has 1 to {KEY_BYTES} bytes, this one has {}",
                key.len()
            )));
        }
        if self.is_full() {
            self.forget_old();
        }
        if self.is_full() && !self.entries.contains_key(key) {
            return Err(Error::new(
                ErrorCode::Limit,
                format!(
                    "{} idempotency keys are remembered already; at most {KEYS} with {RESULT_BYTES} bytes of results are",
                    self.entries.len()
                ),
            )
            .hint("wait some minutes, or send the request without a key"));
        }
        let new = || Entry {
            since: Instant::now(),
            params,
            outcome: Arc::default(),
        };
        let mut entry = self.entries.entry(key.to_owned()).or_insert_with(new);
        if entry.since.elapsed() >= REMEMBERED {
            *entry = new();
        }
        if entry.params != params {
            return Err(Error::invalid(format!(
                "the idempotency key {} was used for another request",
                protocol::name::shown(key)
            ))
            .hint("use a fresh key for each request"));
        }
        Ok(entry.clone())
    }
}

fn fingerprint(method: &str, params: &[u8]) -> u64 {
    // FNV-1a of 64 bits: the same in every build, because the next daemon compares it.
    let bytes = method.bytes().chain([0]).chain(params.iter().copied());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
