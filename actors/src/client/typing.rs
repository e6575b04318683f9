//! Input that a person types and pastes in a view, on its way to the panes: in order for each pane, and no pane waits
//! for another.

mod marks;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_all};
use protocol::frame::PastePart;
use protocol::{Error, ErrorCode};
use pty::{Piece, PieceKind, QueueTicket, WriteOrder, Writer, Written};

use self::marks::Marks;
use crate::pane::PaneEntry;

/// Typed bytes of one view that may wait for programs. A client that is told what was taken keeps to it; of another one,
/// more is dropped, and the person is told.
pub(super) const WINDOW_BYTES: u32 = 256 * 1024;

/// The client is told when so much was taken, so that its window never closes for want of that word.
const TOLD_BYTES: u64 = WINDOW_BYTES as u64 / 4;

/// The time for which the last input of a view that has gone may be on its way to its pane's queue.
const LEAVING_LIMIT: Duration = Duration::from_secs(2);

/// The input for one pane.
struct Line {
    pane: Arc<PaneEntry>,
    /// What is not in the pane's own queue yet.
    waiting: VecDeque<Piece>,
    /// What is.
    typing: BoxFuture<'static, Result<Written, Error>>,
    typing_bytes: u64,
    /// It is a part of a paste.
    pasting: bool,
}

/// A paste that has begun and goes on.
struct Open {
    pane: Arc<PaneEntry>,
    /// With marks among the bytes, or told apart by the client.
    marked: bool,
}

/// All that is on its way.
pub(super) struct Typing {
    writer: Writer,
    lines: Vec<Line>,
    open: Option<Open>,
    marks: Marks,
    waiting_bytes: u64,
    /// Taken or dropped without the client having been told.
    untold: u64,
}

/// The outcome of a piece that waited.
pub(super) struct Typed {
    at: usize,
    written: Result<Written, Error>,
}

impl Typing {
    pub(super) fn new() -> Self {
        Self {
            writer: Writer::another(),
            lines: Vec::new(),
            open: None,
            marks: Marks::default(),
            waiting_bytes: 0,
            untold: 0,
        }
    }

    /// The pane that gets the next bytes, when a paste is under way: it ends where it began.
    pub(super) fn goes_on_in(&self) -> Option<&Arc<PaneEntry>> {
        self.open.as_ref().map(|open| &open.pane)
    }

    /// Types `bytes` into `pane`, which takes input. Returns how many were dropped.
    pub(super) fn input(
        &mut self,
        pane: &Arc<PaneEntry>,
        bytes: &Bytes,
        part: Option<PastePart>,
    ) -> u64 {
        let was_open = self.open.is_some();
        let kind = self.kind_of(bytes, part);
        let goes_on = match kind {
            PieceKind::Typed { pasting } => pasting,
            PieceKind::Paste(part) => matches!(part, PastePart::Begin | PastePart::More),
        };
        let plain = matches!(kind, PieceKind::Typed { .. }) && !was_open && !goes_on;
        self.open = goes_on.then(|| Open {
            pane: Arc::clone(pane),
            marked: matches!(kind, PieceKind::Typed { .. }),
        });
        let waits = self.lines.iter().any(|line| Arc::ptr_eq(&line.pane, pane));
        let mut bytes = bytes.clone();
        let mut place = None;
        if plain && !waits {
            let (taken, rest) = pane.io.type_now(&bytes);
            self.untold += taken as u64;
            if rest.is_none() {
                return 0;
            }
            bytes = bytes.slice(taken..);
            place = rest;
        }
        let mut dropped = 0;
        if self.waiting_bytes + bytes.len() as u64 > u64::from(WINDOW_BYTES) {
            dropped = bytes.len() as u64;
            self.untold += dropped;
            // A paste that was begun is ended all the same.
            bytes = match kind {
                PieceKind::Typed { pasting: false } if was_open => {
                    Bytes::from_static(terminal::input::PASTE_END)
                }
                PieceKind::Typed { pasting: true } if !was_open => {
                    Bytes::from_static(terminal::input::PASTE_START)
                }
                PieceKind::Typed { .. } | PieceKind::Paste(_) => Bytes::new(),
            };
        }
        let piece = Piece {
            writer: self.writer,
            bytes,
            kind,
        };
        self.push(pane, piece, place);
        dropped
    }

    /// There is no pane that takes input. Returns how many bytes were dropped.
    pub(super) fn drop_all(&mut self, bytes: &Bytes) -> u64 {
        let _ = self.marks.after(bytes);
        self.untold += bytes.len() as u64;
        bytes.len() as u64
    }

    /// Counts bytes that the view has used itself, and no program gets.
    pub(super) fn not_typed(&mut self, bytes: &Bytes) {
        self.untold += bytes.len() as u64;
    }

