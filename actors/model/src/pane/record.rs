//! The record of what a pane was made as, which the database and its keeper keep.

use std::collections::BTreeMap;

use protocol::PaneNumber;
use protocol::request::{PaneSettings, RunStreams, StopRecipe};
use serde::{Deserialize, Serialize};

use super::MadeBy;
use crate::origin::Origin;

/// The facts that a pane was made with; they never change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PaneRecord {
    /// Its number.
    pub number: PaneNumber,
    /// For people.
    pub command: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The file that is executed instead of the first of them.
    pub program: Option<String>,
    /// The directory in which it starts.
    pub cwd: String,
    /// Its complete environment.
    pub env: Vec<(String, String)>,
    /// The variables of it that its maker gave to this pane, where the others are the session's; absent where all of it
    /// is its own.
    pub given: Option<Vec<String>>,
    /// The choices of its maker.
    #[serde(flatten)]
    pub settings: PaneSettings,
    /// The way in which it is asked to end.
    pub stop: StopRecipe,
    /// Its terminal, or pipes where it has none.
    pub streams: RunStreams,
    /// It has a pipe for a pipeline's statuses.
    pub status_pipe: bool,
    /// The word that begins each line of that pipe.
    pub report_word: Option<String>,
    /// Lines of scrollback.
    pub history_lines: usize,
    /// Milliseconds since 1970.
    pub created_at_ms: u64,
    /// The request or the job that it was made by, where one of them is to find it again.
    #[serde(rename = "made_for")]
    pub made_by: Option<MadeBy>,
    /// The directory of its control group.
    pub cgroup: Option<String>,
    /// Its maker.
    pub origin: Origin,
    /// Its umask; that of the daemon's caller when absent.
    pub umask: Option<u32>,
}

impl PaneRecord {
    /// The same with none but fugue's own variables, for a file that is not to hold the others.
    #[must_use]
    pub fn with_own_variables(&self) -> Self {
        let mut record = self.clone();
        record.env.retain(|(name, _)| is_own_variable(name));
        record
    }

    /// True if there are no others, because they were not stored.
    #[must_use]
    pub fn has_only_own_variables(&self) -> bool {
        self.env.iter().all(|(name, _)| is_own_variable(name))
    }

    /// The environment of its next life, in a session with these changes of variables.
    #[must_use]
    pub fn next_env(&self, changes: &BTreeMap<String, Option<String>>) -> BTreeMap<String, String> {
        let mut env: BTreeMap<_, _> = self.env.iter().cloned().collect();
        let Some(given) = &self.given else {
            return env;
        };
        let news = changes
            .iter()
            .filter(|(name, _)| !is_own_variable(name) && !given.contains(name));
        for (name, value) in news {
            match value {
                Some(value) => env.insert(name.clone(), value.clone()),
                None => env.remove(name),
            };
        }
        env
    }

    /// The secret that the pane's program finds in `FUGUE_TOKEN`.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        let mut variables = self.env.iter();
        variables.find_map(|(name, value)| (name == "FUGUE_TOKEN").then_some(value.as_str()))
    }
}

fn is_own_variable(name: &str) -> bool {
    name.starts_with("FUGUE") || matches!(name, "TERM" | "COLORTERM" | "PWD")
}
