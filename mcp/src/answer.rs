//! The answer of a tool, and the form in which a client sees it and its errors.

use protocol::Error;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, Task};
use serde_json::{Value, json};

/// The halves of an answer that a client is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Halves {
    /// The object and its text: a program that is not known may show its model either of them alone.
    #[default]
    Both,
    /// The text alone. Every program that hands answers to a model shows it where there is no object, and none then gets the
    /// same twice.
    Text,
}

/// The beginnings of the names by which programs that hand answers to a model introduce themselves.
const AGENTS: [&str; 16] = [
    "amp", "claude", "cline", "codex", "continue", "copilot", "crush", "cursor", "gemini", "goose",
    "kimi", "opencode", "roo", "visual", "windsurf", "zed",
];

impl Halves {
    /// The result without what the client is not sent.
    pub(crate) fn of_result(self, mut result: CallToolResult) -> CallToolResult {
        if self == Self::Text {
            result.structured_content = None;
        }
        result
    }

    /// The halves that a client of this name is sent.
    pub(crate) fn of(client: Option<&str>) -> Self {
        let name = client.unwrap_or_default().to_ascii_lowercase();
        match AGENTS.iter().any(|agent| name.starts_with(agent)) {
            true => Self::Text,
            false => Self::Both,
        }
    }
}

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

    /// The same with one more field.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        if let Value::Object(fields) = &mut self.structured {
            fields.insert(name.to_owned(), value);
        }
        self
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
    pub(crate) fn into_response(mut self, halves: Halves) -> CallToolResponse {
        match self.task.take() {
            Some(task) => CallToolResponse::Task(CreateTaskResult::new(task)),
            None => self.into_result(halves).into(),
        }
    }

    /// The result as MCP has it.
    pub(crate) fn into_result(self, halves: Halves) -> CallToolResult {
        halves.of_result(self.into_both())
    }

    fn into_both(self) -> CallToolResult {
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
    let error = &error.clone().for_agents();
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
