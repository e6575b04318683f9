//! Tests that hold `docs/protocol.md` to what the code does.

use std::collections::BTreeMap;

use bytes::BytesMut;
use serde::de::value::Error as ValueError;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use strum::IntoEnumIterator;
use tokio_util::codec::{Decoder, Encoder};

use crate::codec::{FRAME_MAX_BYTES, FrameCodec};
use crate::error::{Error, ErrorCode};
use crate::frame::{Frame, Kind, PROTOCOL_VERSION, ReplyFrame, RequestFrame, from_bytes, to_bytes};
use crate::request::{Call, Detach, Request};

const PAGE: &str = include_str!("../../docs/protocol.md");

/// Takes note of the names of a struct's fields and then gives up.
struct Fields<'a>(&'a mut Vec<String>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.extend(fields.iter().map(ToString::to_string));
        Err(ValueError::custom("seen"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

pub(crate) fn fields<'de, T: Deserialize<'de>>() -> Vec<String> {
    let mut names = Vec::new();
    let _ = T::deserialize(Fields(&mut names));
    names
}

/// The rows of the table whose first column is headed `heading`, cell by cell without quotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let begin = format!("| {heading} |");
    PAGE.lines()
        .skip_while(|line| !line.starts_with(&begin))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().replace('`', ""))
                .collect()
        })
        .collect()
}

#[test]
fn every_call_is_listed_with_its_parameters_and_its_reply() {
    let listed: BTreeMap<String, (Vec<String>, String)> = table("method")
        .into_iter()
        .map(|row| {
            let names = row[1].split(", ").filter(|name| *name != "–");
            let names = names.map(ToOwned::to_owned).collect();
            (row[0].clone(), (names, row[2].clone()))
        })
        .collect();
    for (method, fields, reply) in Request::shapes() {
        let (names, listed_reply) = &listed[method];
        let plain: Vec<&str> = names.iter().map(|n| n.trim_end_matches('?')).collect();
        assert_eq!(plain, fields, "{method}");
        assert_eq!(listed_reply.trim(), reply.trim(), "{method}");
        let required = names.iter().find(|name| !name.ends_with('?'));
        match (
            Request::decode(method, &to_bytes(&BTreeMap::<u8, u8>::new())),
            required,
        ) {
            (Ok(_), None) => {}
            (Err(error), Some(_)) => {
                let missing = error.message.split('`').nth(1).unwrap();
                assert!(plain.contains(&missing), "{error}");
                assert!(
                    names.iter().any(|name| name == missing),
                    "{method}: {error}"
                );
            }
            (result, required) => panic!("{method}: {required:?} is required, but {result:?}"),
        }
    }
    assert_eq!(listed.len(), Request::METHODS.len());
}

#[test]
fn every_kind_and_every_error_code_is_listed_in_order() {
    let kinds: Vec<String> = table("kind").iter().map(|row| row[0].clone()).collect();
    let known: Vec<&str> = Kind::iter().map(Into::into).collect();
    assert_eq!(kinds, known);

    let codes: Vec<String> = table("code").iter().map(|row| row[0].clone()).collect();
    let known: Vec<&str> = ErrorCode::iter().map(ErrorCode::as_str).collect();
    assert_eq!(codes, known);
}

#[test]
fn the_figures_are_the_codes() {
    assert!(PAGE.contains(&format!("Protocol version: **{PROTOCOL_VERSION}**")));
    let mib = FRAME_MAX_BYTES / (1024 * 1024);
    assert!(PAGE.contains(&format!("at most {mib} MiB")));
    let heartbeat = crate::config::DaemonConfig::default().heartbeat_ms;
    assert!(PAGE.contains(&format!(
        "({},{:03} by default)",
        heartbeat / 1000,
        heartbeat % 1000
    )));
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = pairs.chunks(24).map(|line| line.join(" ")).collect();
    lines.join("\n")
}

#[test]
fn the_example_is_what_the_codec_writes_and_reads() {
    let params = to_bytes(&Detach { view: 1 });
    let request = Frame::Request(RequestFrame {
        id: 7,
        method: Detach::METHOD.to_owned(),
        idempotency_key: None,
        params: params.clone(),
    });
    let reply = Frame::Reply(ReplyFrame {
        id: 7,
        result: Err(Error::new(ErrorCode::NotFound, "no view 1")),
    });
    let mut codec = FrameCodec::default();
    let mut written = Vec::new();
    for frame in [&request, &reply] {
        let mut stream = BytesMut::new();
        codec.encode(frame.clone(), &mut stream).unwrap();
        written.push(hex(&stream));
        assert_eq!(codec.decode(&mut stream).unwrap().as_ref(), Some(frame));
    }
    assert_eq!(from_bytes::<Detach>(&params).unwrap().view, 1);
    let example = format!(
        "request  {{kind: \"request\", id: 7, method: \"detach\", body: {{view: 1}}}}\n{}\n\nreply    {{kind: \"reply\", id: 7, error: {{code: \"not_found\", message: \"no view 1\"}}}}\n{}\n",
        written[0], written[1]
    );
    assert!(PAGE.contains(&example), "the page should have\n{example}");
}
