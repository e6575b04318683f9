//! Tests of the way past the queue.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

use super::FastPath;

fn pipe() -> (File, OwnedFd) {
    let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap();
    (File::from(read), write)
}

#[test]
fn bytes_go_straight_through_when_nothing_waits() {
    let (mut read, write) = pipe();
    let fast_path = FastPath::default();
    let (taken, rest) = fast_path.write(&write, b"key");
    assert_eq!(taken, 3);
    assert!(rest.is_none());
    assert!(fast_path.take_typed() && !fast_path.take_typed());
    let mut buffer = [0; 8];
    assert_eq!(read.read(&mut buffer).unwrap(), 3);
}

#[test]
fn nothing_overtakes_what_waits() {
    let (_read, write) = pipe();
    let fast_path = FastPath::default();
    let first = fast_path.ticket();
    let (taken, second) = fast_path.write(&write, b"key");
    assert_eq!(taken, 0);
    drop(first);
    // The second one has not been written either.
    let (taken, third) = fast_path.write(&write, b"key");
    assert_eq!(taken, 0);
    drop((second, third));
    assert_eq!(fast_path.write(&write, b"key").0, 3);
}

#[test]
fn what_is_left_over_keeps_its_place() {
    let (_read, write) = pipe();
    let fast_path = FastPath::default();
    let flood = vec![b'x'; 1 << 20];
    let (taken, rest) = fast_path.write(&write, &flood);
    assert!(taken > 0 && taken < flood.len());
    assert!(rest.is_some());
    assert_eq!(fast_path.write(&write, b"key").0, 0);
}
