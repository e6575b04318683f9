//! The two vocabularies of messages: commands and options for people, tools and arguments for agents.
//!
//! A message that names something of both says `` `fugue ls` or fugue_list_sessions``: what stands in backquotes is for people,
//! the word with underscores behind it for agents. Each surface leaves the other's out.

use crate::error::Error;

/// The joint between what people type and what agents call.
const JOINT: &str = "` or ";

/// A message with what people type, and without what agents call.
#[must_use]
pub fn for_people(text: &str) -> String {
    chosen(text, |people, _| people)
}

/// A message with what agents call, and without what people type for it.
#[must_use]
pub fn for_agents(text: &str) -> String {
    chosen(text, |_, agents| agents)
}

fn chosen(text: &str, choose: impl for<'a> Fn(&'a str, &'a str) -> &'a str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(joint) = rest.find(JOINT) {
        let after = &rest[joint + JOINT.len()..];
        let word = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
        let end = after.find(|c| !word(c)).unwrap_or(after.len());
        let open = rest[..joint].rfind('`');
        match open.filter(|_| after[..end].contains('_')) {
            Some(open) => {
                out.push_str(&rest[..open]);
                out.push_str(choose(&rest[open..=joint], &after[..end]));
                rest = &after[end..];
            }
            None => {
                out.push_str(&rest[..joint + JOINT.len()]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

impl Error {
    /// It as people read it.
    #[must_use]
    pub fn for_people(self) -> Self {
        self.worded(for_people)
    }

    /// It as agents read it.
    #[must_use]
    pub fn for_agents(self) -> Self {
        self.worded(for_agents)
    }

    fn worded(self, words: impl Fn(&str) -> String) -> Self {
        Self {
            message: words(&self.message),
            hint: words(&self.hint),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_surface_has_its_own_words() {
        for (text, people, agents) in [
            (
                "`fugue ls` or fugue_list_sessions lists them",
                "`fugue ls` lists them",
                "fugue_list_sessions lists them",
            ),
            (
                "give `--idle` or idle_ms, then `fugue tree` or fugue_actor_tree shows why",
                "give `--idle`, then `fugue tree` shows why",
                "give idle_ms, then fugue_actor_tree shows why",
            ),
            // Choices of one surface stay.
            (
                "use `fugue wait` or `fugue expect`, or wait",
                "use `fugue wait` or `fugue expect`, or wait",
                "use `fugue wait` or `fugue expect`, or wait",
            ),
            ("`a` or words", "`a` or words", "`a` or words"),
            ("` or a_b", "` or a_b", "` or a_b"),
            ("", "", ""),
        ] {
            assert_eq!(for_people(text), people);
            assert_eq!(for_agents(text), agents);
        }
    }
}
