//! Results that ask the client for input first.
//!
//! Source: MCP 2026-07-28, multi round-trip requests.

use std::sync::LazyLock;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock,
    ErrorData, InputRequiredResult, InputResponses,
};
use serde_json::{Map, Value, json};

use super::of_json;

/// A secret that nobody outside can guess, so that a state that was not given out is known.
static SECRET: LazyLock<String> = LazyLock::new(|| protocol::OrchestrationUuid::new().to_string());

/// A request for a form with one field.
pub(super) fn form(message: &str, field: &str, kind: &str) -> Value {
    let schema =
        json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}})
}

fn sampling(text: &str, most_tokens: u32) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": text}});
    json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": most_tokens}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

/// A result that asks for `requests`.
pub(super) fn required(requests: &[(&str, Value)], state: Option<String>) -> Value {
    let requests: Map<String, Value> = requests
        .iter()
        .map(|(name, request)| ((*name).to_owned(), request.clone()))
        .collect();
    let mut result = json!({"resultType": "input_required", "inputRequests": requests});
    if let Some(state) = state {
        result["requestState"] = Value::String(state);
    }
    result
}

/// The answer called `name`, when it is one of the right shape.
pub(super) fn accepted(answers: Option<&InputResponses>, name: &str) -> Option<Value> {
    answers?
        .get(name)
        .filter(|answer| answer.is_object())
        .cloned()
}

fn state(step: u8) -> String {
    format!("{step}.{}", *SECRET)
}

/// Calls one of the tools that ask for input.
pub(super) fn call(
    params: &CallToolRequestParams,
    capabilities: &ClientCapabilities,
) -> Result<CallToolResponse, ErrorData> {
    let answers = params.input_responses.as_ref();
    let step = match params.request_state.as_deref() {
        None => 0,
        Some(given) => (1..=2)
            .find(|step| state(*step) == given)
            .ok_or_else(|| ErrorData::invalid_params("requestState was tampered with", None))?,
    };
    let (asked, next) = questions(&params.name, step, capabilities);
    let answered = answers.is_some()
        && step == next.unwrap_or(0)
        && asked
            .iter()
            .all(|(name, _)| accepted(answers, name).is_some());
    if !answered {
        let wanted: InputRequiredResult = of_json(required(&asked, next.map(state)))?;
        return Ok(CallToolResponse::InputRequired(wanted));
    }
    let told = format!("state-ok, answers: {}", json!(answers));
    Ok(CallToolResult::success(vec![ContentBlock::text(told)]).into())
}

/// The questions that a tool asks at a step, and the step that the answers lead to.
fn questions(
    tool: &str,
    step: u8,
    capabilities: &ClientCapabilities,
) -> (Vec<(&'static str, Value)>, Option<u8>) {
    let name = || ("user_name", form("What is your name?", "name", "string"));
    let greeting = || ("greeting", sampling("Generate a greeting", 50));
    let of = |key: &'static str, message: &str, field: &str, kind: &str| {
        vec![(key, form(message, field, kind))]
    };
    match tool.trim_start_matches("test_input_required_result_") {
        "elicitation" => (vec![name()], None),
        "sampling" => {
            let capital = sampling("What is the capital of France?", 100);
            (vec![("capital_question", capital)], None)
        }
        "list_roots" => (vec![("client_roots", roots())], None),
        "multiple_inputs" => {
            let all = vec![name(), greeting(), ("client_roots", roots())];
            (all, Some(1))
        }
        "multi_round" if step == 0 => {
            let first = of("step1", "Step 1: What is your name?", "name", "string");
            (first, Some(1))
        }
        "multi_round" => {
            let message = "Step 2: What is your favorite color?";
            (of("step2", message, "color", "string"), Some(2))
        }
        "capabilities" => {
            let sampled = capabilities.sampling.as_ref().map(|_| greeting());
            let elicited = capabilities.elicitation.as_ref().map(|_| name());
            (sampled.into_iter().chain(elicited).collect(), None)
        }
        _ => (of("confirm", "Please confirm", "ok", "boolean"), Some(1)),
    }
}
