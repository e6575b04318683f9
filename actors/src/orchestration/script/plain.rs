//! Tells whether a command line is made of plain commands only, so that it may stand in a script as it is. Pure.
//!
//! What is not certain is not plain: keywords, compounds, substitutions, here-documents and comments are left to `eval`.

/// Words that begin something else than a command.
const KEYWORDS: [&str; 23] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "in", "select", "function", "time", "coproc", "{", "}", "[[", "]]", "!", "return",
];

/// The place of the text in a list of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScanState {
    /// A command may begin, or the text may end.
    Open,
    /// A command has to begin: behind `&&`, `||`, `|`.
    Wanted,
    /// Within a command.
    Within,
    /// The target of a redirection has to come.
    Target,
}

/// Simple commands, joined by `;`, newlines, `&`, `&&`, `||` and `|`, with redirections to and from files.
#[must_use]
pub(super) fn is_plain(line: &str) -> bool {
    let mut rest = line;
    let mut place = ScanState::Open;
    let mut any = false;
    while let Some(first) = rest.chars().next() {
        match first {
            ' ' | '\t' => rest = &rest[1..],
            '\n' => match end(place) {
                Some(next) => (place, rest) = (next, &rest[1..]),
                None => return false,
            },
            ';' | '&' | '|' | '<' | '>' => match operator(rest, place) {
                Some((next, bytes)) => (place, rest) = (next, &rest[bytes..]),
                None => return false,
            },
            '#' => return false,
            _ => {
                let Some(bytes) = word(rest) else {
                    return false;
                };
                let (word, begins) = (
                    &rest[..bytes],
                    matches!(place, ScanState::Open | ScanState::Wanted),
                );
                let refused = begins && KEYWORDS.contains(&word)
                    || is_open_subscript(word)
                    || place == ScanState::Target && is_descriptor(word, &rest[bytes..]);
                if refused {
                    return false;
                }
                any = true;
                (place, rest) = (ScanState::Within, &rest[bytes..]);
            }
        }
    }
    any && end(place).is_some()
}

/// The place behind the end of a command; `None` where none may end.
fn end(place: ScanState) -> Option<ScanState> {
    matches!(place, ScanState::Open | ScanState::Within).then_some(ScanState::Open)
}

/// The place behind an operator at the beginning of `rest`, and the operator's length.
fn operator(rest: &str, place: ScanState) -> Option<(ScanState, usize)> {
    const REDIRECTIONS: [&str; 8] = ["&>>", "&>", ">>", ">&", ">|", "<&", "<", ">"];
    const REFUSED: [&str; 8] = ["<<", "<(", ">(", "|&", ";;", ";&", "<>", "&&&"];
    if REFUSED.iter().any(|refused| rest.starts_with(refused)) || place == ScanState::Target {
        return None;
    }
    let found = REDIRECTIONS.iter().find(|found| rest.starts_with(**found));
    if let Some(found) = found {
        return Some((ScanState::Target, found.len()));
    }
    let joins = ["&&", "||"].iter().any(|joins| rest.starts_with(joins));
    match (place, joins) {
        (ScanState::Within, true) => Some((ScanState::Wanted, 2)),
        (ScanState::Within, false) if rest.starts_with('|') => Some((ScanState::Wanted, 1)),
        (ScanState::Within, false) => Some((ScanState::Open, 1)),
        (ScanState::Open | ScanState::Wanted | ScanState::Target, _) => None,
    }
}

/// `a[1`: where a variable may be set, bash reads on to the bracket's end.
fn is_open_subscript(word: &str) -> bool {
    word != "[" && word.matches('[').count() != word.matches(']').count() && word.contains('[')
}

/// `2` and `{a}` before `>` belong to that redirection, so that the one before them has no target.
fn is_descriptor(word: &str, behind: &str) -> bool {
    behind.starts_with(['<', '>'])
        && (word.starts_with('{') || word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The length of the word at the beginning of `rest`; `None` when it has something in it that is not plain, or does not end.
fn word(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' => break,
            b'`' | b'(' | b')' | b'\r' | 0 => return None,
            b'\'' => at += 2 + rest.get(at + 1..)?.find('\'')?,
            b'"' => at += double_quoted(&bytes[at..])?,
            b'\\' => {
                let escaped = rest.get(at + 1..)?.chars().next()?;
                if escaped == '\n' {
                    return None;
                }
                at += 1 + escaped.len_utf8();
            }
            b'$' => at += dollar(&bytes[at..])?,
            _ => at += 1,
        }
    }
    Some(at)
}

/// A `$` that begins nothing longer than a variable's name.
fn dollar(bytes: &[u8]) -> Option<usize> {
    let begins_more = matches!(bytes.get(1), Some(b'(' | b'{' | b'[' | b'\'' | b'"'));
    (!begins_more).then_some(1)
}

/// The length of a double-quoted text, with its quotes.
fn double_quoted(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'`' => return None,
            b'\\' => at += 2,
            // The closing quote is no beginning of another.
            b'$' if matches!(bytes.get(at + 1), Some(b'(' | b'{' | b'[')) => return None,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests;
