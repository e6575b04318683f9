//! Tests of the files, and of when a log has colours.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use tracing_subscriber::layer::SubscriberExt;

use super::{FILE_BYTES, FILE_NAME, OLDER_FILES, colored, rotating, usual};

#[test]
fn colours_are_for_terminals_whose_owner_wants_them() {
    assert!(colored(true, None));
    assert!(colored(true, Some(OsStr::new(""))));
    assert!(!colored(true, Some(OsStr::new("1"))));
    assert!(!colored(false, None));
}

#[test]
fn libraries_are_heard_only_when_something_is_wrong() {
    let subscriber = tracing_subscriber::registry().with(usual());
    tracing::subscriber::with_default(subscriber, || {
        assert!(tracing::enabled!(target: "fugue_actors::pane", tracing::Level::INFO));
        assert!(tracing::enabled!(target: "supervisor", tracing::Level::INFO));
        assert!(!tracing::enabled!(target: "fugue_actors::pane", tracing::Level::DEBUG));
        assert!(!tracing::enabled!(target: "hyper::proto", tracing::Level::INFO));
        assert!(!tracing::enabled!(target: "rmcp::service", tracing::Level::INFO));
        assert!(tracing::enabled!(target: "rmcp::service", tracing::Level::WARN));
    });
}

/// Writes lines of one KiB, numbered from `from`.
fn write(file: &mut impl Write, from: usize, lines: usize) {
    for number in from..from + lines {
        file.write_all(format!("{number:<1023}\n").as_bytes())
            .unwrap();
    }
}

fn first_number(path: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().next().unwrap().trim().parse().unwrap()
}

#[test]
fn five_files_of_ten_mebibytes_are_kept_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let per_file = FILE_BYTES / 1024;
    // A daemon that is started again goes on with the file that is there.
    write(&mut rotating(dir.path()), 0, per_file / 2);
    let mut file = rotating(dir.path());
    write(&mut file, per_file / 2, 7 * per_file);
    drop(file);
    let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    assert_eq!(names.len(), OLDER_FILES + 1);
    for entry in &names {
        let meta = entry.metadata().unwrap();
        // A line is never torn, so a file is one line longer at most.
        assert!(meta.len() <= (FILE_BYTES + 1024) as u64, "{entry:?}");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    let newest = first_number(&dir.path().join(FILE_NAME));
    let second = first_number(&dir.path().join(format!("{FILE_NAME}.1")));
    assert!(newest > second, "{newest} {second}");
}

#[test]
fn a_log_that_is_a_link_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "precious\n").unwrap();
    let log = dir.path().join(FILE_NAME);
    std::os::unix::fs::symlink(&victim, &log).unwrap();
    write(&mut rotating(dir.path()), 0, 1);
    assert!(!log.is_symlink());
    assert_eq!(first_number(&log), 0);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious\n");
}
