//! The journal of a pane: the last output of its program, in memory that outlives the daemon.
//!
//! A ring in a memfd that the keeper has made and keeps alive, with a checkpoint of the screen beside it. The daemon reads
//! the PTY straight into the ring and then advances the write mark, so that whoever takes over can rebuild the
//! screen: from the last checkpoint and the bytes after it. One process at a time maps it.
#![allow(
    unsafe_code,
    reason = "memory shared with a later process can only be reached through raw pointers"
)]

mod header;
mod ring;

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use memmap2::{MmapOptions, MmapRaw};

use header::{HEADER_BYTES, Header};
use ring::Ring;

/// The ring's size unless configured, in bytes.
pub const DEFAULT_CAPACITY: usize = 1024 * 1024;
/// The smallest ring, in bytes: what one read returns must fit twice.
pub const MIN_CAPACITY: usize = 16 * 1024;
/// The largest ring, in bytes.
pub const MAX_CAPACITY: usize = 256 * 1024 * 1024;
/// The largest checkpoint, in bytes: 100,000 full lines compress to less. There is room for two; memory is used for what is stored.
pub const MAX_CHECKPOINT_BYTES: usize = 16 * 1024 * 1024;
/// The longest slice handed out for one read, in bytes.
const MAX_RESERVE_BYTES: usize = 64 * 1024;

/// An error of making or opening a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The memory could not be mapped or sized.
    #[error("the journal's memory cannot be mapped: {0}")]
    Io(#[from] io::Error),
    /// The capacity asked for is out of range or not a whole number of pages.
    #[error(
        "a journal of {0} bytes is not possible; it is a multiple of 4096 from {MIN_CAPACITY} to {MAX_CAPACITY}"
    )]
    Capacity(usize),
    /// The memory holds something else, or a version that this daemon does not know.
    #[error("the memory does not hold a journal that can be read: {0}")]
    Invalid(&'static str),
}

/// A mapped journal.
#[derive(Debug)]
pub struct Journal {
    map: MmapRaw,
    ring: Ring,
}

impl Journal {
    /// Makes an empty journal with a ring of `capacity` bytes in the fresh memory file `fd`, which is extended.
    ///
    /// # Errors
    /// [`JournalError`] when the capacity is out of range or the memory cannot be had.
    pub fn create(fd: BorrowedFd<'_>, capacity: usize) -> Result<Self, JournalError> {
        check_capacity(capacity)?;
        let wanted = file_bytes(capacity) as u64;
        let len = rustix::fs::fstat(fd).map_err(io::Error::from)?.st_size as u64;
        if len > wanted {
            return Err(JournalError::Invalid("its memory is in use already"));
        }
        // The keeper seals its memory against shrinking; it is fresh, so it is empty as it is.
        rustix::fs::ftruncate(fd, wanted).map_err(io::Error::from)?;
        let journal = Self {
            map: MmapOptions::new().map_raw(fd.as_raw_fd())?,
            ring: Ring::new(capacity),
        };
        journal.header().init(capacity as u64);
        Ok(journal)
    }

    /// Opens the journal in the memory file `fd`.
    ///
    /// # Errors
    /// [`JournalError::Invalid`] when the file holds no journal, or one whose numbers do not fit together.
    pub fn open(fd: BorrowedFd<'_>) -> Result<Self, JournalError> {
        let len = rustix::fs::fstat(fd.as_fd())
            .map_err(io::Error::from)?
            .st_size as u64;
        if len < HEADER_BYTES as u64 {
            return Err(JournalError::Invalid("it is too short"));
        }
        let map = MmapOptions::new().map_raw(fd.as_raw_fd())?;
        let mut journal = Self {
            map,
            ring: Ring::new(MIN_CAPACITY),
        };
        let capacity = journal.header().check()?;
        check_capacity(capacity)?;
        if journal.map.len() as u64 != len
            || (journal.map.len() as u64) < file_bytes(capacity) as u64
        {
            return Err(JournalError::Invalid("it is shorter than its header says"));
        }
        journal.ring = Ring::new(capacity);
        match journal.header().marks_fit(capacity as u64) {
            true => Ok(journal),
            false => Err(JournalError::Invalid("its marks contradict each other")),
        }
    }

    /// An empty journal in memory that nobody else can reach, for tests and for panes without a keeper.
    ///
    /// # Errors
    /// [`JournalError`] as for [`Journal::create`].
    pub fn anonymous(capacity: usize) -> Result<Self, JournalError> {
        check_capacity(capacity)?;
        let map = MmapOptions::new()
            .len(file_bytes(capacity))
            .map_anon()?
            .into();
        let journal = Self {
            map,
            ring: Ring::new(capacity),
        };
        journal.header().init(capacity as u64);
        Ok(journal)
    }

