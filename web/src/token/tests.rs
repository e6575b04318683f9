//! The token file: made once, kept, and refused when it is not private.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

#[test]
fn a_token_is_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/token");
    let made = Token::load_or_create(&path).unwrap();
    assert_eq!(made.0.len(), 64);
    let folder = std::fs::metadata(dir.path().join("made")).unwrap();
    assert_eq!(folder.mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let again = Token::load_or_create(&path).unwrap();
    assert_eq!(again.0, made.0);
    assert!(again.is(made.0.as_bytes()));
    let mut other = made.0.clone().into_bytes();
    other[63] ^= 1;
    assert!(!again.is(&other));
    assert!(!again.is(&other[..63]));
    assert!(!again.is(b""));
}

#[test]
fn a_file_that_is_not_private_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let rows = [
        ("0123456789abcdef\n", 0o644, "by others"),
        ("0123456789abcdef\n", 0o620, "by others"),
        ("short\n", 0o600, "no token"),
        ("", 0o600, "no token"),
        ("0123456789 abcdef\n", 0o600, "no token"),
    ];
    for (text, mode, why) in rows {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Token::load_or_create(&path).err().unwrap();
        assert_eq!(error.code, ErrorCode::Denied, "{text:?} {mode:o}");
        assert!(error.message.contains(why), "{error}");
    }
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(Token::load_or_create(&link).is_err());
    assert!(Token::load_or_create(dir.path()).is_err());
}

#[test]
fn a_token_that_is_changed_in_its_file_counts_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let secret = Secret::open(&path).unwrap();
    let first = secret.now();
    assert!(Arc::ptr_eq(&first, &secret.now()));
    let text = protocol::secret::replace(&path).unwrap();
    let second = secret.now();
    assert!(second.is(text.as_bytes()) && !second.is(first.0.as_bytes()));
    // What cannot be a token, or is not there, changes nothing.
    std::fs::write(&path, "short").unwrap();
    assert!(secret.now().is(text.as_bytes()));
    std::fs::remove_file(&path).unwrap();
    assert!(secret.now().is(text.as_bytes()));
}
