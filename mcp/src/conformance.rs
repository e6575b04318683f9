//! The things that the official conformance suite expects of a server beside fugue's own tools: served through the same
//! stack, in builds for tests only, and there only when the environment asks for it.
//!
//! Source: `@modelcontextprotocol/conformance`, the requirements of each scenario.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
    CompleteResult, CustomRequest, CustomResult, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetTaskParams, GetTaskResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::server::McpServer;

mod input;
mod prompts;
mod resources;
mod tools;

/// The variable that asks for the fixtures.
const ASKED_BY: &str = "FUGUE_MCP_FIXTURES";

/// A 1x1 PNG, base64.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/// The server with the suite's fixtures around it.
pub(crate) struct Fixtures {
    server: McpServer,
    /// They are there.
    on: bool,
}

impl Fixtures {
    /// `server` with the fixtures, when they are asked for.
    pub(crate) fn around(server: McpServer) -> Self {
        let on = std::env::var_os(ASKED_BY).is_some();
        Self { server, on }
    }
}

/// A value of the protocol from the JSON that it is on the wire.
fn of_json<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| {
        ErrorData::internal_error(format!("a fixture is not of the protocol: {error}"), None)
    })
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        if self.on {
            let more = json!({"prompts": {}, "resources": {"subscribe": false}, "logging": {}, "completions": {}});
            let own = serde_json::to_value(&info.capabilities).unwrap_or_default();
            let all: JsonObject = [more, own]
                .iter()
                .filter_map(Value::as_object)
                .flat_map(Clone::clone)
                .collect();
            if let Ok(capabilities) = of_json(Value::Object(all)) {
                info.capabilities = capabilities;
            }
        }
        info
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = self.server.list_tools(page, context).await?;
        if self.on {
            list.tools.extend(tools::list()?);
        }
        Ok(list)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.server.get_tool(name)
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.on && tools::has(&params.name) {
            tools::call(params, context).await
        } else {
            self.server.call_tool(params, context).await
        }
    }

    async fn get_task(
        &self,
        params: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.server.get_task(params, context).await
    }

    async fn cancel_task(
        &self,
        params: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.server.cancel_task(params, context).await
    }

    async fn update_task(
        &self,
        params: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.server.update_task(params, context).await
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut list = self.server.list_prompts(page, context).await?;
        if self.on {
            list.prompts.extend(prompts::list()?);
        }
        Ok(list)
    }

    async fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if self.on && params.name.starts_with("test_") {
            prompts::get(&params)
        } else {
            self.server.get_prompt(params, context).await
        }
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.server.list_resources(page, context).await?;
        if self.on {
            list.resources.extend(resources::list()?);
        }
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = self.server.list_resource_templates(page, context).await?;
        if self.on {
            list.resource_templates.extend(resources::templates()?);
        }
        Ok(list)
    }

    async fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if self.on && resources::has(&params.uri) {
            resources::read(&params.uri)
        } else {
            self.server.read_resource(params, context).await
        }
    }

    async fn subscribe(
        &self,
        params: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if self.on && resources::has(&params.uri) {
            return Ok(());
        }
        self.server.subscribe(params, context).await
    }

    async fn unsubscribe(
        &self,
        params: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if self.on && resources::has(&params.uri) {
            return Ok(());
        }
        self.server.unsubscribe(params, context).await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.server.listen(context).await
    }

    async fn complete(
        &self,
        params: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        if self.on {
            return of_json(
                json!({"resultType": "complete", "completion": {"values": [], "total": 0, "hasMore": false}}),
            );
        }
        self.server.complete(params, context).await
    }

    async fn set_level(
        &self,
        params: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // Removed with 2026-07-28, whose requests carry the level themselves.
        if self.on && context.meta.protocol_version().is_none() {
            return Ok(());
        }
        self.server.set_level(params, context).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.server.on_custom_request(request, context).await
    }
}
