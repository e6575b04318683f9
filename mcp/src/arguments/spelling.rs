//! Which name was meant by a wrong one.

/// What other tools call the same thing, for the suggestion in an error.
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

/// Insertions, deletions, replacements and swaps of neighbours from `a` to `b`.
///
/// Source: Damerau–Levenshtein distance, restricted form.
fn edits(a: &str, b: &str) -> usize {
    // A name longer than this is no misspelling.
    const LONGEST: usize = 64;
    let a: Vec<char> = a.chars().take(LONGEST).collect();
    let b: Vec<char> = b.chars().collect();
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swapped = if swapped {
                    table[i - 2][j - 2] + 1
                } else {
                    usize::MAX
                };
                (table[i - 1][j] + 1)
                    .min(table[i][j - 1] + 1)
                    .min(replaced)
                    .min(swapped)
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests;
