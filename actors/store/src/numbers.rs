//! Short numbers: each session, window, pane and orchestration has one of its own, which is never given to another one of its kind.

use std::collections::HashMap;

use protocol::{OrchestrationNumber, PaneNumber, SessionNumber, WindowNumber};
use rusqlite::{Connection, Transaction, params};

use crate::write::run;

/// Their table. Older daemons pass it over, so it is no step of the schema: what they rewrite keeps its number.
pub(crate) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS numbers (
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (kind, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS numbers_by_id ON numbers (kind, id);
";

/// The kinds of things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Session,
    Window,
    Pane,
    Orchestration,
}

impl Counted {
    const ALL: [Self; 4] = [Self::Session, Self::Window, Self::Pane, Self::Orchestration];

    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Window => "window",
            Self::Pane => "pane",
            Self::Orchestration => "orchestration",
        }
    }

    /// The ids that have a row, those included that may come back.
    fn known(self) -> &'static str {
        match self {
            Self::Session => "SELECT id FROM sessions UNION SELECT id FROM departed_sessions",
            Self::Window => "SELECT id FROM windows UNION SELECT id FROM departed_windows",
            Self::Pane => {
                "SELECT id FROM panes UNION SELECT id FROM departed_panes UNION SELECT id FROM mirrors"
            }
            Self::Orchestration => "SELECT id FROM orchestrations",
        }
    }
}

/// The highest numbers that were ever given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastNumbers {
    /// To a session.
    pub session: SessionNumber,
    /// To a window.
    pub window: WindowNumber,
    /// To a pane.
    pub pane: PaneNumber,
    /// To an orchestration.
    pub orchestration: OrchestrationNumber,
}

/// The numbers of one kind: by id, and the highest one.
pub(crate) struct Numbers {
    by_id: HashMap<String, u64>,
    pub(crate) last: u64,
}

impl Numbers {
    /// The number of what has this id; 0 when it has none.
    pub(crate) fn of(&self, id: &str) -> u64 {
        self.by_id.get(id).copied().unwrap_or_default()
    }
}

/// The numbers of all kinds.
pub(crate) struct AllNumbers {
    pub(crate) sessions: Numbers,
    pub(crate) windows: Numbers,
    pub(crate) panes: Numbers,
    pub(crate) orchestrations: Numbers,
}

impl AllNumbers {
    /// The highest ones.
    pub(crate) fn last(&self) -> LastNumbers {
        LastNumbers {
            session: self.sessions.last.into(),
            window: self.windows.last.into(),
            pane: self.panes.last.into(),
            orchestration: self.orchestrations.last.into(),
        }
    }
}

/// Reads all numbers, and gives one to each thing that has none, in order of creation.
pub(crate) fn read(connection: &Connection) -> rusqlite::Result<AllNumbers> {
    let mut given = Vec::new();
    let mut of = |kind: Counted| -> rusqlite::Result<Numbers> {
        let mut numbers = read_kind(connection, kind)?;
        let known = ids(connection, kind)?;
        for id in known {
            if !numbers.by_id.contains_key(&id) {
                numbers.last += 1;
                given.push((kind, numbers.last, id.clone()));
                numbers.by_id.insert(id, numbers.last);
            }
        }
        Ok(numbers)
    };
    let all = AllNumbers {
        sessions: of(Counted::Session)?,
        windows: of(Counted::Window)?,
        panes: of(Counted::Pane)?,
        orchestrations: of(Counted::Orchestration)?,
    };
    // One try: a database that is locked holds nobody up for this, and the same numbers are given the next time.
    if !given.is_empty()
        && let Err(error) = write_all(connection, &given)
    {
        tracing::warn!(%error, count = given.len(), "numbers of what an older daemon made are not written yet");
    }
    Ok(all)
}

fn read_kind(connection: &Connection, kind: Counted) -> rusqlite::Result<Numbers> {
    let sql = "SELECT id, number FROM numbers WHERE kind = ?1 ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([kind.as_str()])?;
    let (mut by_id, mut last) = (HashMap::new(), 0);
    while let Some(row) = rows.next()? {
        last = row.get::<_, i64>(1)?.cast_unsigned();
        by_id.insert(row.get(0)?, last);
    }
    Ok(Numbers { by_id, last })
}

/// The ids of a kind, in order of creation.
fn ids(connection: &Connection, kind: Counted) -> rusqlite::Result<Vec<String>> {
    let sql = format!("SELECT id FROM ({}) ORDER BY id", kind.known());
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn write_all(connection: &Connection, given: &[(Counted, u64, String)]) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for (kind, number, id) in given {
        write(&transaction, *kind, id, *number)?;
    }
    transaction.commit()
}

/// Writes the number of what has this id, unless it is written already; 0 is none.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    kind: Counted,
    id: &str,
    number: u64,
) -> rusqlite::Result<()> {
    if number == 0 {
        return Ok(());
    }
    run(
        transaction,
        "INSERT OR IGNORE INTO numbers VALUES (?1, ?2, ?3)",
        params![kind.as_str(), number.cast_signed(), id],
    )
}

/// Forgets the numbers of what is gone. The highest ones stay, so that none is given again.
pub(crate) fn forget_strays(connection: &Connection) -> rusqlite::Result<()> {
    for kind in Counted::ALL {
        let sql = format!(
            "DELETE FROM numbers WHERE kind = ?1 AND id NOT IN ({known})
                AND number < (SELECT max(number) FROM numbers WHERE kind = ?1)",
            known = kind.known()
        );
        connection.execute(&sql, [kind.as_str()])?;
    }
    Ok(())
}
