//! Tests of `name`.

use proptest::prelude::*;

use super::*;

const UUIDS: [&str; 5] = [
    "0190a8c4-1111-7222-8333-444455556666",
    "0190A8C4-1111-7222-8333-444455556666",
    "0190a8c4111172228333444455556666",
    "{0190a8c4-1111-7222-8333-444455556666}",
    "urn:uuid:0190a8c4-1111-7222-8333-444455556666",
];

const FORBIDDEN_FIRST: [char; 6] = ['-', '$', '@', '%', '=', '{'];

fn refused(text: &str) -> Error {
    match Name::new(text) {
        Ok(_) => panic!("{text:?} was accepted"),
        Err(error) => error,
    }
}

#[test]
fn each_rule_refuses_with_its_reason() {
    for (text, reason) in [
        ("", "empty"),
        (&"x".repeat(65), "more than 64"),
        (&"é".repeat(65), "more than 64"),
        (&"🦀".repeat(65), "more than 64"),
        ("a:b", "':'"),
        ("a.b", "'.'"),
        ("../../x", "'.'"),
        ("a/b", "'/'"),
        ("a\nb", "control"),
        ("a\u{7f}", "control"),
        ("\u{1b}[31m", "control"),
        ("a\u{9b}b", "control"),
        ("a\0", "control"),
        ("-x", "'-'"),
        ("$x", "'$'"),
        ("@x", "'@'"),
        ("%x", "'%'"),
        ("=x", "'='"),
        ("{x", "'{'"),
        (" x", "begins"),
        ("x ", "ends"),
        ("\u{a0}x", "begins"),
        (UUIDS[0], "UUID"),
        (UUIDS[1], "UUID"),
        (UUIDS[2], "UUID"),
    ] {
        let error = refused(text);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains(reason), "{text:?}: {error}");
        assert!(!error.hint.is_empty());
    }
    for text in UUIDS {
        refused(text);
    }
}

#[test]
fn names_that_people_use_pass_as_they_are() {
    for text in [
        "x",
        "build-1",
        "my project",
        "naïve",
        "日本語",
        "🦀",
        "a-$@%={b",
        "__parallel_0190a8c4-1111-7222-8333-444455556666__",
        "0",
        &"x".repeat(64),
        &"🦀".repeat(64),
    ] {
        assert_eq!(Name::new(text).unwrap().as_str(), text);
    }
}

#[test]
fn a_megabyte_is_refused_shortly() {
    for text in [
        "x".repeat(1 << 20),
        "🦀".repeat(1 << 18),
        ":".repeat(1 << 20),
    ] {
        let errors = [refused(&text), ServerName::new(&text).unwrap_err()];
        for error in errors {
            assert!(error.to_string().len() < 800, "{}", error.to_string().len());
        }
    }
}

#[test]
fn an_escape_sequence_in_a_refused_name_is_not_repeated_raw() {
    let error = refused("\u{1b}]0;owned\u{7}");
    assert!(!error.message.contains('\u{1b}'), "{:?}", error.message);
}

proptest! {
    #[test]
    fn a_name_is_accepted_as_it_is_or_refused(text in "\\PC{0,70}|[ -~]{0,10}|[\\x00-\\x20:./a]{0,6}") {
        match Name::new(&text) {
            Ok(name) => {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!((1..=64).contains(&text.chars().count()));
                prop_assert!(!text.contains([':', '.', '/']));
                prop_assert!(!text.chars().any(char::is_control));
                prop_assert!(!text.starts_with(FORBIDDEN_FIRST));
                prop_assert_eq!(text.trim(), &text);
                prop_assert!(text.parse::<Uuid>().is_err());
                let json = serde_json::to_string(&name).unwrap();
                prop_assert_eq!(serde_json::from_str::<Name>(&json).unwrap(), name);
            }
            Err(error) => {
                prop_assert_eq!(error.code, ErrorCode::InvalidArgument);
                prop_assert!(serde_json::from_value::<Name>(text.into()).is_err());
            }
        }
    }

    #[test]
    fn a_server_name_is_what_its_rule_says(text in "[a-z0-9_-]{0,66}|.{0,8}") {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = text.chars().next().is_some_and(fits)
            && text.chars().all(|c| fits(c) || c == '_' || c == '-')
            && text.len() <= 63;
        prop_assert_eq!(ServerName::new(&text).is_ok(), good);
    }
}

#[test]
fn shown_cuts_at_characters_and_gives_the_length() {
    assert_eq!(shown("a\"b"), r#""a\"b""#);
    let long = "é".repeat(81);
    let text = shown(&long);
    assert!(text.ends_with("… (162 bytes)"), "{text}");
    assert_eq!(shown(&"é".repeat(80)).chars().count(), 82);
}

#[test]
fn a_session_that_an_orchestration_makes_for_itself_is_known_by_its_name() {
    let (id, other) = (OrchestrationUuid::new(), OrchestrationUuid::new());
    let name = Name::of_orchestration("parallel", id).unwrap();
    assert_eq!(name.as_str(), format!("__parallel_{id}__"));
    assert!(name.is_of_orchestration(id) && !name.is_of_orchestration(other));
    for text in ["build", "__build__", "__build_1__", "____"] {
        assert!(!Name::new(text).unwrap().is_of_orchestration(id), "{text}");
    }
}
