//! Near names: those that exist and were probably meant by one that does not.

/// So many names are given at most: whoever meant another one has a list to look at.
const MOST: usize = 5;

/// A name longer than this is no misspelling.
const LONGEST_CHARS: usize = 64;

/// The names near `wanted`, the nearest first: those that differ by a few letters or contain it.
#[must_use]
pub fn near(wanted: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let most = (wanted.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let edits = edits(&wanted, &lower);
            let contained =
                wanted.len() > 2 && (lower.contains(&wanted) || wanted.contains(&lower));
            let contained = contained && lower.len() > 2;
            (contained || edits <= most).then_some((edits, name))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours from `a` to `b`, of their first 64 characters.
#[must_use]
pub fn edits(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|text| text.chars().take(LONGEST_CHARS).collect::<String>());
    strsim::osa_distance(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_near_the_wanted_one_are_given() {
        let names = || {
            let many = (0..300).map(|number| format!("__pipeline_{number:04}__"));
            let some = ["build", "builds", "rebuild", "logs", "work", "b", ""];
            many.chain(some.map(str::to_owned))
        };
        assert_eq!(near("biuld", names()), ["build"]);
        assert_eq!(near("build", names()), ["build", "builds", "rebuild"]);
        assert_eq!(near("wrok", names()), ["work"]);
        assert!(near("nothing-like-it", names()).is_empty());
        assert_eq!(near("__pipeline_", names()).len(), MOST);
        assert!(near(&"x".repeat(100_000), names()).is_empty());
    }
}
