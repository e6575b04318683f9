//! The MCP server proper: what it says of itself, the tool list, and the way of each call.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use protocol::{Error, ErrorCode};
use rmcp::model::{
    CallToolRequestMethod, CallToolRequestParams, CallToolResponse, CancelTaskParams,
    CancelledNotificationParam, ConstString as _, CustomRequest, CustomResult, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Implementation,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ResourceUpdatedNotificationParam, ServerCapabilities, ServerConfig, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Halves, refusal};
use crate::arguments::spelling;
use crate::call::{Call, Front};
use crate::cancel::Cancellations;
use crate::http::Ended;
use crate::subscriptions::{self, Subscriptions};
use crate::tools::{self, Entry, Profile};
use crate::waiting::Progress;
use crate::{prompts, resources, tasks};

/// The instructions that a model reads before it uses the tools.
pub(crate) const INSTRUCTIONS: &str = "\
fugue runs terminals that outlive this connection: a session has windows, a window has panes, a pane is one terminal with one program. \
Ids never change; names are accepted wherever ids are. `server:name` means another server's session, window or pane.

Choose:
- Commands that end (builds, tests, linters): fugue_run_parallel for several at once, fugue_run_pipeline for steps that share cd and export. \
Exit codes are the kernel's. Set output_lines to get the end of each output.
- Servers, REPLs, agents, anything interactive: fugue_create_session with command (or fugue_create_pane in a session that exists), then \
fugue_send_input, fugue_expect and fugue_read_pane on the pane_id it returned.

Type: fugue_send_input with input and submit=true presses Enter once; keys takes names such as C-c. Add expect (a regex) or read_after_ms to get the reply in the same call.

Wait: never poll in a loop. fugue_expect returns when a regex appears, the program exits or is quiet; pass the cursor of an earlier answer as since, \
so that old output and your own echo do not match. A wait that runs over returns status running with a cursor or an orchestration_id: wait again with it; nothing was lost.

Read: fugue_read_pane returns the last lines; with since only what is new. Programs started with a command keep their pane, output and exit code after they end \
until fugue_close_pane; shells do not.

Without session, calls that look or create mean your own session if you run inside one, else the active one; kill, close and runs never guess. \
Every answer says which session it was about in session_context.

Errors have code, message, hint and candidates: do what the hint says. After server_unreachable or timeout, look before repeating a call that changes something, \
or repeat it with the same idempotency_key.";

/// Calls under way when the input ends have so long to be answered: input that comes from a file ends
/// before the first answer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An error in parameters outside tools.
fn invalid(error: &Error) -> ErrorData {
    let mut refusal = resources::refusal(error);
    if refusal.code == rmcp::model::ErrorCode::RESOURCE_NOT_FOUND {
        refusal.code = rmcp::model::ErrorCode::INVALID_PARAMS;
    }
    refusal
}

fn halves(context: &RequestContext<RoleServer>) -> Halves {
    let client = context.client_info();
    Halves::of(client.as_ref().map(|client| client.name.as_str()))
}

/// An MCP server over the front of this process.
pub(crate) struct McpServer {
    front: Arc<Front>,
    profile: Profile,
    /// The connection has ended, so a cancellation is not the client's wish.
    ended: CancellationToken,
    /// Of this connection.
    subscriptions: Subscriptions,
    /// Of this connection.
    cancellations: Cancellations,
}

/// The ways in which a call can end before its answer.
struct Ends {
    /// The client wants it ended.
    cancelled: CancellationToken,
    /// The client's time is over.
    given_up: CancellationToken,
    /// The client is gone.
    gone: CancellationToken,
}

impl McpServer {
    /// A server that offers `profile`; `ended` is cancelled when the client's input ends.
    pub(crate) fn new(front: Front, profile: Profile, ended: CancellationToken) -> Self {
        Self::over(Arc::new(front), profile, ended)
    }

