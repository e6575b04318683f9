//! Tests of the journal: against a vector that remembers everything, and against sudden ends.

use std::os::fd::{AsFd, OwnedFd};

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, memfd_create};

use super::{Journal, JournalError, MAX_CHECKPOINT_BYTES, MIN_CAPACITY};

fn memfd() -> OwnedFd {
    memfd_create("journal-test", MemfdFlags::CLOEXEC).expect("a memfd")
}

fn write(journal: &mut Journal, bytes: &[u8]) {
    let slice = journal.reserve(bytes.len());
    slice[..bytes.len()].copy_from_slice(bytes);
    assert_eq!(journal.commit(bytes.len()), bytes);
}

fn joined(parts: (&[u8], &[u8])) -> Vec<u8> {
    [parts.0, parts.1].concat()
}

#[test]
fn what_is_written_can_be_read() {
    let mut journal = Journal::anonymous(MIN_CAPACITY).expect("memory");
    write(&mut journal, b"hello ");
    write(&mut journal, b"world");
    assert_eq!(journal.position(), 11);
    assert_eq!(
        joined(journal.read_from(0).expect("all is there")),
        b"hello world"
    );
    assert_eq!(
        joined(journal.read_from(6).expect("all is there")),
        b"world"
    );
    assert_eq!(joined(journal.read_from(11).expect("nothing yet")), b"");
    assert!(journal.read_from(12).is_none());
}

#[test]
fn what_was_overwritten_cannot_be_read() {
    let mut journal = Journal::anonymous(MIN_CAPACITY).expect("memory");
    journal.append(&vec![1; MIN_CAPACITY]);
    assert_eq!(journal.oldest(), 0);
    let _ = journal.reserve(1);
    assert_eq!(journal.oldest(), 1);
    assert!(journal.read_from(0).is_none());
    assert_eq!(
        joined(journal.read_from(1).expect("all but one")).len(),
        MIN_CAPACITY - 1
    );
}

#[test]
fn what_was_printed_in_the_last_half_of_the_ring_outlives_every_read() {
    for capacity in [MIN_CAPACITY, 64 * 1024, 128 * 1024, 1024 * 1024] {
        let mut journal = Journal::anonymous(capacity).expect("memory");
        for _ in 0..40 {
            let since = journal.position().saturating_sub(capacity as u64 / 2);
            let len = journal.reserve(usize::MAX).len();
            assert!(journal.read_from(since).is_some(), "{capacity} {since}");
            journal.commit(len.min(7_919));
        }
    }
}

#[test]
fn another_process_finds_everything() {
    let fd = memfd();
    let mut journal = Journal::create(fd.as_fd(), MIN_CAPACITY).expect("memory");
    journal.append(b"before");
    assert!(journal.store_checkpoint(3, b"checkpoint"));
    drop(journal);
    let mut journal = Journal::open(fd.as_fd()).expect("a journal");
    assert_eq!((journal.position(), journal.capacity()), (6, MIN_CAPACITY));
    assert_eq!(journal.checkpoint(), Some((3, &b"checkpoint"[..])));
    assert_eq!(journal.recover_uncommitted(), 0);
    assert_eq!(joined(journal.read_from(3).expect("all is there")), b"ore");
}

#[test]
fn bytes_read_but_not_committed_are_found() {
    for before in [0, 5, MIN_CAPACITY - 3] {
        for len in [0, 1, 2, 3, 100, 4096] {
            let fd = memfd();
            let mut journal = Journal::create(fd.as_fd(), MIN_CAPACITY).expect("memory");
            journal.append(&vec![b'.'; before]);
            let slice = journal.reserve(4096);
            let len = len.min(slice.len());
            slice[..len].fill(b'x');
            drop(journal);
            let mut journal = Journal::open(fd.as_fd()).expect("a journal");
            assert_eq!(journal.recover_uncommitted(), len, "{before} {len}");
            assert_eq!(journal.position(), (before + len) as u64);
            assert_eq!(
                joined(journal.read_from(before as u64).expect("it is there")),
                vec![b'x'; len]
            );
            assert_eq!(journal.recover_uncommitted(), 0);
        }
    }
}

#[test]
fn the_newest_checkpoint_counts() {
    let mut journal = Journal::anonymous(MIN_CAPACITY).expect("memory");
    assert_eq!(journal.checkpoint(), None);
    for number in 0..5_u8 {
        let bytes = vec![number; 100_000 - usize::from(number)];
        assert!(journal.store_checkpoint(number.into(), &bytes));
        assert_eq!(journal.checkpoint(), Some((number.into(), &bytes[..])));
    }
    assert!(!journal.store_checkpoint(9, &vec![0; MAX_CHECKPOINT_BYTES + 1]));
    assert_eq!(journal.checkpoint().map(|(position, _)| position), Some(4));
}

