//! The tool list: each tool is its parameters, declared once, with its name, hints and work.

use std::sync::LazyLock;

use futures_util::future::BoxFuture;
use protocol::Error;
use rmcp::model::{JsonObject, Tool as Description, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Answer;
use crate::arguments;
use crate::call::Call;
use crate::schema;

mod input;
mod layout;
mod pane;
mod run;
mod server;
mod session;
mod setting;
mod window;

pub(crate) use layout::arguments as layout_arguments;
pub(crate) use run::answer as run_answer;

/// The tools that are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What an agent needs to run, watch and end programs.
    Core,
    /// All tools.
    #[default]
    Full,
}

impl std::str::FromStr for Profile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "core" => Ok(Self::Core),
            "full" => Ok(Self::Full),
            _ => Err(Error::invalid(format!(
                "{} is no tool profile",
                protocol::name::shown(text)
            ))
            .candidates(["core".to_owned(), "full".to_owned()])),
        }
    }
}

/// The effects of a tool on the world, as MCP's hints say it.
#[derive(Clone, Copy)]
pub(crate) struct Hints {
    read_only: bool,
    destructive: bool,
    idempotent: bool,
    open_world: bool,
}

impl Hints {
    /// Looks only.
    const READ: Self = Self::new(true, false, true, false);
    /// Changes names, focus, sizes or settings; again changes nothing more.
    const SET: Self = Self::new(false, false, true, false);
    /// Adds something that executes nothing.
    const ADD: Self = Self::new(false, false, false, false);
    /// Ends something for good.
    const END: Self = Self::new(false, true, true, false);
    /// Executes what the caller says, which can do anything.
    const EXECUTE: Self = Self::new(false, true, false, true);

    const fn new(read_only: bool, destructive: bool, idempotent: bool, open_world: bool) -> Self {
        Self {
            read_only,
            destructive,
            idempotent,
            open_world,
        }
    }
}

/// A tool: the implementing struct is its parameters, whose doc comment is the description.
pub(crate) trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// Its name.
    const NAME: &'static str;
    /// It belongs to [`Profile::Core`].
    const CORE: bool;
    /// The effects of the tool on the world.
    const HINTS: Hints;
    /// A cancelled call is the tool's own affair; else its work is dropped.
    const CANCELS: bool = false;

    /// Does it.
    fn run(self, call: Call) -> impl Future<Output = Result<Answer, Error>> + Send;
}

/// A tool as the server holds it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) core: bool,
    pub(crate) cancels: bool,
    pub(crate) description: Description,
    /// What arguments are checked against: the advertised schema with every bound.
    rules: JsonObject,
    start: fn(JsonObject, Call) -> Started,
}

/// The work of a call whose arguments were in order.
type Started = Result<BoxFuture<'static, Result<Answer, Error>>, Error>;

impl Entry {
    fn of<T: Tool>() -> Self {
        let (text, schema) = schema::describe::<T>();
        let hints = T::HINTS;
        let annotations = ToolAnnotations::new()
            .read_only(hints.read_only)
            .destructive(hints.destructive)
            .idempotent(hints.idempotent)
            .open_world(hints.open_world);
        Self {
            name: T::NAME,
            core: T::CORE,
            cancels: T::CANCELS,
            description: Description::new(T::NAME, text, schema::advertised(&schema))
                .with_annotations(annotations),
            rules: schema,
            start: |arguments, call| {
                let params: T = serde_json::from_value(Value::Object(arguments))
                    .map_err(|error| Error::invalid(format!("{}: {error}", T::NAME)))?;
                Ok(Box::pin(params.run(call)))
            },
        }
    }

    /// Checks `arguments` and gives the work to be awaited.
    ///
    /// # Errors
    /// `invalid_argument` saying what to give instead.
    pub(crate) fn start(&self, mut arguments: JsonObject, call: Call) -> Started {
        arguments::check(self.name, &self.rules, &mut arguments)?;
        (self.start)(arguments, call)
    }
}

/// All tools in the order in which they are listed: the core profile first.
static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    vec![
        Entry::of::<server::Whoami>(),
        Entry::of::<session::ListSessions>(),
        Entry::of::<session::CreateSession>(),
        Entry::of::<session::KillSession>(),
        Entry::of::<pane::ListPanes>(),
        Entry::of::<pane::CreatePane>(),
        Entry::of::<pane::ClosePane>(),
        Entry::of::<input::ReadPane>(),
        Entry::of::<input::SendInput>(),
        Entry::of::<input::Expect>(),
        Entry::of::<run::RunParallel>(),
        Entry::of::<run::RunPipeline>(),
        Entry::of::<run::GetOrchestration>(),
        Entry::of::<run::CancelOrchestration>(),
        Entry::of::<session::RenameSession>(),
        Entry::of::<session::SelectSession>(),
        Entry::of::<window::ListWindows>(),
        Entry::of::<window::CreateWindow>(),
        Entry::of::<window::SelectWindow>(),
        Entry::of::<window::RenameWindow>(),
        Entry::of::<pane::SplitPane>(),
        Entry::of::<layout::CreateLayout>(),
        Entry::of::<layout::MirrorPane>(),
        Entry::of::<pane::RenamePane>(),
        Entry::of::<pane::FocusPane>(),
        Entry::of::<pane::ResizePane>(),
        Entry::of::<pane::RetryPane>(),
        Entry::of::<pane::RestartPane>(),
        Entry::of::<setting::GetEnvironment>(),
        Entry::of::<setting::SetEnvironment>(),
        Entry::of::<setting::GetMetadata>(),
        Entry::of::<setting::SetMetadata>(),
        Entry::of::<setting::GetTags>(),
        Entry::of::<setting::SetTags>(),
        Entry::of::<server::ServerStatus>(),
        Entry::of::<server::ActorTree>(),
    ]
});

/// The tools of `profile`, in their order.
pub(crate) fn offered(profile: Profile) -> impl Iterator<Item = &'static Entry> {
    ALL.iter()
        .filter(move |entry| entry.core || profile == Profile::Full)
}

#[cfg(test)]
mod tests;
