//! Sessions: list, create, rename, select, kill.

use std::collections::BTreeMap;

use protocol::reply::SessionDetail;
use protocol::{Error, Name, Size, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pane::ProgramParams;
use super::{Hints, Tool};
use crate::answer::{Answer, refusal};
use crate::call::Call;
use crate::page::Wanted;
use crate::route::{Place, QUICK, SLOW, gathered};
use crate::shape;

/// Use first to see all servers' sessions.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListSessions {
    #[serde(default = "yes")]
    all_servers: bool,
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    cursor: Option<String>,
    server: Option<String>,
}

fn yes() -> bool {
    true
}

impl Tool for ListSessions {
    const NAME: &'static str = "fugue_list_sessions";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let places = call
            .front
            .places(self.all_servers, self.server.as_deref())?;
        let asked = places.iter().map(|place| async move {
            let sessions = place.look(&request::ListSessions {}, QUICK).await?;
            let mut list: Vec<_> = sessions.sessions.iter().collect();
            // Those that runs have made for themselves come last.
            list.sort_by_key(|info| info.name.as_str().starts_with("__"));
            let list = list.into_iter().map(|info| shape::session(place, info));
            Ok(json!({"status": "connected", "sessions": list.collect::<Vec<_>>()}))
        });
        let wanted = Wanted {
            limit: self.limit,
            cursor: self.cursor.as_deref(),
        };
        let mut answers = gathered(&places, asked).await;
        let next = paged(&mut answers, wanted)?;
        Ok(match next {
            Some(next) => per_server(&places, answers).with("next_cursor", next.into()),
            None => per_server(&places, answers),
        })
    }
}

/// Leaves one page of the sessions of all servers, with the number of those that each has.
fn paged(
    answers: &mut [Result<Value, Error>],
    wanted: Wanted<'_>,
) -> Result<Option<String>, Error> {
    let lists = answers.iter_mut().flatten();
    let mut lists: Vec<&mut Value> = lists.map(|answer| &mut answer["sessions"]).collect();
    let all: Vec<Value> = lists
        .iter()
        .filter_map(|list| list.as_array())
        .flatten()
        .cloned()
        .collect();
    let page = wanted.of(&all, "session_id")?;
    let mut first = 0;
    for list in &mut lists {
        let Some(sessions) = list.as_array_mut() else {
            continue;
        };
        let count = sessions.len();
        let start = page.entries.start.clamp(first, first + count) - first;
        let end = page.entries.end.clamp(first, first + count) - first;
        *sessions = sessions[start..end].to_vec();
        first += count;
    }
    Ok(page.next)
}

/// `{"servers": {NAME: …}}`, in which a server that fails does so alone.
pub(crate) fn per_server(places: &[Place], answers: Vec<Result<Value, Error>>) -> Answer {
    let entry = |answer| match answer {
        Ok(value) => value,
        Err(error) => {
            let error: Error = error;
            let mut value = refusal(&error).structured_content.unwrap_or_default();
            value["status"] = error.code.as_str().into();
            value
        }
    };
    let servers: BTreeMap<String, Value> = places
        .iter()
        .map(|place| place.name().to_string())
        .zip(answers.into_iter().map(entry))
        .collect();
    Answer::object(json!({"servers": servers}))
}

/// Use to start a shell or long-lived program in a new session; commands that end: fugue_run_parallel.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateSession {
    name: Option<String>,
    #[serde(flatten)]
    program: ProgramParams,
    tags: Option<Vec<String>>,
    #[schemars(schema_with = "size_again")]
    #[serde(default)]
    size: Option<SizeParams>,
    idempotency_key: Option<String>,
    server: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct SizeParams {
    #[schemars(range(min = 1, max = 1000))]
    pub(super) rows: u16,
    #[schemars(range(min = 1, max = 1000))]
    pub(super) cols: u16,
}

/// The schema of a size, which clients are shown in two words.
pub(super) fn size_again(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = SizeParams::json_schema(generator);
    schema.insert(crate::schema::AGAIN.to_owned(), "{rows, cols}".into());
    schema
}

impl Tool for CreateSession {
    const NAME: &'static str = "fugue_create_session";
    const CORE: bool = true;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, name) = match &self.name {
            None => (call.session(self.server.as_deref(), None)?.0, None),
            Some(text) => {
                // The new name may carry the server on which it is to be made.
                let (place, _) = call.target(self.server.as_deref(), "name", text)?;
                let bare = text.split_once(':').map_or(text.as_str(), |(_, name)| name);
                (place, Some(Name::new(bare)?))
            }
        };
        let cwd = call.cwd_or_own(self.program.cwd.as_deref());
        let mut pane = self.program.into_spec(&call, None)?;
        pane.cwd = Some(cwd);
        let params = request::CreateSession {
            name,
            pane,
            window_name: None,
            environment: call.environment(),
            tags: self.tags.unwrap_or_default(),
            size: self.size.map(|size| Size::new(size.rows, size.cols)),
        };
        let made = place.act(&params, self.idempotency_key, SLOW).await?;
        Ok(Answer::object(shape::created(&place, &made)))
    }
}

/// Use to end a session with its programs. force: also your own or one with people attached.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct KillSession {
    session: String,
    #[serde(default)]
    force: bool,
    server: Option<String>,
}

impl Tool for KillSession {
    const NAME: &'static str = "fugue_kill_session";
    const CORE: bool = true;
    const HINTS: Hints = Hints::END;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.target(self.server.as_deref(), "session", &self.session)?;
        let killed = place
            .act(
                &request::KillSession {
                    session,
                    guarded: !self.force,
                },
                None,
                SLOW,
            )
            .await?;
        Ok(Answer::object(shape::killed(&place, &killed)))
    }
}

/// Use to give a session another name; its id stays.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RenameSession {
    session: String,
    /// The new name
    name: String,
    server: Option<String>,
}

impl Tool for RenameSession {
    const NAME: &'static str = "fugue_rename_session";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.target(self.server.as_deref(), "session", &self.session)?;
        let params = request::UpdateSession {
            session: Some(session),
            name: Some(Name::new(&self.name)?),
            ..request::UpdateSession::default()
        };
        let detail = place.act(&params, None, QUICK).await?;
        Ok(Answer::object(with_session(&place, &detail)))
    }
}

/// Use to make a session the active one, which attached clients look at and calls without a session mean.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SelectSession {
    session: String,
    server: Option<String>,
}

impl Tool for SelectSession {
    const NAME: &'static str = "fugue_select_session";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.target(self.server.as_deref(), "session", &self.session)?;
        let params = request::UpdateSession {
            session: Some(session),
            select: true,
            ..request::UpdateSession::default()
        };
        let detail = place.act(&params, None, QUICK).await?;
        Ok(Answer::object(with_session(&place, &detail)))
    }
}

fn with_session(place: &Place, detail: &SessionDetail) -> Value {
    json!({
        "session_context": place.context(&detail.context),
        "session": shape::session(place, &detail.session),
    })
}
