//! Panes: list, create, split, rename, focus, resize, close.

use std::collections::BTreeMap;

use protocol::reply::PaneInfo;
use protocol::request::{PaneSettings, PaneSpec, Program, RestartType, StopRecipe};
use protocol::{Direction, Error, Name, request};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hints, Tool};
use crate::answer::Answer;
use crate::call::Call;
use crate::page::Wanted;
use crate::route::{Place, QUICK, SLOW};
use crate::{schema, shape};

/// What a new pane executes and how.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ProgramParams {
    /// Shell line, or program if args
    command: Option<String>,
    args: Option<Vec<String>>,
    pub(crate) cwd: Option<String>,
    env: Option<BTreeMap<String, String>>,
    #[schemars(schema_with = "schema::restart")]
    #[serde(default)]
    restart: Option<RestartType>,
    /// Default: with command
    remain_on_exit: Option<bool>,
    memory_max: Option<u64>,
    title_locked: Option<bool>,
    #[schemars(schema_with = "schema::stop")]
    #[serde(default)]
    stop: Option<StopRecipe>,
}

impl ProgramParams {
    /// The pane that these describe.
    ///
    /// # Errors
    /// `invalid_argument` for `args` without a `command` or an empty one.
    pub(crate) fn into_spec(self, call: &Call, name: Option<&str>) -> Result<PaneSpec, Error> {
        self.into_spec_with(&|cwd| call.absolute(cwd), name)
    }

    /// The same, with directories made absolute by `absolute`.
    ///
    /// # Errors
    /// As [`Self::into_spec`].
    pub(crate) fn into_spec_with(
        self,
        absolute: &dyn Fn(&str) -> String,
        name: Option<&str>,
    ) -> Result<PaneSpec, Error> {
        let has_command = self.command.is_some();
        let program = match (self.command, self.args) {
            (Some(command), _) if command.trim().is_empty() => {
                return Err(Error::invalid("command is empty")
                    .hint("give a command line, or leave command out for a shell"));
            }
            (Some(line), None) => Program::ShellLine { line, shell: None },
            (Some(program), Some(args)) => {
                Program::Argv(std::iter::once(program).chain(args).collect())
            }
            (None, None) => Program::LoginShell,
            (None, Some(_)) => {
                return Err(Error::invalid("args was given without command")
                    .hint("command is the program, args are its arguments"));
            }
        };
        Ok(PaneSpec {
            name: name.map(Name::new).transpose()?,
            program,
            cwd: self.cwd.as_deref().map(absolute),
            env: self.env.unwrap_or_default(),
            settings: PaneSettings {
                restart: self.restart.unwrap_or_default(),
                remain_on_exit: self.remain_on_exit.unwrap_or(has_command),
                memory_max: self.memory_max,
                title_locked: self.title_locked.unwrap_or_default(),
            },
            stop: self.stop.unwrap_or_default(),
            ..PaneSpec::default()
        })
    }
}

/// Use to find a pane's id, what runs where and how it ended.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListPanes {
    session: Option<String>,
    window: Option<String>,
    #[serde(default)]
    all: bool,
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    cursor: Option<String>,
    server: Option<String>,
}

impl Tool for ListPanes {
    const NAME: &'static str = "fugue_list_panes";
    const CORE: bool = true;
    const HINTS: Hints = Hints::READ;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session, window) = call.session_and_window(
            self.server.as_deref(),
            self.session.as_deref(),
            self.window.as_deref(),
        )?;
        if self.all && (session.is_some() || window.is_some()) {
            return Err(
                Error::invalid("all was given together with session or window")
                    .hint("give one of them"),
            );
        }
        let params = request::ListPanes {
            session,
            window,
            all: self.all,
        };
        let panes = place.look(&params, QUICK).await?;
        let list: Vec<Value> = panes
            .panes
            .iter()
            .map(|info| Value::Object(shape::pane(&place, info)))
            .collect();
        let wanted = Wanted {
            limit: self.limit,
            cursor: self.cursor.as_deref(),
        };
        let page = wanted.of(&list, "pane_id")?;
        let mut answer = json!({"panes": &list[page.entries]});
        if let Some(next) = page.next {
            answer["next_cursor"] = next.into();
        }
        if let Some(context) = &panes.context {
            answer["session_context"] = place.context(context);
        }
        Ok(Answer::object(answer))
    }
}

/// Use to run a program beside others in an existing session.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreatePane {
    session: Option<String>,
    window: Option<String>,
    name: Option<String>,
    #[serde(flatten)]
    program: ProgramParams,
    #[schemars(schema_with = "schema::direction")]
    #[serde(default)]
    direction: Direction,
    /// 0 to 1
    ratio: Option<f64>,
    #[serde(default)]
    select: bool,
    idempotency_key: Option<String>,
    server: Option<String>,
}

