//! Tests of `route`.

use super::*;
use crate::fake;

fn fleet(dir: &std::path::Path, config: &str) -> Fleet {
    Fleet::load(&fake::paths(dir, config), "fugue mcp", None, false).unwrap()
}

const FAR: &str = "[servers.far]\nsocket = \"/nowhere/far.sock\"\n";

#[test]
fn prefixes_and_the_server_argument_agree() {
    let dir = tempfile::TempDir::new().unwrap();
    let fleet = fleet(dir.path(), FAR);
    let goes_to = |server: Option<&str>, session: Option<&str>, window: Option<&str>| {
        resolve(&fleet, server, [("session", session), ("window", window)])
            .map(|(place, targets)| {
                (
                    place.name().to_string(),
                    targets.map(|target| target.map(|t| t.to_string())),
                )
            })
            .map_err(|error| (error.code, error.message))
    };
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (None, None, None, "local", [None, None]),
        (None, Some("a"), None, "local", [some("a"), None]),
        (None, Some("far:a"), None, "far", [some("a"), None]),
        (
            Some("far"),
            Some("a"),
            Some("w"),
            "far",
            [some("a"), some("w")],
        ),
        (Some("far"), Some("far:a"), None, "far", [some("a"), None]),
        (
            None,
            Some("a"),
            Some("far:w"),
            "far",
            [some("a"), some("w")],
        ),
    ];
    for (server, session, window, name, targets) in cases {
        assert_eq!(
            goes_to(server, session, window).unwrap(),
            (name.to_owned(), targets)
        );
    }
    let refused = [
        (
            Some("local"),
            Some("far:a"),
            None,
            ErrorCode::InvalidArgument,
        ),
        (
            None,
            Some("far:a"),
            Some("local:w"),
            ErrorCode::InvalidArgument,
        ),
        (None, Some("other:a"), None, ErrorCode::UnknownServer),
        (Some("BAD"), None, None, ErrorCode::InvalidArgument),
        (None, Some(":a"), None, ErrorCode::InvalidArgument),
        (None, Some("far:"), None, ErrorCode::InvalidArgument),
    ];
    for (server, session, window, code) in refused {
        let (is, message) = goes_to(server, session, window).unwrap_err();
        assert_eq!(is, code, "{message}");
    }
    let (_, message) = goes_to(None, Some("a/b"), None).unwrap_err();
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
