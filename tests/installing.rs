//! `scripts/install` and `scripts/dist`: what they put in place, and that it is taken out again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::daemon::fugue_exe;

fn files(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(below).into_iter().flatten().flatten() {
        match entry.path() {
            dir if dir.is_dir() => files(&dir, found),
            file => found.push(file),
        }
    }
}

fn script(name: &str, args: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name);
    let ran = Command::new(script).args(args).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn all_of_it_is_put_in_place_and_taken_out() {
    let dir = tempfile::TempDir::new().unwrap();
    let prefix = dir.path().join("prefix");
    let (from, to) = (
        Path::new(fugue_exe()).parent().unwrap(),
        prefix.to_str().unwrap(),
    );
    let install = ["--from", from.to_str().unwrap(), "--prefix", to];
    // Something of somebody else, which stays.
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::write(prefix.join("bin/other"), "x").unwrap();
    for _ in 0..2 {
        let (ok, said) = script("install", &install);
        assert!(ok, "{said}");
        for file in [
            "bin/fugue",
            "bin/fugued",
            "bin/fugue-keeper",
            "share/man/man1/fugue.1",
            "share/man/man1/fugue-tail.1",
            "share/bash-completion/completions/fugue",
            "share/zsh/site-functions/_fugue",
            "share/fish/vendor_completions.d/fugue.fish",
        ] {
            assert!(prefix.join(file).metadata().unwrap().len() > 100, "{file}");
        }
    }
    let runs = Command::new(prefix.join("bin/fugue"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(runs.status.success());
    let (ok, said) = script("install", &["--remove", "--prefix", to]);
    assert!(ok, "{said}");
    let mut left = Vec::new();
    files(&prefix, &mut left);
    assert_eq!(left, [prefix.join("bin/other")]);
    let (ok, said) = script("install", &["--remove", "--prefix", to]);
    assert!(!ok && said.contains("nothing was installed"), "{said}");
    let (ok, said) = script("install", &["--from", "/nowhere", "--prefix", to]);
    assert!(!ok && said.contains("there is no program"), "{said}");
}

#[test]
fn a_tarball_is_installed_without_cargo() {
    let dir = tempfile::TempDir::new().unwrap();
    let programs = Path::new(fugue_exe()).parent().unwrap();
    std::fs::create_dir(dir.path().join("scripts")).unwrap();
    std::os::unix::fs::symlink(programs, dir.path().join("bin")).unwrap();
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install");
    std::fs::copy(install, dir.path().join("scripts/install")).unwrap();
    let ran = Command::new(dir.path().join("scripts/install"))
        .args(["--prefix", "prefix"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(dir.path().join("prefix/bin/fugued").is_file());
}
