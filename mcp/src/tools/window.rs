//! Windows: list, create, select, rename.

use protocol::reply::WindowInfo;
use protocol::{Error, Name, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pane::ProgramParams;
use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::route::{Place, QUICK, SLOW};
use crate::shape;

/// Use to see a session's windows, their layouts and panes.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListWindows {
    session: Option<String>,
    server: Option<String>,
}

impl Tool for ListWindows {
    const NAME: &'static str = "fugue_list_windows";
    const CORE: bool = false;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let windows = place.look(&request::ListWindows { session }, QUICK).await?;
        let list: Vec<_> = windows
            .windows
            .iter()
            .map(|info| shape::window(&place, info))
            .collect();
        Ok(Answer::object(json!({
            "session_context": place.context(&windows.context),
            "windows": list,
        })))
    }
}

/// Use to add a window with one pane to a session, for work that needs the whole screen.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateWindow {
    session: Option<String>,
    name: Option<String>,
    #[serde(flatten)]
    program: ProgramParams,
    #[serde(default)]
    select: bool,
    idempotency_key: Option<String>,
    server: Option<String>,
}

impl Tool for CreateWindow {
    const NAME: &'static str = "fugue_create_window";
    const CORE: bool = false;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session) = call.session(self.server.as_deref(), self.session.as_deref())?;
        let params = request::CreateWindow {
            session,
            name: self.name.as_deref().map(Name::new).transpose()?,
            pane: self.program.into_spec(&call, None)?,
            select: self.select,
        };
        let made = place.act(&params, self.idempotency_key, SLOW).await?;
        Ok(Answer::object(shape::created(&place, &made)))
    }
}

/// Use to make a window its session's focused one.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SelectWindow {
    window: String,
    /// Where a window name is looked up first
    session: Option<String>,
    server: Option<String>,
}

impl Tool for SelectWindow {
    const NAME: &'static str = "fugue_select_window";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let SelectWindow {
            window,
            session,
            server,
        } = self;
        update(&call, server.as_deref(), session.as_deref(), &window, None).await
    }
}

/// Use to give a window another name.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RenameWindow {
    window: String,
    /// The new name
    name: String,
    /// Where a window name is looked up first
    session: Option<String>,
    server: Option<String>,
}

impl Tool for RenameWindow {
    const NAME: &'static str = "fugue_rename_window";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let name = Name::new(&self.name)?;
        let (server, session) = (self.server.as_deref(), self.session.as_deref());
        update(&call, server, session, &self.window, Some(name)).await
    }
}

/// Renames the window, or selects it when there is no name.
async fn update(
    call: &Call,
    server: Option<&str>,
    session: Option<&str>,
    window: &str,
    name: Option<Name>,
) -> Result<Answer, Error> {
    let given = [("window", Some(window)), ("session", session)];
    let (place, [window, session]) = call.resolve(server, given)?;
    let window = window.ok_or_else(|| Error::invalid("window is missing"))?;
    let select = name.is_none();
    let params = request::UpdateWindow {
        session,
        window,
        name,
        select,
    };
    let info = place.act(&params, None, QUICK).await?;
    let mut fields = shape::window(&place, &info);
    fields.insert("session_context".to_owned(), context(&place, &info).await?);
    Ok(Answer::object(Value::Object(fields)))
}

async fn context(place: &Place, info: &WindowInfo) -> Result<Value, Error> {
    if let Some(context) = &info.context {
        return Ok(place.context(context));
    }
    // An older daemon does not say it.
    let params = request::GetSession {
        session: Some(info.session_id.into()),
    };
    let detail = place.look(&params, QUICK).await?;
    Ok(place.context(&detail.context))
}
