//! The token file: made once, kept, and refused when it is not private.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

#[test]
fn a_token_is_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let made = Token::load_or_create(&path).unwrap();
    assert_eq!(made.0.len(), 2 * RANDOM_BYTES);
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