    /// As [`McpServer::new`] over a front that several connections share.
    pub(crate) fn over(front: Arc<Front>, profile: Profile, ended: CancellationToken) -> Self {
        Self {
            front,
            profile,
            ended,
            subscriptions: Subscriptions::default(),
            cancellations: Cancellations::default(),
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
        let ends = self.watch(&context);
        let client = context.client_capabilities();
        let call = Call {
            tasks: client.is_some_and(|client| client.supports_tasks()),
            halves: halves(&context),
            front: Arc::clone(&self.front),
            progress: Progress::new(context.peer, context.meta.get_progress_token()),
            cancelled: ends.cancelled.clone(),
            given_up: ends.given_up.clone(),
        };
        let work = entry.start(params.arguments.unwrap_or_default(), call)?;
        tokio::select! {
            answer = work => answer,
            () = ends.gone.cancelled() => {
                Err(Error::new(ErrorCode::Cancelled, "the client's connection has ended"))
            }
            () = ends.cancelled.cancelled(), if !entry.cancels => {
                Err(Error::new(ErrorCode::Cancelled, "the client cancelled the call"))
            }
            () = ends.given_up.cancelled(), if !entry.cancels => {
                Err(Error::new(ErrorCode::Cancelled, "the client's own time limit is over"))
            }
        }
    }

    /// Tokens for the client's own cancellation and for its connection's end: the transport cancels
    /// what is under way at either, but only the first may end a program.
    fn watch(&self, context: &RequestContext<RoleServer>) -> Ends {
        let session = context.extensions.get::<Ended>();
        let ended = session.map_or_else(|| self.ended.clone(), |session| session.0.clone());
        let asked = context.ct.clone();
        let reason = self.cancellations.of(context.id.clone());
        let [cancelled, given_up, gone] = std::array::from_fn(|_| CancellationToken::new());
        let ends = Ends {
            cancelled: cancelled.clone(),
            given_up: given_up.clone(),
            gone: gone.clone(),
        };
        // A connection that stands for one request has ended from the beginning.
        let lasts = !ended.is_cancelled();
        let over = ended.clone();
        let over = async move {
            over.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::spawn(async move {
            tokio::select! {
                // The transport cancels the token of every call, at the latest with its answer.
                () = asked.cancelled() => {}
                () = over, if lasts => {}
            }
            if ended.is_cancelled() {
                gone.cancel();
            } else if reason.tells_of_time().await {
                given_up.cancel();
            } else {
                cancelled.cancel();
            }
        });
        ends
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let info =
            Implementation::new("fugue", env!("CARGO_PKG_VERSION")).with_title("fugue terminals");
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
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
        let halves = halves(&context);
        Ok(match self.answer(entry, params, context).await {
            Ok(answer) => answer.into_response(halves),
            Err(error) => halves.of_result(refusal(&error)).into(),
        })
    }

    async fn on_cancelled(
        &self,
        cancelled: CancelledNotificationParam,
        _: NotificationContext<RoleServer>,
    ) {
        self.cancellations.note(cancelled);
    }

    async fn get_task(
        &self,
        params: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let task = tasks::get(&self.front, &params.task_id, halves(&context)).await;
        task.map(GetTaskResult::new).map_err(|e| invalid(&e))
    }

    async fn cancel_task(
        &self,
        params: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let cancelled = tasks::cancel(&self.front, &params.task_id).await;
        cancelled.map_err(|error| invalid(&error))
    }

    async fn update_task(
        &self,
        params: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // No task here asks for input, so there is nothing that could be answered.
        let known = tasks::get(&self.front, &params.task_id, Halves::Text).await;
        known.map(drop).map_err(|error| invalid(&error))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(prompts::list())
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let prompt = prompts::get(&params.name, params.arguments.as_ref());
        prompt.map(Into::into).map_err(|error| invalid(&error))
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let after = page.and_then(|page| page.cursor);
        let list = resources::list(&self.front, after.as_deref()).await;
        list.map_err(|error| resources::refusal(&error))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resources::read(&self.front, &params.uri).await;
        read.map(Into::into)
            .map_err(|error| resources::refusal(&error))
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let peer = context.peer;
        let tell = Box::new(move |uri: String| {
            let peer = peer.clone();
            let told = async move {
                let update = ResourceUpdatedNotificationParam::new(uri);
                peer.notify_resource_updated(update).await.is_ok()
            };
            told.boxed()
        });
        let added = self.subscriptions.add(&self.front, &params.uri, tell).await;
        added.map_err(|error| resources::refusal(&error))
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscriptions.remove(&params.uri);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let wanted = requested.resource_subscriptions.as_deref();
        let possible = subscriptions::possible(&self.front, wanted.unwrap_or_default());
        Some(
            SubscriptionFilter::builder()
                .resource_subscriptions(possible)
                .build(),
        )
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let accepted = context.accepted().resource_subscriptions.clone();
        let tell = || {
            let sink = context.sink().clone();
            let tell: subscriptions::Tell = Box::new(move |uri| {
                let sink = sink.clone();
                async move { sink.notify_resource_updated(uri).await.is_ok() }.boxed()
            });
            tell
        };
        let uris = accepted.unwrap_or_default();
        let telling = subscriptions::follow_all(&self.front, &uris, tell);
        tokio::select! {
            () = context.cancelled() => {}
            // What it listened to is gone, and the client has been told.
            () = telling => context.cancelled().await,
        }
        Ok(())
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