    fn kind_of(&mut self, bytes: &[u8], part: Option<PastePart>) -> PieceKind {
        match part {
            Some(part) => PieceKind::Paste(part),
            None => PieceKind::Typed {
                pasting: self.marks.after(bytes),
            },
        }
    }

    fn push(&mut self, pane: &Arc<PaneEntry>, piece: Piece, place: Option<QueueTicket>) {
        self.waiting_bytes += piece.bytes.len() as u64;
        let mut lines = self.lines.iter_mut();
        match lines.find(|line| Arc::ptr_eq(&line.pane, pane)) {
            Some(line) => line.waiting.push_back(piece),
            None => self.lines.push(Line::begin(Arc::clone(pane), piece, place)),
        }
    }

    /// Waits until a piece was taken or given up; for ever when none is on its way. Safe to cancel.
    pub(super) async fn next(&mut self) -> Typed {
        if self.lines.is_empty() {
            return std::future::pending().await;
        }
        let (written, at, _) = select_all(self.lines.iter_mut().map(|line| &mut line.typing)).await;
        Typed { at, written }
    }

    /// Goes on after a piece. Returns how many bytes were dropped, where the person is to be told.
    pub(super) fn typed(&mut self, typed: Typed) -> u64 {
        let Typed { at, written } = typed;
        let line = &mut self.lines[at];
        self.waiting_bytes -= line.typing_bytes;
        self.untold += line.typing_bytes;
        let (lost, why) = match written {
            Ok(Written { failed: None, .. }) => {
                if let Some(piece) = line.waiting.pop_front() {
                    line.go_on(piece, None);
                } else {
                    self.lines.swap_remove(at);
                }
                return 0;
            }
            Ok(written) => (
                line.typing_bytes.saturating_sub(written.bytes),
                written.failed,
            ),
            Err(error) => (line.typing_bytes, Some(error)),
        };
        // What follows would begin in its middle.
        let line = self.lines.swap_remove(at);
        let waiting: u64 = line.waiting.iter().map(|p| p.bytes.len() as u64).sum();
        self.waiting_bytes -= waiting;
        self.untold += waiting;
        // Keys for a program that has just ended are nobody's loss.
        let gone = why.is_some_and(|why| why.code == ErrorCode::PaneExited);
        if gone && !line.pasting {
            return 0;
        }
        lost + waiting
    }

    /// The number of bytes that were taken since the last time, when it is time to tell.
    pub(super) fn told(&mut self) -> Option<u64> {
        (self.untold >= TOLD_BYTES).then(|| std::mem::take(&mut self.untold))
    }
}

impl Line {
    fn begin(pane: Arc<PaneEntry>, piece: Piece, place: Option<QueueTicket>) -> Self {
        let mut line = Self {
            pane,
            waiting: VecDeque::new(),
            typing: std::future::pending().boxed(),
            typing_bytes: 0,
            pasting: false,
        };
        line.go_on(piece, place);
        line
    }

    fn go_on(&mut self, piece: Piece, place: Option<QueueTicket>) {
        self.typing_bytes = piece.bytes.len() as u64;
        self.pasting = !matches!(piece.kind, PieceKind::Typed { pasting: false });
        let pane = Arc::clone(&self.pane);
        let order = WriteOrder::piece(piece);
        self.typing = async move {
            match place {
                Some(place) => pane.io.write_after(order, place).await,
                None => pane.io.write(order).await,
            }
        }
        .boxed();
    }
}

/// The person has gone. What they typed before still arrives, and a paste that they have begun is ended.
impl Drop for Typing {
    fn drop(&mut self) {
        let mut left: Vec<(Arc<PaneEntry>, Piece)> = Vec::new();
        let mut under_way = Vec::new();
        for mut line in self.lines.drain(..) {
            let pieces = line.waiting.drain(..);
            left.extend(pieces.map(|piece| (Arc::clone(&line.pane), piece)));
            under_way.push(line.typing);
        }
        if let Some(open) = self.open.take() {
            let (bytes, kind) = match open.marked {
                true => (
                    Bytes::from_static(terminal::input::PASTE_END),
                    PieceKind::Typed { pasting: false },
                ),
                false => (Bytes::new(), PieceKind::Paste(PastePart::End)),
            };
            let piece = Piece {
                writer: self.writer,
                bytes,
                kind,
            };
            left.push((open.pane, piece));
        }
        if left.is_empty() && under_way.is_empty() {
            return;
        }
        // Not on a runtime any more: then the daemon ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            // What was begun may not be in its pane's queue yet; there it stays whatever becomes of this.
            let _ = tokio::time::timeout(LEAVING_LIMIT, join_all(under_way)).await;
            for (pane, piece) in left {
                pane.io.leave(WriteOrder::piece(piece)).await;
            }
        });
    }
}
