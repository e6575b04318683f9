//! Tests of `route`.

use super::*;
use crate::fake;

fn fleet(dir: &std::path::Path, config: &str) -> Fleet {
    Fleet::load(&fake::paths(dir, config), "fugue mcp", None, false).unwrap()
}

const FAR: &str = "[servers.far]\nsocket = \"/nowhere/far.sock\"\n";

/// The server and the targets of a session and a window in words, or the error's code and message.
fn goes_to(
    server: Option<&str>,
    session: Option<&str>,
    window: Option<&str>,
) -> Result<String, (ErrorCode, String)> {
    let dir = tempfile::TempDir::new().unwrap();
    let fleet = fleet(dir.path(), FAR);
    let given = [("session", session), ("window", window)];
    let (place, targets) =
        resolve(&fleet, server, given).map_err(|error| (error.code, error.message))?;
    let words = targets.map(|target| target.map_or("-".to_owned(), |t| t.to_string()));
    Ok(format!("{} {}", place.name(), words.join(" ")))
}

#[test]
fn prefixes_and_the_server_argument_agree() {
    let cases = [
        (None, None, None, "local - -"),
        (None, Some("a"), None, "local a -"),
        (None, Some("far:a"), None, "far a -"),
        (Some("far"), Some("a"), Some("w"), "far a w"),
        (Some("far"), Some("far:a"), None, "far a -"),
        (None, Some("a"), Some("far:w"), "far a w"),
    ];
    for (server, session, window, expected) in cases {
        assert_eq!(goes_to(server, session, window).unwrap(), expected);
    }
}

#[test]
fn contradictions_and_bad_identifiers_are_refused() {
    use ErrorCode::{InvalidArgument, UnknownServer};
    let refused = [
        (Some("local"), Some("far:a"), None, InvalidArgument),
        (None, Some("far:a"), Some("local:w"), InvalidArgument),
        (None, Some("other:a"), None, UnknownServer),
        (Some("BAD"), None, None, InvalidArgument),
        (None, Some(":a"), None, InvalidArgument),
        (None, Some("far:"), None, InvalidArgument),
    ];
    for (server, session, window, code) in refused {
        let (is, message) = goes_to(server, session, window).unwrap_err();
        assert_eq!(is, code, "{message}");
    }
    let (_, message) = goes_to(None, Some("a/"), None).unwrap_err();
    assert!(message.starts_with("session: "), "{message}");
}

#[test]
fn another_name_of_the_default_server_is_not_foreign() {
    let dir = tempfile::TempDir::new().unwrap();
    let fleet = fleet(dir.path(), &format!("{FAR}[daemon]\nname = \"home\"\n"));
    let id = |name: &str| {
        Place::new(&fleet, &ServerName::new(name).unwrap())
            .unwrap()
            .id("x")
    };
    assert_eq!(id("local"), "x");
    assert_eq!(id("home"), "x");
    assert_eq!(id("far"), "far:x");
}
