//! Tests of what arrives at a socket like systemd's.

use std::ffi::OsString;
use std::time::Duration;

use super::*;

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn check(listening: &UnixDatagram, name: &OsStr) {
    let limit = Some(Duration::from_secs(10));
    listening.set_read_timeout(limit).unwrap();
    let watchdog = Watchdog {
        usec: Some(3_000_000),
        pid: Some(std::process::id()),
    };
    let notify = Notify::new(Some(name), watchdog);
    assert_eq!(notify.watchdog(), Some(Duration::from_secs(3)));
    notify.ready("serving");
    assert_eq!(received(listening), "READY=1\nSTATUS=serving\n");
    notify.alive();
    assert_eq!(received(listening), "WATCHDOG=1\n");
    notify.status("2 panes");
    assert_eq!(received(listening), "STATUS=2 panes\n");
    notify.stopping("bye");
    assert_eq!(received(listening), "STOPPING=1\nSTATUS=bye\n");
}

#[test]
fn a_socket_is_found_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    check(&UnixDatagram::bind(&path).unwrap(), path.as_os_str());
}

#[test]
fn a_socket_is_found_by_its_abstract_name() {
    let name = format!("fugue-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listening = UnixDatagram::bind_addr(&address).unwrap();
    check(&listening, &OsString::from(format!("@{name}")));
}

#[test]
fn without_systemd_nothing_is_sent_and_nothing_fails() {
    let silent = Notify::new(None, Watchdog::default());
    silent.ready("");
    assert_eq!(silent.watchdog(), None);
    let gone = Notify::new(Some(OsStr::new("/nonexistent/notify")), Watchdog::default());
    gone.ready("");
    gone.alive();
    // Too long for an address.
    let long = "x".repeat(500);
    Notify::new(Some(OsStr::new(&long)), Watchdog::default()).ready("");
}

#[test]
fn signs_of_life_are_wanted_from_this_process_or_not_at_all() {
    let watchdog = |usec, pid| Watchdog { usec, pid }.period();
    let own = std::process::id();
    assert_eq!(watchdog(Some(5), Some(own)), Some(Duration::from_micros(5)));
    assert_eq!(watchdog(Some(5), None), Some(Duration::from_micros(5)));
    assert_eq!(watchdog(Some(5), Some(own + 1)), None);
    assert_eq!(watchdog(Some(0), Some(own)), None);
    assert_eq!(watchdog(None, Some(own)), None);
}
