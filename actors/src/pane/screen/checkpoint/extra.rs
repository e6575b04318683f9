//! State that older daemons do not know, written so that they pass it over.
//!
//! A checkpoint has no room for it in its format, which an older daemon must go on reading after `fugue upgrade` was taken back. It
//! stands before the unfinished sequence as a finished one of our own, which means nothing to them.

use rio_vt::crosswords::pos::CharsetIndex;

use crate::pane::screen::engine::{Engine, Saved};

const START: &[u8] = b"\x1b]fugue-state;";
const END: u8 = 0x07;

/// The longest form, in bytes, with room for more.
pub(super) const MAX_BYTES: usize = 256;

/// What is saved here, as it is now and as DECSC has kept it for both screens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra([Saved; 3]);

impl Extra {
    pub(super) fn of(engine: &Engine) -> Self {
        let now = Saved {
            origin: false,
            charset: engine.charset,
            british: engine.british,
        };
        Self([now, engine.saved[0], engine.saved[1]])
    }

    pub(super) fn restore(self, engine: &mut Engine) {
        let [now, primary, alternate] = self.0;
        engine.saved = [primary, alternate];
        engine.british = now.british;
        // Without the sequence, the one of the older format counts.
        if now != Saved::default() {
            engine.set_active_charset(now.charset);
        }
    }

    /// `pending` with the state before it, where there is any.
    pub(super) fn before(self, pending: &[u8]) -> Vec<u8> {
        if self == Self::default() {
            return pending.to_vec();
        }
        let mut out = START.to_vec();
        for saved in self.0 {
            let bits = saved.british.iter().rev();
            let british = bits.fold(0, |bits, &on| bits << 1 | u8::from(on));
            // Three printable bytes.
            out.extend([
                b'0' + u8::from(saved.origin),
                b'0' + saved.charset as u8,
                b'@' + british,
            ]);
        }
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
        let (parts, _) = state.as_chunks::<3>();
        let [now, primary, alternate] = parts.first_chunk()?;
        Some(Self([saved(now)?, saved(primary)?, saved(alternate)?]))
    }
}

fn saved([origin, charset, british]: &[u8; 3]) -> Option<Saved> {
    let charset = match charset.checked_sub(b'0')? {
        0 => CharsetIndex::G0,
        1 => CharsetIndex::G1,
        2 => CharsetIndex::G2,
        3 => CharsetIndex::G3,
        _ => return None,
    };
    let bits = british.checked_sub(b'@')?;
    Some(Saved {
        origin: *origin == b'1',
        charset,
        british: [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1),
    })
}
