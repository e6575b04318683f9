//! What keepers are given to keep, and what is made of it.

use protocol::{Name, SessionUuid};

use super::KeeperMeta;
use model::pane::PaneRecord;

fn meta(env_bytes: usize) -> KeeperMeta {
    KeeperMeta {
        store: None,
        session: SessionUuid::new(),
        session_name: Name::new("work").unwrap(),
        name: Some(Name::new("build").unwrap()),
        life: 3,
        record: PaneRecord {
            command: "make".to_owned(),
            argv: vec!["make".to_owned()],
            env: vec![("BIG".to_owned(), "x".repeat(env_bytes))],
            history_lines: 77,
            ..PaneRecord::default()
        },
    }
}

#[test]
fn a_keeper_gives_back_what_it_was_given() {
    let told = meta(10);
    let read = KeeperMeta::decode(&told.encode()).unwrap();
    assert_eq!(read.session, told.session);
    assert_eq!(
        (read.session_name, read.name),
        (told.session_name, told.name)
    );
    assert_eq!(read.life, 3);
    assert_eq!(read.record.env, told.record.env);
    assert_eq!(read.record.history_lines, 77);
}

#[test]
fn a_large_environment_is_left_out_rather_than_the_pane() {
    let bytes = meta(600 * 1024).encode();
    assert!(bytes.len() < 4096);
    let read = KeeperMeta::decode(&bytes).unwrap();
    assert_eq!(
        (read.record.command.as_str(), read.record.env.len()),
        ("make", 0)
    );
}

#[test]
fn nonsense_is_no_meta() {
    for bytes in [&b""[..], b"\x80", b"0123456789abcdef", &[0xc1; 40]] {
        assert!(KeeperMeta::decode(bytes).is_err());
    }
}
