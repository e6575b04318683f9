//! Changes of a configuration that people have written.

use super::edit::edit;
use super::*;

const WRITTEN: &str = "# mine\ndefault_server = \"den\" # the den\n\n[servers.den]\n# the old way\nsocket = \"/run/den.sock\"\n\n[attach]\ntitles = false\n";

fn name(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

fn entry(address: &str) -> ServerEntry {
    ServerEntry {
        address: Some(address.parse().unwrap()),
        ..ServerEntry::default()
    }
}

#[test]
fn changes_keep_what_people_wrote_and_are_whole_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, WRITTEN).unwrap();
    let text = || std::fs::read_to_string(&path).unwrap();
    let lab = entry("ssh://dev@lab:2222");
    edit(&path, |file| file.add(&name("lab"), &lab, false)).unwrap();
    let added = text();
    assert!(
        added.contains("# mine\n") && added.contains("# the old way\n"),
        "{added}"
    );
    assert!(
        added.contains("[servers.lab]\naddress = \"ssh://dev@lab:2222\"\n"),
        "{added}"
    );
    edit(&path, |file| file.rename(&name("den"), &name("cave"))).unwrap();
    assert!(
        text().contains("default_server = \"cave\" # the den"),
        "{}",
        text()
    );
    assert!(
        text().contains("[servers.cave]\n# the old way\n"),
        "{}",
        text()
    );
    edit(&path, |file| file.remove(&name("lab"))).unwrap();
    assert!(!text().contains("lab"), "{}", text());

    let before = text();
    for (refused, why) in [
        (
            edit(&path, |file| file.remove(&name("lab"))),
            "no server lab",
        ),
        (
            edit(&path, |file| file.remove(&name("cave"))),
            "default_server",
        ),
        (
            edit(&path, |file| file.add(&name("cave"), &lab, false)),
            "already",
        ),
        (
            edit(&path, |file| file.add(&name("local"), &lab, false)),
            "this machine's own server",
        ),
        (
            edit(&path, |file| file.rename(&name("cave"), &name("cave"))),
            "already",
        ),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!error.contains(".config.toml."), "{error}");
    }
    assert_eq!(text(), before);
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1, "no half file is left");
}

#[test]
fn a_configuration_is_made_where_there_is_none_and_a_broken_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/config.toml");
    edit(&path, |file| {
        file.add(&name("lab"), &entry("ssh://lab"), true)
    })
    .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("default_server = \"lab\""), "{text}");
    std::fs::write(&path, "[servers").unwrap();
    let error = edit(&path, |file| file.remove(&name("lab"))).unwrap_err();
    assert!(error.to_string().contains("config.toml"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "[servers");
}

#[test]
fn changes_at_once_are_all_made_and_special_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let add = |index: usize| {
        let (path, lab) = (path.clone(), entry("ssh://lab"));
        let named = name(&format!("lab-{index}"));
        std::thread::spawn(move || edit(&path, |file| file.add(&named, &lab, false)))
    };
    for added in (0..12).map(add).collect::<Vec<_>>() {
        added.join().unwrap().unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("[servers.lab-").count(), 12, "{text}");

    let link = dir.path().join("link.toml");
    for (real, why) in [
        ("/dev/null", "no regular file"),
        ("/nowhere/x", "a link to nothing"),
    ] {
        std::os::unix::fs::symlink(real, &link).unwrap();
        let refused = edit(&link, |file| {
            file.add(&name("lab"), &entry("ssh://lab"), false)
        });
        assert!(refused.unwrap_err().to_string().contains(why));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        std::fs::remove_file(&link).unwrap();
    }
}

#[test]
fn times_are_short() {
    for (us, text) in [(90, "0.1 ms"), (12_400, "12 ms"), (12_400_000, "12.4 s")] {
        assert_eq!(millis(Duration::from_micros(us)), text);
    }
}
