//! The servers themselves: where the caller is, health, the actor tree.

use protocol::{Error, ErrorCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::session::per_server;
use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::page::ANSWER_BYTES;
use crate::route::{QUICK, gathered};
use crate::shape;

/// Use to learn your own pane and the active session.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Whoami {
    server: Option<String>,
}

impl Tool for Whoami {
    const NAME: &'static str = "fugue_whoami";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, _) = call.session(self.server.as_deref(), None)?;
        let who = place.look(&request::Whoami {}, QUICK).await?;
        Ok(Answer::object(json!({
            "server": place.name().as_str(),
            "session_context": who.session.as_ref().map(|context| place.context(context)),
            "window_id": who.window_id.map(|id| place.id(id)),
            "pane_id": who.pane_id.map(|id| place.id(id)),
            "active": who.active.as_ref().map(|context| place.context(context)),
            "attached_clients": who.attached_clients,
        })))
    }
}

/// Use when something seems wrong: version, uptime, counts and health of each server.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ServerStatus {
    server: Option<String>,
}

impl Tool for ServerStatus {
    const NAME: &'static str = "fugue_server_status";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let places = call.front.places(true, self.server.as_deref())?;
        let asked = places.iter().map(|place| async move {
            let status = place.look(&request::Status {}, QUICK).await?;
            let well = status.health.iter().all(|check| check.ok);
            let mut fields = json!({
                "status": "connected",
                "healthy": well,
                "version": status.version,
                "pid": status.pid,
                "uptime_ms": status.uptime_ms,
                "sessions": status.sessions,
                "panes": status.panes,
                "clients": status.clients,
                "orchestrations": status.orchestrations,
                "resident_kib": status.resident_kib,
                "open_fds": status.open_fds,
                "health": status.health,
                "containment": status.containment,
            });
            if let Some(why) = status.careful {
                fields["careful"] = why.into();
            }
            Ok(fields)
        });
        let answers = gathered(&places, asked).await;
        Ok(per_server(&places, answers))
    }
}

/// A whole tree as JSON that is given without asking, in bytes: what clients take.
const MOST_TREE_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum TreeFormat {
    #[default]
    Text,
    Json,
}

fn tree_format(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["text", "json"]})
}

/// Use to see the supervision tree: what runs, what restarted and why.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ActorTree {
    #[schemars(schema_with = "tree_format")]
    #[serde(default)]
    format: TreeFormat,
    /// Only this session's part
    session: Option<String>,
    #[serde(default = "answer_bytes")]
    #[schemars(range(min = 1, max = 1_048_576))]
    max_bytes: u32,
    cursor: Option<String>,
    server: Option<String>,
}

fn answer_bytes() -> u32 {
    // Far below 2^32.
    ANSWER_BYTES as u32
}

/// The lines of `text` from the one at `cursor` on, at most `max_bytes` of them but at least one, and where the next part begins.
fn part(
    text: &str,
    cursor: Option<&str>,
    max_bytes: u32,
) -> Result<(String, Option<String>), Error> {
    let first = match cursor {
        None => 0,
        Some(cursor) => cursor.parse::<usize>().map_err(|_| {
            Error::invalid(format!("{} is no line", protocol::name::shown(cursor)))
                .hint("give the next_cursor of the answer before, or omit it")
        })?,
    };
    let (mut part, mut line) = (String::new(), first);
    for text in text.split_inclusive('\n').skip(first) {
        if !part.is_empty() && part.len() + text.len() > max_bytes as usize {
            return Ok((part, Some(line.to_string())));
        }
        part.push_str(text);
        line += 1;
    }
    Ok((part, None))
}

impl Tool for ActorTree {
    const NAME: &'static str = "fugue_actor_tree";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let mut fields = shape::fields(json!({"server": place.name().as_str()}));
        if session.is_some() {
            let session = session.clone();
            let detail = place.look(&request::GetSession { session }, QUICK).await?;
            let context = place.context(&detail.context);
            fields.insert("session_context".to_owned(), context);
        }
        let tree = place.look(&request::Tree { session }, QUICK).await?;
        Ok(match self.format {
            TreeFormat::Json => {
                let tree = json!(tree);
                let bytes = tree.to_string().len();
                // An object cannot be read on in the middle.
                if bytes > (self.max_bytes as usize).max(MOST_TREE_BYTES) {
                    return Err(Error::new(
                        ErrorCode::Limit,
                        format!("the tree has {bytes} bytes as JSON"),
                    )
                    .hint("give a session, or max_bytes; as text it comes in parts"));
                }
                fields.insert("tree".to_owned(), tree);
                Answer::object(Value::Object(fields))
            }
            TreeFormat::Text => {
                let text = shape::tree_text(&tree);
                let (text, next) = part(&text, self.cursor.as_deref(), self.max_bytes)?;
                fields.insert("text".to_owned(), text.as_str().into());
                let mut parts = vec![text];
                if let Some(next) = next {
                    parts.push(format!("[there is more: cursor {next}, or a session]"));
                    fields.insert("next_cursor".to_owned(), next.into());
                }
                Answer::with_parts(Value::Object(fields), parts)
            }
        })
    }
}
