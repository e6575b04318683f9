//! Tests of remembered results.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use protocol::paths::Paths;
use protocol::{Error, ErrorCode};

use super::Idempotency;
use crate::store::Store;

/// One that was never opened and remembers nothing.
fn no_store() -> Store {
    let nowhere = || "/nonexistent".into();
    Store::new(&Paths {
        runtime: nowhere(),
        state: nowhere(),
        config: nowhere(),
    })
}

async fn counted(count: &AtomicU32) -> Result<Bytes, Error> {
    tokio::task::yield_now().await;
    let n = count.fetch_add(1, Ordering::SeqCst);
    Ok(Bytes::from(n.to_string()))
}

#[tokio::test]
async fn the_same_key_acts_once_though_asked_at_once() {
    let remembered = Arc::new(Idempotency::default());
    let count = AtomicU32::new(0);
    let store = no_store();
    let once = || remembered.once("k", "create", b"p", &store, counted(&count));
    let (a, b, c) = tokio::join!(once(), once(), once());
    assert_eq!(a, Ok(Bytes::from("0")));
    assert_eq!((&b, &c), (&a, &a));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_first_error_is_remembered_too() {
    let remembered = Idempotency::default();
    let fails = async { Err(Error::new(ErrorCode::SpawnFailed, "no")) };
    let first = remembered
        .once("k", "create", b"p", &no_store(), fails)
        .await;
    let again = remembered
        .once("k", "create", b"p", &no_store(), async { Ok(Bytes::new()) })
        .await;
    assert_eq!(first, again);
}

#[tokio::test]
async fn an_error_that_passes_is_not_remembered() {
    let remembered = Idempotency::default();
    let store = no_store();
    let busy = async { Err(Error::new(ErrorCode::Busy, "not now")) };
    let first = remembered.once("k", "m", b"p", &store, busy).await;
    assert_eq!(first.unwrap_err().code, ErrorCode::Busy);
    let count = AtomicU32::new(0);
    let again = remembered.once("k", "m", b"p", &store, counted(&count));
    again.await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_key_of_another_request_is_refused() {
    let remembered = Idempotency::default();
    let done = || async { Ok(Bytes::new()) };
    remembered
        .once("k", "create", b"p", &no_store(), done())
        .await
        .unwrap();
    for (method, params) in [("create", b"q"), ("close", b"p")] {
        let error = remembered
            .once("k", method, params, &no_store(), done())
            .await;
        assert_eq!(error.unwrap_err().code, ErrorCode::InvalidArgument);
    }
    for key in [String::new(), "k".repeat(257)] {
        let error = remembered
            .once(&key, "create", b"p", &no_store(), done())
            .await;
        assert_eq!(error.unwrap_err().code, ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn after_ten_minutes_a_key_is_new() {
    tokio::time::pause();
    let remembered = Idempotency::default();
    let count = AtomicU32::new(0);
    remembered
        .once("k", "create", b"p", &no_store(), counted(&count))
        .await
        .unwrap();
    tokio::time::advance(std::time::Duration::from_secs(601)).await;
    remembered
        .once("k", "create", b"p", &no_store(), counted(&count))
        .await
        .unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}
