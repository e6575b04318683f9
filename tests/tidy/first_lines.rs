//! The first lines of doc comments: each names its thing, or begins with the verb of what that does.

use super::{before_comment, files};

/// The words that begin a clause about a thing, and not its name.
const RIDDLES: [&str; 11] = [
    "Who", "What", "Where", "When", "How", "Why", "Whose", "Whom", "Which", "Whether", "Has",
];

/// The items whose first lines are looked at; those of fields and variants may be clauses.
const ITEMS: [&str; 7] = ["struct", "enum", "trait", "type", "fn", "const", "static"];

/// The derives for which a doc comment is a text for users: help, or the schema of a tool.
const SHOWN: [&str; 5] = ["Parser", "Args", "Subcommand", "ValueEnum", "JsonSchema"];

/// The words of a line, without the marks between them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric())
}

/// True if `lines`, which begin with a doc comment, go on with an item whose comment is not shown to users.
fn documents_item(lines: &[&str]) -> bool {
    let mut depth = 0_usize;
    let mut shown = false;
    for line in lines {
        if depth == 0 && line.starts_with("//") {
            continue;
        }
        if depth == 0 && !line.starts_with("#[") {
            let is_item = |word: &str| ITEMS.contains(&word);
            return !shown && before_comment(line).split_whitespace().any(is_item);
        }
        // An attribute, perhaps of several lines.
        let opened = depth + line.matches('[').count();
        depth = opened.saturating_sub(line.matches(']').count());
        shown |= words(line).any(|word| SHOWN.contains(&word));
    }
    false
}

/// The first lines in a source text that are riddles, with their numbers from 1.
fn riddles(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().copied().enumerate() {
        let Some((mark, sentence)) = line.split_once(' ') else {
            continue;
        };
        let is_first = index == 0 || !lines[index - 1].starts_with(mark);
        let is_riddle = words(sentence)
            .next()
            .is_some_and(|word| RIDDLES.contains(&word));
        let is_looked_at = match mark {
            "//!" => true,
            "///" => documents_item(&lines[index..]),
            _ => false,
        };
        if is_first && is_riddle && is_looked_at {
            found.push((index + 1, sentence));
        }
    }
    found
}

#[test]
fn the_first_line_of_a_doc_comment_names_the_thing() {
    let mut bad = Vec::new();
    for file in files().iter().filter(|file| !file.is_test) {
        for (line, sentence) in riddles(&file.text) {
            bad.push(format!("{}:{line}: {sentence}", file.path));
        }
    }
    let rule = "first lines that do not name the thing: a noun, or the verb of what it does";
    assert!(bad.is_empty(), "{rule}:\n{}", bad.join("\n"));
}

#[test]
fn riddles_are_told_from_names() {
    for text in [
        "//! Who looks at a pane.",
        "/// Why it failed.\nenum Refusal {}",
        "/// Whether it ended.\n/// False before.\n#[must_use]\npub(crate) async fn has_ended() {}",
        "/// What is kept.\n#[derive(\n    Clone,\n    Copy,\n)]\npub(in crate::screen) struct Kept;",
        "    /// How long it takes.\n    pub const LIMIT: u64 = 1;",
    ] {
        assert_eq!(riddles(text).len(), 1, "{text}");
    }
    for text in [
        "//! Focus reports.\n//! What a pane gets.",
        "/// The reason.\n///\n/// Why there is one.\nfn reason() {}",
        "/// Whatever comes.\nfn next() {}",
        "/// Where it is.\npub(crate) place: Place,",
        "/// Which tools.\n#[derive(Debug, clap::ValueEnum)]\nenum Tools {}",
        "/// What to run.\n#[derive(\n    Debug,\n    JsonSchema,\n)]\nstruct Params;",
        "// Whether it is one.\nfn is_one() {}",
    ] {
        assert!(riddles(text).is_empty(), "{text}");
    }
}
