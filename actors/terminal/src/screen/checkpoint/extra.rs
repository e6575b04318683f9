//! State that older daemons do not know, written so that they pass it over.
//!
//! A checkpoint has no room for it in its format, which an older daemon must go on reading after `fugue upgrade` was taken back. It
//! stands before the unfinished sequence as a finished one of our own, which means nothing to them.

use rio_vt::crosswords::pos::CharsetIndex;

use crate::screen::boundary::MAX_STRING_BYTES;
use crate::screen::engine::{Engine, SavedCursor};
use crate::screen::facts::{Facts, MAX_SAVED_BYTES};

const START: &[u8] = b"\x1b]fugue-state;";
const END: u8 = 0x07;

/// The length of what is saved of one screen, in bytes.
const SAVED_BYTES: usize = 3;

/// The most that the form takes besides what is pending and what the program tells, in bytes, with room for more.
pub(super) const MAX_BYTES: usize = 256;

/// The state that is saved here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra {
    /// As it is now, and as DECSC has kept it for both screens.
    saved: [SavedCursor; 3],
    /// The program's facts. An older daemon passes over what follows the rest.
    facts: String,
}

impl Extra {
    pub(super) fn of(engine: &Engine, pending: &[u8]) -> Self {
        let now = SavedCursor {
            origin: false,
            charset: engine.charset,
            british: engine.british,
        };
        // With it, what is pending stays within what older daemons read.
        let room = MAX_STRING_BYTES.saturating_sub(pending.len());
        Self {
            saved: [now, engine.saved[0], engine.saved[1]],
            facts: engine.facts.save(room.min(MAX_SAVED_BYTES)),
        }
    }

    pub(super) fn restore(self, engine: &mut Engine) {
        let [now, primary, alternate] = self.saved;
        engine.saved = [primary, alternate];
        engine.british = now.british;
        // Without the sequence, the one of the older format counts.
        if now != SavedCursor::default() {
            engine.set_active_charset(now.charset);
        }
        engine.facts = Facts::restore(&self.facts);
    }

    /// `pending` with the state before it, where there is any.
    pub(super) fn before(self, pending: &[u8]) -> Vec<u8> {
        if self == Self::default() {
            return pending.to_vec();
        }
        let mut out = START.to_vec();
        for saved in self.saved {
            let bits = saved.british.iter().rev();
            let british = bits.fold(0, |bits, &on| bits << 1 | u8::from(on));
            // Three printable bytes.
            out.extend([
                b'0' + u8::from(saved.origin),
                b'0' + saved.charset as u8,
                b'@' + british,
            ]);
        }
        out.extend_from_slice(self.facts.as_bytes());
        out.push(END);
        out.extend_from_slice(pending);
        out
    }

    /// The state and what is pending. No unfinished sequence begins like it, because it would be finished.
    pub(super) fn split(bytes: &[u8]) -> (Self, &[u8]) {
        let found = bytes.strip_prefix(START).and_then(|rest| {
            let end = rest.iter().position(|&byte| byte == END)?;
            let (state, pending) = rest.split_at(end);
            Some((Self::parse(state)?, &pending[1..]))
        });
        found.unwrap_or((Self::default(), bytes))
    }

    fn parse(state: &[u8]) -> Option<Self> {
        let (first, facts) = state.split_at_checked(3 * SAVED_BYTES)?;
        let (parts, _) = first.as_chunks::<SAVED_BYTES>();
        let [now, primary, alternate] = parts.first_chunk()?;
        Some(Self {
            saved: [saved(now)?, saved(primary)?, saved(alternate)?],
            facts: std::str::from_utf8(facts).ok()?.to_owned(),
        })
    }
}

fn saved([origin, charset, british]: &[u8; SAVED_BYTES]) -> Option<SavedCursor> {
    let charset = match charset.checked_sub(b'0')? {
        0 => CharsetIndex::G0,
        1 => CharsetIndex::G1,
        2 => CharsetIndex::G2,
        3 => CharsetIndex::G3,
        _ => return None,
    };
    let bits = british.checked_sub(b'@')?;
    Some(SavedCursor {
        origin: *origin == b'1',
        charset,
        british: [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1),
    })
}
