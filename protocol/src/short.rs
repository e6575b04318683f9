//! Short numbers for people: `$3` is a session, `@7` a window, `%12` a pane; `3` an orchestration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::name::shown;

macro_rules! short_number {
    ($($(#[$doc:meta])* $name:ident $sign:literal $noun:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u64);

        impl $name {
            /// The sign before its digits.
            pub const SIGN: char = $sign;
            /// The noun for the things that have such numbers.
            pub const NOUN: &'static str = $noun;

            /// The number itself. 0 is that of what has not been given one.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// True if it has been given.
            #[must_use]
            pub const fn is_given(self) -> bool {
                self.0 != 0
            }

            /// It as it stands in an answer.
            #[must_use]
            pub fn told(self) -> Option<Self> {
                self.is_given().then_some(self)
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!("{}{}", $sign, self.0))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let digits = text.strip_prefix($sign).filter(|digits| is_number(digits));
                let number = digits.and_then(|digits| digits.parse().ok());
                number.map(Self).ok_or_else(|| {
                    Error::invalid(format!("{} is no number of a {}", shown(text), $noun))
                        .hint(concat!("write it like ", $sign, "3, as the lists show it, in single quotes where a shell reads it"))
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> String {
                number.to_string()
            }
        }
    )*};
}

short_number! {
    /// A session's number on its server, never used for another one: `$3`.
    SessionNumber '$' "session",
    /// A window's number on its server, never used for another one: `@7`.
    WindowNumber '@' "window",
    /// A pane's number on its server, never used for another one: `%12`.
    PaneNumber '%' "pane",
}

/// An orchestration's number on its server, never used for another one: `3`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct OrchestrationNumber(u64);

impl OrchestrationNumber {
    /// The number itself. 0 is that of what has not been given one.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// It as it stands in an answer.
    #[must_use]
    pub fn told(self) -> Option<Self> {
        (self.0 != 0).then_some(self)
    }
}

impl From<u64> for OrchestrationNumber {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for OrchestrationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OrchestrationNumber {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = Some(text).filter(|text| is_number(text));
        let number = number.and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| {
            Error::invalid(format!("{} is no number of an orchestration", shown(text)))
                .hint("write it like 3, as `fugue orchestrations` shows it")
        })
    }
}

/// True if it is one or more digits, and nothing else.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
