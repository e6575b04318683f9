//! Reports of a pane's program about itself, by escape sequences: its state, its progress, what it wants noticed.

use serde::{Deserialize, Serialize};
use strum::VariantNames as _;

/// A state that a program can tell (OSC 7501). Unknown is the absence of one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ProgramState {
    /// It needs the person: an answer, a permission, a login.
    NeedsInput,
    /// It waits for its next task.
    Idle,
    /// It has finished, and nobody has seen that yet.
    Done,
    /// It works.
    Working,
    /// It has failed.
    Failed,
}

impl ProgramState {
    /// All of them, as they are written.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        Self::VARIANTS
    }
}

/// The need of a program that needs input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Need {
    /// A yes or no to something that it is about to do.
    Permission,
    /// An answer.
    Question,
    /// Somebody who logs in.
    Login,
}

/// The state that a pane's program tells (OSC 7501). All of it is the program's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramStatus {
    /// The state.
    pub value: ProgramState,
    /// Since when it is in it, in milliseconds since 1970; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Which part of it says so, as a path; absent for the whole program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What it needs, when it needs input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Need>,
    /// What it says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it is working on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How far it is, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

impl std::fmt::Display for ProgramStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{}({kind})", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

/// The progress of a program (OSC 9;4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Progress {
    /// It shows none.
    #[default]
    None,
    /// So far.
    Value {
        /// 0 to 100.
        percent: u8,
    },
    /// Something is wrong.
    Error {
        /// 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
    },
    /// It works, and does not know how far it is.
    Indeterminate,
    /// It waits.
    Paused {
        /// 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
    },
}

impl Progress {
    /// True if there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// The escape sequence by which a notification came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeForm {
    /// OSC 9: a body alone.
    #[default]
    Osc9,
    /// OSC 777: a title and a body.
    Osc777,
    /// OSC 99: a title and a body.
    Osc99,
}

/// A notification that a program wants the person to see, without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// By which sequence it came.
    #[serde(default)]
    pub form: NoticeForm,
    /// Its title; empty when there is none.
    #[serde(default)]
    pub title: String,
    /// Its text; empty when there is none.
    #[serde(default)]
    pub body: String,
    /// The name of the pane that it is from, else its session's.
    #[serde(default)]
    pub from: String,
}

/// The last notification of a pane's program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its title; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text; empty when it has a title only.
    pub body: String,
    /// When it came, in milliseconds since 1970; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
}
