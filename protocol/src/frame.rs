//! Frames, which travel between a client and a server: one frame, its kind and its fields.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::error::Error;
use crate::id::{InstanceUuid, PaneUuid};
use crate::name::ServerName;

/// Major protocol version: peers that differ in it cannot talk.
pub const PROTOCOL_VERSION: u32 = 1;

/// Nesting of a value on the wire. The deepest, the actor tree, needs two levels a supervisor.
const DEPTH_MAX: usize = 128;

/// Longest reason in an error about a value: the reason may quote the value.
const WHY_MAX_CHARS: usize = 300;

/// Bodies from this size on are not copied out of what was read.
const SHARED_BYTES: usize = 4096;

/// A request's number, chosen by the client, echoed by its one reply.
pub type RequestId = u64;

/// An attached view's number within its connection, chosen by the client.
pub type ViewId = u64;

/// The first frame each way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's [`PROTOCOL_VERSION`].
    pub protocol_version: u32,
    /// The sender's program version, for messages to people.
    #[serde(default)]
    pub version: String,
    /// What the sender calls itself: `fugue`, `fugue mcp`, a server's name.
    #[serde(default)]
    pub name: String,
    /// From a server: which process life of it this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceUuid>,
    /// From a server: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerName>,
    /// From a server: text that is sent with an idempotency key is typed once. An older one takes no notice of the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub types_once: bool,
    /// From a client that runs inside a pane: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_pane: Option<PaneUuid>,
    /// From a client that runs inside a pane of this server: the secret that its program was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A call: answered by exactly one [`ReplyFrame`] with the same id, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFrame {
    /// Echoed by the reply.
    pub id: RequestId,
    /// Which call.
    pub method: String,
    /// Same key within 10 minutes returns the first result instead of acting again.
    pub idempotency_key: Option<String>,
    /// The parameters, a MessagePack map.
    pub params: Bytes,
}

/// The one answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyFrame {
    /// The request's.
    pub id: RequestId,
    /// The result as a MessagePack map, or why there is none.
    pub result: Result<Bytes, Error>,
}

/// The part of a paste that a piece of input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PastePart {
    /// All of it.
    Whole,
    /// Its beginning.
    Begin,
    /// More of it.
    More,
    /// Its end.
    End,
}

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// First each way.
    Hello(Hello),
    /// A call.
    Request(RequestFrame),
    /// Its answer.
    Reply(ReplyFrame),
    /// The caller no longer waits for this request.
    Cancel(RequestId),
    /// Something that happened, for a view of the receiving client.
    Event {
        /// Counts this connection's events from 1 without a gap.
        seq: u64,
        /// The event, a MessagePack map.
        body: Bytes,
    },
    /// What a person typed in an attached view; has no reply.
    Input {
        /// The attached view.
        view: ViewId,
        /// The bytes, as the terminal sent them; of a paste without its marks.
        bytes: Bytes,
        /// They are a paste, or a part of one.
        paste: Option<PastePart>,
    },
    /// The client has shown a screen event of this view and takes another.
    Ready(ViewId),
    /// Is the other side alive?
    Ping,
    /// It is.
    Pong,
    /// A peer that has something to say before it closes: why.
    Bye(Error),
    /// A kind that a newer peer added; ignored.
    Unknown(String),
}

#[derive(Clone, Copy, strum::EnumIter, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Kind {
    Hello,
    Request,
    Reply,
    Cancel,
    Event,
    Input,
    Ready,
    Ping,
    Pong,
    Bye,
}

/// The flat map on the wire: every kind is the same shape, so an unknown kind still decodes.
#[derive(Default, Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_zero")]
    id: u64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    method: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    key: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<&'a serde_bytes::Bytes>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    paste: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hello: Option<Hello>,
}

