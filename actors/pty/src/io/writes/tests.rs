//! Tests of the queue: what is typed arrives whole and in order, Enter apart, pastes in one piece; and where reading goes on after it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::frame::PastePart;
use protocol::{ErrorCode, Size};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use terminal::screen::Screen;
use tokio::sync::oneshot;
use tokio::sync::oneshot::Receiver;
use tokio::time::Instant;

use super::super::fast_path::FastPath;
use super::super::order::{Input, Line, Piece, PieceKind, Writer};
use super::{PASTE_LIMIT, Writes};
use crate::io::{Typing, WriteOrder, Written};
use crate::watched::Waiting;

const PASTES: &str = "\x1b[?2004h";
const PAUSE: Duration = Duration::from_millis(150);
const LATER: Duration = Duration::from_secs(1);

/// A queue before a terminal whose clock the test moves.
struct Typist {
    writes: Writes,
    screen: Screen,
    master: Arc<OwnedFd>,
    program: File,
    fast_path: FastPath,
    now: Instant,
}

impl Typist {
    /// Waits until the program could read so many bytes: the terminal hands over what was written in a moment.
    fn until_handed_over(&self, bytes: u64) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while rustix::io::ioctl_fionread(&self.program).unwrap() < bytes {
            assert!(std::time::Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn new(modes: LocalModes, printed: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let program = ioctl_tiocgptpeer(&master, flags).unwrap();
        let mut screen = Screen::new(Size::new(5, 40), 100);
        screen.advance(printed.as_bytes());
        let typist = Self {
            writes: Writes::default(),
            screen,
            master: Arc::new(master),
            program: File::from(program),
            fast_path: FastPath::default(),
            now: Instant::now(),
        };
        typist.set(modes);
        typist
    }

    /// A program that reads single keys.
    fn raw(printed: &str) -> Self {
        Self::new(LocalModes::empty(), printed)
    }

    fn set(&self, on: LocalModes) {
        let mut modes = tcgetattr(&self.program).unwrap();
        modes.make_raw();
        modes.local_modes |= on;
        tcsetattr(&self.program, OptionalActions::Now, &modes).unwrap();
    }

    fn push(&mut self, input: Input, limit: Option<Duration>) -> Receiver<Written> {
        let (reply, written) = oneshot::channel();
        let typing = Typing {
            order: WriteOrder { input, limit },
            place: self.fast_path.ticket(),
            master: Arc::clone(&self.master),
        };
        self.writes.push(typing, reply, &self.screen, self.now);
        written
    }

    fn line(&mut self, line: Line) -> Receiver<Written> {
        self.push(Input::Line(line), Some(5 * LATER))
    }

    fn piece(
        &mut self,
        writer: Writer,
        bytes: &'static [u8],
        kind: PieceKind,
    ) -> Receiver<Written> {
        let bytes = Bytes::from_static(bytes);
        self.push(
            Input::Piece(Piece {
                writer,
                bytes,
                kind,
            }),
            None,
        )
    }

    /// One turn of the task: what it writes, when the terminal takes at most `room`.
    fn turn(&mut self, room: usize) -> String {
        let mut sent = Vec::new();
        loop {
            let ready = self.writes.prepare(&self.screen, &self.master, self.now);
            while !self.writes.next().is_empty() && sent.len() < room {
                let next = self.writes.next();
                let next = next[..next.len().min(room - sent.len())].to_vec();
                self.writes.taken(next.len());
                sent.extend(next);
            }
            if !ready || !self.writes.next().is_empty() {
                return String::from_utf8(sent).unwrap();
            }
        }
    }

    /// All that is written while time goes on, with a `|` where it has to.
    fn turns(&mut self) -> String {
        let mut sent = self.turn(usize::MAX);
        while !self.writes.queue.is_empty() {
            self.now += LATER;
            self.writes.expire(self.now);
            sent += "|";
            sent += &self.turn(usize::MAX);
        }
        sent
    }
}

fn line(text: &str, keys: &[&str], submit: bool) -> Line {
    Line {
        text: text.to_owned(),
        paste: None,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        submit,
        pause: PAUSE,
    }
}

/// What is read after a line was typed at a prompt and the terminal got `output`.
fn read_after(line: Line, modes: LocalModes, output: &str) -> String {
    let mut typist = Typist::new(modes, "$ ");
    let mut written = typist.line(line);
    typist.turns();
    let cursor = written.try_recv().unwrap().cursor;
    typist.screen.advance(output.as_bytes());
    typist.screen.read_since(&cursor, 1000).text
}

#[test]
fn the_echo_is_left_out_where_there_is_one() {
    let by_line = LocalModes::ICANON;
    let table = [
        (by_line | LocalModes::ECHO, "word\r\nanswer", "answer"),
        // Of a password only the end of its line is shown.
        (by_line | LocalModes::ECHONL, "\r\nanswer", "answer"),
        // Nothing is shown, and the answer begins in the line of the prompt.
        (by_line, "answer\r\nmore", "answer\nmore"),
        (by_line, "\r\nanswer", "\nanswer"),
        // A line editor shows what it reads.
        (LocalModes::empty(), "word\r\nanswer", "answer"),
    ];
    for (modes, output, expected) in table {
        for submit in [
            line("word", &[], true),
            line("word\n", &[], false),
            line("word", &["Enter"], false),
            line("word", &["C-a", "Return"], false),
        ] {
            assert_eq!(
                read_after(submit, modes, output),
                expected,
                "{modes:?} {output:?}"
            );
        }
    }
}

#[test]
fn what_is_not_submitted_has_no_line_to_leave_out() {
    let modes = LocalModes::ICANON | LocalModes::ECHO;
    let unsent = line("word", &[], false);
    assert_eq!(read_after(unsent, modes, "\r\nx"), "\nx");
}

/// Text, keys, Enter at the end; what a terminal in line mode, a program that reads keys, and one that takes pastes get.
/// A `|` is a pause.
type Row = (
    &'static str,
    &'static [&'static str],
    bool,
    &'static str,
    &'static str,
    &'static str,
);

const LINES: &[Row] = &[
    ("ls", &[], false, "ls", "ls", "ls"),
    ("ls", &[], true, "ls\r", "ls|\r", "ls|\r"),
    ("ls\n", &[], false, "ls\r", "ls|\r", "ls|\r"),
    ("ls\r\n", &[], false, "ls\r", "ls|\r", "ls|\r"),
    ("ls\n", &[], true, "ls\r", "ls|\r", "ls|\r"),
    ("\n", &[], false, "\r", "\r", "\r"),
    ("", &[], true, "\r", "\r", "\r"),
    ("a\nb\n", &[], false, "a\rb\r", "a\rb|\r", "P:a\rb|\r"),
    ("a\tb", &[], true, "a\tb\r", "a\tb|\r", "P:a\tb|\r"),
    (
        "see @it!",
        &[],
        true,
        "see @it!\r",
        "see @it!|\r",
        "P:see @it!|\r",
    ),
    (":q!", &[], true, ":q!\r", ":q!|\r", ":q!|\r"),
    (
        "",
        &["Up", "Enter", "Enter"],
        false,
        "\x1b[A\r\r",
        "\x1b[A|\r\r",
        "\x1b[A|\r\r",
    ),
    (
        "x",
        &["C-a", "Enter"],
        true,
        "x\x01\r\r",
        "x\x01|\r\r",
        "x\x01|\r\r",
    ),
];

#[test]
fn a_last_newline_is_enter_and_enter_is_a_key_of_its_own() {
    let paste = |text: &str| format!("\x1b[200~{text}\x1b[201~");
    for &(text, keys, submit, by_line, raw, pasting) in LINES {
        let pasted = pasting.starts_with("P:");
        let pasting = match pasting.strip_prefix("P:").and_then(|p| p.split_once('|')) {
            Some((body, rest)) => format!("{}|{rest}", paste(body)),
            None => pasting.to_owned(),
        };
        for (mut typist, expected) in [
            (Typist::new(LocalModes::ICANON, ""), by_line),
            (Typist::raw(""), raw),
            (Typist::raw(PASTES), &pasting),
        ] {
            let mut written = typist.line(line(text, keys, submit));
            assert_eq!(typist.turns(), expected, "{text:?} {keys:?} {submit}");
            let written = written.try_recv().unwrap();
            assert!(written.failed.is_none());
            assert_eq!(
                written.submitted,
                expected.ends_with('\r'),
                "{text:?} {keys:?}"
            );
            assert_eq!(written.pasted, pasted && expected == pasting, "{text:?}");
            assert_eq!(written.bytes as usize, expected.replace('|', "").len());
        }
    }
}

#[test]
fn whoever_says_so_gets_a_paste_or_keys() {
    for (wish, printed, expected) in [
        (true, PASTES, "\x1b[200~word\x1b[201~"),
        (true, "", "word"),
        (false, PASTES, "word"),
    ] {
        let mut typist = Typist::raw(printed);
        let paste = Some(wish);
        drop(typist.line(Line {
            paste,
            ..line("word", &[], false)
        }));
        assert_eq!(typist.turns(), expected);
    }
}

#[test]
fn enter_waits_until_the_program_has_read_the_text() {
    let mut typist = Typist::raw("");
    let mut written = typist.line(line("word", &[], true));
    rustix::io::write(&typist.master, b"word").unwrap();
    typist.until_handed_over(4);
    assert_eq!(typist.turn(usize::MAX), "word");
    typist.now += LATER;
    assert_eq!(typist.turn(usize::MAX), "");
    assert!(written.try_recv().is_err());
    typist.program.read_exact(&mut [0; 4]).unwrap();
    typist.now += LATER;
    assert_eq!(typist.turn(usize::MAX), "\r");
    assert!(written.try_recv().unwrap().submitted);
    // It does not, and whoever asked is told.
    let mut written = typist.line(line("word", &[], true));
    rustix::io::write(&typist.master, b"word").unwrap();
    typist.until_handed_over(4);
    assert_eq!(typist.turns(), "word|||||");
    let written = written.try_recv().unwrap();
    assert_eq!((written.bytes, written.submitted), (4, false));
    let error = written.failed.unwrap();
    assert!(error.message.contains("Enter was not pressed"), "{error}");
}

#[test]
fn a_line_that_line_mode_would_cut_is_held_or_refused() {
    let text = "x".repeat(4_096);
    let by_line = LocalModes::ICANON;
    let mut typist = Typist::new(by_line, "");
    let mut written = typist.line(line(&text, &[], true));
    let mut behind = typist.line(line("later", &[], false));
    assert_eq!(typist.turn(usize::MAX), "");
    // A shell that was starting shows its prompt.
    typist.set(LocalModes::empty());
    typist.now += LATER;
    assert_eq!(typist.turns(), format!("{text}|\rlater"));
    assert!(written.try_recv().unwrap().failed.is_none());
    assert!(behind.try_recv().unwrap().failed.is_none());
    typist.set(by_line);
    let mut refused = typist.line(line(&text, &[], true));
    assert_eq!(typist.turns(), "|||||");
    let refused = refused.try_recv().unwrap();
    let error = refused.failed.unwrap();
    assert_eq!((error.code, refused.bytes), (ErrorCode::InputBlocked, 0));
    assert!(error.message.contains("4095 bytes"), "{error}");
    // What stands in the line already counts; lines of their own do not add up.
    drop(typist.line(line(&text[..4_000], &[], false)));
    assert_eq!(typist.turns().len(), 4_000);
    drop(typist.line(line(&text[..96], &[], false)));
    assert_eq!(typist.turns(), "|||||");
    drop(typist.line(line("", &["C-u"], false)));
    drop(typist.line(line(&format!("{}\n", &text[..4_000]).repeat(3), &[], false)));
    assert_eq!(typist.turns().len(), 1 + 3 * 4_001);
}

fn part(part: PastePart) -> PieceKind {
    PieceKind::Paste(part)
}

#[test]
fn nothing_is_typed_into_a_paste() {
    use PastePart::{Begin, End, More, Whole};
    for (printed, start, end) in [(PASTES, "\x1b[200~", "\x1b[201~"), ("", "", "")] {
        let mut typist = Typist::raw(printed);
        let (person, other) = (Writer::another(), Writer::another());
        drop(typist.piece(person, b"one \x1b[201", part(Begin)));
        let mut agent = typist.line(line("agent", &[], false));
        drop(typist.piece(other, b"other", PieceKind::Typed { pasting: false }));
        assert_eq!(typist.turn(usize::MAX), format!("{start}one \x1b[201"));
        // Nothing goes past the queue either.
        let (past, _place) = typist.fast_path.write(&typist.master, b"key");
        assert_eq!(past, 0);
        drop(typist.piece(person, b"~t\x1b[20", part(More)));
        assert!(agent.try_recv().is_err());
        let more = if start.is_empty() { "~t" } else { "t" };
        assert_eq!(typist.turn(usize::MAX), format!("{more}\x1b[20"));
        drop(typist.piece(person, b"1~wo", part(End)));
        let rest = if start.is_empty() { "1~wo" } else { "1wo" };
        assert_eq!(typist.turn(usize::MAX), format!("{rest}{end}agentother"));
        assert!(agent.try_recv().unwrap().failed.is_none());
        drop(typist.piece(person, b"all", part(Whole)));
        assert_eq!(typist.turn(usize::MAX), format!("{start}all{end}"));
    }
}

#[test]
fn nothing_is_typed_into_a_paste_whose_marks_are_among_the_bytes() {
    let mut typist = Typist::raw(PASTES);
    let person = Writer::another();
    drop(typist.piece(person, b"\x1b[200~one", PieceKind::Typed { pasting: true }));
    drop(typist.line(line("agent", &[], false)));
    assert_eq!(typist.turn(usize::MAX), "\x1b[200~one");
    drop(typist.piece(person, b"two\x1b[201~", PieceKind::Typed { pasting: false }));
    assert_eq!(typist.turn(usize::MAX), "two\x1b[201~agent");
}

#[test]
fn a_paste_of_which_no_more_comes_is_ended_and_begun_anew_when_it_does() {
    let mut typist = Typist::raw(PASTES);
    let person = Writer::another();
    drop(typist.piece(person, b"one", part(PastePart::Begin)));
    assert_eq!(typist.turn(usize::MAX), "\x1b[200~one");
    let mut agent = typist.line(line("agent", &[], false));
    typist.now += LATER;
    assert_eq!(typist.turn(usize::MAX), "");
    typist.now += PASTE_LIMIT;
    assert_eq!(typist.turn(usize::MAX), "\x1b[201~agent");
    assert!(agent.try_recv().unwrap().failed.is_none());
    drop(typist.piece(person, b"two", part(PastePart::End)));
    assert_eq!(typist.turn(usize::MAX), "\x1b[200~two\x1b[201~");
}

#[test]
fn a_paste_that_runs_out_of_time_is_ended_wherever_it_was_cut() {
    let whole = "\x1b[200~a\rb\x1b[201~";
    for cut in 0..=whole.len() {
        let mut typist = Typist::raw(PASTES);
        let mut written = typist.line(line("a\nb", &[], false));
        let mut sent = typist.turn(cut);
        typist.now += 6 * LATER;
        typist.writes.expire(typist.now);
        let written = written.try_recv().unwrap();
        assert_eq!(written.failed.is_none(), cut == whole.len());
        assert_eq!(written.bytes as usize, cut);
        if let Some(error) = written.failed {
            let left = format!("{} bytes were not taken", whole.len() - cut);
            assert!(error.message.contains(&left), "{error}");
        }
        drop(typist.line(line("next", &[], false)));
        sent += &typist.turns();
        let paste = sent.strip_suffix("next").unwrap();
        assert!(
            paste.is_empty() || (paste.starts_with("\x1b[200~") && paste.ends_with("\x1b[201~")),
            "cut at {cut}: {sent:?}"
        );
    }
}

#[test]
fn answers_that_nobody_reads_are_bounded_and_given_up() {
    let mut typist = Typist::raw("");
    for _ in 0..100_000 {
        let place = typist.fast_path.ticket();
        let deadline = typist.now + LATER;
        typist
            .writes
            .push_answer(b"\x1b[1;1R".to_vec(), place, &typist.screen, deadline);
    }
    assert!(typist.writes.bytes <= 64 * 1024, "{}", typist.writes.bytes);
    let mut behind = typist.line(line("word", &[], false));
    assert_eq!(typist.turn(3), "\x1b[1");
    typist.now += LATER;
    typist.writes.expire(typist.now);
    assert_eq!(typist.turn(usize::MAX), "word");
    assert!(behind.try_recv().unwrap().failed.is_none());
    assert_eq!((typist.writes.bytes, typist.writes.answers), (0, 0));
}
