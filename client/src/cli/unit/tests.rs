//! Tests of the unit's text and of whether somebody has edited it.

use std::path::{Path, PathBuf};

use protocol::paths::Paths;

use super::file::{Present, Unit, write};

fn usual() -> Paths {
    Paths {
        runtime: PathBuf::from("/run/user/1000/fugue"),
        state: PathBuf::from("/home/me/.local/state/fugue"),
        config: PathBuf::from("/home/me/.config/fugue/config.toml"),
    }
}

fn unit(paths: &Paths) -> String {
    let (fugued, fugue) = (
        Path::new("/opt/fugue/fugued"),
        Path::new("/opt/fugue/fugue"),
    );
    Unit::new(fugued, fugue, paths, &usual()).unwrap().text()
}

#[test]
fn a_unit_leaves_every_program_to_the_next_daemon() {
    let text = unit(&usual());
    for line in [
        "Type=notify",
        "KillMode=process",
        "OOMPolicy=continue",
        "ExecStart=\"/opt/fugue/fugued\" --foreground --log-file --keep-panes --cgroup own",
        "ExecStop=-\"/opt/fugue/fugue\" stop --keep-panes",
        "Restart=on-failure",
        "WatchdogSec=30",
        "Delegate=yes",
        "DelegateSubgroup=fugued",
        "WantedBy=default.target",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    assert!(!text.contains("Environment="), "{text}");
}

#[test]
fn directories_that_systemd_would_not_choose_are_named() {
    let paths = Paths {
        runtime: PathBuf::from("/srv/100% mine/r"),
        ..usual()
    };
    let text = unit(&paths);
    let line = "Environment=\"FUGUE_RUNTIME_DIR=/srv/100%% mine/r\"";
    assert!(text.lines().any(|own| own == line), "{text}");
    assert!(!text.contains("FUGUE_STATE_DIR"), "{text}");
}

#[test]
fn paths_that_a_unit_cannot_hold_are_refused() {
    let odd = Path::new("/opt/a\nExecStart=evil");
    let error = Unit::new(odd, odd, &usual(), &usual()).unwrap_err();
    assert!(error.message.contains("cannot stand in a unit"), "{error}");
    let quotes = Path::new("/opt/a\"b\\c d");
    let text = Unit::new(quotes, quotes, &usual(), &usual())
        .unwrap()
        .text();
    assert!(
        text.contains(r#"ExecStart="/opt/a\"b\\c d" --foreground"#),
        "{text}"
    );
}

#[test]
fn a_file_that_somebody_has_edited_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/fugued.service");
    assert_eq!(Present::at(&path).unwrap(), Present::Absent);
    let text = unit(&usual());
    write(&path, &text).unwrap();
    assert_eq!(Present::at(&path).unwrap(), Present::AsWritten);
    for edited in [
        text.replace("WatchdogSec=30", "WatchdogSec=300"),
        text.replacen('#', "##", 1),
        format!("{text}Nice=5\n"),
        String::new(),
    ] {
        std::fs::write(&path, edited).unwrap();
        assert_eq!(Present::at(&path).unwrap(), Present::Edited);
    }
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(Present::at(&path).unwrap(), Present::Edited);
}