impl Tool for CreatePane {
    const NAME: &'static str = "fugue_create_pane";
    const CORE: bool = true;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session, window) = call.session_and_window(
            self.server.as_deref(),
            self.session.as_deref(),
            self.window.as_deref(),
        )?;
        let params = request::CreatePane {
            session,
            window,
            beside: None,
            direction: self.direction,
            ratio: self.ratio,
            select: self.select,
            pane: self.program.into_spec(&call, self.name.as_deref())?,
        };
        let made = place.act(&params, self.idempotency_key, SLOW).await?;
        Ok(Answer::object(shape::created(&place, &made)))
    }
}

/// Use to put a new pane beside or below a certain one.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SplitPane {
    pane_id: String,
    #[schemars(schema_with = "schema::direction")]
    direction: Direction,
    /// 0 to 1
    ratio: Option<f64>,
    name: Option<String>,
    #[serde(flatten)]
    program: ProgramParams,
    #[serde(default)]
    select: bool,
    idempotency_key: Option<String>,
    server: Option<String>,
}

impl Tool for SplitPane {
    const NAME: &'static str = "fugue_split_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let params = request::CreatePane {
            session: None,
            window: None,
            beside: Some(pane),
            direction: self.direction,
            ratio: self.ratio,
            select: self.select,
            pane: self.program.into_spec(&call, self.name.as_deref())?,
        };
        let made = place.act(&params, self.idempotency_key, SLOW).await?;
        Ok(Answer::object(shape::created(&place, &made)))
    }
}

/// Use to end a pane with its program. force: at once, also your own.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ClosePane {
    pane_id: String,
    #[serde(default)]
    force: bool,
    server: Option<String>,
}

impl Tool for ClosePane {
    const NAME: &'static str = "fugue_close_pane";
    const CORE: bool = true;
    const HINTS: Hints = Hints::END;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let params = request::ClosePane {
            pane,
            force: self.force,
            guarded: !self.force,
        };
        let killed = place.act(&params, None, SLOW).await?;
        Ok(Answer::object(shape::killed(&place, &killed)))
    }
}

/// Use to give a pane another name.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RenamePane {
    pane_id: String,
    /// The new name
    name: String,
    server: Option<String>,
}

impl Tool for RenamePane {
    const NAME: &'static str = "fugue_rename_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let name = Some(Name::new(&self.name)?);
        update(
            &place,
            request::UpdatePane {
                pane,
                name,
                focus: false,
                rows: None,
                cols: None,
                ratio: None,
            },
        )
        .await
    }
}

/// Use to make a pane the focused one of its window and session.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct FocusPane {
    pane_id: String,
    server: Option<String>,
}

impl Tool for FocusPane {
    const NAME: &'static str = "fugue_focus_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        update(
            &place,
            request::UpdatePane {
                pane,
                name: None,
                focus: true,
                rows: None,
                cols: None,
                ratio: None,
            },
        )
        .await
    }
}

/// Use when a program needs more rows or columns; neighbours give way.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ResizePane {
    pane_id: String,
    #[schemars(range(min = 1, max = 1000))]
    rows: Option<u16>,
    #[schemars(range(min = 1, max = 1000))]
    cols: Option<u16>,
    /// Share of its split, 0 to 1
    ratio: Option<f64>,
    server: Option<String>,
}

impl Tool for ResizePane {
    const NAME: &'static str = "fugue_resize_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        if self.rows.is_none() && self.cols.is_none() && self.ratio.is_none() {
            return Err(
                Error::invalid("fugue_resize_pane needs rows, cols or ratio")
                    .hint("give at least one of them"),
            );
        }
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        update(
            &place,
            request::UpdatePane {
                pane,
                name: None,
                focus: false,
                rows: self.rows,
                cols: self.cols,
                ratio: self.ratio,
            },
        )
        .await
    }
}

/// Use when a pane's status is unreachable: it is tried again at once.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RetryPane {
    pane_id: String,
    server: Option<String>,
}

impl Tool for RetryPane {
    const NAME: &'static str = "fugue_retry_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::SET;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let info = place.act(&request::RetryPane { pane }, None, SLOW).await?;
        Ok(shown(&place, &info))
    }
}

/// Use to end a pane's program and start the same command again in the pane, which keeps its id, place and screen.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RestartPane {
    pane_id: String,
    server: Option<String>,
}

impl Tool for RestartPane {
    const NAME: &'static str = "fugue_restart_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, pane) = call.target(self.server.as_deref(), "pane_id", &self.pane_id)?;
        let params = request::RestartPane {
            pane,
            guarded: true,
        };
        let info = place.act(&params, None, SLOW).await?;
        Ok(shown(&place, &info))
    }
}

async fn update(place: &Place, params: request::UpdatePane) -> Result<Answer, Error> {
    let info: PaneInfo = place.act(&params, None, QUICK).await?;
    Ok(shown(place, &info))
}

fn shown(place: &Place, info: &PaneInfo) -> Answer {
    let mut fields = shape::pane(place, info);
    let context = place.context_of(&info.session_id, info.session_name.as_str());
    fields.insert("session_context".to_owned(), context);
    Answer::object(Value::Object(fields))
}
