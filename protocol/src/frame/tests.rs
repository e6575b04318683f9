//! Tests of `frame`.

use serde::Serialize;

use super::*;
use crate::error::ErrorCode;
use crate::request::CreatePane;

#[derive(Serialize)]
struct Newer<'a> {
    kind: &'a str,
    id: u64,
    colour: &'a str,
    nested: std::collections::BTreeMap<&'a str, Vec<u8>>,
}

fn newer(kind: &str) -> Bytes {
    to_bytes(&Newer {
        kind,
        id: 7,
        colour: "blue",
        nested: [("a", vec![1, 2])].into(),
    })
}

#[test]
fn an_unknown_kind_decodes_to_its_name() {
    let frame = Frame::decode(&newer("teleport")).unwrap();
    assert_eq!(frame, Frame::Unknown("teleport".into()));
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(Frame::decode(&newer("cancel")), Ok(Frame::Cancel(7)));
}

#[test]
fn each_kind_says_what_it_lacks() {
    for (kind, lacks) in [("hello", "hello"), ("request", "method"), ("bye", "reason")] {
        let why = Frame::decode(&newer(kind)).unwrap_err();
        assert!(why.contains(lacks), "{kind}: {why}");
    }
}

#[test]
fn a_frame_is_a_map_and_nothing_follows_it() {
    let positional = rmp_serde::to_vec(&("ping", 0u64)).unwrap();
    let why = Frame::decode(&positional.into()).unwrap_err();
    assert!(why.contains("map"), "{why}");

    let mut longer = Frame::Ping.encode().to_vec();
    longer.push(0);
    let why = Frame::decode(&longer.into()).unwrap_err();
    assert!(why.contains("follow"), "{why}");
}

#[test]
fn an_error_code_of_a_newer_peer_is_still_an_error() {
    #[derive(Serialize)]
    struct NewerError {
        code: &'static str,
        message: &'static str,
    }
    #[derive(Serialize)]
    struct NewerReply {
        kind: &'static str,
        id: u64,
        error: NewerError,
    }
    let bytes = to_bytes(&NewerReply {
        kind: "reply",
        id: 3,
        error: NewerError {
            code: "out_of_cheese",
            message: "redo from start",
        },
    });
    let Frame::Reply(reply) = Frame::decode(&bytes).unwrap() else {
        panic!("not a reply");
    };
    let error = reply.result.unwrap_err();
    assert_eq!(error.code, ErrorCode::Internal);
    assert_eq!(error.message, "redo from start");
}

#[test]
fn a_wrong_value_is_named_by_its_field_and_the_message_stays_short() {
    #[derive(Serialize)]
    struct Pane {
        history_lines: String,
    }
    #[derive(Serialize)]
    struct Wrong {
        pane: Pane,
    }
    let bytes = to_bytes(&Wrong {
        pane: Pane {
            history_lines: "x".repeat(1 << 20),
        },
    });
    let error = from_bytes::<CreatePane>(&bytes).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(
        error.message.starts_with("pane.history_lines: "),
        "{}",
        error.message
    );
    assert!(error.message.len() < 2_000);
}
