//! Texts: packed small enough, written, read, forgotten.

use journal::MAX_CHECKPOINT_BYTES;
use protocol::Size;
use rusqlite::Connection;
use terminal::screen::{CheckpointError, Extent, Screen};

use super::StoredText as Stored;
use super::stored_texts as stored;
use super::*;
use crate::schema;

fn load(path: &Path, pane: PaneUuid) -> Result<Option<Screen>, TextError<CheckpointError>> {
    load_text(path, pane, Screen::restore)
}

fn pack(life: u32, printed: u64, checkpoint: &[u8]) -> Option<PaneText> {
    PaneText::pack(life, printed, checkpoint, |rows| {
        let mut screen = Screen::restore(checkpoint).ok()?;
        Some(screen.checkpoint(Extent::Rows(rows)))
    })
}

/// A screen of 24 × 80 after so many coloured lines, made by `line`.
fn screen(lines: usize, line: impl Fn(usize) -> String) -> Screen {
    let mut screen = Screen::new(Size::new(24, 80), 20_000);
    for number in 0..lines {
        screen.advance(format!("\x1b[3{}m{}\x1b[0m\r\n", number % 8, line(number)).as_bytes());
    }
    screen
}

/// Text that does not compress.
fn noise(number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((state >> 33) % 90) as u8)
    };
    (0..70).map(|_| letter()).collect()
}

fn text_of(screen: &Screen) -> String {
    screen.read_last(usize::MAX, true, false, usize::MAX).text
}

fn database(dir: &tempfile::TempDir) -> (std::path::PathBuf, Connection) {
    let path = dir.path().join("state.db");
    let connection = schema::open(&path).unwrap().connection;
    (path, connection)
}

fn insert(connection: &mut Connection, pane: PaneUuid, text: &PaneText) {
    let sql = "INSERT OR REPLACE INTO pane_texts VALUES (?1, ?2, ?3, ?4)";
    let row = params![
        pane.to_string(),
        text.life,
        text.printed as i64,
        text.packed
    ];
    connection.execute(sql, row).unwrap();
}

#[test]
fn a_stored_text_is_the_whole_screen_with_its_colours() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut connection) = database(&dir);
    let mut before = screen(2_000, |number| format!("line {number} of what was printed"));
    let text = pack(3, 77, &before.checkpoint(Extent::Full)).unwrap();
    assert!(text.bytes() < 40_000, "{}", text.bytes());
    let pane = PaneUuid::new();
    insert(&mut connection, pane, &text);
    let mut after = load(&path, pane).unwrap().unwrap();
    assert_eq!(
        after.checkpoint(Extent::Full).len(),
        before.checkpoint(Extent::Full).len()
    );
    let ansi = |screen: &Screen| screen.read_last(usize::MAX, true, true, usize::MAX).text;
    assert_eq!(ansi(&after), ansi(&before));
    assert!(ansi(&after).contains("\x1b["));
    let stored = stored(&path).unwrap();
    assert_eq!(
        stored,
        [Stored {
            pane,
            life: 3,
            printed: 77
        }]
    );
    assert!(load(&path, PaneUuid::new()).unwrap().is_none());
}

#[test]
fn of_a_text_that_is_too_large_the_newest_rows_are_stored() {
    let mut long = screen(9_000, noise);
    let text = pack(0, 1, &long.checkpoint(Extent::Rows(MAX_ROWS))).unwrap();
    assert!(
        text.bytes() <= MAX_BYTES && text.bytes() > MAX_BYTES / 3,
        "{}",
        text.bytes()
    );
    let back = Screen::restore(&inflate(&text.packed).unwrap()).unwrap();
    let (back, all) = (text_of(&back), text_of(&long));
    assert!(back.lines().count() > 2_000, "{}", back.lines().count());
    assert!(all.ends_with(&back));
}

#[test]
fn damaged_and_foreign_texts_are_errors_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut connection) = database(&dir);
    let mut text = pack(0, 1, &screen(50, noise).checkpoint(Extent::Full)).unwrap();
    let pane = PaneUuid::new();
    text.packed.truncate(text.packed.len() / 2);
    insert(&mut connection, pane, &text);
    assert!(load(&path, pane).is_err());
    text.packed = deflate(&[200, 1, 2, 3]).unwrap();
    insert(&mut connection, pane, &text);
    assert!(matches!(load(&path, pane), Err(TextError::Checkpoint(_))));
    // More than any checkpoint has.
    text.packed = deflate(&vec![0; MAX_CHECKPOINT_BYTES * 2]).unwrap();
    insert(&mut connection, pane, &text);
    assert!(load(&path, pane).is_err());
}

#[test]
fn texts_without_a_pane_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (path, mut connection) = database(&dir);
    let text = pack(0, 1, &screen(5, noise).checkpoint(Extent::Full)).unwrap();
    let (kept, stray, gone) = (PaneUuid::new(), PaneUuid::new(), PaneUuid::new());
    for pane in [kept, stray, gone] {
        insert(&mut connection, pane, &text);
    }
    for pane in [kept, gone] {
        let row = [pane.to_string()];
        let sql = "INSERT INTO panes VALUES (?1, 's', NULL, 'k', '{}')";
        connection.execute(sql, row).unwrap();
    }
    forget_strays(&connection).unwrap();
    let transaction = connection.transaction().unwrap();
    forget(&transaction, gone).unwrap();
    transaction.commit().unwrap();
    let left: Vec<_> = stored(&path).unwrap().into_iter().map(|s| s.pane).collect();
    assert_eq!(left, [kept]);
}

#[test]
fn a_text_of_which_nothing_is_kept_is_that_of_an_empty_screen() {
    let empty = serde_json::to_value(terminal::screen::Tail::default()).unwrap();
    let none: serde_json::Value = serde_json::from_str(crate::tidy::NO_TAIL).unwrap();
    assert_eq!(none, empty);
}
