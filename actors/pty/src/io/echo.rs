//! Follows what was typed through the program's output, so that its echo is not taken for an answer.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::pty::OpenptFlags;
use rustix::termios::LocalModes;
use terminal::screen::{LineModes, Screen};
use tokio::time::Instant;

/// The sequence that begins and ends a line editor's work on a line, but for its last byte.
///
/// Source: xterm ctlseqs, DECSET 2004.
const PASTE_MODE: &[u8] = b"\x1b[?2004";

/// The time that the echo of what was taken may be on its way.
const ECHO_LIMIT: Duration = Duration::from_millis(500);

/// The time that a line editor may take to read what was typed before it began.
const READING_LIMIT: Duration = Duration::from_secs(5);

/// The pause after which it is asked again whether it has.
const READING_PAUSE: Duration = Duration::from_millis(50);

/// The echoes that are under way.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// Since when, and when to look whether they still are.
    awaited: Option<(Instant, Instant)>,
}

impl Echoes {
    /// `text` is written now.
    pub(super) fn typed(
        &mut self,
        text: &str,
        master: &OwnedFd,
        screen: &mut Screen,
        now: Instant,
    ) {
        if text.trim().is_empty() {
            return;
        }
        screen.typed(text, line_modes(master));
        self.awaited = None;
        self.follow(screen, now);
    }

    /// Feeds the screen the beginning of `bytes`, which the program has printed and which are not empty, up to where a line
    /// editor begins or ends: what stands before is looked at before. Returns how many bytes that were.
    pub(super) fn output(
        &mut self,
        bytes: &[u8],
        master: &OwnedFd,
        screen: &mut Screen,
        now: Instant,
    ) -> usize {
        let end = 1 + find(&bytes[1..], PASTE_MODE).unwrap_or(bytes.len() - 1);
        let taken = screen.advance_some(&bytes[..end]);
        screen.note_echoes(line_modes(master).by_line);
        self.follow(screen, now);
        taken
    }

    fn follow(&mut self, screen: &Screen, now: Instant) {
        self.awaited = match (screen.awaits_echo(), self.awaited) {
            (false, _) => None,
            (true, Some(awaited)) => Some(awaited),
            (true, None) => Some((now, now + ECHO_LIMIT)),
        };
    }

    /// The time at which [`Echoes::expire`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.awaited.map(|(_, look)| look)
    }

    /// Gives up on what is not echoed. True when it did: more of the text can be searched.
    pub(super) fn expire(&mut self, master: &OwnedFd, screen: &mut Screen, now: Instant) -> bool {
        let Some((since, look)) = self.awaited.filter(|(_, look)| *look <= now) else {
            return false;
        };
        let by_line = line_modes(master).by_line;
        if !by_line && now < since + READING_LIMIT && unread(master) > 0 {
            self.awaited = Some((since, look.max(now) + READING_PAUSE));
            return false;
        }
        screen.end_echoes(by_line);
        self.awaited = None;
        true
    }
}

fn find(bytes: &[u8], sequence: &[u8]) -> Option<usize> {
    bytes
        .windows(sequence.len())
        .position(|window| window == sequence)
}

/// The treatment of a line typed now: shown by the terminal, or by a program that reads key by key, as line editors do.
///
/// Source: termios(3), ECHO, ECHONL, ICANON. On Linux the master has the modes of its terminal.
pub(super) fn line_modes(master: &OwnedFd) -> LineModes {
    let shown = LocalModes::ECHO | LocalModes::ECHONL;
    match rustix::termios::tcgetattr(master) {
        Ok(modes) => {
            let by_line = modes.local_modes.contains(LocalModes::ICANON);
            LineModes {
                by_line,
                echoes: !by_line || modes.local_modes.intersects(shown),
            }
        }
        // The program is gone, and then nothing is typed.
        Err(_) => LineModes {
            by_line: true,
            echoes: true,
        },
    }
}

/// The number of typed bytes that the program has not read, as far as it is known.
///
/// Source: ioctl_tty(2), TIOCGPTPEER and FIONREAD: only the program's side of a terminal knows.
pub(super) fn unread(master: &OwnedFd) -> u64 {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    rustix::pty::ioctl_tiocgptpeer(master, flags)
        .and_then(|terminal| rustix::io::ioctl_fionread(&terminal))
        .unwrap_or(0)
}
