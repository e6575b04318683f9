//! The text in bytes that were written for a terminal, without what a terminal obeys.

/// Longest escape sequence that is taken for one; of a longer one only its beginning is left out.
const SEQUENCE_BYTES: usize = 4096;

/// The text of `bytes`, line by line: escape sequences are left out, a line that was written over by a carriage return is as it was last, and
/// what is not UTF-8 is U+FFFD. Nothing that is text is left out: a sequence without an end ends with its line.
#[must_use]
pub fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').map(|line| {
        let line = without_sequences(line.trim_end_matches('\r'));
        let last = line.rsplit('\r').find(|part| !part.is_empty());
        let shown = last.unwrap_or_default().chars();
        shown
            .filter(|c| !c.is_control() || *c == '\t')
            .collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line without its escape sequences.
fn without_sequences(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        rest = &rest[sequence(rest)..];
    }
    text.push_str(rest);
    text
}

/// Bytes of the sequence that begins here, behind its ESC; 0 where none ends in this line.
///
/// Source: ECMA-48, control sequences (5.4) and control strings (5.6).
fn sequence(rest: &str) -> usize {
    let bytes = &rest.as_bytes()[..rest.len().min(SEQUENCE_BYTES)];
    match bytes.first() {
        Some(b'[') => {
            let body = bytes[1..].iter();
            let length = body.take_while(|b| (0x20..0x40).contains(*b)).count() + 1;
            match bytes.get(length) {
                Some(0x40..0x7f) => length + 1,
                Some(_) | None => 0,
            }
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let bell = bytes.iter().position(|b| *b == 7).map(|at| at + 1);
            let ended = bytes.windows(2).position(|end| end == b"\x1b\\");
            let ended = ended.map(|at| at + 2);
            match (bell, ended) {
                (Some(bell), Some(ended)) => bell.min(ended),
                (bell, ended) => bell.or(ended).unwrap_or(0),
            }
        }
        Some(0x20..0x30) => {
            let length = bytes
                .iter()
                .take_while(|b| (0x20..0x30).contains(*b))
                .count();
            match bytes.get(length) {
                Some(0x30..0x7f) => length + 1,
                Some(_) | None => 0,
            }
        }
        Some(0x30..0x7f) => 1,
        Some(_) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_text;

    #[test]
    fn text_stays_and_what_terminals_obey_goes() {
        for (bytes, text) in [
            (&b"plain\n"[..], "plain\n"),
            (b"\x1b[31mred\x1b[0m error", "red error"),
            (b"\x1b]0;title\x07text\x1b]8;;x\x1b\\link", "textlink"),
            (b"before\n\x1b[?1049hALT\n", "before\nALT\n"),
            (b"\x1b]0;unterminated\nhello", "]0;unterminated\nhello"),
            (b"10 %\r50 %\r100 %\r\ndone", "100 %\ndone"),
            (b"a\x1b(Bb\x1b7c\x07", "abc"),
            (b"\xff\tx", "\u{fffd}\tx"),
            (b"\x1b", ""),
        ] {
            assert_eq!(plain_text(bytes), text, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_no_line_is_lost_and_nothing_is_obeyed(bytes: Vec<u8>) {
            let text = plain_text(&bytes);
            let lines = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
            prop_assert_eq!(lines(text.as_bytes()), lines(&bytes));
            prop_assert!(!text.chars().any(|c| c.is_control() && !"\t\n".contains(c)));
        }
    }
}
