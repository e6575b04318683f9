//! Names of commands that were given none: their first words. Pure.

use std::collections::HashMap;

/// Words of a name, and words that it may have where fewer do not tell commands apart.
const WORDS: usize = 2;
const MOST_WORDS: usize = 4;

/// Longest name without its number, in characters.
const CHARS: usize = 32;

/// Characters that separate a command from the next one, or from a file.
const OPERATORS: [char; 6] = [';', '|', '&', '<', '>', '#'];

/// A name for each command line, all of them different; none for a line without a word.
pub(super) fn of(lines: &[String]) -> Vec<Option<String>> {
    let words: Vec<_> = lines.iter().map(|line| first_words(line)).collect();
    let count = |most: usize| {
        let mut counts = HashMap::new();
        for words in &words {
            *counts.entry(joined(words, most)).or_insert(0) += 1;
        }
        counts
    };
    let counts: Vec<_> = (WORDS..=MOST_WORDS)
        .map(|most| (most, count(most)))
        .collect();
    let mut used = HashMap::new();
    let named = words.iter().map(|words| {
        let told_apart = counts
            .iter()
            .find(|(most, counts)| counts.get(&joined(words, *most)) == Some(&1));
        let name = joined(words, told_apart.map_or(WORDS, |(most, _)| *most));
        (!name.is_empty()).then(|| numbered(name, &mut used))
    });
    named.collect()
}

/// The name, with a number behind it when others have it already.
fn numbered(name: String, used: &mut HashMap<String, u32>) -> String {
    let mut next = used.get(&name).map_or(1, |last| last + 1);
    let mut unique = name.clone();
    while next > 1 && used.contains_key(&unique) {
        unique = format!("{name} ({next})");
        next += 1;
    }
    used.insert(unique.clone(), 1);
    used.insert(name, next.max(2) - 1);
    unique
}

/// The words with which a command line begins: without the variables before them, and up to the end of its first command.
fn first_words(line: &str) -> Vec<String> {
    let line = line.lines().find(|line| !line.trim().is_empty());
    let all: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
    let variables = all.iter().take_while(|word| is_variable(word)).count();
    // A line of variables alone is named by them.
    let skipped = if variables == all.len() { 0 } else { variables };
    let mut words = Vec::new();
    for word in all.into_iter().skip(skipped) {
        let end = word.find(OPERATORS);
        let shown = &word[..end.unwrap_or(word.len())];
        let shown = match words.is_empty() {
            true => shown
                .rsplit('/')
                .find(|part| !part.is_empty())
                .unwrap_or(shown),
            false => shown,
        };
        let shown: String = shown.chars().filter(|c| !c.is_control()).collect();
        if !shown.is_empty() {
            words.push(shown);
        }
        if words.len() == MOST_WORDS || (end.is_some() && !words.is_empty()) {
            break;
        }
    }
    words
}

/// `NAME=value` before a command.
fn is_variable(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The first `most` words, cut when they are long.
fn joined(words: &[String], most: usize) -> String {
    let name = words[..most.min(words.len())].join(" ");
    crate::cli::units::brief(&name, CHARS)
}

#[cfg(test)]
mod tests;
