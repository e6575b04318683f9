//! Commits that fail, and a database that is not open.

use protocol::PaneUuid;
use store::PaneText;

use super::StoreMsg;
use crate::day::Day;

#[tokio::test]
async fn what_is_gone_stays_gone_after_a_panic_in_a_commit() {
    let day = Day::begin().await;
    let session = day.session("s").await;
    let first = day.pane(&session).await;
    let _second = day.pane(&session).await;
    let store = &day.server.store;
    store.flush().await.unwrap();
    assert_eq!((day.rows("panes"), day.rows("ended_panes")), (2, 0));
    store.fail(true);
    crate::pane::close(&day.server, &first, true).await;
    assert!(store.flush().await.is_err());
    assert_eq!(day.rows("panes"), 2);
    store.fail(false);
    let written = async {
        while store.flush().await.is_err() || day.rows("panes") != 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, written).await.unwrap();
    assert_eq!(day.rows("ended_panes"), 1);
}

/// A text of a pane that is not there, which an earlier daemon has left.
fn leave_text(day: &Day) {
    let sql = "INSERT INTO pane_texts VALUES (?1, 0, 1, x'00')";
    let pane = PaneUuid::new().to_string();
    day.database().execute(sql, [pane]).unwrap();
}

#[tokio::test]
async fn what_is_forgotten_is_gone_although_nothing_was_written_before() {
    let day = Day::begin().await;
    leave_text(&day);
    day.server.store.forget_now(Vec::new()).await.unwrap();
    assert_eq!(day.rows("pane_texts"), 0);
}

#[tokio::test]
async fn nothing_is_said_to_be_forgotten_in_a_database_that_cannot_be_opened() {
    let day = Day::begin().await;
    leave_text(&day);
    let away = day.state().with_extension("away");
    std::fs::rename(day.state(), &away).unwrap();
    let store = &day.server.store;
    let error = store.forget_now(Vec::new()).await.unwrap_err();
    assert!(error.message.contains("cannot be opened"), "{error}");
    std::fs::rename(&away, day.state()).unwrap();
    assert_eq!(day.rows("pane_texts"), 1);
    let forgotten = async {
        while store.forget_now(Vec::new()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, forgotten).await.unwrap();
    assert_eq!(day.rows("pane_texts"), 0);
}

#[tokio::test]
async fn a_tidying_that_fails_costs_no_text_its_place() {
    let day = Day::begin().await;
    day.session("s").await;
    let store = &day.server.store;
    store.flush().await.unwrap();
    day.database()
        .execute_batch("DROP TABLE idempotency")
        .unwrap();
    let actor = store.address.get().unwrap();
    actor.cast(StoreMsg::Tidy).unwrap();
    let text = PaneText::pack(0, 1, b"text", |_| None).unwrap();
    let saved = store.save_text(PaneUuid::new(), text, || true).await;
    saved.unwrap();
    assert_eq!(day.rows("pane_texts"), 1);
}

/// The id of the database that lies there.
fn id(day: &Day) -> Option<uuid::Uuid> {
    let id = "SELECT value FROM facts WHERE name = 'store'";
    let id: String = day.database().query_row(id, [], |row| row.get(0)).unwrap();
    Some(id.parse().unwrap())
}

#[tokio::test]
async fn keepers_are_told_of_the_database_that_is_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.db");
    std::fs::create_dir(&file).unwrap();
    let day = Day::begin_in(dir).await;
    let store = &day.server.store;
    assert_eq!(store.id(), None);
    std::fs::remove_dir(&file).unwrap();
    day.session("first").await;
    let first = store.id();
    assert_eq!(first, id(&day));
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(day.state().join(format!("state.db{suffix}")));
    }
    day.session("second").await;
    assert_eq!(store.id(), id(&day));
    assert_ne!(store.id(), first);
}