/// True if a MessagePack value beginning with `marker` is a map.
///
/// Source: MessagePack specification, map format family.
fn is_map(marker: u8) -> bool {
    matches!(marker, 0x80..=0x8f | 0xde | 0xdf)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Frame {
    /// The frame as one MessagePack map.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(self.expected_bytes());
        self.write_to(&mut bytes);
        bytes.into()
    }

    /// The room that the frame takes, roughly and rather too much.
    pub(crate) fn expected_bytes(&self) -> usize {
        const AROUND: usize = 128;
        let body = match self {
            Self::Request(request) => request.params.len(),
            Self::Reply(reply) => reply.result.as_ref().map_or(0, Bytes::len),
            Self::Event { body, .. } => body.len(),
            Self::Input { bytes, .. } => bytes.len(),
            Self::Hello(_)
            | Self::Cancel(_)
            | Self::Ready(_)
            | Self::Ping
            | Self::Pong
            | Self::Bye(_)
            | Self::Unknown(_) => 0,
        };
        body + AROUND
    }

    /// Appends the frame as one MessagePack map.
    pub(crate) fn write_to(&self, target: &mut impl std::io::Write) {
        let kind = |kind: Kind| Wire {
            kind: <&str>::from(kind).into(),
            ..Wire::default()
        };
        let wire = match self {
            Self::Hello(hello) => Wire {
                hello: Some(hello.clone()),
                ..kind(Kind::Hello)
            },
            Self::Request(request) => Wire {
                id: request.id,
                method: Some(request.method.as_str().into()),
                key: request.idempotency_key.as_deref().map(Into::into),
                body: Some(serde_bytes::Bytes::new(&request.params)),
                ..kind(Kind::Request)
            },
            Self::Reply(reply) => Wire {
                id: reply.id,
                body: reply
                    .result
                    .as_ref()
                    .ok()
                    .map(|b| serde_bytes::Bytes::new(b)),
                error: reply.result.as_ref().err().cloned(),
                ..kind(Kind::Reply)
            },
            Self::Cancel(id) => Wire {
                id: *id,
                ..kind(Kind::Cancel)
            },
            Self::Event { seq, body } => Wire {
                id: *seq,
                body: Some(serde_bytes::Bytes::new(body)),
                ..kind(Kind::Event)
            },
            Self::Input { view, bytes, paste } => Wire {
                id: *view,
                body: Some(serde_bytes::Bytes::new(bytes)),
                paste: paste.map(|part| <&str>::from(part).into()),
                ..kind(Kind::Input)
            },
            Self::Ready(view) => Wire {
                id: *view,
                ..kind(Kind::Ready)
            },
            Self::Ping => kind(Kind::Ping),
            Self::Pong => kind(Kind::Pong),
            Self::Bye(error) => Wire {
                error: Some(error.clone()),
                ..kind(Kind::Bye)
            },
            Self::Unknown(name) => Wire {
                kind: name.as_str().into(),
                ..Wire::default()
            },
        };
        write(&wire, target);
    }

    /// Reads one frame from one MessagePack map.
    ///
    /// # Errors
    /// What is wrong with the bytes, in words.
    pub fn decode(bytes: &Bytes) -> Result<Self, String> {
        if !bytes.first().copied().is_some_and(is_map) {
            return Err("a frame is a MessagePack map".to_owned());
        }
        let wire: Wire<'_> = read(bytes)?;
        let body = || match wire.body {
            // A small one does not keep alive all that was read with it.
            Some(body) if body.len() < SHARED_BYTES => Bytes::copy_from_slice(body),
            Some(body) => bytes.slice_ref(body),
            None => Bytes::new(),
        };
        let Ok(kind) = wire.kind.parse::<Kind>() else {
            return Ok(Self::Unknown(wire.kind.into_owned()));
        };
        Ok(match kind {
            Kind::Hello => Self::Hello(wire.hello.ok_or("a hello frame without its hello")?),
            Kind::Request => Self::Request(RequestFrame {
                id: wire.id,
                method: wire
                    .method
                    .as_deref()
                    .ok_or("a request without a method")?
                    .to_owned(),
                idempotency_key: wire.key.as_deref().map(ToOwned::to_owned),
                params: body(),
            }),
            Kind::Reply => Self::Reply(ReplyFrame {
                id: wire.id,
                result: match wire.error {
                    Some(error) => Err(error),
                    None => Ok(body()),
                },
            }),
            Kind::Cancel => Self::Cancel(wire.id),
            Kind::Event => Self::Event {
                seq: wire.id,
                body: body(),
            },
            Kind::Input => Self::Input {
                view: wire.id,
                bytes: body(),
                // A part that a newer client knows is typed like any other bytes.
                paste: wire.paste.as_deref().and_then(|part| part.parse().ok()),
            },
            Kind::Ready => Self::Ready(wire.id),
            Kind::Ping => Self::Ping,
            Kind::Pong => Self::Pong,
            Kind::Bye => Self::Bye(wire.error.ok_or("a bye frame without its reason")?),
        })
    }
}

/// A value of the wire as a MessagePack map with named fields.
///
/// # Panics
/// Never for this crate's types: their maps have string keys and their sizes are known.
#[must_use]
pub fn to_bytes<T: Serialize>(value: &T) -> Bytes {
    let mut bytes = Vec::with_capacity(128);
    write(value, &mut bytes);
    bytes.into()
}

fn write<T: Serialize>(value: &T, target: &mut impl std::io::Write) {
    rmp_serde::encode::write_named(target, value)
        .expect("wire types have string keys and known lengths, and memory takes all");
}

/// Reads a value of the wire.
///
/// # Errors
/// `invalid_argument` saying which field is wrong and why.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    read(bytes).map_err(Error::invalid)
}

fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let mut values = values(bytes);
    let Ok(value) = T::deserialize(&mut values) else {
        return Err(located::<T>(bytes));
    };
    // The deserializer does not tell how far it is; that no further marker is there does.
    match <()>::deserialize(&mut values) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
        Ok(()) | Err(_) => Err("more bytes follow the end of the value".to_owned()),
    }
}

fn values(bytes: &[u8]) -> rmp_serde::Deserializer<rmp_serde::decode::ReadRefReader<'_, [u8]>> {
    let mut values = rmp_serde::Deserializer::from_read_ref(bytes);
    values.set_max_depth(DEPTH_MAX);
    values
}

/// The error in `bytes`, and the field that it is in: read a second time, because keeping track of the path costs time
/// that good frames should not pay.
fn located<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> String {
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut values(bytes)) else {
        return "not readable".to_owned();
    };
    let path = error.path().to_string();
    let why: String = error
        .inner()
        .to_string()
        .chars()
        .take(WHY_MAX_CHARS)
        .collect();
    match (path.as_str(), why.starts_with('.')) {
        (".", false) => why,
        (".", true) => why.trim_start_matches('.').to_owned(),
        (path, true) => format!("{path}{why}"),
        (path, false) => format!("{path}: {why}"),
    }
}

/// Reads a flattened struct: serde knows no field's name there, so an error begins with the rest of its path, which is the
/// only way to tell it.
///
/// # Errors
/// Those of the struct.
pub(crate) fn flattened<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.into_inner());
        serde::de::Error::custom(format_args!(".{path}: {why}"))
    })
}

#[cfg(test)]
mod tests;
