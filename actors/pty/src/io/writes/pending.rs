//! One order in the queue of what is typed: its parts, what it waits for, and what is told of it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::{Buf, Bytes};
use protocol::{Error, ErrorCode};
use terminal::input::PASTE_END;
use terminal::screen::{Modes, Screen, TextCursor};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::echo::line_modes;
use super::super::order::{Input, PieceKind, Typing, Writer, Written};
use super::QueueTicket;
use super::encode::{
    Keys, LINE_BYTES, Part, Pasting, Role, encode_line, encode_piece, longest_line, took_all,
};

/// The pause after which a terminal is asked again whether it takes single keys now.
const LINE_MODE_PAUSE: Duration = Duration::from_millis(20);

/// The pause after which a program is looked at again that has not read yet what comes before Enter.
const READ_PAUSE: Duration = Duration::from_millis(5);

/// The turn of an order: what it can do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its next bytes can be written.
    Ready,
    /// It waits for the program or for its time.
    Waits,
    /// There is nothing of it to write.
    Done,
}

/// The thing that an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitFor {
    /// That the terminal takes single keys: it would cut the line.
    SingleKeys,
    /// That the program has read what comes before Enter.
    Read,
}

/// One order on its way.
pub(super) struct Pending {
    /// Not encoded yet: the modes at its turn decide.
    input: Option<(Input, Vec<Keys>)>,
    parts: VecDeque<Part>,
    /// Its weight in the queue.
    pub(super) weight: usize,
    /// Bytes of all parts; an estimate before they are encoded.
    total: u64,
    written: u64,
    cursor: TextCursor,
    pasted: bool,
    submitted: bool,
    waits: Option<(WaitFor, Instant)>,
    pub(super) deadline: Option<Instant>,
    reply: Option<oneshot::Sender<Written>>,
    writer: Option<Writer>,
    /// A paste goes on after it.
    leaves_open: Option<Pasting>,
    /// Held until it is done.
    pub(super) place: QueueTicket,
}

/// An order that cannot be carried out, and why.
pub(super) struct Refused {
    reply: oneshot::Sender<Written>,
    cursor: TextCursor,
    error: Error,
}

impl Refused {
    pub(super) fn answer(self) {
        let _ = self.reply.send(Written {
            bytes: 0,
            cursor: self.cursor,
            pasted: false,
            submitted: false,
            failed: Some(self.error),
        });
    }
}

impl Pending {
    /// # Errors
    /// An unknown key.
    pub(super) fn new(
        typing: Typing,
        reply: oneshot::Sender<Written>,
        cursor: TextCursor,
        now: Instant,
    ) -> Result<Self, Box<Refused>> {
        let Typing { order, place, .. } = typing;
        let (keys, writer, weight) = match &order.input {
            Input::Line(line) => match Keys::parse_all(line) {
                Ok(keys) => (keys, None, line.text.len() + line.keys.len() + 1),
                Err(error) => {
                    return Err(Box::new(Refused {
                        reply,
                        cursor,
                        error,
                    }));
                }
            },
            Input::Piece(piece) => (Vec::new(), Some(piece.writer), piece.bytes.len()),
        };
        Ok(Self {
            input: Some((order.input, keys)),
            parts: VecDeque::new(),
            weight,
            total: weight as u64,
            written: 0,
            cursor,
            pasted: false,
            submitted: false,
            waits: None,
            deadline: order.limit.map(|limit| now + limit),
            reply: Some(reply),
            writer,
            leaves_open: None,
            place,
        })
    }

    /// An answer of the terminal itself to its program.
    pub(super) fn answer_of_terminal(
        bytes: Vec<u8>,
        place: QueueTicket,
        cursor: TextCursor,
        deadline: Instant,
    ) -> Self {
        Self {
            input: None,
            weight: bytes.len(),
            total: bytes.len() as u64,
            parts: VecDeque::from([Part::plain(bytes.into())]),
            written: 0,
            cursor,
            pasted: false,
            submitted: false,
            waits: None,
            deadline: Some(deadline),
            reply: None,
            writer: None,
            leaves_open: None,
            place,
        }
    }

    pub(super) fn is_answer(&self) -> bool {
        self.reply.is_none()
    }

    pub(super) fn writer(&self) -> Option<Writer> {
        self.writer
    }

