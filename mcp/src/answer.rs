//! What a tool gives back, and how it and its errors look to a client.

use protocol::Error;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, Task};
use serde_json::{Value, json};

/// A tool's result: one object, and what is shown of it as text.
pub(crate) struct Answer {
    structured: Value,
    /// Plain text instead of the object's JSON; empty parts are left out.
    plain: Option<Vec<String>>,
    /// Not done yet: the client asks for this task.
    task: Option<Task>,
}

impl Answer {
    /// An object; its text is its JSON.
    pub(crate) fn object(structured: Value) -> Self {
        Self {
            structured,
            plain: None,
            task: None,
        }
    }

    /// An object that holds screen text, which is shown as it is, with a status line after it.
    pub(crate) fn screen(structured: Value, text: &str, status: String) -> Self {
        Self {
            structured,
            plain: Some(vec![text.to_owned(), status]),
            task: None,
        }
    }

    /// An object with text parts of its own.
    pub(crate) fn with_parts(structured: Value, parts: Vec<String>) -> Self {
        Self {
            structured,
            plain: Some(parts),
            task: None,
        }
    }

    /// A task to be asked for, instead of an object.
    pub(crate) fn task(task: Task) -> Self {
        Self {
            structured: Value::Null,
            plain: None,
            task: Some(task),
        }
    }

    /// The response to the call as MCP has it.
    pub(crate) fn into_response(mut self) -> CallToolResponse {
        match self.task.take() {
            Some(task) => CallToolResponse::Task(CreateTaskResult::new(task)),
            None => self.into_result().into(),
        }
    }

    /// The result as MCP has it.
    pub(crate) fn into_result(self) -> CallToolResult {
        let Some(parts) = self.plain else {
            return CallToolResult::structured(self.structured);
        };
        // Models' providers refuse empty text blocks.
        let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
        let mut result = CallToolResult::success(parts.map(ContentBlock::text).collect());
        result.structured_content = Some(self.structured);
        result
    }
}

/// An error that the caller can act on, as MCP has it.
pub(crate) fn refusal(error: &Error) -> CallToolResult {
    let text = format!("{}: {error}", error.code);
    let mut fields = json!({"code": error.code.as_str(), "message": error.message});
    if !error.hint.is_empty() {
        fields["hint"] = error.hint.as_str().into();
    }
    if !error.candidates.is_empty() {
        fields["candidates"] = error.candidates.clone().into();
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({"error": fields}));
    result
}

#[cfg(test)]
mod tests;
