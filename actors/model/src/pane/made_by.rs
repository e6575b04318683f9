//! The maker of a pane, so that the pane is found although nothing else is recorded of it.

use std::fmt;

use protocol::OrchestrationUuid;
use serde::{Deserialize, Serialize};

/// The word before the id of an orchestration.
const ORCHESTRATION: &str = "run ";

/// The word before a request's key that could be taken for something else.
const REQUEST: &str = "key ";

/// The maker of a pane. Written as one string: `run ORCHESTRATION INDEX`, or the request's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum MadeBy {
    /// The request with this idempotency key.
    Request(String),
    /// A job of an orchestration.
    Orchestration {
        /// Its id.
        id: OrchestrationUuid,
        /// The job's position in it, from 0.
        index: usize,
    },
}

impl MadeBy {
    /// The orchestration whose job it was.
    #[must_use]
    pub fn orchestration(&self) -> Option<OrchestrationUuid> {
        match self {
            Self::Orchestration { id, .. } => Some(*id),
            Self::Request(_) => None,
        }
    }

    /// The idempotency key of the request.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Request(key) => Some(key),
            Self::Orchestration { .. } => None,
        }
    }
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orchestration { id, index } => write!(f, "{ORCHESTRATION}{id} {index}"),
            Self::Request(key) if key.starts_with(ORCHESTRATION) || key.starts_with(REQUEST) => {
                write!(f, "{REQUEST}{key}")
            }
            Self::Request(key) => f.write_str(key),
        }
    }
}

impl From<MadeBy> for String {
    fn from(made_by: MadeBy) -> Self {
        made_by.to_string()
    }
}

impl From<String> for MadeBy {
    fn from(text: String) -> Self {
        let job = || {
            let (id, index) = text.strip_prefix(ORCHESTRATION)?.split_once(' ')?;
            Some(Self::Orchestration {
                id: id.parse().ok()?,
                index: index.parse().ok()?,
            })
        };
        job().unwrap_or_else(|| match text.strip_prefix(REQUEST) {
            Some(key) => Self::Request(key.to_owned()),
            None => Self::Request(text.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
