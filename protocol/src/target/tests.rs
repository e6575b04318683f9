//! Tests of `target`.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn path(session: &str, rest: PathRest) -> Target {
    let session = SessionPart::Name(name(session));
    Target::Path(Box::new(TargetPath { session, rest }))
}

#[test]
fn every_form_is_read() {
    let id = Uuid::now_v7();
    let rows = [
        (id.to_string(), Target::Id(id)),
        ("build".into(), Target::Name(name("build"))),
        ("2".into(), Target::Name(name("2"))),
        ("=2".into(), Target::Name(name("2"))),
        ("$3".into(), Target::Session(3.into())),
        ("@7".into(), Target::Window(7.into())),
        ("%12".into(), Target::Pane(12.into())),
        (
            "build/logs".into(),
            path("build", PathRest::Window(Part::Name(name("logs")))),
        ),
        (
            "build/2".into(),
            path("build", PathRest::Window(Part::Index(2))),
        ),
        (
            "build/=2".into(),
            path("build", PathRest::Window(Part::Name(name("2")))),
        ),
        (
            "build.=zz".into(),
            path("build", PathRest::Pane(Part::Named(name("zz")))),
        ),
        (
            "build.1".into(),
            path("build", PathRest::Pane(Part::Index(1))),
        ),
        (
            "build/2.1".into(),
            path("build", PathRest::Both(Part::Index(2), Part::Index(1))),
        ),
        (
            "build/logs.top".into(),
            path(
                "build",
                PathRest::Both(Part::Name(name("logs")), Part::Name(name("top"))),
            ),
        ),
        (
            "2/@7.%12".into(),
            path(
                "2",
                PathRest::Both(Part::Number(7.into()), Part::Number(12.into())),
            ),
        ),
        (
            format!("build.{id}"),
            path("build", PathRest::Pane(Part::Id(id))),
        ),
    ];
    for (text, target) in rows {
        assert_eq!(Target::parse(&text).unwrap(), target, "{text}");
    }
    let numbered = Target::parse("$3/1").unwrap();
    assert_eq!(numbered.to_string(), "$3/1");
    let named = Target::parse("build/=logs.=zz").unwrap();
    assert_eq!(named.to_string(), "build/=logs.=zz", "as it was typed");
}

#[test]
fn what_is_no_target_is_refused_with_the_reason() {
    for (text, reason) in [
        ("", "empty"),
        ("=", "empty"),
        ("/logs", "its session is empty"),
        (".1", "its session is empty"),
        ("build/", "its window is empty"),
        ("build.", "its pane is empty"),
        ("build/.1", "its window is empty"),
        ("build/1.", "its pane is empty"),
        ("build/1/2", "contains '/'"),
        ("build.1.2", "contains '.'"),
        ("build.1/2", "contains '.'"),
        ("$", "no number of a session"),
        ("$x", "no number of a session"),
        ("$-1", "no number of a session"),
        ("$+1", "no number of a session"),
        ("@", "no number of a window"),
        ("%1x", "no number of a pane"),
        ("%99999999999999999999", "no number of a pane"),
        ("build/99999999999", "too large for an index"),
        ("build/%1", "begins with '%'"),
        ("build.@1", "begins with '@'"),
        ("@7.1", "begins with '@'"),
        ("-x", "begins with '-'"),
    ] {
        let error = Target::parse(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}");
        assert!(error.message.contains(reason), "{text:?}: {error}");
        assert!(!error.hint.is_empty(), "{text:?}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(text in r"[$@%=]?[a-z0-9]{1,4}([/][=@]?[a-z0-9]{1,3})?([.][=%]?[a-z0-9]{1,3})?") {
        if let Ok(target) = Target::parse(&text) {
            prop_assert_eq!(Target::parse(&target.to_string()).unwrap(), target);
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_answered(text in "\\PC*") {
        let _ = Target::parse(&text);
    }
}
