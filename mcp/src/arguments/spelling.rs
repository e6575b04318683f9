//! Suggestions of the name that was meant by a wrong one.

use protocol::near::edits;

/// The names that other tools have for the same things, for the suggestion in an error.
const OFTEN_MEANT: [(&str, &str); 14] = [
    ("cmd", "command"),
    ("directory", "cwd"),
    ("dir", "cwd"),
    ("environment", "env"),
    ("height", "rows"),
    ("id", "pane_id"),
    ("key", "keys"),
    ("regex", "pattern"),
    ("session_name", "session"),
    ("target", "pane_id"),
    ("text", "input"),
    ("width", "cols"),
    ("workdir", "cwd"),
    ("working_directory", "cwd"),
];

/// The name that was probably meant by `wrong`.
pub(crate) fn nearest<'a>(wrong: &str, names: &[&'a str], required: &[&str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let often = OFTEN_MEANT
        .iter()
        .filter(|(from, _)| *from == wrong)
        .find_map(|(_, to)| names.iter().find(|name| *name == to));
    if let Some(name) = often {
        return Some(name);
    }
    let distance = |name: &&'a str| {
        let contained = name.len() > 2 && (wrong.contains(*name) || name.contains(&wrong));
        let edits = edits(&wrong, name);
        let edits = if contained && wrong.len() > 2 {
            edits.min(2)
        } else {
            edits
        };
        (edits, !required.contains(name))
    };
    let best = names.iter().copied().min_by_key(distance)?;
    let close = distance(&best).0 <= (wrong.chars().count().max(best.len()) / 2).max(2);
    close.then_some(best)
}

#[cfg(test)]
mod tests;
