//! The database: written and read again, damaged, locked, of another version.

use std::path::Path;

use rusqlite::Connection;

use super::schema::{self, OpenError};
use super::tidy::tidy;
use super::{Commit, Keep, Key, Mark, StoredKey, load};

fn database(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("state.db")
}

/// The marker of an end that could not be recorded.
fn marker(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("fugued.ended")
}

fn open(dir: &tempfile::TempDir) -> Result<load::Loaded, schema::OpenError> {
    load::open(&database(dir), &marker(dir))
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_one_is_empty_private_and_keeps_its_id() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir).unwrap();
    assert!(first.sessions.is_empty() && first.panes.is_empty() && !first.rebooted);
    let mode = std::fs::metadata(database(&dir))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = open(&dir).unwrap();
    assert!(first.store.is_some());
    assert_eq!(again.store, first.store);
}

#[test]
fn damage_anywhere_never_stops_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).unwrap());
    let sound = std::fs::read(database(&dir)).unwrap();
    for (at, len) in [
        (0, 16),
        (16, 84),
        (100, 400),
        (4096, 4096),
        (0, sound.len()),
    ] {
        let mut damaged = sound.clone();
        let end = (at + len).min(damaged.len());
        damaged[at..end].fill(0xa5);
        std::fs::write(database(&dir), &damaged).unwrap();
        // Read as it is, or set aside; both are a start.
        let loaded = open(&dir).unwrap();
        assert!(loaded.store.is_some(), "damage at {at}");
    }
    assert!(
        files(dir.path())
            .iter()
            .any(|name| name.contains("corrupt"))
    );
    std::fs::write(database(&dir), &sound[..sound.len() / 2]).unwrap();
    assert!(open(&dir).unwrap().store.is_some());
}

#[test]
fn a_row_that_is_nonsense_costs_that_row_only() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).unwrap());
    let connection = Connection::open(database(&dir)).unwrap();
    let id = protocol::SessionUuid::new().to_string();
    for (id, name) in [(id.as_str(), "good"), ("no uuid", "bad")] {
        let sql = "INSERT INTO sessions VALUES (?1, ?2, 1, 2, '/', 24, 80, NULL, 0, '[]', '{}', '{}', '[]', NULL)";
        connection.execute(sql, [id, name]).unwrap();
    }
    drop(connection);
    let loaded = open(&dir).unwrap();
    assert_eq!(loaded.sessions.len(), 1);
    assert_eq!(loaded.sessions[0].snapshot.name.as_str(), "good");
    assert_eq!(loaded.sessions[0].last_used_ms, 2);
}

#[test]
fn one_of_a_newer_fugue_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).unwrap());
    let connection = Connection::open(database(&dir)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(&dir).unwrap_err();
    assert!(matches!(error, OpenError::Newer(99)), "{error}");
    assert!(
        !files(dir.path())
            .iter()
            .any(|name| name.contains("corrupt"))
    );
}

#[test]
fn a_database_that_is_set_aside_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(database(&dir), b"precious").unwrap();
    schema::set_aside(&database(&dir), &"a test").unwrap();
    let kept = files(dir.path());
    assert_eq!(kept.len(), 1);
    let text = std::fs::read(dir.path().join(&kept[0])).unwrap();
    assert_eq!(text, b"precious");
}

#[test]
fn one_of_the_first_version_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let connection = Connection::open(database(&dir)).unwrap();
    connection.execute_batch(schema::first()).unwrap();
    let id = uuid::Uuid::now_v7();
    let sql = "INSERT INTO facts VALUES ('store', ?1)";
    connection.execute(sql, [id.to_string()]).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    let loaded = open(&dir).unwrap();
    assert_eq!(loaded.store, Some(id));
    let connection = Connection::open(database(&dir)).unwrap();
    let texts = "SELECT count(*) FROM pane_texts";
    let count: i64 = connection.query_row(texts, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
}

fn pragma(connection: &Connection, name: &str) -> i64 {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .unwrap()
}

#[test]
fn space_is_given_back_when_what_took_it_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let connection = schema::open(&database(&dir)).unwrap().connection;
    let result = vec![7u8; 100_000];
    for number in 0..300 {
        let sql = "INSERT INTO idempotency VALUES (?1, 0, ?2, 1000)";
        connection
            .execute(sql, rusqlite::params![number.to_string(), result])
            .unwrap();
    }
    tidy(&connection, 1_000).unwrap();
    let length = || std::fs::metadata(database(&dir)).unwrap().len();
    assert!(length() > 30_000_000, "{}", length());
    // Ten minutes later; a few rounds, since each gives back a part.
    for _ in 0..4 {
        tidy(&connection, 700_000).unwrap();
    }
    assert!(length() < 2_000_000, "{}", length());
    // The log is as long as its longest part was until it begins anew.
    connection
        .execute("INSERT INTO facts VALUES ('test', '')", [])
        .unwrap();
    let log = dir.path().join("state.db-wal");
    assert!(std::fs::metadata(log).unwrap().len() <= 9 << 20);
}