    fn header(&self) -> Header<'_> {
        // SAFETY: the mapping is page-aligned, at least HEADER_BYTES long, lives as long as the borrow, and its
        // first page is accessed through the header's atomics only.
        unsafe { Header::at(self.map.as_mut_ptr()) }
    }

    /// The ring's size in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The number of bytes committed since the beginning.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.header().position()
    }

    /// The position of the oldest byte that is still there.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.header()
            .overwritten_to()
            .saturating_sub(self.capacity() as u64)
    }

    /// A slice to read output into, of at least 1 and at most `max` bytes; then call [`Journal::commit`].
    ///
    /// It is filled with a pattern that output does not end in, so that [`Journal::recover_uncommitted`] can tell how much
    /// was read when the process dies in between. The oldest bytes are overwritten.
    ///
    /// # Panics
    /// When `max` is 0.
    pub fn reserve(&mut self, max: usize) -> &mut [u8] {
        assert!(max > 0, "an empty slice cannot be read into");
        let position = self.position();
        // A checkpoint is made for each half of the ring: what was printed since the last one must stay.
        let most = MAX_RESERVE_BYTES.min(self.capacity() / 2);
        let len = self.ring.contiguous(position, max.min(most));
        let end = position + len as u64;
        let filled = self.header().filled_to();
        if filled < end {
            self.header().set_overwritten_to(end);
            let start = filled.max(position);
            let fresh = self.ring_bytes_mut(start, (end - start) as usize);
            ring::fill_pattern(start, fresh);
            self.header().set_filled_to(end);
        }
        self.ring_bytes_mut(position, len)
    }

    /// The first `len` bytes of the slice reserved last have been written. Returns them.
    ///
    /// # Panics
    /// When `len` is more than was reserved.
    pub fn commit(&mut self, len: usize) -> &[u8] {
        let position = self.position();
        let end = position + len as u64;
        assert!(
            end <= self.header().filled_to(),
            "only what was reserved can be committed"
        );
        self.header().set_position(end);
        self.ring_bytes(position, len)
    }

    /// Copies `bytes` into the journal, for output that was not read into it directly.
    pub fn append(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let slice = self.reserve(rest.len());
            let len = slice.len();
            let (now, later) = rest.split_at(len);
            slice.copy_from_slice(now);
            self.commit(len);
            rest = later;
        }
    }

    /// All bytes from `position` on, in two parts; `None` when some of them have been overwritten or do not exist yet.
    #[must_use]
    pub fn read_from(&self, position: u64) -> Option<(&[u8], &[u8])> {
        let end = self.position();
        if position < self.oldest() || position > end {
            return None;
        }
        let len = (end - position) as usize;
        let first = self.ring.contiguous(position, len);
        let second = self.ring_bytes(position + first as u64, len - first);
        Some((self.ring_bytes(position, first), second))
    }

    /// Commits what an earlier process has read but not committed, and returns how much it was, in bytes.
    ///
    /// To be called once after [`Journal::open`]. Output that ends in the pattern (`ff fe ff fe …`) loses that end.
    pub fn recover_uncommitted(&mut self) -> usize {
        let position = self.position();
        let reserved = (self.header().filled_to() - position) as usize;
        let first = self.ring.contiguous(position, reserved);
        let second = position + first as u64;
        let mut found = ring::written_len(second, self.ring_bytes(second, reserved - first));
        found = match found {
            0 => ring::written_len(position, self.ring_bytes(position, first)),
            more => first + more,
        };
        self.header().set_position(position + found as u64);
        found
    }

    /// Notes that what the program asked with the output before `position` is answered. To be called before the answers are given:
    /// a question is rather left unanswered than answered twice.
    pub fn mark_answered(&mut self, position: u64) {
        self.header().set_answered(position.min(self.position()));
    }

    /// Questions before this position are answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        match self.header().answered() {
            0 => self.position(),
            position => position,
        }
    }

    /// The program's state and last notification: a number of the caller's own for the state and since when it holds, 0 when there is
    /// none, and when the notification came, in milliseconds since 1970.
    #[must_use]
    pub fn told(&self) -> (u64, u64) {
        (self.header().told(), self.header().noticed_at())
    }

    /// Keeps what [`Journal::told`] gives back, also for the next daemon.
    pub fn note_told(&mut self, state: u64, noticed_at_ms: u64) {
        self.header().set_told(state);
        self.header().set_noticed_at(noticed_at_ms);
    }

    /// The times of the last output and of the last change of the text, as [`Journal::note_output`] and
    /// [`Journal::note_change`] were given them; none for output that was not noted any more. A change that was not looked
    /// for is as young as the output.
    #[must_use]
    pub fn moments(&self) -> Option<(u64, u64)> {
        let position = self.position();
        let [output, change] = self.header().moments();
        let known = |(at, of): (u64, u64)| (of == position && at > 0).then_some(at);
        let output = known(output)?;
        Some((output, known(change).unwrap_or(output)))
    }

    /// Notes when the last output came, in milliseconds of a clock that goes on with the machine.
    pub fn note_output(&mut self, at_ms: u64) {
        self.header().set_output_at(at_ms, self.position());
    }

    /// Notes when the output up to `position` has last changed the text.
    pub fn note_change(&mut self, at_ms: u64, position: u64) {
        self.header().set_changed_at(at_ms, position);
    }

    /// Notes that the screen has this size from the present position on. False when there is no room for it: then a
    /// checkpoint is due.
    #[must_use]
    pub fn note_resize(&mut self, rows: u16, cols: u16) -> bool {
        self.header().note_resize(self.position(), rows, cols)
    }

    /// Position, rows and columns of each resize since the last checkpoint.
    pub fn resizes(&self) -> impl Iterator<Item = (u64, u16, u16)> {
        self.header().resizes()
    }

    /// Stores a checkpoint of the state after the byte before `position`. It replaces the last one at once when it is complete,
    /// so that a crash in between leaves the last one. Returns whether it fits ([`MAX_CHECKPOINT_BYTES`]).
    #[must_use]
    pub fn store_checkpoint(&mut self, position: u64, bytes: &[u8]) -> bool {
        if bytes.len() > MAX_CHECKPOINT_BYTES {
            return false;
        }
        let old = self.header().active_slot();
        let new = if old == Some(0) { 1 } else { 0 };
        self.slot_mut(new, bytes.len()).copy_from_slice(bytes);
        self.header()
            .activate_slot(new, position, bytes.len() as u64);
        if let Some(old) = old {
            self.release_slot(old);
        }
        true
    }

    /// The last checkpoint and its position.
    #[must_use]
    pub fn checkpoint(&self) -> Option<(u64, &[u8])> {
        let slot = self.header().active_slot()?;
        let (position, len) = self.header().slot(slot);
        let start = slot_start(self.capacity(), slot);
        let len = usize::try_from(len)
            .ok()
            .filter(|&len| len <= MAX_CHECKPOINT_BYTES)?;
        // SAFETY: the slot lies inside of the mapping (file_bytes), and is written through `&mut self` only.
        Some((position, unsafe {
            std::slice::from_raw_parts(self.map.as_ptr().add(start), len)
        }))
    }

    fn slot_mut(&mut self, slot: usize, len: usize) -> &mut [u8] {
        let start = slot_start(self.capacity(), slot);
        // SAFETY: `len` is at most MAX_CHECKPOINT_BYTES, so the slot lies inside of the mapping (file_bytes), and
        // `&mut self` makes this the only reference to it.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(start), len) }
    }

    /// Gives the slot's memory back.
    fn release_slot(&mut self, slot: usize) {
        let start = slot_start(self.capacity(), slot);
        // SAFETY: the slot is a page-aligned part of the mapping to which there is no reference; it reads as zeros afterwards.
        // Failure leaves the memory in use, which is no harm.
        let _ = unsafe {
            rustix::mm::madvise(
                self.map.as_mut_ptr().add(start).cast(),
                MAX_CHECKPOINT_BYTES,
                rustix::mm::Advice::LinuxRemove,
            )
        };
    }

    /// `len` bytes of the ring from `position` on, which do not reach over its end.
    fn ring_bytes(&self, position: u64, len: usize) -> &[u8] {
        let start = HEADER_BYTES + self.ring.offset(position, len);
        // SAFETY: `offset` checks that the range lies inside of the ring, which lies inside of the mapping
        // (file_bytes). The ring is written through `&mut self` only, and no other process maps it meanwhile.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(start), len) }
    }

    fn ring_bytes_mut(&mut self, position: u64, len: usize) -> &mut [u8] {
        let start = HEADER_BYTES + self.ring.offset(position, len);
        // SAFETY: as for `ring_bytes`; `&mut self` makes it the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(start), len) }
    }
}

fn check_capacity(capacity: usize) -> Result<(), JournalError> {
    let fits =
        (MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity) && capacity.is_multiple_of(HEADER_BYTES);
    if fits {
        Ok(())
    } else {
        Err(JournalError::Capacity(capacity))
    }
}

/// The length of the memory file: header, ring, two checkpoints.
fn file_bytes(capacity: usize) -> usize {
    slot_start(capacity, 2)
}

fn slot_start(capacity: usize, slot: usize) -> usize {
    HEADER_BYTES + capacity + slot * MAX_CHECKPOINT_BYTES
}
