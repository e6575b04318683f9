//! The first result by idempotency key: a repeated request gets it instead of acting again.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use protocol::{Error, ErrorCode};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Keys remembered at most; beyond it the call is refused rather than made unsafe.
const KEYS: usize = 10_000;

/// Longest key in bytes.
const KEY_BYTES: usize = 256;

type Outcome = Result<Bytes, Error>;

#[derive(Clone)]
struct Entry {
    since: Instant,
    params: u64,
    outcome: Arc<OnceCell<Outcome>>,
}

/// The remembered results.
#[derive(Default)]
pub struct Idempotency {
    entries: DashMap<String, Entry>,
}

impl Idempotency {
    /// The result of the first call with this key: `work`'s, if this is the first. Calls that come
    /// while the first one is under way wait for it.
    ///
    /// # Errors
    /// `invalid_argument` when the key was used for another call or is too long; `limit` when too
    /// many keys are remembered; otherwise the first call's own error.
    pub async fn once(
        &self,
        key: &str,
        method: &str,
        params: &[u8],
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let entry = self.entry(key, fingerprint(method, params))?;
        entry.outcome.get_or_init(|| work).await.clone()
    }

    fn entry(&self, key: &str, params: u64) -> Result<Entry, Error> {
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(Error::invalid(format!(
                "an idempotency key has 1 to {KEY_BYTES} bytes, this one has {}",
                key.len()
            )));
        }
        if self.entries.len() >= KEYS {
            self.entries
                .retain(|_, entry| entry.since.elapsed() < REMEMBERED);
        }
        if self.entries.len() >= KEYS && !self.entries.contains_key(key) {
            return Err(Error::new(
                ErrorCode::Limit,
                format!("{KEYS} idempotency keys are remembered already"),
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
    let mut hasher = DefaultHasher::new();
    (method, params).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
