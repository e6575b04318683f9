//! The names that people may give to sessions, windows, panes and servers.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, ErrorCode};
use crate::id::OrchestrationUuid;

/// Longest name, in characters.
pub const NAME_MAX_CHARS: usize = 64;

/// Longest server name, in bytes.
pub const SERVER_NAME_MAX_BYTES: usize = 63;

/// A label of a session, window or pane: display and look-up only, ids are authoritative.
///
/// 1–64 characters, none of `: . /`, no control characters, not shaped like a UUID, not beginning
/// with one of `- $ @ % = {` or white space. A name is refused with the reason, never rewritten.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// `invalid_argument` saying which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, Error> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(Error::new(
                ErrorCode::InvalidArgument,
                format!("{} cannot be a name: {why}", shown(text)),
            )
            .hint(
                "use 1 to 64 characters without ':', '.', '/', such as build-1; or omit the name",
            )),
        }
    }

    /// The name of the session that an orchestration makes for itself alone.
    ///
    /// # Errors
    /// `invalid_argument` when `kind` cannot be in a name.
    pub fn of_orchestration(kind: impl fmt::Display, id: OrchestrationUuid) -> Result<Self, Error> {
        Self::new(&format!("__{kind}_{id}__"))
    }

    /// True if it is such a name.
    #[must_use]
    pub fn is_of_orchestration(&self, id: OrchestrationUuid) -> bool {
        let inner = self
            .0
            .strip_prefix("__")
            .and_then(|rest| rest.strip_suffix("__"));
        let of = inner.and_then(|inner| inner.split_once('_'));
        of.is_some_and(|(_, of)| of == id.to_string())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".into());
    }
    // Bytes first: counting the characters of a megabyte only to refuse it is wasted work.
    if text.len() > NAME_MAX_CHARS * 4 || text.chars().count() > NAME_MAX_CHARS {
        return Some(format!("it has more than {NAME_MAX_CHARS} characters"));
    }
    if let Some(bad) = text.chars().find(|c| matches!(c, ':' | '.' | '/')) {
        return Some(format!("it contains '{bad}'"));
    }
    if text.chars().any(char::is_control) {
        return Some("it contains a control character".into());
    }
    let first = text.chars().next().unwrap_or_default();
    if matches!(first, '-' | '$' | '@' | '%' | '=' | '{') || first.is_whitespace() {
        return Some(format!("it begins with '{first}'"));
    }
    if text.ends_with(char::is_whitespace) {
        return Some("it ends with white space".into());
    }
    if Uuid::from_str(text).is_ok() {
        return Some("it is shaped like a UUID, which would hide an id".into());
    }
    None
}

/// `text` quoted for an error message, cut when it is long.
#[must_use]
pub fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    if text.chars().nth(SHOWN_CHARS).is_none() {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{head:?}… ({} bytes)", text.len())
}

/// The name of one `fugued`: `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);

impl ServerName {
    /// The name reserved for the server on this machine's default socket.
    pub const LOCAL: &'static str = "local";

    /// Checks `text` and makes it a server name.
    ///
    /// # Errors
    /// `invalid_argument` saying what a server name may hold.
    pub fn new(text: &str) -> Result<Self, Error> {
        let mut chars = text.chars();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = chars.next().is_some_and(plain)
            && chars.all(|c| plain(c) || c == '_' || c == '-')
            && text.len() <= SERVER_NAME_MAX_BYTES;
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("{} is not a server name", shown(text)),
        )
        .hint("a server name is 1 to 63 of a-z, 0-9, '_' and '-', beginning with a letter or digit; identifiers are split at the first colon"))
    }

    /// The server on this machine's default socket.
    #[must_use]
    pub fn local() -> Self {
        Self(Self::LOCAL.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_newtype {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_newtype!(Name, ServerName);

#[cfg(test)]
mod tests;
