//! What ssh's end means, in its own words, and the command that starts it.

use super::*;

use std::io::Write;
use std::os::unix::process::ExitStatusExt;

fn route(sockets: &Path) -> SshRoute {
    SshRoute {
        host: SshHost {
            user: Some("dev".to_owned()),
            host: "box".to_owned(),
            port: Some(2222),
        },
        command: PROXY.to_owned(),
        sockets: sockets.to_owned(),
    }
}

fn after(code: i32, said: &str) -> Error {
    let gone = Error::new(ErrorCode::ServerUnreachable, "gone");
    let status = ExitStatus::from_raw(code << 8);
    explained("lab", "dev@box", status, said, gone)
}

#[test]
fn each_end_of_ssh_is_its_own_error_with_the_next_step() {
    let none = after(NOT_FOUND, "bash: line 1: fugue: command not found\n");
    assert_eq!(none.code, ErrorCode::Unsupported);
    let text = none.to_string();
    assert!(
        text.contains("dev@box does not find fugue: bash: line 1"),
        "{text}"
    );
    assert!(text.contains("under [servers.lab]"), "{text}");
    for (said, code) in [
        ("Host key verification failed.\r\n", ErrorCode::Denied),
        (
            "dev@box: Permission denied (publickey).",
            ErrorCode::Unauthenticated,
        ),
        (
            "ssh: connect to host box port 22: Connection refused",
            ErrorCode::ServerUnreachable,
        ),
    ] {
        let error = after(SSH_FAILED, said);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(said.trim()), "{error}");
        assert!(error.to_string().contains("`fugue servers test lab`"));
    }
    assert_eq!(after(0, "").message, "gone");
    let said = after(3, "one\r\ntwo\n").to_string();
    assert!(said.contains("gone; dev@box said: one; two"), "{said}");
}

#[test]
fn destinations_share_a_login_only_with_themselves_and_its_path_fits() {
    let runtime = PathBuf::from("x".repeat(DIR_BYTES));
    assert_eq!(sockets(&runtime), runtime);
    let deep = PathBuf::from("x".repeat(DIR_BYTES + 1));
    assert!(sockets(&deep).starts_with("/tmp"));
    for odd in ["/run/a b", "/run/$HOME", "/run/\"", "/run/ü"] {
        assert!(sockets(Path::new(odd)).starts_with("/tmp"), "{odd}");
    }
    let one = route(&runtime);
    let mut other = one.clone();
    other.host.port = None;
    assert_eq!(one.control(), route(&runtime).control());
    assert_ne!(one.control(), other.control());
    // ssh listens at first under a name with a dot and 16 characters more.
    assert!(one.control().as_os_str().len() + 17 <= 107);
    assert_eq!(escaped(Path::new("/a%b")), "/a%%b");
}

#[test]
fn the_last_words_are_kept_and_waited_for() {
    let said = Arc::new(Said::default());
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let hearing = Arc::clone(&said);
    let hears = std::thread::spawn(move || hearing.listen(theirs));
    ours.write_all(&vec![b'x'; SAID_BYTES]).unwrap();
    ours.write_all(b"last words").unwrap();
    drop(ours);
    let words = said.last_words(Duration::from_secs(10));
    assert_eq!(words.len(), SAID_BYTES);
    assert!(words.ends_with("xlast words"));
    hears.join().unwrap();
}
