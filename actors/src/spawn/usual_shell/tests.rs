//! Bash where it is on the path.

use std::os::unix::fs::PermissionsExt as _;

use super::usual;

#[test]
fn bash_is_used_where_it_can_be_executed() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().to_str().unwrap();
    let bash = dir.path().join("bash");
    assert_eq!(usual(Some(place)), "sh");
    std::fs::write(&bash, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&bash, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(usual(Some(place)), "bash");
    assert_eq!(
        usual(Some(&format!("/nonexistent:relative::{place}"))),
        "bash"
    );
    assert_eq!(usual(Some("")), "sh");
}
