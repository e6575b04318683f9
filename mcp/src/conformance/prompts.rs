//! The suite's prompts.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResponse, InputRequiredResult, Prompt,
};
use serde_json::{Value, json};

use super::{PNG, input, of_json};

pub(super) fn list() -> Result<Vec<Prompt>, ErrorData> {
    of_json(json!([
        {"name": "test_simple_prompt", "description": "Without arguments."},
        {"name": "test_prompt_with_arguments", "description": "With two arguments.", "arguments": [
            {"name": "arg1", "description": "First.", "required": true},
            {"name": "arg2", "description": "Second.", "required": true},
        ]},
        {"name": "test_prompt_with_embedded_resource", "description": "With a resource.", "arguments": [
            {"name": "resourceUri", "description": "Its URI.", "required": true},
        ]},
        {"name": "test_prompt_with_image", "description": "With an image."},
        {"name": "test_input_required_result_prompt", "description": "Asks for input."},
    ]))
}

pub(super) fn get(params: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let given = params.arguments.as_ref().and_then(|all| all.get(name));
        given.and_then(Value::as_str).ok_or_else(|| {
            ErrorData::invalid_params(format!("the argument {name} is missing"), None)
        })
    };
    let user = |content: Value| json!({"role": "user", "content": content});
    let text = |text: &str| json!({"type": "text", "text": text});
    let messages = match params.name.as_str() {
        "test_simple_prompt" => json!([user(text("This is a simple prompt for testing."))]),
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1")?, argument("arg2")?);
            let told = format!("Prompt with arguments: arg1='{first}', arg2='{second}'");
            json!([user(text(&told))])
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({"uri": argument("resourceUri")?, "mimeType": "text/plain", "text": "Embedded resource content for testing."});
            json!([
                user(json!({"type": "resource", "resource": resource})),
                user(text("Please process the embedded resource above.")),
            ])
        }
        "test_prompt_with_image" => json!([
            user(json!({"type": "image", "data": PNG, "mimeType": "image/png"})),
            user(text("Please analyze the image above.")),
        ]),
        "test_input_required_result_prompt" => {
            let asked = (
                "user_context",
                input::form("What context should the prompt use?", "context", "string"),
            );
            let Some(answer) = input::accepted(params.input_responses.as_ref(), asked.0) else {
                let wanted: InputRequiredResult = of_json(input::required(&[asked], None))?;
                return Ok(GetPromptResponse::InputRequired(wanted));
            };
            json!([user(text(&format!("Use this context: {answer}")))])
        }
        other => {
            return Err(ErrorData::invalid_params(
                format!("there is no prompt {}", protocol::name::shown(other)),
                None,
            ));
        }
    };
    let result =
        json!({"resultType": "complete", "description": "A fixture.", "messages": messages});
    Ok(GetPromptResponse::Complete(of_json(result)?))
}