#[test]
fn what_is_no_journal_is_refused() {
    let fd = memfd();
    assert!(matches!(
        Journal::open(fd.as_fd()),
        Err(JournalError::Invalid(_))
    ));
    rustix::fs::ftruncate(&fd, 100_000).expect("a size");
    assert!(matches!(
        Journal::open(fd.as_fd()),
        Err(JournalError::Invalid(_))
    ));
    for capacity in [0, 4096, MIN_CAPACITY + 1, usize::MAX] {
        assert!(matches!(
            Journal::create(fd.as_fd(), capacity),
            Err(JournalError::Capacity(_))
        ));
    }
    drop(Journal::create(fd.as_fd(), MIN_CAPACITY).expect("memory"));
    assert!(Journal::open(fd.as_fd()).is_ok());
    rustix::fs::ftruncate(&fd, 8192).expect("a size");
    assert!(matches!(
        Journal::open(fd.as_fd()),
        Err(JournalError::Invalid(_))
    ));
}

proptest! {
    #[test]
    fn damaged_headers_are_refused_or_harmless(field in 0..11_u64, value in prop_oneof![any::<u64>(), 0..40_000_u64]) {
        let fd = memfd();
        let mut journal = Journal::create(fd.as_fd(), MIN_CAPACITY).expect("memory");
        journal.append(&[7; 20_000]);
        prop_assert!(journal.store_checkpoint(1, b"x"));
        drop(journal);
        rustix::io::pwrite(&fd, &value.to_ne_bytes(), field * 8).expect("a write");
        if let Ok(mut journal) = Journal::open(fd.as_fd()) {
            journal.recover_uncommitted();
            let _ = journal.checkpoint();
            journal.append(&[8; 40_000]);
            let _ = journal.read_from(journal.oldest());
        }
    }

    /// Reads of any length into slices of any length, with sudden ends, against a vector.
    #[test]
    fn it_is_the_end_of_a_vector(steps in proptest::collection::vec((1..20_000_usize, 0..5000_usize, 0..10_u8, any::<u8>()), 1..60)) {
        let fd = memfd();
        let mut journal = Journal::create(fd.as_fd(), MIN_CAPACITY).expect("memory");
        let mut model: Vec<u8> = Vec::new();
        for (max, read, end, byte) in steps {
            let slice = journal.reserve(max);
            prop_assert!(!slice.is_empty() && slice.len() <= max);
            let read = read.min(slice.len());
            for (at, byte_in_ring) in slice[..read].iter_mut().enumerate() {
                *byte_in_ring = byte.wrapping_add(at as u8) & 0x7f;
            }
            model.extend_from_slice(&slice[..read]);
            if end == 0 {
                drop(journal);
                journal = Journal::open(fd.as_fd()).expect("a journal");
                prop_assert_eq!(journal.recover_uncommitted(), read);
            } else {
                prop_assert_eq!(journal.commit(read), &model[model.len() - read..]);
            }
            prop_assert_eq!(journal.position(), model.len() as u64);
            let oldest = journal.oldest();
            prop_assert!(model.len() as u64 - oldest <= MIN_CAPACITY as u64);
            let whole = joined(journal.read_from(oldest).expect("the oldest is there"));
            prop_assert_eq!(&whole[..], &model[oldest as usize..]);
            if oldest > 0 {
                prop_assert!(journal.read_from(oldest - 1).is_none());
            }
        }
    }
}

#[test]
fn moments_hold_for_the_output_that_they_were_noted_for() {
    let memory = memfd();
    let mut journal = Journal::create(memory.as_fd(), MIN_CAPACITY).expect("memory");
    assert_eq!(journal.moments(), None);
    write(&mut journal, b"a");
    journal.note_output(50);
    // Not looked at yet: it may have changed the text.
    assert_eq!(journal.moments(), Some((50, 50)));
    journal.note_change(20, 1);
    let read = Journal::open(memory.as_fd()).expect("it is one");
    assert_eq!(read.moments(), Some((50, 20)));
    // The process died before it noted this.
    write(&mut journal, b"b");
    assert_eq!(journal.moments(), None);
    journal.note_output(90);
    assert_eq!(journal.moments(), Some((90, 90)));
}
