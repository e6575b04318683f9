//! Tests of `paths`.

use super::*;

use std::os::unix::fs::PermissionsExt;

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_missing_directory_is_made_private_with_its_parents() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b");
    private_dir(&inner).unwrap();
    assert_eq!((mode(&inner), mode(&dir.path().join("a"))), (0o700, 0o700));
    private_dir(&inner).unwrap();
}

#[test]
fn a_directory_that_others_can_enter_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for open in [0o755, 0o777, 0o710, 0o701, 0o1777, 0o750] {
        chmod(dir.path(), open);
        let error = private_dir(dir.path()).unwrap_err();
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(error.message.contains(&format!("mode {open:o}")), "{error}");
        // Nobody is told to close what is made for all, such as `/tmp`.
        let hint = ["chmod 700", "many users"][usize::from(open & 0o1000 != 0)];
        assert!(error.hint.contains(hint), "{error}");
        let now = std::fs::metadata(dir.path()).unwrap().mode() & 0o7777;
        assert_eq!(now, open);
    }
}

#[test]
fn nothing_is_made_in_a_directory_of_another_user() {
    if !rustix::process::getuid().is_root() {
        return; // Only root can give a directory away, and could make something in it.
    }
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(home.path(), Some(65_534), None).unwrap();
    let error = private_dir(&home.path().join("a/b")).unwrap_err();
    assert_eq!(error.code, ErrorCode::Denied);
    assert!(error.message.contains("belongs to user 65534"), "{error}");
    assert!(!home.path().join("a").exists());
}

#[test]
fn a_link_and_a_file_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    std::fs::create_dir(&target).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755)).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let error = private_dir(&link).unwrap_err();
    assert_eq!(error.code, ErrorCode::Denied);
    assert!(error.message.contains("link"), "{error}");
    assert_eq!(mode(&target), 0o755);

    let dangling = dir.path().join("dangling");
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &dangling).unwrap();
    assert_eq!(private_dir(&dangling).unwrap_err().code, ErrorCode::Denied);
    assert!(!dir.path().join("nowhere").exists());

    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = private_dir(&path).unwrap_err();
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(error.message.contains("file"), "{error}");
    }
}

#[test]
fn a_directory_of_another_user_is_refused() {
    if !rustix::process::getuid().is_root() {
        return; // Only root can give a directory away.
    }
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(dir.path(), Some(65_534), None).unwrap();
    let error = private_dir(dir.path()).unwrap_err();
    assert_eq!(error.code, ErrorCode::Denied);
    assert!(error.message.contains("another user"), "{error}");
}

#[test]
fn files_are_where_the_documentation_says() {
    let paths = Paths {
        runtime: "/r".into(),
        state: "/s".into(),
        config: "/c".into(),
    };
    assert_eq!(paths.socket(), Path::new("/r/fugued.sock"));
    assert_eq!(paths.lock(), Path::new("/r/fugued.lock"));
    assert_eq!(paths.panes(), Path::new("/r/panes"));
    assert_eq!(paths.logs(), Path::new("/s/log"));
}

#[test]
fn a_directory_reached_by_a_link_keeps_its_name_and_nothing_else_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let logical = |told: &Path| by_way_of(Some(told.to_owned()), real.clone());
    assert_eq!(logical(&link), link);
    for wrong in [
        dir.path().to_owned(),
        dir.path().join("gone"),
        dir.path().join("link/../link"),
        PathBuf::from("."),
        PathBuf::new(),
    ] {
        assert_eq!(logical(&wrong), real, "{}", wrong.display());
    }
    assert_eq!(by_way_of(None, real.clone()), real);
}
