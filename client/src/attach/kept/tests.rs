//! What is typed while there is no server stays whole and in order.

use super::{Kept, MOST_BYTES};
use crate::attach::outer::split::Input;

fn typed(text: &str) -> Input {
    Input::Typed(text.as_bytes().to_vec())
}

fn all(kept: &mut Kept) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(input) = kept.pop() {
        match input {
            Input::Typed(bytes) | Input::Paste { bytes, .. } => text.extend(bytes),
            other @ (Input::Command(_) | Input::Mouse(_) | Input::Focus(_) | Input::Answer(_)) => {
                panic!("{other:?} is kept")
            }
        }
    }
    text
}

#[test]
fn keys_and_pastes_come_back_in_order() {
    let mut kept = Kept::default();
    kept.push(typed("ab"));
    kept.push(Input::Focus(true));
    kept.push(Input::Paste {
        bytes: b"cd".to_vec(),
        begins: true,
        ends: true,
    });
    kept.push(typed("e"));
    assert_eq!(kept.bytes(), 5);
    assert_eq!(all(&mut kept), b"abcde");
    assert_eq!(kept.bytes(), 0);
}

#[test]
fn what_is_too_much_is_cut_at_its_end_and_nowhere_else() {
    let mut kept = Kept::default();
    kept.push(typed("first"));
    kept.push(typed(&"x".repeat(MOST_BYTES)));
    kept.push(typed("later"));
    assert_eq!(all(&mut kept), b"first");
    kept.push(typed("again"));
    assert_eq!(all(&mut kept), b"again");
}
