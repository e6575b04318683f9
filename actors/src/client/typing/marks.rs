//! Pastes within what a terminal sends: between which bytes one is open.

use terminal::input::{PASTE_END, PASTE_START};

/// Follows typed bytes in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// A paste is open.
    open: bool,
    /// How many bytes of the mark that is looked for have been seen.
    seen: usize,
}

impl Marks {
    /// True if a paste is open after `bytes`.
    pub(super) fn after(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let mark = if self.open { PASTE_END } else { PASTE_START };
            if mark[self.seen] == *byte {
                self.seen += 1;
            } else {
                // Only the mark's first byte occurs in it once, so a mark can only begin anew here.
                self.seen = usize::from(mark[0] == *byte);
            }
            if self.seen == mark.len() {
                self.seen = 0;
                self.open = !self.open;
            }
        }
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn a_paste_is_open_between_its_marks_in_pieces_of_any_size() {
        let typed = b"ls\x1b[A\x1b[200~a\x1b[200~b\x1b\x1b[201~c\x1b[200~d\x1b[201~";
        let mut open = Vec::new();
        let mut marks = Marks::default();
        for byte in typed {
            if marks.after(&[*byte]) {
                open.push(*byte);
            }
        }
        assert_eq!(open, b"~a\x1b[200~b\x1b\x1b[201~d\x1b[201");
        for at in 0..typed.len() {
            let mut marks = Marks::default();
            let first = marks.after(&typed[..at]);
            assert!(
                !marks.after(&typed[at..]),
                "cut at {at}, open before: {first}"
            );
        }
    }
}
