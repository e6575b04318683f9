//! Order within a view, and no order between views.

use bytes::Bytes;
use futures_util::FutureExt;
use protocol::frame::{Frame, PastePart, ViewId};
use protocol::request::{Call, Detach};
use protocol::{Error, ErrorCode};
use tokio::sync::oneshot;

use super::{Stepped, Steps, WAITING_BYTES};

const STUCK: ViewId = 1;
const OTHER: ViewId = 2;

fn typed(view: ViewId, word: &'static str) -> Frame {
    let bytes = Bytes::from_static(word.as_bytes());
    let paste: Option<PastePart> = None;
    Frame::Input { view, bytes, paste }
}

fn detach(view: ViewId) -> Frame {
    Frame::Request(protocol::frame::RequestFrame {
        id: 7,
        method: Detach::METHOD.to_owned(),
        idempotency_key: None,
        params: protocol::frame::to_bytes(&Detach { view }),
    })
}

fn done(view: ViewId) -> Stepped {
    Stepped {
        request: 1,
        view,
        left: None,
        answer: Err(Error::new(
            ErrorCode::Timeout,
            "the session does not answer",
        )),
    }
}

fn word(frame: &Frame) -> &[u8] {
    if let Frame::Input { bytes, .. } = frame {
        return bytes;
    }
    b"request"
}

#[tokio::test]
async fn a_step_that_is_stuck_holds_up_its_own_view_alone() {
    let (answer, session) = oneshot::channel::<()>();
    let mut steps = Steps::default();
    let stuck = session.map(|_| done(STUCK));
    steps.begin(STUCK, stuck.boxed());
    steps.begin(OTHER, std::future::ready(done(OTHER)).boxed());
    for frame in [typed(STUCK, "one"), detach(STUCK), typed(STUCK, "two")] {
        assert!(steps.keep(frame).is_none(), "it is for a later time");
    }
    assert!(steps.keep(Frame::Ping).is_some());
    assert_eq!(
        steps.next().await.view,
        OTHER,
        "the stuck one is not waited for"
    );
    assert!(steps.go_on(OTHER).is_empty());
    assert!(steps.keep(typed(OTHER, "now")).is_some());
    assert!(steps.next().now_or_never().is_none());
    answer.send(()).unwrap();
    assert_eq!(steps.next().await.view, STUCK);
    let kept = steps.go_on(STUCK);
    let words: Vec<&[u8]> = kept.iter().map(word).collect();
    assert_eq!(words, [&b"one"[..], b"request", b"two"]);
    assert!(steps.keep(typed(STUCK, "three")).is_some());
}

#[tokio::test]
async fn what_waits_for_a_stuck_view_is_bounded() {
    let mut steps = Steps::default();
    steps.begin(STUCK, std::future::pending().boxed());
    let mut count = 0;
    while !steps.is_full() {
        assert!(steps.keep(typed(STUCK, "x")).is_none());
        count += 1;
    }
    assert!(count <= WAITING_BYTES / 100, "{count} frames of one byte");
    steps.go_on(STUCK);
    assert!(!steps.is_full());
}
