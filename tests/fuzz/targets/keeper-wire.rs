//! Any bytes as what a daemon and a keeper say to each other: no panic, no allocation larger than a frame may be, the same
//! frames whatever the pieces, and what was decoded encodes to what decodes to the same.
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use keeper::wire::{self, KeeperFrame, MAX_FRAME_BYTES, RequestFrame, Taken};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The system's allocator, which remembers the largest allocation asked for.
struct Measured;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system's allocator's.
unsafe impl GlobalAlloc for Measured {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Measured = Measured;

/// One thing taken out of the stream, a frame as it is encoded.
#[derive(Debug, PartialEq)]
enum Seen {
    Frame(Vec<u8>),
    Unknown(u64, String),
    Broken(String),
}

fn encoded<T: Serialize>(frame: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(frame, &mut bytes).expect("a frame that was decoded can be encoded");
    bytes
}

/// The frames of `stream` fed in pieces of `piece` bytes.
fn frames<T: Serialize + DeserializeOwned>(stream: &[u8], piece: usize) -> Vec<Seen> {
    let mut buffer = Vec::new();
    let mut seen = Vec::new();
    for chunk in stream.chunks(piece) {
        buffer.extend_from_slice(chunk);
        loop {
            match wire::take::<T>(&mut buffer) {
                Ok(Taken::Partial) => break,
                Ok(Taken::Frame(frame)) => seen.push(Seen::Frame(encoded(&frame))),
                Ok(Taken::Unknown(id, text)) => seen.push(Seen::Unknown(id, text)),
                Err(error) => {
                    seen.push(Seen::Broken(error.to_string()));
                    return seen;
                }
            }
        }
    }
    seen
}

fn check<T: Serialize + DeserializeOwned>(stream: &[u8], piece: usize) {
    let whole = frames::<T>(stream, usize::MAX);
    assert_eq!(whole, frames::<T>(stream, piece));
    for seen in whole {
        let Seen::Frame(mut bytes) = seen else {
            continue;
        };
        let before = bytes.clone();
        let Ok(Taken::Frame(frame)) = wire::take::<T>(&mut bytes) else {
            panic!("a frame that was encoded cannot be decoded");
        };
        assert!(bytes.is_empty());
        assert_eq!(encoded(&frame), before);
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, stream)) = input.split_first() else {
        return;
    };
    // As it is, and as one whole frame.
    let length = u32::try_from(stream.len()).expect("inputs are short");
    let framed = [&length.to_be_bytes(), stream].concat();
    LARGEST.store(0, Ordering::Relaxed);
    for stream in [stream, &framed] {
        check::<RequestFrame>(stream, usize::from(first) + 1);
        check::<KeeperFrame>(stream, usize::from(first) + 1);
    }
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= MAX_FRAME_BYTES, "{largest} bytes at once");
});
