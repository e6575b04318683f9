//! Namespaced identifiers: `server:session`, and the same shape for windows and panes.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorCode};
use crate::name::ServerName;
use crate::target::Target;

/// Splits at the first colon; without one the default server is meant.
fn split<'a>(text: &'a str, default: &ServerName) -> Result<(ServerName, &'a str), Error> {
    let Some((server, rest)) = text.split_once(':') else {
        return Ok((default.clone(), text));
    };
    if server.is_empty() || rest.is_empty() {
        let part = if server.is_empty() { "server" } else { "name" };
        return Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("{} has an empty {part} part", crate::name::shown(text)),
        )
        .hint("write server:name, or the name alone for the default server"));
    }
    Ok((ServerName::new(server)?, rest))
}

macro_rules! namespaced {
    ($($(#[$doc:meta])* $name:ident.$part:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            /// The server that holds it.
            pub server: ServerName,
            /// Which one there.
            pub $part: Target,
        }

        impl $name {
            /// The identifier made of its two parts.
            #[must_use]
            pub fn new(server: ServerName, $part: impl Into<Target>) -> Self {
                Self { server, $part: $part.into() }
            }

            /// Reads `server:target`, or `target` alone for the default server.
            ///
            /// # Errors
            /// `invalid_argument` for an empty part, a bad server name or a bad name.
            pub fn parse(text: &str, default: &ServerName) -> Result<Self, Error> {
                let (server, rest) = split(text, default)?;
                Ok(Self { server, $part: Target::parse(rest)? })
            }

            /// The text without its prefix when that is the current server's.
            #[must_use]
            pub fn abbreviated(&self, current: &ServerName) -> String {
                if &self.server == current { self.$part.to_string() } else { self.to_string() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.server, self.$part)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// As `parse` with `local` as the default server.
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text, &ServerName::local())
            }
        }
    )*};
}

namespaced! {
    /// A session on some server: `polecats:worker-1`.
    SessionId.session,
    /// A window on some server.
    WindowId.window,
    /// A pane on some server.
    PaneId.pane,
}

#[cfg(test)]
mod tests;
