//! Tails over several files.

use std::io::Write;

use super::*;

fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (age, (name, text)) in files.iter().rev().enumerate() {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age as u64);
        File::open(&path).unwrap().set_modified(time).unwrap();
    }
    dir
}

#[test]
fn the_last_lines_come_from_as_many_files_as_needed() {
    let dir = dir(&[("log.2", "a\nb\n"), ("log.1", "c\n"), ("log", "d\ne\n")]);
    let files = log_files(dir.path()).unwrap();
    for (lines, text) in [
        (0, ""),
        (1, "e\n"),
        (3, "c\nd\ne\n"),
        (4, "b\nc\nd\ne\n"),
        (9, "a\nb\nc\nd\ne\n"),
    ] {
        assert_eq!(tail(&files, lines).unwrap().0, text, "{lines}");
    }
}

#[test]
fn the_place_behind_the_tail_shows_only_what_is_added() {
    let dir = dir(&[("log", "a\n")]);
    let files = log_files(dir.path()).unwrap();
    let (_, place) = tail(&files, 10).unwrap();
    let mut log = File::options().append(true).open(&files[0]).unwrap();
    log.write_all(b"b\n").unwrap();
    let mut added = String::new();
    place.unwrap().file.read_to_string(&mut added).unwrap();
    assert_eq!(added, "b\n");
}

#[test]
fn a_missing_directory_has_no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert!(log_files(&dir.path().join("none")).unwrap().is_empty());
}
