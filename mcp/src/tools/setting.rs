//! The settings that a session carries: environment, metadata and tags.

use std::collections::BTreeMap;

use protocol::reply::SessionDetail;
use protocol::{Error, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::route::{Place, QUICK};

/// The part of a session that an answer shows.
#[derive(Clone, Copy)]
enum Part {
    Environment,
    Metadata,
    Tags,
}

fn shown(place: &Place, detail: &SessionDetail, part: Part) -> Answer {
    let (name, value) = match part {
        Part::Environment => ("environment", json!(detail.environment)),
        Part::Metadata => ("metadata", json!(detail.metadata)),
        Part::Tags => ("tags", json!(detail.session.tags)),
    };
    Answer::object(json!({"session_context": place.context(&detail.context), name: value}))
}

async fn look(
    call: &Call,
    server: Option<&str>,
    session: Option<&str>,
    part: Part,
) -> Result<Answer, Error> {
    let (place, session) = call.session(server, session)?;
    let detail = place.look(&request::GetSession { session }, QUICK).await?;
    Ok(shown(&place, &detail, part))
}

/// Values to set and names to take out as one map, in which null takes out.
fn changes(
    set: Option<BTreeMap<String, String>>,
    unset: Option<Vec<String>>,
) -> Result<BTreeMap<String, Option<String>>, Error> {
    let set = set
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name, Some(value)));
    let mut all: BTreeMap<_, _> = set.collect();
    for name in unset.unwrap_or_default() {
        if all.insert(name.clone(), None).is_some() {
            let name = protocol::name::shown(&name);
            return Err(Error::invalid(format!("{name} is in set and in unset"))
                .hint("give it in one of them, once"));
        }
    }
    if all.is_empty() {
        return Err(Error::invalid("there is nothing to set or to unset")
            .hint("give set, an object of names and values, or unset, a list of names"));
    }
    Ok(all)
}

/// Use to see the variables set for programs started later in a session; null means taken out.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct GetEnvironment {
    session: Option<String>,
    server: Option<String>,
}

impl Tool for GetEnvironment {
    const NAME: &'static str = "fugue_get_environment";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        look(
            &call,
            self.server.as_deref(),
            self.session.as_deref(),
            Part::Environment,
        )
        .await
    }
}

/// Use to set or take out variables for programs started later in a session.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SetEnvironment {
    session: Option<String>,
    set: Option<BTreeMap<String, String>>,
    unset: Option<Vec<String>>,
    server: Option<String>,
}

impl Tool for SetEnvironment {
    const NAME: &'static str = "fugue_set_environment";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let environment = changes(self.set, self.unset)?;
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let params = request::UpdateSession {
            session,
            environment,
            ..Default::default()
        };
        let detail = place.act(&params, None, QUICK).await?;
        Ok(shown(&place, &detail, Part::Environment))
    }
}

/// Use to read the notes that programs left on a session.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct GetMetadata {
    session: Option<String>,
    server: Option<String>,
}

impl Tool for GetMetadata {
    const NAME: &'static str = "fugue_get_metadata";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        look(
            &call,
            self.server.as_deref(),
            self.session.as_deref(),
            Part::Metadata,
        )
        .await
    }
}

/// Use to leave notes (names and values) on a session, or to take them away.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SetMetadata {
    session: Option<String>,
    set: Option<BTreeMap<String, String>>,
    unset: Option<Vec<String>>,
    server: Option<String>,
}

impl Tool for SetMetadata {
    const NAME: &'static str = "fugue_set_metadata";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let metadata = changes(self.set, self.unset)?;
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let params = request::UpdateSession {
            session,
            metadata,
            ..Default::default()
        };
        let detail = place.act(&params, None, QUICK).await?;
        Ok(shown(&place, &detail, Part::Metadata))
    }
}

/// Use to read a session's tags.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct GetTags {
    session: Option<String>,
    server: Option<String>,
}

impl Tool for GetTags {
    const NAME: &'static str = "fugue_get_tags";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        look(
            &call,
            self.server.as_deref(),
            self.session.as_deref(),
            Part::Tags,
        )
        .await
    }
}

/// Use to replace a session's tags.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SetTags {
    session: Option<String>,
    /// All of them; none for []
    tags: Vec<String>,
    server: Option<String>,
}

impl Tool for SetTags {
    const NAME: &'static str = "fugue_set_tags";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let params = request::UpdateSession {
            session,
            tags: Some(self.tags),
            ..Default::default()
        };
        let detail = place.act(&params, None, QUICK).await?;
        Ok(shown(&place, &detail, Part::Tags))
    }
}

#[cfg(test)]
mod tests;
