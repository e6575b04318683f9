//! Tests of `event`.

use super::*;
use crate::frame::{from_bytes, to_bytes};
use crate::id::{PaneUuid, SessionUuid, WindowUuid};
use crate::name::{Name, ServerName};
use crate::reply::SessionContext;

fn every_event() -> Vec<Event> {
    let attached = Attached {
        context: SessionContext {
            session_id: SessionUuid::new(),
            session_name: Name::new("build").unwrap(),
            server: ServerName::local(),
        },
        window_id: WindowUuid::new(),
        pane_id: PaneUuid::new(),
        attached_clients: 2,
        panes: 1,
        input_window: 3,
    };
    let update = ScreenUpdate {
        generation: 9,
        full: true,
        rows: vec![ScreenRow {
            row: 3,
            ansi: vec![0x1b, 0xff, 0],
            clusters: Some(vec![(3, 2, 1, true).into()]),
        }],
        title: Some("vi".into()),
        ..ScreenUpdate::default()
    };
    vec![
        Event::Screen { view: 1, update },
        Event::Switched { view: 2, attached },
        Event::InputBlocked {
            view: 3,
            dropped_bytes: 4,
        },
        Event::InputTaken { view: 6, bytes: 7 },
        Event::Detached {
            view: 5,
            reason: "the session ended".into(),
        },
        Event::Other(Ignored),
    ]
}

#[test]
fn every_event_comes_back_as_it_was() {
    for event in every_event() {
        // Fails to compile when a variant is added: add it above too.
        match &event {
            Event::Screen { .. }
            | Event::Switched { .. }
            | Event::InputBlocked { .. }
            | Event::InputTaken { .. }
            | Event::Detached { .. }
            | Event::Other(_) => {}
        }
        assert_eq!(from_bytes::<Event>(&to_bytes(&event)).unwrap(), event);
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}

#[test]
fn an_event_of_a_newer_server_is_not_an_error() {
    for json in [
        r#"{"teleported":{"view":1,"to":["x"]}}"#,
        r#""fainted""#,
        "{}",
        r#"{"detached":{"view":1,"reason":"r","by":"x"},"seen":true}"#,
    ] {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let event = from_bytes::<Event>(&to_bytes(&value)).unwrap();
        let known = json.contains("detached");
        assert_eq!(event != Event::Other(Ignored), known, "{json}");
    }
}

#[test]
fn a_known_event_with_a_wrong_field_is_an_error_and_not_an_unknown_one() {
    let value = serde_json::json!({"input_blocked": {"view": 1, "dropped_bytes": "many"}});
    let error = from_bytes::<Event>(&to_bytes(&value)).unwrap_err();
    assert!(error.message.contains("dropped_bytes"), "{}", error.message);
}
