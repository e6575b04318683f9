//! The journal's first page: marks that are valid at any moment, whenever the process dies.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::{JournalError, MAX_CHECKPOINT_BYTES};

/// The header's size: a page, so that the ring behind it begins at one.
pub(super) const HEADER_BYTES: usize = 4096;

/// `fuguejnl`.
const MAGIC: u64 = u64::from_le_bytes(*b"fuguejnl");
/// The layout's version. Another one cannot be opened.
const VERSION: u64 = 1;
/// The number of resizes that can be noted between two checkpoints.
pub(super) const RESIZES: u64 = 64;
/// The field at which the notes of resizes begin, each with a position and a size.
const RESIZES_AT: usize = 16;
/// The field at which those behind the notes begin. A daemon of before these were there leaves them 0.
const LATER_AT: usize = RESIZES_AT + 2 * RESIZES as usize;
/// The number of fields in the header.
const FIELDS: usize = LATER_AT + 5;

/// The fields, in the order in which they lie in memory.
#[derive(Clone, Copy)]
enum Field {
    Magic,
    Version,
    Capacity,
    /// Bytes committed.
    Position,
    /// The ring holds nothing older than its capacity before this.
    OverwrittenTo,
    /// The ring has been filled with the pattern up to here.
    FilledTo,
    /// 0 for no checkpoint, else the slot's number and 1.
    ActiveSlot,
    Slot0Position,
    Slot0Len,
    Slot1Position,
    Slot1Len,
    /// Questions of the program up to here are answered.
    Answered,
    /// Resizes noted since the beginning.
    Resizes,
    /// Of these, so many are in the checkpoint.
    Slot0Resizes,
    Slot1Resizes,
    /// The state that the program tells, and since when it is in it.
    Told,
    /// The time of its last notification.
    NoticedAt = LATER_AT as isize,
    /// The time of the last output, and where it ended.
    OutputAt,
    OutputPosition,
    /// The time at which the text last changed, and where that was looked at.
    ChangedAt,
    ChangedPosition,
}

/// The header in shared memory.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    fields: &'a [AtomicU64; FIELDS],
}

