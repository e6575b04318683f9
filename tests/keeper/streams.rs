//! Programs without a terminal: what they print arrives whole, and standard error apart where that is asked for.

use super::*;
use ::keeper::{KEPT_ERROR_BYTES, Streams};

fn piped(place: &Place, streams: Streams, script: &str) -> KeeperSpec {
    KeeperSpec {
        streams,
        ..place.sh(script)
    }
}

/// What is in the terminal until nobody writes to it any more.
fn rest_of(master: &OwnedFd) -> String {
    let flags = rustix::fs::fcntl_getfl(master).unwrap();
    rustix::fs::fcntl_setfl(master, flags - rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = rustix::io::read(master, &mut buffer) {
        all.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_program_with_pipes_has_no_terminal_and_nothing_to_read() {
    let place = Place::new();
    let script = "tty; cat; cat </dev/tty; echo error >&2; echo out; exit 7";
    let pane = spawn(piped(&place, Streams::Pipes, script)).await;
    let report = report(&pane.keeper).await;
    assert_eq!(report.status, ProgramStatus::Exited(7));
    let text = rest_of(&pane.master);
    assert!(text.starts_with("not a tty\r\n"), "{text}");
    assert!(text.contains("/dev/tty"), "there is none to open: {text}");
    assert!(text.ends_with("error\r\nout\r\n"), "{text}");
    assert_eq!(pane.keeper.kept_errors().await.unwrap().tail.len(), 0);
    finish(pane, &place).await;
}

#[tokio::test]
async fn standard_error_apart_is_kept_to_its_end_and_not_shown() {
    let place = Place::new();
    let script = "seq 1 50000 >&2; echo out; echo last >&2";
    let pane = spawn(piped(&place, Streams::Apart, script)).await;
    report(&pane.keeper).await;
    assert_eq!(rest_of(&pane.master), "out\r\n");
    let kept = pane.keeper.kept_errors().await.unwrap();
    assert_eq!(kept.tail.len(), KEPT_ERROR_BYTES);
    assert!(kept.tail.ends_with(b"\n50000\nlast\n"));
    let all: usize = (1..=50_000).map(|n: u32| n.to_string().len() + 1).sum();
    assert_eq!(kept.omitted as usize, all + 5 - KEPT_ERROR_BYTES);
    finish(pane, &place).await;
}

#[tokio::test]
async fn a_reader_that_comes_late_gets_every_byte_and_its_keeper_answers_meanwhile() {
    let place = Place::new();
    let pane = spawn(piped(&place, Streams::Pipes, "seq 1 200000")).await;
    sleep(Duration::from_millis(50)).await;
    let below = pane.keeper.descendants().await.unwrap();
    assert!(!below.is_empty(), "it waits for its reader");
    let master = pane.master.try_clone().unwrap();
    let text = tokio::task::spawn_blocking(move || rest_of(&master))
        .await
        .unwrap();
    assert!(text.lines().eq((1..=200_000).map(|n| n.to_string())));
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(0));
    finish(pane, &place).await;
}

#[tokio::test]
async fn the_end_is_told_although_others_hold_the_pipes() {
    let place = Place::new();
    let script = "sleep 1000 & echo out; echo error >&2; exit 3";
    let pane = spawn(piped(&place, Streams::Apart, script)).await;
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(3));
    output_with(&pane.master, "out\r\n").await;
    assert_eq!(&**pane.keeper.kept_errors().await.unwrap().tail, b"error\n");
    finish(pane, &place).await;
}

#[tokio::test]
async fn what_answers_a_question_or_is_typed_is_neither_shown_nor_stops_anything() {
    let place = Place::new();
    let pane = spawn(piped(
        &place,
        Streams::Pipes,
        "echo one; sleep 0.3; echo two",
    ))
    .await;
    output_with(&pane.master, "one\r\n").await;
    let typed = vec![b'x'; 64 * 1024];
    let mut left = &typed[..];
    until("all is taken", || {
        if let Ok(taken) = rustix::io::write(&pane.master, left) {
            left = &left[taken..];
        }
        left.is_empty()
    })
    .await;
    let text = output_with(&pane.master, "two\r\n").await;
    assert_eq!(text, "two\r\n");
    assert_eq!(report(&pane.keeper).await.status, ProgramStatus::Exited(0));
    finish(pane, &place).await;
}

#[tokio::test]
async fn every_descriptor_of_the_pipes_is_closed_behind_a_program_that_cannot_be_started() {
    let place = Place::new();
    let mut spec = piped(&place, Streams::Apart, "true");
    spec.argv = vec!["/no/such/program".into()];
    refusal(spec, &place).await;
    place.assert_no_processes().await;
}
