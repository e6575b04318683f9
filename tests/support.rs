//! What the process tests share: a daemon of their own, clients of it, waits with limits.

pub mod cli;
pub mod daemon;
pub mod http;
pub mod left;
pub mod mcp;
pub mod old_keeper;
pub mod pane;
pub mod proc;
pub mod random;
pub mod raw;
pub mod sshd;
pub mod stdio;
pub mod view;

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before a test gives up.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Waits until `condition` gives something, looking again and again.
///
/// # Panics
/// After [`LIMIT`], saying what was waited for.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a test's work on a runtime of its own, with a time limit.
///
/// # Panics
/// When the work fails or takes longer than `limit`.
pub fn run_within(limit: Duration, work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(limit, work)
            .await
            .expect("the test's time limit");
    });
}

/// As [`run_within`], with a minute.
pub fn run(work: impl Future<Output = ()>) {
    run_within(Duration::from_secs(60), work);
}
