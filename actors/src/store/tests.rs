//! A panic of a commit costs nothing.

#[tokio::test]
async fn what_is_gone_stays_gone_after_a_panic_in_a_commit() {
    use std::sync::atomic::Ordering;
    let day = crate::day::Day::begin().await;
    let session = day.session("s").await;
    let first = day.pane(&session).await;
    let _second = day.pane(&session).await;
    let store = &day.server.store;
    store.flush().await.unwrap();
    assert_eq!((day.rows("panes"), day.rows("ended_panes")), (2, 0));
    store.panics.store(1, Ordering::Relaxed);
    crate::pane::close(&day.server, &first, true).await;
    assert!(store.flush().await.is_err());
    assert_eq!(day.rows("panes"), 2);
    store.panics.store(0, Ordering::Relaxed);
    let written = async {
        while store.flush().await.is_err() || day.rows("panes") != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, written).await.unwrap();
    assert_eq!(day.rows("ended_panes"), 1);
}
