//! Targets: all the ways in which a session, a window or a pane is named within one server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, ErrorCode};
use crate::name::{Name, shown};
use crate::short::{PaneNumber, SessionNumber, WindowNumber, is_number};

/// The forms of targets, for one that cannot be read.
const FORMS: &str = "write a name, a number like '$3', '@7' or '%12', or a path: session/window, session.pane or session/window.pane, with windows and panes by name or index";

/// A session, window or pane as somebody has named it within one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The immutable id.
    Id(Uuid),
    /// A name, which may fit none or several things. `=` before it says that it is one.
    Name(Name),
    /// A session's number: `$3`.
    Session(SessionNumber),
    /// A window's number: `@7`.
    Window(WindowNumber),
    /// A pane's number: `%12`.
    Pane(PaneNumber),
    /// A way from a session: `build/logs.1`.
    Path(Box<TargetPath>),
}

/// A window or a pane as its session knows it: `session/window`, `session.pane` or `session/window.pane`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetPath {
    /// The session.
    pub session: SessionPart,
    /// The rest of the way.
    pub rest: PathRest,
}

/// The part of a path behind its session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathRest {
    /// `/window`
    Window(Part<WindowNumber>),
    /// `.pane`, of the focused window.
    Pane(Part<PaneNumber>),
    /// `/window.pane`
    Both(Part<WindowNumber>, Part<PaneNumber>),
}

impl PathRest {
    /// The window, when one is named.
    #[must_use]
    pub fn window(&self) -> Option<&Part<WindowNumber>> {
        match self {
            Self::Window(window) | Self::Both(window, _) => Some(window),
            Self::Pane(_) => None,
        }
    }

    /// The pane, when one is named.
    #[must_use]
    pub fn pane(&self) -> Option<&Part<PaneNumber>> {
        match self {
            Self::Pane(pane) | Self::Both(_, pane) => Some(pane),
            Self::Window(_) => None,
        }
    }
}

/// The session in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionPart {
    /// Its name.
    Name(Name),
    /// Its number.
    Number(SessionNumber),
    /// Its id.
    Id(Uuid),
}

/// A window or a pane in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part<N> {
    /// Its place in the order in which lists show it, from 0.
    Index(u32),
    /// Its name.
    Name(Name),
    /// Its name, with the `=` before it that says so; digits are always [`Self::Name`].
    Named(Name),
    /// Its number.
    Number(N),
    /// Its id.
    Id(Uuid),
}

impl Target {
    /// Reads any of the forms.
    ///
    /// # Errors
    /// `invalid_argument` when the text is none of them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(uuid) = Uuid::from_str(text) {
            return Ok(Self::Id(uuid));
        }
        if text.is_empty() {
            return Err(Error::invalid("the name of the session, window or pane is empty")
                .hint("an argument like \"$x\" is empty when the shell has no such variable; numbers like '$3' stand in single quotes"));
        }
        if text.contains(['/', '.']) {
            let path = TargetPath::parse(text)?;
            return Ok(Self::Path(Box::new(path)));
        }
        match text.chars().next() {
            Some(SessionNumber::SIGN) => text.parse().map(Self::Session),
            Some(WindowNumber::SIGN) => text.parse().map(Self::Window),
            Some(PaneNumber::SIGN) => text.parse().map(Self::Pane),
            _ => part_name(text).map(Self::Name),
        }
    }
}

/// A name, perhaps with the `=` that says that it is one.
fn part_name(text: &str) -> Result<Name, Error> {
    Name::new(text.strip_prefix('=').unwrap_or(text)).map_err(|error| error.hint(FORMS))
}

