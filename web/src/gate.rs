//! The gate for requests: it admits programs with the token, and no web page of elsewhere.
//!
//! `Host`, `Origin` and token are checked apart; each alone is enough to refuse.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use protocol::ErrorCode;

use crate::refusal::Refusal;
use crate::token::Secret;

/// Names of this machine that no name server decides on.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The reason for which a caller with another token is refused.
pub(crate) const WRONG_TOKEN: &str = "the token is not the one of this server";

/// The gate that every request passes.
#[derive(Clone)]
pub(crate) struct Gate {
    secret: Arc<Secret>,
    token_file: PathBuf,
}

impl Gate {
    /// A gate for those who know the secret, which they find in `token_file`.
    pub(crate) fn new(secret: Arc<Secret>, token_file: PathBuf) -> Self {
        Self { secret, token_file }
    }

    /// That the request was meant for this machine: a page that has its own name resolved to
    /// 127.0.0.1 still sends that name.
    pub(crate) fn place(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = host(uri, headers)?;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let own = one(headers, &header::ORIGIN)
            .and_then(|text| text.strip_prefix("http://"))
            .and_then(|rest| rest.parse::<Authority>().ok())
            .is_some_and(|origin| is_loopback(&origin) && origin.port_u16() == host.port_u16());
        if own {
            return Ok(());
        }
        Err(refused(
            format!(
                "pages of the origin {} may not use this server",
                shown(origin)
            ),
            "ask from a program, which sends no Origin, or from a page of this server itself",
        ))
    }

    /// That the caller knows the token.
    pub(crate) fn token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let refuse = |message: &str| {
            let file = self.token_file.display();
            Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                ErrorCode::Denied,
                message,
                format!("send the header `Authorization: Bearer TOKEN` with the token from {file}"),
            ))
        };
        if !headers.contains_key(header::AUTHORIZATION) {
            return refuse("the request has no token");
        }
        let shown = one(headers, &header::AUTHORIZATION)
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match shown {
            None => refuse("the Authorization header is not of the form `Bearer TOKEN`"),
            Some(shown) if self.secret.now().is(shown.as_bytes()) => Ok(()),
            Some(_) => refuse(WRONG_TOKEN),
        }
    }
}

fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let own = "use http://127.0.0.1, http://localhost or http://[::1] in the URL";
    let named = match one(headers, &header::HOST) {
        Some(text) => text.parse().ok(),
        None if headers.contains_key(header::HOST) => None,
        None => uri.authority().cloned(),
    };
    match named {
        None => Err(refused("the request does not name one valid host", own)),
        Some(host) if is_loopback(&host) => Ok(host),
        Some(host) => {
            let host = protocol::name::shown(host.as_str());
            Err(refused(format!("this server is not the host {host}"), own))
        }
    }
}

/// The value of a header that is there exactly once, as text.
fn one<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    // What comes before an `@` is no host, but nobody sends it honestly.
    !authority.as_str().contains('@') && LOOPBACK.iter().any(|name| host.eq_ignore_ascii_case(name))
}

fn shown(value: &HeaderValue) -> String {
    protocol::name::shown(&String::from_utf8_lossy(value.as_bytes())).to_string()
}

fn refused(message: impl Into<String>, hint: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Denied, message, hint)
}

#[cfg(test)]
mod tests;
