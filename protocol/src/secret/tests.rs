//! Tests of `secret`.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_secret_is_long_private_and_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let first = create(&path).unwrap();
    assert_eq!(first.len(), 2 * RANDOM_BYTES);
    assert_eq!(
        create(&path).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    let second = replace(&path).unwrap();
    assert_ne!(first, second);
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), second);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What a link points to is not written.
    let (victim, link) = (dir.path().join("victim"), dir.path().join("link"));
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    replace(&link).unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
}
