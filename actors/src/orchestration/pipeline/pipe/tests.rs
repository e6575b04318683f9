//! Looking into the pipe, emptying it, and what happens when descriptors have run out.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_millis(350);

fn piped(text: &str) -> (StatusPipe, OwnedFd) {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    rustix::io::write(&write, text.as_bytes()).unwrap();
    (StatusPipe::new(read), write)
}

#[tokio::test]
async fn what_was_looked_at_is_there_until_it_is_dropped() {
    let (mut pipe, write) = piped("one\ntwo\n");
    for _ in 0..3 {
        assert_eq!(pipe.peek().await, b"one\ntwo\n");
    }
    pipe.drop_first(4);
    assert_eq!(pipe.peek().await, b"two\n");
    pipe.drop_first(4);
    assert!(
        timeout(SOON, pipe.peek()).await.is_err(),
        "nothing is there"
    );
    assert_eq!(pipe.read(), None);
    rustix::io::write(&write, b"three\n").unwrap();
    assert_eq!(pipe.peek().await, b"three\n");
    pipe.drop_first(6);
    drop(write);
    assert_eq!(pipe.peek().await, b"", "nobody writes any more");
}

/// Leaves this process, which is the test's own, no descriptor.
fn without_descriptors() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(0),
        ..before
    };
    setrlimit(Resource::Nofile, none).unwrap();
    before
}

#[tokio::test]
async fn reports_are_read_again_when_there_are_descriptors_again() {
    // Before the pipe is watched, and when it is.
    for watched in [false, true] {
        let (mut pipe, _write) = piped("report\n");
        if watched {
            pipe.peek().await;
        }
        let before = without_descriptors();
        let looked = timeout(SOON, pipe.peek()).await;
        setrlimit(Resource::Nofile, before).unwrap();
        assert!(looked.is_err(), "{looked:?}");
        assert_eq!(timeout(SOON * 10, pipe.peek()).await.unwrap(), b"report\n");
    }
}

#[tokio::test]
async fn the_rest_is_read_without_descriptors() {
    let (pipe, write) = piped("last\n");
    drop(write);
    let before = without_descriptors();
    let read = (pipe.read(), pipe.read());
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(read, (Some(b"last\n".to_vec()), None));
}
