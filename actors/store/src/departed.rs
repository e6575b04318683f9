//! Tombstones of what may have been lost to the end of the machine, kept apart from what was closed.
//!
//! When a machine goes down, every program gets its signal at the same moment as the daemon. Programs that end first look as if
//! they had ended by themselves, and their panes and sessions are taken away. So the rows of a pane whose program ended by
//! itself are put aside for a moment, with its session as it was; if the machine has gone down by the next start, they are put back.

use rusqlite::{Connection, Transaction, params};

use crate::write::run;

/// The time before the daemon's own signal within which a program may have got its.
const TOGETHER_MS: u64 = 5_000;

/// The time for which rows that were put aside are kept.
const ASIDE_MS: u64 = 60_000;

/// The fact that a signal has ended the daemon: when, in milliseconds since 1970.
const SIGNALLED: &str = "signalled";

/// The fact that this daemon had ended every program before its own end.
const ALL_ENDED: &str = "all_ended";

/// The tables of what a daemon leaves to the next one.
pub(crate) const LEFT: [&str; 6] = [
    "sessions",
    "environments",
    "windows",
    "panes",
    "pane_records",
    "mirrors",
];

/// The columns of a session.
const COLUMNS: &str = "id, name, created_at_ms, last_used_ms, cwd, rows, cols, focused, focus_epoch, tags, metadata, changes, holders, made_by";

/// Puts a pane's rows aside before they are deleted.
pub(crate) fn put_pane_aside(
    transaction: &Transaction<'_>,
    pane: &str,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO departed_panes
        SELECT panes.id, session, name, keeper, state, record, ?2 FROM panes
        JOIN pane_records ON pane_records.pane = panes.id WHERE panes.id = ?1";
    run(transaction, sql, params![pane, now_ms as i64])
}

/// Puts a session's rows aside before they are changed, when one of its panes has just been put aside and it has not.
pub(crate) fn put_session_aside(
    transaction: &Transaction<'_>,
    session: &str,
    now_ms: u64,
) -> rusqlite::Result<()> {
    let since = now_ms.saturating_sub(TOGETHER_MS) as i64;
    let panes = "SELECT count(*) FROM departed_panes WHERE session = ?1 AND at_ms >= ?2";
    let copy = "SELECT count(*) FROM departed_sessions WHERE id = ?1 AND at_ms >= ?2";
    let count = |sql: &str| -> rusqlite::Result<i64> {
        let mut statement = transaction.prepare_cached(sql)?;
        statement.query_row(params![session, since], |row| row.get(0))
    };
    if count(panes)? == 0 || count(copy)? > 0 {
        return Ok(());
    }
    let copy = format!(
        "INSERT OR REPLACE INTO departed_sessions SELECT {COLUMNS}, ?2 FROM sessions WHERE id = ?1"
    );
    run(transaction, &copy, params![session, now_ms as i64])?;
    for table in ["environments", "windows"] {
        let delete = format!("DELETE FROM departed_{table} WHERE session = ?1");
        run(transaction, &delete, [session])?;
        let copy = format!("INSERT INTO departed_{table} SELECT * FROM {table} WHERE session = ?1");
        run(transaction, &copy, [session])?;
    }
    Ok(())
}

/// A signal ends the daemon; with `ended` it has ended every program before.
pub(crate) fn sign_off(
    transaction: &Transaction<'_>,
    at_ms: u64,
    ended: bool,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO facts VALUES (?1, ?2)";
    if ended {
        return run(transaction, sql, params![ALL_ENDED, at_ms.to_string()]);
    }
    run(transaction, sql, params![SIGNALLED, at_ms.to_string()])
}

/// The end of the last daemon, as far as it is known, seen from this boot of the machine.
#[derive(Clone, Copy)]
pub(crate) struct LastEnd {
    /// When it was ended by a signal, or has ended without being able to record that; in milliseconds since 1970.
    at_ms: Option<u64>,
    /// It had ended every program before.
    all_ended: bool,
    /// The machine was started again since.
    rebooted: bool,
}

