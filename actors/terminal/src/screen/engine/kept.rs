//! The memory that links and joined characters take: counted, and bounded for each screen.
//!
//! The engine keeps both in a table of slots, shared by cells alike, and frees slots that no cell uses when it is told to. It does not
//! say which slots are in use, but takes them in an order that can be followed.

use rio_vt::crosswords::grid::Dimensions;
use rio_vt::crosswords::square::Extras;

use super::Engine;

/// The most that all links of a screen with its history may take, in bytes. Text goes on without them.
pub(in crate::screen) const MAX_LINKS_BYTES: usize = 1024 * 1024;
/// The same of characters joined to the one before: accents, emoji of several parts.
pub(in crate::screen) const MAX_JOINED_BYTES: usize = 1024 * 1024;

/// A slot, its place in the table of contents and its share of both tables' spare room, in bytes.
const SLOT_BYTES: usize = 128;
/// A joined character, in both tables.
const JOINED_BYTES: usize = 8;
/// A link besides its text.
const LINK_BYTES: usize = 64;

/// Slots taken between two looks for those that are free again. The engine would look after 4,096 by itself.
const SLOTS_PER_SWEEP: usize = 4000;
/// So many are refused before it is looked whether there is room again: each look goes through the history.
const REFUSALS_PER_SWEEP: usize = 2048;

/// One kind of what is kept.
#[derive(Clone, Debug, Default)]
struct Budget {
    bytes: usize,
    refused: usize,
    is_full: bool,
}

impl Budget {
    /// After what nothing uses is gone: whether more is taken.
    fn settle(&mut self, limit: usize) {
        self.is_full = self.bytes > limit / 4 * 3;
        self.refused = 0;
    }

    /// Admits one more, or refuses it; `true` as the second when it is to be looked for room first.
    fn admits(&mut self) -> (bool, bool) {
        self.refused += usize::from(self.is_full);
        (!self.is_full, self.refused >= REFUSALS_PER_SWEEP)
    }
}

/// The count of what the slots of one screen take.
#[derive(Clone, Debug, Default)]
pub(in crate::screen) struct Kept {
    links: Budget,
    joined: Budget,
    /// Slots are in use up to this one, but for those that were freed.
    last: u16,
    /// Freed slots, the next one to be used at the end.
    freed: Vec<u16>,
    /// Taken since the last sweep.
    fresh: usize,
}

impl Kept {
    fn add(&mut self, extras: &Extras) {
        if let Some(link) = &extras.hyperlink {
            self.links.bytes += SLOT_BYTES + LINK_BYTES + link.uri().len() + link.id().len();
        }
        if !extras.zerowidth.is_empty() {
            self.joined.bytes += SLOT_BYTES + JOINED_BYTES * extras.zerowidth.len();
        }
    }

    /// The bytes of links and of joined characters.
    pub(in crate::screen) fn bytes(&self) -> (usize, usize) {
        (self.links.bytes, self.joined.bytes)
    }
}

impl Engine {
    /// True if one more link is kept.
    pub(super) fn admits_link(&mut self) -> bool {
        let (admits, look) = self.kept.links.admits();
        if look {
            self.sweep();
            return !self.kept.links.is_full;
        }
        admits
    }

    /// True if one more character is joined to another one.
    pub(super) fn admits_joined(&mut self) -> bool {
        let (admits, look) = self.kept.joined.admits();
        if look {
            self.sweep();
            return !self.kept.joined.is_full;
        }
        admits
    }

    /// True if characters can be joined without asking.
    #[inline]
    pub(super) fn has_room_for_joined(&self) -> bool {
        !self.kept.joined.is_full
    }

    /// Counts the slots that have been taken since the last call.
    #[inline]
    pub(in crate::screen) fn count_slots(&mut self) {
        let (table, kept) = (&self.term.grid.extras_table, &mut self.kept);
        loop {
            let next = kept.freed.last().copied().unwrap_or(kept.last + 1);
            let Some(extras) = table.get(next) else {
                break;
            };
            if kept.freed.pop().is_none() {
                kept.last = next;
            }
            kept.add(extras);
            kept.fresh += 1;
        }
        if kept.fresh >= SLOTS_PER_SWEEP
            || kept.links.bytes > MAX_LINKS_BYTES
            || kept.joined.bytes > MAX_JOINED_BYTES
        {
            self.sweep();
        }
    }

    /// Frees the slots that no cell uses, and counts anew.
    #[cold]
    fn sweep(&mut self) {
        let rows = self.term.grid.total_lines();
        self.meter.charge(0, rows);
        let last = self.kept.last;
        let table = &self.term.grid.extras_table;
        let used: Vec<u16> = (1..=last).filter(|&id| table.get(id).is_some()).collect();
        self.term.grid.reclaim_extras();
        let table = &self.term.grid.extras_table;
        let kept = &mut self.kept;
        (kept.links.bytes, kept.joined.bytes, kept.fresh) = (0, 0, 0);
        for id in used {
            match table.get(id) {
                Some(extras) => kept.add(extras),
                None => kept.freed.push(id),
            }
        }
        kept.links.settle(MAX_LINKS_BYTES);
        kept.joined.settle(MAX_JOINED_BYTES);
    }
}
