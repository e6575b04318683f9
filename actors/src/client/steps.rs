//! Steps of a connection's views: attaching, changing and detaching, each view in order and none in another's way.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use protocol::Error;
use protocol::frame::{Frame, RequestFrame, RequestId, ViewId, from_bytes};
use protocol::request::{Attach, Call, Detach, UpdateView};

use super::view::View;

/// Bytes of frames that wait for a view. With as many no more are read.
const WAITING_BYTES: usize = 1024 * 1024;

/// A step that is done.
pub(super) struct Stepped {
    pub(super) request: RequestId,
    pub(super) view: ViewId,
    /// The view, unless it is detached or was not attached.
    pub(super) left: Option<View>,
    pub(super) answer: Result<Bytes, Error>,
}

/// The steps under way, and the frames that came for their views meanwhile.
#[derive(Default)]
pub(super) struct Steps {
    under_way: FuturesUnordered<BoxFuture<'static, Stepped>>,
    waiting: HashMap<ViewId, VecDeque<Frame>>,
    bytes: usize,
}

impl Steps {
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// True if so much waits that nothing more is to be read.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= WAITING_BYTES
    }

    /// Begins a step of `view`. What comes for it is kept until [`Steps::go_on`].
    pub(super) fn begin(&mut self, view: ViewId, step: BoxFuture<'static, Stepped>) {
        self.waiting.entry(view).or_default();
        self.under_way.push(step);
    }

    /// Keeps `frame` if it is for a view with a step under way, and gives it back otherwise.
    pub(super) fn keep(&mut self, frame: Frame) -> Option<Frame> {
        let waiting = view_of(&frame).and_then(|view| self.waiting.get_mut(&view));
        let Some(waiting) = waiting else {
            return Some(frame);
        };
        self.bytes += weight(&frame);
        waiting.push_back(frame);
        None
    }

    /// The next step that is done; never while none is under way. Safe to cancel.
    pub(super) async fn next(&mut self) -> Stepped {
        match self.under_way.next().await {
            Some(stepped) => stepped,
            None => std::future::pending().await,
        }
    }

    /// The frames that came during a step of `view`, in order.
    pub(super) fn go_on(&mut self, view: ViewId) -> VecDeque<Frame> {
        let frames = self.waiting.remove(&view).unwrap_or_default();
        self.bytes -= frames.iter().map(weight).sum::<usize>();
        frames
    }
}

/// The view that a frame is for.
fn view_of(frame: &Frame) -> Option<ViewId> {
    if let Frame::Request(request) = frame {
        return view_asked(request);
    }
    if let Frame::Input { view, .. } | Frame::Ready(view) = frame {
        return Some(*view);
    }
    None
}

fn view_asked(request: &RequestFrame) -> Option<ViewId> {
    let params = &request.params;
    match request.method.as_str() {
        Attach::METHOD => from_bytes::<Attach>(params).ok().map(|asked| asked.view),
        UpdateView::METHOD => from_bytes::<UpdateView>(params)
            .ok()
            .map(|asked| asked.view),
        Detach::METHOD => from_bytes::<Detach>(params).ok().map(|asked| asked.view),
        _ => None,
    }
}

/// A frame's bytes, and what it takes besides.
fn weight(frame: &Frame) -> usize {
    const FRAME: usize = 128;
    if let Frame::Input { bytes, .. } = frame {
        return FRAME + bytes.len();
    }
    if let Frame::Request(request) = frame {
        return FRAME + request.params.len();
    }
    FRAME
}

#[cfg(test)]
mod tests;