impl TargetPath {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::new(
                ErrorCode::InvalidArgument,
                format!("{} names no session, window or pane: {why}", shown(text)),
            )
            .hint(FORMS)
        };
        let (session, window, pane) = split(text);
        let session = match session {
            "" => return Err(wrong("its session is empty")),
            part => SessionPart::parse(part)?,
        };
        let window = match window {
            Some("") => return Err(wrong("its window is empty")),
            Some(part) => Some(Part::<WindowNumber>::parse(part)?),
            None => None,
        };
        let pane = match pane {
            Some("") => return Err(wrong("its pane is empty")),
            Some(part) => Some(Part::<PaneNumber>::parse(part)?),
            None => None,
        };
        let rest = match (window, pane) {
            (Some(window), None) => PathRest::Window(window),
            (None, Some(pane)) => PathRest::Pane(pane),
            (Some(window), Some(pane)) => PathRest::Both(window, pane),
            (None, None) => return Err(wrong("it has no window and no pane")),
        };
        Ok(Self { session, rest })
    }
}

/// Session, window and pane. What is too much is left in a part, whose own rule refuses it.
fn split(text: &str) -> (&str, Option<&str>, Option<&str>) {
    if let Some((session, rest)) = text.split_once('/') {
        return match rest.split_once('.') {
            Some((window, pane)) => (session, Some(window), Some(pane)),
            None => (session, Some(rest), None),
        };
    }
    match text.split_once('.') {
        Some((session, pane)) => (session, None, Some(pane)),
        None => (text, None, None),
    }
}

impl SessionPart {
    fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(uuid) = Uuid::from_str(text) {
            return Ok(Self::Id(uuid));
        }
        if text.starts_with(SessionNumber::SIGN) {
            return text.parse().map(Self::Number);
        }
        part_name(text).map(Self::Name)
    }
}

macro_rules! part_parse {
    ($($number:ident),*) => {$(
        impl Part<$number> {
            fn parse(text: &str) -> Result<Self, Error> {
                if let Ok(uuid) = Uuid::from_str(text) {
                    return Ok(Self::Id(uuid));
                }
                if text.starts_with($number::SIGN) {
                    return text.parse().map(Self::Number);
                }
                if is_number(text) {
                    let wrong = |_| Error::invalid(format!("{} is too large for an index", shown(text))).hint(FORMS);
                    return text.parse().map(Self::Index).map_err(wrong);
                }
                let name = part_name(text)?;
                Ok(match text.starts_with('=') && !is_number(name.as_str()) {
                    true => Self::Named(name),
                    false => Self::Name(name),
                })
            }
        }
    )*};
}

part_parse!(WindowNumber, PaneNumber);

impl From<SessionPart> for Target {
    fn from(part: SessionPart) -> Self {
        match part {
            SessionPart::Name(name) => Self::Name(name),
            SessionPart::Number(number) => Self::Session(number),
            SessionPart::Id(id) => Self::Id(id),
        }
    }
}

impl fmt::Display for SessionPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl<N: fmt::Display> fmt::Display for Part<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            // Without the sign it would be an index.
            Self::Name(name) if is_number(name.as_str()) => write!(f, "={name}"),
            Self::Name(name) => name.fmt(f),
            Self::Named(name) => write!(f, "={name}"),
            Self::Number(number) => number.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)?;
        match &self.rest {
            PathRest::Window(window) => write!(f, "/{window}"),
            PathRest::Pane(pane) => write!(f, ".{pane}"),
            PathRest::Both(window, pane) => write!(f, "/{window}.{pane}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(uuid) => uuid.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Session(number) => number.fmt(f),
            Self::Window(number) => number.fmt(f),
            Self::Pane(number) => number.fmt(f),
            Self::Path(path) => path.fmt(f),
        }
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Target {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl From<Uuid> for Target {
    fn from(uuid: Uuid) -> Self {
        Self::Id(uuid)
    }
}

macro_rules! target_from {
    ($($id:ident),*; $($number:ident $variant:ident),*) => {
        $(impl From<crate::id::$id> for Target {
            fn from(id: crate::id::$id) -> Self {
                Self::Id(id.as_uuid())
            }
        })*
        $(impl From<$number> for Target {
            fn from(number: $number) -> Self {
                Self::$variant(number)
            }
        })*
    };
}

target_from!(SessionUuid, WindowUuid, PaneUuid, OrchestrationUuid;
    SessionNumber Session, WindowNumber Window, PaneNumber Pane);

#[cfg(test)]
mod tests;
