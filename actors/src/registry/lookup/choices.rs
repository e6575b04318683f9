//! The choices that stand in the place of what is not there: what can be typed, and nothing else.

use std::collections::HashSet;
use std::fmt;

use model::session::snapshot::{SessionSnapshot, Window};
use protocol::target::Part;
use protocol::{Name, PaneUuid, Target, WindowUuid};

use super::said::MOST;

/// Something that can be typed in the place of what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Compared with what was typed.
    word: String,
    typed: String,
}

impl Choice {
    /// A choice by a name of its own.
    pub(super) fn new(word: impl fmt::Display, typed: impl fmt::Display) -> Self {
        Self {
            word: word.to_string(),
            typed: typed.to_string(),
        }
    }
}

/// A pane as it can be typed: by its name, if it has one of its own within its window, and by its index.
pub(super) struct PaneChoice {
    pub(super) named: Option<Choice>,
    pub(super) indexed: Choice,
}

/// The choices nearest to the word that was typed, each once. Nobody misspells an id, a number or an index: what there is then stands in
/// order.
#[must_use]
pub(super) fn nearest(wanted: Option<&Name>, mut choices: Vec<Choice>) -> Vec<String> {
    if let Some(wanted) = wanted {
        let wanted = wanted.as_str().to_lowercase();
        choices.sort_by_cached_key(|choice| {
            protocol::near::edits(&wanted, &choice.word.to_lowercase())
        });
    }
    let mut seen = HashSet::new();
    let typed = choices.into_iter().map(|choice| choice.typed);
    let once = typed.filter(|typed| seen.insert(typed.clone()));
    once.take(MOST).collect()
}

/// The word of a target, if it is one.
#[must_use]
pub(super) fn word(target: &Target) -> Option<&Name> {
    match target {
        Target::Name(name) => Some(name),
        Target::Id(_)
        | Target::Session(_)
        | Target::Window(_)
        | Target::Pane(_)
        | Target::Path(_) => None,
    }
}

/// The word of a part of a path, if it is one.
#[must_use]
pub(super) fn part_word<N>(part: &Part<N>) -> Option<&Name> {
    match part {
        Part::Name(name) | Part::Named(name) => Some(name),
        Part::Index(_) | Part::Number(_) | Part::Id(_) => None,
    }
}

/// True if a path takes the name for an index.
pub(super) fn is_index(name: &Name) -> bool {
    name.as_str().bytes().all(|byte| byte.is_ascii_digit())
}

/// The windows of a session, as they can be typed.
#[must_use]
pub(super) fn window_choices(snapshot: &SessionSnapshot) -> Vec<Choice> {
    let windows = snapshot.windows.iter();
    let choice = |window: &Window| Choice::new(&window.name, window_path(snapshot, window.id));
    windows.map(choice).collect()
}

/// A window's path: by its name where that says which one, else by its index.
#[must_use]
pub(super) fn window_path(snapshot: &SessionSnapshot, id: WindowUuid) -> String {
    let session = &snapshot.name;
    let Some(index) = snapshot.windows.iter().position(|window| window.id == id) else {
        return format!("{session}/{id}");
    };
    let name = &snapshot.windows[index].name;
    let mut others = snapshot.windows.iter().filter(|window| window.id != id);
    // Digits are an index, and so a name that is none would have to say that.
    let is_told = !is_index(name) && others.all(|other| other.name != *name);
    match is_told {
        true => format!("{session}/{name}"),
        false => format!("{session}/{index}"),
    }
}

/// The path of a pane by its index, as short as it can be: `build.1`, where there are several windows `build/logs.1`.
#[must_use]
pub(super) fn pane_path(snapshot: &SessionSnapshot, id: PaneUuid) -> Option<String> {
    let window = snapshot.window_of(id)?;
    let index = window.layout.panes().iter().position(|pane| *pane == id)?;
    Some(format!("{}.{index}", before_pane(snapshot, window)))
}

/// The part of a pane's path before its own.
#[must_use]
pub(super) fn before_pane(snapshot: &SessionSnapshot, window: &Window) -> String {
    match snapshot.windows.len() {
        1 => snapshot.name.to_string(),
        _ => window_path(snapshot, window.id),
    }
}

#[cfg(test)]
mod tests;
