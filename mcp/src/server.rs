//! The MCP server proper: what it says of itself, the tool list, and the way of each call.

use std::sync::Arc;

use protocol::{Error, ErrorCode};
use rmcp::model::{
    CallToolRequestMethod, CallToolRequestParams, CallToolResponse, ConstString as _,
    CustomRequest, CustomResult, ErrorData, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, refusal};
use crate::arguments::spelling;
use crate::call::{Call, Front};
use crate::http::Ended;
use crate::tools::{self, Entry, Profile};
use crate::waiting::Progress;

/// What a model reads before it uses the tools.
pub(crate) const INSTRUCTIONS: &str = "\
fugue runs terminals that outlive this connection: a session has windows, a window has panes, a pane is one terminal with one program. \
Ids never change; names are accepted wherever ids are. `server:name` means another server's session, window or pane.

Choose:
- Commands that end (builds, tests, linters): fugue_run_parallel for several at once, fugue_run_pipeline for steps that share cd and export. \
Exit codes are the kernel's. Set output_lines to get the end of each output.
- Servers, REPLs, agents, anything interactive: fugue_create_session with command (or fugue_create_pane in a session that exists), then \
fugue_send_input, fugue_expect and fugue_read_pane on the pane_id it returned.

Type: fugue_send_input with input and submit=true presses Enter once; keys takes names such as C-c. Add read_after_ms to get the reply in the same call.

Wait: never poll in a loop. fugue_expect returns when a regex appears, the program exits or is quiet; pass the cursor of an earlier answer as since, \
so that old output and your own echo do not match. A wait that runs over returns status running with a cursor or an orchestration_id: wait again with it; nothing was lost.

Read: fugue_read_pane returns the last lines; with since only what is new. Programs started with a command keep their pane, output and exit code after they end \
until fugue_close_pane; shells do not.

Without session, calls that look or create mean your own session if you run inside one, else the active one; kill, close and runs never guess. \
Every answer says which session it was about in session_context.

Errors have code, message, hint and candidates: do what the hint says. After server_unreachable or timeout, look before repeating a call that changes something, \
or repeat it with the same idempotency_key.";

/// An MCP server over the front of this process.
pub(crate) struct Server {
    front: Arc<Front>,
    profile: Profile,
    /// The connection has ended, so a cancellation is not the client's wish.
    ended: CancellationToken,
}

impl Server {
    /// A server that offers `profile`; `ended` is cancelled when the client's input ends.
    pub(crate) fn new(front: Front, profile: Profile, ended: CancellationToken) -> Self {
        Self::over(Arc::new(front), profile, ended)
    }

    /// As [`Server::new`] over a front that several connections share.
    pub(crate) fn over(front: Arc<Front>, profile: Profile, ended: CancellationToken) -> Self {
        Self {
            front,
            profile,
            ended,
        }
    }

    fn entry(&self, name: &str) -> Result<&'static Entry, ErrorData> {
        tools::offered(self.profile)
            .find(|entry| entry.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = tools::offered(self.profile)
                    .map(|entry| entry.name)
                    .collect();
                let meant = spelling::nearest(name, &names, &[])
                    .map_or_else(String::new, |name| format!("; did you mean {name}?"));
                let shown = protocol::name::shown(name);
                let data = serde_json::json!({"tools": names});
                ErrorData::invalid_params(format!("unknown tool {shown}{meant}"), Some(data))
            })
    }

    /// Does a call. Cancelled by the client, it ends at once, unless the tool sees to it itself. With
    /// its connection only the wait ends: the work lives in the daemon.
    async fn answer(
        &self,
        entry: &Entry,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<Answer, Error> {
        let (cancelled, gone) = self.watch(&context);
        let call = Call {
            front: Arc::clone(&self.front),
            progress: Progress::new(context.peer, context.meta.get_progress_token()),
            cancelled: cancelled.clone(),
        };
        let work = entry.start(params.arguments.unwrap_or_default(), call)?;
        tokio::select! {
            answer = work => answer,
            () = gone.cancelled() => {
                Err(Error::new(ErrorCode::Cancelled, "the client's connection has ended"))
            }
            () = cancelled.cancelled(), if !entry.cancels => {
                Err(Error::new(ErrorCode::Cancelled, "the client cancelled the call"))
            }
        }
    }

    /// Tokens for the client's own cancellation and for its connection's end: the transport cancels
    /// what is under way at either, but only the first may end a program.
    fn watch(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> (CancellationToken, CancellationToken) {
        let session = context.extensions.get::<Ended>();
        let ended = session.map_or_else(|| self.ended.clone(), |session| session.0.clone());
        let asked = context.ct.clone();
        let (cancelled, gone) = (CancellationToken::new(), CancellationToken::new());
        let tokens = (cancelled.clone(), gone.clone());
        tokio::spawn(async move {
            // The transport cancels the token of every call, at the latest with its answer.
            asked.cancelled().await;
            if ended.is_cancelled() {
                gone.cancel();
            } else {
                cancelled.cancel();
            }
        });
        tokens
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let info =
            Implementation::new("fugue", env!("CARGO_PKG_VERSION")).with_title("fugue terminals");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(info)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let list = tools::offered(self.profile).map(|entry| entry.description.clone());
        Ok(ListToolsResult::with_all_items(list.collect()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let entry = self.entry(&params.name)?;
        let result = match self.answer(entry, params, context).await {
            Ok(answer) => answer.into_result(),
            Err(error) => refusal(&error),
        };
        Ok(result.into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // A call that is not of the call's shape arrives here.
        if request.method == CallToolRequestMethod::VALUE {
            return Err(ErrorData::invalid_params(
                "tools/call needs params {\"name\": string, \"arguments\": object}",
                None,
            ));
        }
        Err(ErrorData::new(
            rmcp::model::ErrorCode::METHOD_NOT_FOUND,
            format!(
                "this server has no method {}",
                protocol::name::shown(&request.method)
            ),
            None,
        ))
    }
}

#[cfg(test)]
mod tests;