    /// The time to look again whether it can go on.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.waits.map(|(_, at)| at)
    }

    /// Encodes it when its turn has come, and looks whether its next part can be written. `paste` is the paste that it goes on with. `line` counts the bytes of the unfinished line before it.
    pub(super) fn prepare(
        &mut self,
        screen: &Screen,
        terminal: &OwnedFd,
        paste: Option<Pasting>,
        line: &mut usize,
        now: Instant,
    ) -> Turn {
        if self.waits.is_some_and(|(_, at)| at > now) {
            return Turn::Waits;
        }
        if self.input.is_some() {
            let by_line = line_modes(terminal).by_line;
            if !by_line {
                *line = 0;
            }
            if by_line && self.is_too_long(*line) {
                self.waits = Some((WaitFor::SingleKeys, now + LINE_MODE_PAUSE));
                return Turn::Waits;
            }
            self.waits = None;
            self.encode(screen.modes(), by_line, paste);
        }
        let Some(part) = self.parts.front_mut() else {
            return Turn::Done;
        };
        if let Some(pause) = part.after.take() {
            self.waits = Some((WaitFor::Read, now + pause));
            return Turn::Waits;
        }
        if self.waits.is_some() {
            if !took_all(terminal) {
                self.waits = Some((WaitFor::Read, now + READ_PAUSE));
                return Turn::Waits;
            }
            self.waits = None;
        }
        Turn::Ready
    }

    /// A terminal in line mode would cut it.
    fn is_too_long(&self, before: usize) -> bool {
        match &self.input {
            Some((Input::Line(line), _)) => longest_line(&line.text, before) > LINE_BYTES,
            Some((Input::Piece(_), _)) | None => false,
        }
    }

    fn encode(&mut self, modes: Modes, by_line: bool, paste: Option<Pasting>) {
        match self.input.take() {
            Some((Input::Line(line), keys)) => {
                let encoded = encode_line(&line, &keys, modes, by_line);
                self.pasted = encoded.pasted;
                self.submitted = encoded.submitted;
                self.parts = encoded.parts;
            }
            Some((Input::Piece(piece), _)) => {
                let (parts, open) = encode_piece(&piece, modes, paste);
                self.pasted = matches!(piece.kind, PieceKind::Paste(_));
                self.parts = parts;
                self.leaves_open = open;
            }
            None => {}
        }
        self.total = self.parts.iter().map(|part| part.left.len() as u64).sum();
    }

    /// The bytes to write next; none while it waits.
    pub(super) fn next(&self) -> &[u8] {
        match self.parts.front() {
            Some(part) if self.waits.is_none() && part.after.is_none() => &part.left,
            Some(_) | None => &[],
        }
    }

    /// So much of it was taken. Returns how long the unfinished line is now that was `line` bytes long.
    pub(super) fn taken(&mut self, bytes: usize, line: usize) -> usize {
        let Some(part) = self.parts.front_mut() else {
            return line;
        };
        let taken = part.left.split_to(bytes);
        part.begun = true;
        self.written += bytes as u64;
        if part.left.is_empty() {
            self.parts.pop_front();
        }
        // Enter, and what ends a line or throws it away: C-c, C-d, C-u, C-z, C-\.
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n' | 3 | 4 | 21 | 26 | 28);
        match taken.iter().rposition(ends) {
            Some(end) => taken.len() - end - 1,
            None => line + taken.len(),
        }
    }

    /// Nothing of it is left.
    pub(super) fn is_written(&self) -> bool {
        self.input.is_none() && self.parts.is_empty()
    }

    /// The writer whose paste goes on after it.
    pub(super) fn leaves_open(&self) -> Option<(Writer, Pasting)> {
        self.writer.zip(self.leaves_open)
    }

    /// The bytes that the program needs when the rest is given up: the end of a paste that was begun.
    pub(super) fn end_of_paste(&mut self) -> Bytes {
        let Some(part) = self.parts.front_mut() else {
            return Bytes::new();
        };
        match part.role {
            Role::PasteStart if part.begun => {
                let mut left = part.left.to_vec();
                left.extend_from_slice(PASTE_END);
                left.into()
            }
            Role::PasteBody => Bytes::from_static(PASTE_END),
            Role::PasteEnd => part.left.copy_to_bytes(part.left.len()),
            Role::PasteStart | Role::Plain | Role::Enter => Bytes::new(),
        }
    }

    /// It is carried out.
    pub(super) fn succeed(&mut self) {
        self.answer(None);
    }

    /// It is not carried out, or not to its end.
    pub(super) fn fail(&mut self, why: Error) {
        self.answer(Some(why));
    }

    /// Its time is over. What kept it back was another's paste, or the program.
    pub(super) fn run_over(&mut self, behind_paste: bool) {
        let left = self.total - self.written;
        let error = match (self.waits, behind_paste) {
            (Some((WaitFor::SingleKeys, _)), _) => Error::new(
                ErrorCode::InputBlocked,
                format!(
                    "the terminal takes whole lines now, of at most {LINE_BYTES} bytes, and would cut this one: {left} bytes were not taken"
                ),
            )
            .hint("wait until the program shows its prompt, or write the text to a file"),
            (Some((WaitFor::Read, _)), _) => Error::new(
                ErrorCode::InputBlocked,
                format!(
                    "the program has not read the text, so Enter was not pressed: {left} bytes were not taken"
                ),
            )
            .hint("what was taken stays typed; press Enter with submit alone once it reads"),
            (None, true) => Error::new(
                ErrorCode::InputBlocked,
                format!("somebody pastes into the pane: {left} bytes were not taken"),
            )
            .hint("try again when the paste is over"),
            (None, false) => Error::new(
                ErrorCode::InputBlocked,
                format!("the program does not read its input: {left} bytes were not taken"),
            )
            .hint("what was taken stays typed; wait until it reads, or close the pane"),
        };
        self.fail(error);
    }

    fn answer(&mut self, failed: Option<Error>) {
        let Some(reply) = self.reply.take() else {
            return;
        };
        let _ = reply.send(Written {
            bytes: self.written,
            cursor: self.cursor,
            pasted: self.pasted,
            submitted: self.submitted && failed.is_none(),
            failed,
        });
    }
}
