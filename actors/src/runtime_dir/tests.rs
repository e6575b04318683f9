//! Tests of `runtime_dir`.

use std::os::unix::net::UnixStream;

use super::*;

fn paths(dir: &Path) -> Paths {
    Paths {
        runtime: dir.join("r"),
        state: dir.join("s"),
        config: dir.join("config.toml"),
    }
}

#[test]
fn a_deleted_directory_is_made_again_with_all_that_was_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path());
    let place = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap();
    std::fs::write(paths.http_token(), "an older one").unwrap();
    place.keep(&paths.http_token());
    std::fs::write(paths.http_token(), "secret").unwrap();
    place.look_again();
    assert!(place.is_found());
    std::fs::remove_dir_all(&paths.runtime).unwrap();
    assert!(!place.is_found());
    place.renew(UnixListener::try_clone).unwrap();
    assert!(place.is_found());
    assert!(paths.panes().is_dir());
    assert_eq!(std::fs::read(paths.http_token()).unwrap(), b"secret");
    UnixStream::connect(paths.socket()).unwrap();
    let mode = std::fs::metadata(paths.http_token()).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_renewal_that_fails_at_any_step_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path());
    let place = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap();
    std::fs::write(paths.http_token(), "secret").unwrap();
    place.keep(&paths.http_token());
    std::fs::remove_dir_all(&paths.runtime).unwrap();
    // The socket cannot be taken.
    let refused = |_: &UnixListener| Err::<UnixListener, _>(Errno::NFILE.into());
    let error = place.renew(refused).unwrap_err();
    assert!(error.message.contains("listen again"), "{error}");
    assert!(!place.is_found() && !paths.socket().exists());
    // A file cannot be written.
    std::fs::remove_file(paths.http_token()).unwrap();
    std::fs::create_dir_all(paths.http_token().join("in the way")).unwrap();
    let error = place.renew(UnixListener::try_clone).unwrap_err();
    assert!(error.message.contains("write"), "{error}");
    assert!(!place.is_found() && !paths.socket().exists());
    std::fs::remove_dir_all(paths.http_token()).unwrap();
    let taken = place.renew(UnixListener::try_clone).unwrap();
    assert!(place.is_found());
    assert_eq!(std::fs::read(paths.http_token()).unwrap(), b"secret");
    let _caller = UnixStream::connect(paths.socket()).unwrap();
    taken.set_nonblocking(true).unwrap();
    taken.accept().unwrap();
}

#[test]
fn each_directory_has_one_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let first = paths(dir.path());
    let place = RuntimeDir::open(&first, LOCK_LIMIT).unwrap();
    let same_state = Paths {
        runtime: dir.path().join("other"),
        ..first.clone()
    };
    for taken in [&first, &same_state] {
        let error = RuntimeDir::open(taken, LOCK_LIMIT).unwrap_err();
        assert_eq!(error.code, ErrorCode::Busy, "{error}");
        let pid = format!("(pid {})", std::process::id());
        assert!(error.message.contains(&pid), "{error}");
    }
    drop(place);
    RuntimeDir::open(&first, LOCK_LIMIT).unwrap();
}

#[test]
fn the_socket_of_a_successor_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path());
    let place = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap();
    std::fs::remove_file(paths.socket()).unwrap();
    let other = UnixListener::bind(paths.socket()).unwrap();
    assert!(!place.is_found());
    drop(place);
    assert!(paths.socket().exists());
    drop(other);
}

#[test]
fn nothing_is_written_through_links() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path());
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    private_dir(&paths.runtime).unwrap();
    std::os::unix::fs::symlink(&victim, paths.lock()).unwrap();
    let error = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap_err();
    assert!(error.message.contains("fugued.lock"), "{error}");
    std::fs::remove_file(paths.lock()).unwrap();
    let place = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap();
    for link in [paths.http_url(), paths.http_url().with_extension("url.new")] {
        std::os::unix::fs::symlink(&victim, &link).unwrap();
    }
    write(&paths.http_url(), b"http://here\n").unwrap();
    assert_eq!(std::fs::read(paths.http_url()).unwrap(), b"http://here\n");
    assert!(!paths.http_url().is_symlink());
    drop(place);
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

/// The lock of a runtime directory, held as by a child of the process `owner`.
fn held(paths: &Paths, owner: u32) -> std::fs::File {
    private_dir(&paths.runtime).unwrap();
    std::fs::write(paths.lock(), format!("{owner}\n")).unwrap();
    let file = std::fs::File::open(paths.lock()).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    file
}

#[test]
fn a_lock_whose_owner_is_dead_is_waited_for_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths(dir.path());
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let held_on = held(&paths, child.id());
    let (sender, told) = std::sync::mpsc::channel::<()>();
    let releases = std::thread::spawn(move || {
        // Longer than a lock of somebody who lives is tried.
        let _ = told.recv_timeout(LOCK_LIMIT * 4);
        drop(held_on);
    });
    let place = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap();
    drop((place, sender));
    releases.join().unwrap();
    let _held = held(&paths, std::process::id());
    let error = RuntimeDir::open(&paths, LOCK_LIMIT).unwrap_err();
    assert!(error.message.contains("runs already"), "{error}");
}
