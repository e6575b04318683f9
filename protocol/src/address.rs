//! Addresses of servers: a unix socket here, a machine over ssh.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::name::shown;

/// The schemes, as error messages name them.
const FORMS: &str = "an address is unix:/PATH or ssh://[USER@]HOST[:PORT]";

/// The way to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A unix socket of this machine.
    Unix(PathBuf),
    /// The system's ssh, which runs `fugue proxy` there.
    Ssh(SshHost),
}

/// The host of an `ssh://` address, as ssh is told it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshHost {
    /// The user there, ssh's own choice without one.
    pub user: Option<String>,
    /// A name, an alias of `~/.ssh/config` or an address.
    pub host: String,
    /// The port, ssh's own choice without one.
    pub port: Option<u16>,
}

impl Address {
    /// The socket, of a server on this machine.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        match self {
            Self::Unix(socket) => Some(socket),
            Self::Ssh(_) => None,
        }
    }
}

impl SshHost {
    /// The destination as ssh's argument: `user@host`, which begins with no dash.
    #[must_use]
    pub fn destination(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

/// Splits `HOST[:PORT]`, where an IPv6 address is in brackets. The host is without them.
fn host_and_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("its [ is not closed")?;
            let address = host.parse::<std::net::Ipv6Addr>();
            address.map_err(|_| format!("{} is no IPv6 address", shown(host)))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(format!("{} follows its ]", shown(after))),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let number = |port: &str| match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        Ok(_) | Err(_) => Err(format!("its port is {}; a port is 1 to 65535", shown(port))),
    };
    let port = port.map(number).transpose()?;
    Ok((host, port))
}

/// That `text` can be no option of ssh's, and nothing that a shell or ssh takes apart.
fn plain<'a>(what: &str, text: &'a str) -> Result<&'a str, String> {
    let begins = text
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    match text {
        "" => Err(format!("its {what} is empty")),
        text if !begins && !text.starts_with(':') => Err(format!(
            "its {what} is {}; it begins with a letter or a digit",
            shown(text)
        )),
        text if !text.chars().all(inner) => Err(format!(
            "its {what} is {}; it has letters, digits, dots, dashes and underscores",
            shown(text)
        )),
        text => Ok(text),
    }
}

fn ssh(text: &str) -> Result<Address, String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(plain("user", user)?.to_owned()), host),
        None => (None, text),
    };
    let (host, port) = host_and_port(host)?;
    Ok(Address::Ssh(SshHost {
        user,
        host: plain("host", host)?.to_owned(),
        port,
    }))
}

fn unix(text: &str) -> Result<Address, String> {
    let path = text.strip_prefix("//").unwrap_or(text);
    match Path::new(path) {
        path if path.is_absolute() => Ok(Address::Unix(path.to_owned())),
        _ => Err("the path of its socket must be absolute".to_owned()),
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads an address.
    ///
    /// # Errors
    /// `invalid_argument` saying which part is wrong, with the forms that there are.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| {
            Error::invalid(format!("{} is no server's address: {why}", shown(text))).hint(FORMS)
        };
        let parsed = match text.split_once(':') {
            Some(("unix", path)) => unix(path),
            Some(("ssh", rest)) => rest
                .strip_prefix("//")
                .ok_or_else(|| "// is missing after ssh:".to_owned())
                .and_then(ssh),
            Some(_) | None => Err("its scheme is not known".to_owned()),
        };
        parsed.map_err(wrong)
    }
}

/// A host as it stands in an address.
fn bracketed(f: &mut fmt::Formatter<'_>, host: &str) -> fmt::Result {
    match host.contains(':') {
        true => write!(f, "[{host}]"),
        false => f.write_str(host),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(socket) => write!(f, "unix:{}", socket.display()),
            Self::Ssh(ssh) => {
                f.write_str("ssh://")?;
                if let Some(user) = &ssh.user {
                    write!(f, "{user}@")?;
                }
                bracketed(f, &ssh.host)?;
                ssh.port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: Error| error.to_string())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests;
