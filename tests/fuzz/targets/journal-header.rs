//! Any bytes as a journal's first page: no panic; it is refused, or what it says lies within the memory that there is.
#![no_main]

use std::os::fd::{AsFd, OwnedFd};

use journal::{Journal, MAX_CAPACITY, MAX_CHECKPOINT_BYTES, MIN_CAPACITY};
use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// The header's size.
const HEADER_BYTES: usize = 4096;
/// The number of resizes that a header has room for.
const RESIZES: usize = 64;

/// Memory with `header` in front, and behind it room for a ring of `capacity` bytes and two checkpoints, as far as `bytes` go.
fn memory(header: &[u8], bytes: usize) -> OwnedFd {
    let memory = memfd_create(c"journal", MemfdFlags::CLOEXEC).expect("memory");
    ftruncate(&memory, bytes as u64).expect("sparse memory");
    let header = &header[..header.len().min(HEADER_BYTES).min(bytes)];
    let written = rustix::io::pwrite(&memory, header, 0).expect("the header fits");
    assert_eq!(written, header.len());
    memory
}

/// Uses all that a daemon which takes over uses of it.
fn check(mut journal: Journal) {
    let capacity = journal.capacity();
    assert!((MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity));
    let held = |journal: &Journal| {
        let (oldest, position) = (journal.oldest(), journal.position());
        assert!(oldest <= position && position - oldest <= capacity as u64);
        let (first, second) = journal.read_from(oldest).expect("what is held can be read");
        assert_eq!((first.len() + second.len()) as u64, position - oldest);
        assert!(journal.read_from(position + 1).is_none());
    };
    held(&journal);
    if let Some((_, checkpoint)) = journal.checkpoint() {
        assert!(checkpoint.len() <= MAX_CHECKPOINT_BYTES);
    }
    assert!(journal.resizes().count() <= RESIZES);
    assert!(journal.recover_uncommitted() <= capacity);
    held(&journal);
    // And goes on with it.
    let before = journal.position();
    journal.append(b"more");
    assert_eq!(journal.position(), before + 4);
    held(&journal);
    journal.mark_answered(u64::MAX);
    assert!(journal.answered() <= journal.position());
    let _ = journal.note_resize(24, 80);
    assert!(journal.store_checkpoint(journal.position(), b"checkpoint"));
    let (position, bytes) = journal.checkpoint().expect("the one just stored");
    assert_eq!((position, bytes), (journal.position(), &b"checkpoint"[..]));
    held(&journal);
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else {
        return;
    };
    let capacity = MIN_CAPACITY << (choice >> 4 & 1);
    let whole = HEADER_BYTES + capacity + 2 * MAX_CHECKPOINT_BYTES;
    let bytes = match choice >> 2 & 3 {
        0 => usize::from(choice) * 64,
        1 => whole - 1,
        _ => whole,
    };
    let mut header = rest.to_vec();
    header.resize(HEADER_BYTES.min(header.len().max(24)), 0);
    // Mostly one that is not refused at once.
    if choice & 1 != 0 {
        header[..8].copy_from_slice(b"fuguejnl");
        header[8..16].copy_from_slice(&1u64.to_ne_bytes());
    }
    if choice & 2 != 0 {
        header[16..24].copy_from_slice(&(capacity as u64).to_ne_bytes());
    }
    if let Ok(journal) = Journal::open(memory(&header, bytes).as_fd()) {
        check(journal);
    }
});