impl LastEnd {
    /// Reads it; a marker at `marked_ms` counts as what could not be recorded then.
    pub(crate) fn read(
        connection: &Connection,
        marked_ms: Option<u64>,
        rebooted: bool,
    ) -> rusqlite::Result<Self> {
        let at_ms = crate::schema::fact(connection, SIGNALLED)?.and_then(|at| at.parse().ok());
        Ok(Self {
            at_ms: at_ms.or(marked_ms),
            all_ended: marked_ms.is_some() || crate::schema::fact(connection, ALL_ENDED)?.is_some(),
            rebooted,
        })
    }

    /// True if nothing is to come back: somebody has ended the daemon with all that it had.
    pub(crate) fn leaves_nothing(self) -> bool {
        self.at_ms.is_some() && self.all_ended && !self.rebooted
    }
}

/// The time at which it is decided about what the last daemon has left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before it is read.
    Start,
    /// Before the first commit, since it could not be written at the start: what was read is not added to any more.
    Late,
}

/// Decides about what the last daemon has left, once, and notes in the same transaction that this was done on the boot `boot`.
pub(crate) fn settle(
    connection: &mut Connection,
    end: LastEnd,
    when: When,
    boot: &str,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    if let Some(at_ms) = end.at_ms.filter(|_| end.rebooted && when == When::Start) {
        put_back(&transaction, at_ms.saturating_sub(TOGETHER_MS))?;
    } else if end.leaves_nothing() {
        for table in LEFT {
            run(&transaction, &format!("DELETE FROM {table}"), [])?;
        }
    }
    forget(&transaction, u64::MAX)?;
    let sql = "DELETE FROM facts WHERE name IN (?1, ?2)";
    run(&transaction, sql, [SIGNALLED, ALL_ENDED])?;
    let sql = "INSERT OR REPLACE INTO facts VALUES ('boot', ?1)";
    if crate::schema::fact(&transaction, "boot")?.as_deref() != Some(boot) {
        run(&transaction, sql, [boot])?;
    }
    transaction.commit()
}

fn put_back(transaction: &Transaction<'_>, since_ms: u64) -> rusqlite::Result<()> {
    let since = since_ms as i64;
    let young = "SELECT id FROM departed_sessions WHERE at_ms >= ?1";
    for table in ["environments", "windows"] {
        let delete = format!("DELETE FROM {table} WHERE session IN ({young})");
        run(transaction, &delete, [since])?;
        let copy = format!(
            "INSERT INTO {table} SELECT * FROM departed_{table} WHERE session IN ({young})"
        );
        run(transaction, &copy, [since])?;
    }
    let copy = format!(
        "INSERT OR REPLACE INTO sessions SELECT {COLUMNS} FROM departed_sessions WHERE at_ms >= ?1"
    );
    run(transaction, &copy, [since])?;
    let panes = "INSERT OR IGNORE INTO panes
        SELECT id, session, name, keeper, state FROM departed_panes WHERE at_ms >= ?1";
    run(transaction, panes, [since])?;
    // They were about to be taken away, and now they stay.
    let stay = "UPDATE panes SET state = json_set(state, '$.closing', json('false'), '$.by_itself', json('false'))
        WHERE json_extract(state, '$.by_itself')";
    run(transaction, stay, [])?;
    let records = "INSERT OR IGNORE INTO pane_records SELECT id, record FROM departed_panes WHERE at_ms >= ?1";
    run(transaction, records, [since])
}

/// Forgets what was put aside longer ago than is of use.
pub(crate) fn forget_old(connection: &Connection, now_ms: u64) -> rusqlite::Result<()> {
    forget(connection, now_ms.saturating_sub(ASIDE_MS))
}

fn forget(connection: &Connection, before_ms: u64) -> rusqlite::Result<()> {
    let before = i64::try_from(before_ms).unwrap_or(i64::MAX);
    for table in ["environments", "windows"] {
        let sql = format!(
            "DELETE FROM departed_{table} WHERE session IN (SELECT id FROM departed_sessions WHERE at_ms < ?1)"
        );
        connection.execute(&sql, [before])?;
    }
    for table in ["sessions", "panes"] {
        let sql = format!("DELETE FROM departed_{table} WHERE at_ms < ?1");
        connection.execute(&sql, [before])?;
    }
    Ok(())
}