impl Header<'_> {
    /// The header at `memory`.
    ///
    /// # Safety
    /// `memory` is aligned to 8 bytes, [`HEADER_BYTES`] of it are mapped for `'a`, and it is accessed by atomics only.
    pub(super) unsafe fn at(memory: *mut u8) -> Self {
        // SAFETY: guaranteed by the caller.
        Self {
            fields: unsafe { &*memory.cast() },
        }
    }

    fn get(self, field: Field) -> u64 {
        self.fields[field as usize].load(Ordering::Acquire)
    }

    /// Sets a field after everything that was written before.
    fn set(self, field: Field, value: u64) {
        self.fields[field as usize].store(value, Ordering::Release);
    }

    pub(super) fn init(self, capacity: u64) {
        self.set(Field::Version, VERSION);
        self.set(Field::Capacity, capacity);
        // Last, so that a header with it is complete.
        self.set(Field::Magic, MAGIC);
    }

    /// The capacity, if this is a header of a known version.
    pub(super) fn check(self) -> Result<usize, JournalError> {
        if self.get(Field::Magic) != MAGIC {
            return Err(JournalError::Invalid("it has no header"));
        }
        if self.get(Field::Version) != VERSION {
            return Err(JournalError::Invalid("it has a layout of another version"));
        }
        usize::try_from(self.get(Field::Capacity))
            .map_err(|_| JournalError::Invalid("it is too large"))
    }

    /// True if the marks are in order, so that no arithmetic on them can go wrong.
    pub(super) fn marks_fit(self, capacity: u64) -> bool {
        let position = self.position();
        let len_fits = |slot| self.slot(slot).1 <= MAX_CHECKPOINT_BYTES as u64;
        position <= u64::MAX / 2
            && (position..=position + capacity).contains(&self.filled_to())
            && (self.filled_to()..=position + capacity).contains(&self.overwritten_to())
            && self.active_slot().is_none_or(len_fits)
    }

    pub(super) fn position(self) -> u64 {
        self.get(Field::Position)
    }

    pub(super) fn set_position(self, position: u64) {
        self.set(Field::Position, position);
    }

    pub(super) fn overwritten_to(self) -> u64 {
        self.get(Field::OverwrittenTo)
    }

    /// Announces that the ring will be overwritten up to here, before it is.
    pub(super) fn set_overwritten_to(self, position: u64) {
        self.set(Field::OverwrittenTo, position);
        fence(Ordering::SeqCst);
    }

    pub(super) fn filled_to(self) -> u64 {
        self.get(Field::FilledTo)
    }

    pub(super) fn set_filled_to(self, position: u64) {
        self.set(Field::FilledTo, position);
    }

    pub(super) fn active_slot(self) -> Option<usize> {
        match self.get(Field::ActiveSlot) {
            1 => Some(0),
            2 => Some(1),
            _ => None,
        }
    }

    pub(super) fn answered(self) -> u64 {
        self.get(Field::Answered)
    }

    pub(super) fn set_answered(self, position: u64) {
        self.set(Field::Answered, position);
    }

    pub(super) fn told(self) -> u64 {
        self.get(Field::Told)
    }

    pub(super) fn set_told(self, told: u64) {
        self.set(Field::Told, told);
    }

    pub(super) fn noticed_at(self) -> u64 {
        self.get(Field::NoticedAt)
    }

    pub(super) fn set_noticed_at(self, at_ms: u64) {
        self.set(Field::NoticedAt, at_ms);
    }

    /// The times of the last output and of the last change, each with the position that it is about.
    pub(super) fn moments(self) -> [(u64, u64); 2] {
        [
            (self.get(Field::OutputAt), self.get(Field::OutputPosition)),
            (self.get(Field::ChangedAt), self.get(Field::ChangedPosition)),
        ]
    }

    pub(super) fn set_output_at(self, at_ms: u64, position: u64) {
        self.set(Field::OutputAt, at_ms);
        self.set(Field::OutputPosition, position);
    }

    pub(super) fn set_changed_at(self, at_ms: u64, position: u64) {
        self.set(Field::ChangedAt, at_ms);
        self.set(Field::ChangedPosition, position);
    }

    /// Notes a size from `position` on; false when there is no room until the next checkpoint.
    pub(super) fn note_resize(self, position: u64, rows: u16, cols: u16) -> bool {
        let count = self.get(Field::Resizes);
        if count >= self.resizes_in_checkpoint().saturating_add(RESIZES) {
            return false;
        }
        let at = RESIZES_AT + 2 * (count % RESIZES) as usize;
        self.fields[at].store(position, Ordering::Release);
        self.fields[at + 1].store(u64::from(rows) << 16 | u64::from(cols), Ordering::Release);
        self.set(Field::Resizes, count + 1);
        true
    }

    /// Position, rows and columns of each resize that is not in the checkpoint.
    pub(super) fn resizes(self) -> impl Iterator<Item = (u64, u16, u16)> {
        let (from, to) = (self.resizes_in_checkpoint(), self.get(Field::Resizes));
        let from = from.max(to.saturating_sub(RESIZES));
        (from..to).map(move |count| {
            let at = RESIZES_AT + 2 * (count % RESIZES) as usize;
            let position = self.fields[at].load(Ordering::Acquire);
            let [.., b, c, d, e] = self.fields[at + 1].load(Ordering::Acquire).to_be_bytes();
            (
                position,
                u16::from_be_bytes([b, c]),
                u16::from_be_bytes([d, e]),
            )
        })
    }

    fn resizes_in_checkpoint(self) -> u64 {
        self.active_slot()
            .map_or(0, |slot| self.get(resizes_field(slot)))
    }

    /// The position and length of the checkpoint in `slot`.
    pub(super) fn slot(self, slot: usize) -> (u64, u64) {
        let (position, len) = slot_fields(slot);
        (self.get(position), self.get(len))
    }

    /// Makes `slot`, which has been written, the checkpoint.
    pub(super) fn activate_slot(self, slot: usize, position: u64, len: u64) {
        let (position_field, len_field) = slot_fields(slot);
        self.set(position_field, position);
        self.set(len_field, len);
        self.set(resizes_field(slot), self.get(Field::Resizes));
        self.set(Field::ActiveSlot, slot as u64 + 1);
    }
}

fn resizes_field(slot: usize) -> Field {
    match slot {
        0 => Field::Slot0Resizes,
        _ => Field::Slot1Resizes,
    }
}

fn slot_fields(slot: usize) -> (Field, Field) {
    match slot {
        0 => (Field::Slot0Position, Field::Slot0Len),
        _ => (Field::Slot1Position, Field::Slot1Len),
    }
}
