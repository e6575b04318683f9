//! Tests of `session_id`.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::name::Name;

fn server(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

#[test]
fn the_first_colon_splits_server_and_session() {
    let id: SessionId = "polecats:worker-1".parse().unwrap();
    assert_eq!(id.server, server("polecats"));
    assert_eq!(id.session, Target::Name(Name::new("worker-1").unwrap()));
    assert_eq!(id.to_string(), "polecats:worker-1");
    assert_eq!(
        id,
        SessionId::new(server("polecats"), Target::parse("worker-1").unwrap())
    );
}

#[test]
fn without_a_prefix_the_default_server_is_meant() {
    let id = SessionId::parse("worker-1", &server("polecats")).unwrap();
    assert_eq!(id.to_string(), "polecats:worker-1");
    let id: SessionId = "worker-1".parse().unwrap();
    assert_eq!(id.to_string(), "local:worker-1");
}

#[test]
fn the_prefix_is_dropped_for_the_current_server_only() {
    let id: PaneId = "polecats:worker-1".parse().unwrap();
    assert_eq!(id.abbreviated(&server("polecats")), "worker-1");
    assert_eq!(id.abbreviated(&server("local")), "polecats:worker-1");
}

#[test]
fn an_id_is_told_from_a_name() {
    let uuid = "0190a8c4-1111-7222-8333-444455556666";
    let id: WindowId = format!("polecats:{uuid}").parse().unwrap();
    assert_eq!(id.window, Target::Id(uuid.parse().unwrap()));
    let upper: WindowId = format!("polecats:{}", uuid.to_uppercase()).parse().unwrap();
    assert_eq!(upper, id);
    assert_eq!(upper.to_string(), format!("polecats:{uuid}"));
}

#[test]
fn bad_identifiers_are_refused_with_the_reason() {
    for (text, reason) in [
        ("", "empty"),
        (":", "empty server"),
        (":x", "empty server"),
        ("x:", "empty name"),
        ("a:b:c", "':'"),
        ("Polecats:x", "not a server name"),
        ("a b:x", "not a server name"),
        ("a:-x", "begins with '-'"),
        ("a:..", "its session is empty"),
    ] {
        let error = text.parse::<SessionId>().unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}");
        assert!(error.message.contains(reason), "{text:?}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(
        server in "[a-z0-9][a-z0-9_-]{0,62}", name in "[A-Za-z_🦀é][A-Za-z0-9 _$é🦀-]{0,20}[a-z]", id in any::<u128>(),
    ) {
        let default = ServerName::local();
        for text in [format!("{server}:{name}"), format!("{server}:{}", Uuid::from_u128(id))] {
            let parsed = SessionId::parse(&text, &default).unwrap();
            prop_assert_eq!(parsed.to_string(), &text[..]);
            prop_assert_eq!(&parsed.to_string().parse::<SessionId>().unwrap(), &parsed);
            let short = parsed.abbreviated(&parsed.server);
            prop_assert_eq!(SessionId::parse(&short, &parsed.server).unwrap(), parsed);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in ".{0,80}") {
        if let Ok(id) = text.parse::<SessionId>() {
            prop_assert_eq!(id.to_string().parse::<SessionId>().unwrap(), id);
        }
    }
}
