//! The end of the last daemon: read from the database, or from a file where it could not be written there, and settled once.

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use protocol::time::millis;
use rusqlite::Connection;

use crate::departed::{self, LastEnd, When};
use crate::schema::{self, OpenError};

/// The file with the id of this boot of the machine.
///
/// Source: proc(5), `/proc/sys/kernel/random/boot_id`.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The facts that are known of the last daemon's end before it is settled.
pub(crate) struct Found {
    pub(crate) end: LastEnd,
    /// The machine was restarted since the database was used last.
    pub(crate) rebooted: bool,
    boot: String,
}

/// Reads what is known; `marker` is the file that stands for an end in order that could not be recorded.
pub(crate) fn find(connection: &Connection, marker: &Path) -> Result<Found, OpenError> {
    let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default();
    let before = schema::fact(connection, "boot")?;
    let rebooted = before.is_some_and(|before| before != boot);
    let end = LastEnd::read(connection, marked_ms(marker), rebooted)?;
    Ok(Found {
        end,
        rebooted,
        boot,
    })
}

/// Records what follows from it, then takes the marker away. Nothing new is written to the database before: otherwise the
/// next daemon would take it for what had ended.
pub(crate) fn settle(
    connection: &mut Connection,
    found: &Found,
    when: When,
    marker: &Path,
) -> Result<(), OpenError> {
    departed::settle(connection, found.end, when, &found.boot)?;
    match std::fs::remove_file(marker) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(OpenError::File {
            path: marker.to_owned(),
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// As [`find`] and [`settle`], when that could not be done at the start.
pub(crate) fn settle_late(connection: &mut Connection, marker: &Path) -> Result<(), OpenError> {
    let found = find(connection, marker)?;
    settle(connection, &found, When::Late, marker)
}

/// The time at which the marker was made, in milliseconds since 1970.
fn marked_ms(marker: &Path) -> Option<u64> {
    let modified = std::fs::symlink_metadata(marker).ok()?.modified().ok()?;
    Some(millis(
        modified.duration_since(UNIX_EPOCH).unwrap_or_default(),
    ))
}
