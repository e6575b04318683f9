//! The choices that stand in the place of what is not there: what can be typed, and nothing else.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use model::session::snapshot::{SessionSnapshot, Window};
use protocol::target::Part;
use protocol::{Error, Name, PaneNumber, PaneUuid, Target, WindowUuid};

use super::said::{MOST, last_end, not_found};
use crate::registry::{Leaf, Registry};

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
struct PaneChoice {
    named: Option<Choice>,
    indexed: Choice,
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

impl Registry {
    /// A pane as somebody can name it: by its path, or by its number where its session has a name that is for no one to type.
    pub(super) fn shown_leaf(&self, leaf: &Leaf) -> String {
        let session = self.session(leaf.session()).map(|entry| entry.snapshot());
        let seen = session.filter(|snapshot| !snapshot.is_out_of_sight());
        let path = seen.and_then(|snapshot| pane_path(&snapshot, leaf.id()));
        path.unwrap_or_else(|| leaf.shown())
    }

    pub(super) fn session_not_found(&self, target: &Target) -> Error {
        let choices = nearest(word(target), self.session_choices());
        let error = not_found("session", target).candidates(choices);
        let Target::Name(name) = target else {
            return error;
        };
        match self.ended_session(name) {
            Some(ended) => Error {
                message: format!("{}: {}", error.message, last_end(&ended.end)),
                ..error
            },
            None => error,
        }
    }

    /// The sessions that people see in their lists.
    fn seen(&self) -> impl Iterator<Item = Arc<SessionSnapshot>> {
        let snapshots = self.sessions().into_iter().map(|entry| entry.snapshot());
        snapshots.filter(|snapshot| !snapshot.is_out_of_sight())
    }

    fn session_choices(&self) -> Vec<Choice> {
        let choice = |snapshot: Arc<SessionSnapshot>| Choice::new(&snapshot.name, &snapshot.name);
        self.seen().map(choice).collect()
    }

    /// The panes of a window, as they can be typed.
    fn pane_choices(&self, snapshot: &SessionSnapshot, window: &Window) -> Vec<PaneChoice> {
        let before = before_pane(snapshot, window);
        let leaves = window.layout.panes().into_iter().enumerate();
        let leaves = leaves.filter_map(|(index, pane)| Some((index, self.leaf(pane)?)));
        let leaves: Vec<_> = leaves.collect();
        let names: Vec<_> = leaves.iter().filter_map(|(_, leaf)| leaf.name()).collect();
        let choice = |(index, leaf): &(usize, Leaf)| {
            let own = leaf.name();
            let own = own.filter(|own| names.iter().filter(|name| *name == own).count() == 1);
            PaneChoice {
                named: own.map(|own| {
                    let part = Part::<PaneNumber>::Name(Name::clone(&own));
                    Choice::new(&own, format!("{before}.{part}"))
                }),
                indexed: Choice::new(index, format!("{before}.{index}")),
            }
        };
        leaves.iter().map(choice).collect()
    }

    /// The panes of a window by their names where a word was typed, and by their indexes else.
    pub(super) fn panes_by(
        &self,
        wanted: Option<&Name>,
        snapshot: &SessionSnapshot,
        window: &Window,
    ) -> Vec<Choice> {
        let panes = self.pane_choices(snapshot, window).into_iter();
        let typed = |pane: PaneChoice| match (pane.named, wanted) {
            (Some(named), Some(_)) => named,
            (Some(_), None) | (None, Some(_) | None) => pane.indexed,
        };
        panes.map(typed).collect()
    }

    /// A name may be meant for a session, a window or a pane; what is no name is meant for a pane.
    pub(super) fn pane_not_found(&self, target: &Target) -> Error {
        let wanted = word(target);
        let mut choices = Vec::new();
        for snapshot in self.seen() {
            let panes = snapshot
                .windows
                .iter()
                .flat_map(|w| self.pane_choices(&snapshot, w));
            if wanted.is_none() {
                choices.extend(panes.map(|pane| pane.indexed));
                continue;
            }
            choices.push(Choice::new(&snapshot.name, &snapshot.name));
            choices.extend(panes.filter_map(|pane| pane.named));
            // What nobody has named is reached by its session.
            let named = |window: &&Window| !is_index(&window.name);
            let named = snapshot.windows.iter().filter(named);
            choices.extend(named.map(|w| Choice::new(&w.name, window_path(&snapshot, w.id))));
        }
        not_found("pane", target).candidates(nearest(wanted, choices))
    }
}

/// True if a path takes the name for an index.
fn is_index(name: &Name) -> bool {
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