#[test]
fn one_that_was_made_without_it_gives_space_back_from_now_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir).unwrap();
    let connection = Connection::open(database(&dir)).unwrap();
    connection.pragma_update(None, "auto_vacuum", 0).unwrap();
    connection.execute_batch("VACUUM").unwrap();
    assert_eq!(pragma(&connection, "auto_vacuum"), 0);
    drop(connection);
    let again = open(&dir).unwrap();
    assert_eq!(again.store, first.store);
    let connection = Connection::open(database(&dir)).unwrap();
    assert_eq!(pragma(&connection, "auto_vacuum"), 2);
}

/// A database of a daemon that did not record its end, with a session in it.
fn left_with_a_session(dir: &tempfile::TempDir) -> Connection {
    drop(open(dir).unwrap());
    let connection = Connection::open(database(dir)).unwrap();
    let id = protocol::SessionUuid::new();
    let sql = "INSERT INTO sessions VALUES (?1, 's', 1, 1, '/', 24, 80, NULL, 0, '[]', '{}', '{}', '[]', NULL)";
    connection.execute(sql, [id.to_string()]).unwrap();
    connection
}

#[test]
fn an_end_that_only_a_file_tells_is_recorded_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    drop(left_with_a_session(&dir));
    assert_eq!(open(&dir).unwrap().sessions.len(), 1);
    std::fs::write(marker(&dir), b"").unwrap();
    let loaded = open(&dir).unwrap();
    assert!(loaded.sessions.is_empty() && !loaded.unsettled);
    assert!(!marker(&dir).exists());
    assert!(open(&dir).unwrap().sessions.is_empty());
}

#[test]
fn after_a_restart_of_the_machine_such_a_file_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let connection = left_with_a_session(&dir);
    let sql = "UPDATE facts SET value = 'another' WHERE name = 'boot'";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    drop(connection);
    std::fs::write(marker(&dir), b"").unwrap();
    let loaded = open(&dir).unwrap();
    assert_eq!((loaded.sessions.len(), loaded.rebooted), (1, true));
    assert!(!marker(&dir).exists());
}

#[test]
fn an_end_that_cannot_be_recorded_at_the_start_is_before_the_first_commit() {
    let dir = tempfile::tempdir().unwrap();
    let connection = left_with_a_session(&dir);
    std::fs::write(marker(&dir), b"").unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let loaded = open(&dir).unwrap();
    assert!(loaded.sessions.is_empty() && loaded.unsettled);
    assert!(marker(&dir).exists());
    let commit = || {
        let key = "key".to_owned();
        let stored = StoredKey {
            key: key.clone(),
            params: 1,
            outcome: None,
            at_ms: 1,
        };
        Commit {
            path: database(&dir),
            marks: vec![(Key::Idempotency(key), Mark::Idempotency(stored))],
            anew: false,
            unsettled: Some(marker(&dir)),
            keep: Keep {
                text: true,
                environment: true,
            },
            now_ms: 1,
        }
    };
    let refused = commit().write(None);
    assert!(refused.failed.is_some() && marker(&dir).exists());
    connection.execute_batch("ROLLBACK").unwrap();
    assert!(commit().write(None).failed.is_none());
    assert!(!marker(&dir).exists());
    let loaded = open(&dir).unwrap();
    assert_eq!((loaded.sessions.len(), loaded.keys.len()), (0, 1));
}

/// The sessions and their windows as an older daemon, which knows of no numbers, has them.
fn sessions_of_an_older_daemon(connection: &Connection, ids: &[&str]) {
    connection
        .execute_batch("DROP TABLE IF EXISTS numbers")
        .unwrap();
    for (index, id) in ids.iter().enumerate() {
        connection
            .execute(
                "INSERT INTO sessions VALUES (?1, ?2, 1, 1, '/', 24, 80, NULL, 0, '[]', '{}', '{}', '[]', NULL)",
                rusqlite::params![id, format!("s{index}")],
            )
            .unwrap();
    }
}

#[test]
fn what_an_older_daemon_made_gets_numbers_and_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).unwrap());
    let ids: Vec<String> = (0..3).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let connection = Connection::open(database(&dir)).unwrap();
    sessions_of_an_older_daemon(&connection, &ids);
    let numbers = |loaded: &load::Loaded| {
        let sessions = loaded.sessions.iter().map(|session| &session.snapshot);
        sessions
            .map(|snapshot| snapshot.number.get())
            .collect::<Vec<_>>()
    };
    let loaded = open(&dir).unwrap();
    assert_eq!(numbers(&loaded), [1, 2, 3]);
    assert_eq!(loaded.last_numbers.session.get(), 3);
    // The older daemon rewrites one, ends the newest, and is followed again.
    connection
        .execute("DELETE FROM sessions WHERE id = ?1", [ids[2]])
        .unwrap();
    connection
        .execute(
            "UPDATE sessions SET name = 'renamed' WHERE id = ?1",
            [ids[0]],
        )
        .unwrap();
    tidy(&connection, 0).unwrap();
    let loaded = open(&dir).unwrap();
    assert_eq!(numbers(&loaded), [1, 2]);
    assert_eq!(loaded.last_numbers.session.get(), 3, "never given again");
    // What is gone is forgotten, but for the highest one.
    connection
        .execute("DELETE FROM sessions WHERE id = ?1", [ids[0]])
        .unwrap();
    tidy(&connection, 0).unwrap();
    let kept: i64 = connection
        .query_row(
            "SELECT count(*) FROM numbers WHERE kind = 'session'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 2);
}
