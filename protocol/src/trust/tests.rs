//! Tests of `trust`.

use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;

use super::*;

const STRANGER: u32 = 65_533;

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn refusal(socket: &Path, owner: u32) -> String {
    let error = dial(socket, owner).unwrap_err();
    assert_eq!(error.code, ErrorCode::Denied, "{error}");
    assert!(error.message.contains("nothing was sent"), "{error}");
    error.to_string()
}

#[test]
fn a_server_of_ones_own_in_a_directory_of_ones_own_is_talked_to() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let missing = dial(&socket, own_uid()).unwrap_err();
    assert_eq!(missing.code, ErrorCode::ServerUnreachable);
    let _listener = UnixListener::bind(&socket).unwrap();
    for mode in [0o700, 0o755, 0o711] {
        chmod(dir.path(), mode);
        dial(&socket, own_uid()).unwrap();
    }
    dial(&dir.path().join("no/such/directory/s"), own_uid()).unwrap_err();
}

#[test]
fn a_place_where_others_write_or_that_is_a_link_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("p");
    std::fs::create_dir(&place).unwrap();
    let socket = place.join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    for mode in [0o777, 0o770, 0o702] {
        chmod(&place, mode);
        assert!(refusal(&socket, own_uid()).contains("can be written"));
    }
    chmod(&place, 0o700);
    let link = dir.path().join("link");
    symlink(&place, &link).unwrap();
    assert!(refusal(&link.join("s"), own_uid()).contains("is a link"));
}

#[test]
fn the_server_of_another_user_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    // The peer is ours, but somebody else's was meant.
    let said = refusal(&socket, STRANGER);
    assert!(said.contains(&format!("user {}", own_uid())), "{said}");
    if let Ok((mut stream, _)) = listener.accept() {
        let mut sent = Vec::new();
        stream.read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"");
    }
}

#[test]
fn root_talks_to_the_server_of_another_user_only_when_told() {
    if own_uid() != 0 {
        return; // Only root can give a directory away.
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    chown(dir.path(), Some(STRANGER), None).unwrap();
    let said = refusal(&socket, 0);
    assert!(said.contains("belongs to user 65533"), "{said}");
    assert!(said.contains("uid = 65533"), "{said}");
    // Told so, the place is right; the peer here is root's and thus is not.
    check_place(&socket, STRANGER).unwrap();
    assert!(refusal(&socket, STRANGER).contains("a process of user 0"));
}
