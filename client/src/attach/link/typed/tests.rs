//! Input in pieces, within a window.

use super::*;

fn all(typed: &mut Typed) -> Vec<(Vec<u8>, Option<PastePart>)> {
    std::iter::from_fn(|| typed.pop())
        .map(|(bytes, part)| (bytes.to_vec(), part))
        .collect()
}

#[test]
fn without_a_window_all_goes_at_once_and_in_order() {
    let mut typed = Typed::default();
    typed.open(0);
    let flood: Vec<u8> = (0..500_000u32).map(|n| n as u8).collect();
    typed.push(flood.clone().into(), None);
    typed.push(Bytes::from_static(b"x"), None);
    let sent = all(&mut typed);
    let bytes: Vec<u8> = sent.into_iter().flat_map(|(bytes, _)| bytes).collect();
    assert!(bytes.ends_with(b"x") && bytes[..flood.len()] == flood);
    assert_eq!(typed.waiting_bytes(), 0);
}

#[test]
fn what_the_window_does_not_take_waits_until_the_server_tells_that_it_has() {
    let mut typed = Typed::default();
    typed.open(100_000);
    typed.push(vec![b'x'; 500_000].into(), None);
    let mut sent = 0;
    while sent < 500_000 {
        let now: usize = all(&mut typed).iter().map(|(bytes, _)| bytes.len()).sum();
        assert!(now > 0 && now <= 100_000, "{now}");
        assert_eq!(typed.waiting_bytes(), 500_000 - sent - now);
        sent += now;
        assert!(typed.pop().is_none());
        typed.taken(now as u64);
    }
}

#[test]
fn a_paste_in_pieces_begins_once_and_ends_once() {
    use PastePart::{Begin, End, More, Whole};
    let mut typed = Typed::default();
    typed.open(u32::MAX);
    let flood = Bytes::from(vec![b'x'; PIECE_BYTES * 2 + 1]);
    let table: [(Bytes, PastePart, &[PastePart]); 7] = [
        (Bytes::from_static(b"x"), Whole, &[Whole]),
        (Bytes::from_static(b""), Begin, &[Begin]),
        (Bytes::from_static(b""), End, &[End]),
        (flood.clone(), Whole, &[Begin, More, End]),
        (flood.clone(), Begin, &[Begin, More, More]),
        (flood.clone(), More, &[More, More, More]),
        (flood, End, &[More, More, End]),
    ];
    for (bytes, part, expected) in table {
        typed.push(bytes, Some(part));
        let parts: Vec<_> = all(&mut typed)
            .into_iter()
            .filter_map(|(_, part)| part)
            .collect();
        assert_eq!(parts, expected, "{part:?}");
    }
}

#[test]
fn the_terminal_is_not_read_on_while_too_much_waits() {
    let mut typed = Typed::default();
    typed.open(1_000);
    typed.push(vec![b'x'; FULL_BYTES - 1].into(), None);
    assert!(!typed.is_full());
    typed.push(vec![b'x'; 1].into(), None);
    assert!(typed.is_full());
}
