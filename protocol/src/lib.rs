//! fugue's wire: ids, requests, replies, events, frames, codec, error codes and connections.
//!
//! Knows nothing of actors, PTYs, MCP or terminal user interfaces.

pub mod address;
pub mod codec;
pub mod color;
pub mod config;
pub mod connection;
#[cfg(test)]
mod documented;
pub mod environment;
pub mod error;
pub mod event;
pub mod fleet;
pub mod frame;
pub mod geometry;
pub mod id;
pub mod name;
pub mod near;
pub mod os_text;
pub mod paths;
pub mod peer;
pub mod plain;
pub mod reply;
pub mod request;
pub mod rights;
pub mod secret;
pub mod seldom;
pub mod session_id;
pub mod short;
pub mod surface;
pub mod target;
pub mod terminal;
pub mod time;
pub mod transport;
pub mod trust;

pub use error::{Error, ErrorCode};
pub use event::Event;
pub use geometry::{Direction, Size};
pub use id::{ClientUuid, InstanceUuid, OrchestrationUuid, PaneUuid, SessionUuid, WindowUuid};
pub use name::{Name, ServerName};
pub use request::{Call, Request};
pub use session_id::{PaneId, SessionId, WindowId};
pub use short::{OrchestrationNumber, PaneNumber, SessionNumber, WindowNumber};
pub use target::Target;
