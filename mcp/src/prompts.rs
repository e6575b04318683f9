//! Prompts: pieces of work that people ask for by name.

use protocol::Error;
use rmcp::model::{
    GetPromptResult, JsonObject, ListPromptsResult, Prompt, PromptArgument, PromptMessage, Role,
};

/// One argument of a prompt.
struct Argument {
    name: &'static str,
    about: &'static str,
    required: bool,
}

/// A prompt with the text it makes of its arguments.
struct PromptEntry {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    arguments: &'static [Argument],
    text: fn(&Given<'_>) -> String,
}

/// The arguments that were given.
struct Given<'a>(Vec<(&'a str, &'a str)>);

impl Given<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    }
}

static ALL: [PromptEntry; 2] = [
    PromptEntry {
        name: "run_checks",
        title: "Run these checks in parallel and report",
        about: "Runs commands side by side with exact exit codes and reports what failed and why.",
        arguments: &[
            Argument {
                name: "commands",
                about: "The commands, one a line",
                required: true,
            },
            Argument {
                name: "cwd",
                about: "Where they run",
                required: false,
            },
        ],
        text: run_checks,
    },
    PromptEntry {
        name: "watch_pane",
        title: "Watch this pane",
        about: "Follows a pane until something appears in it or its program ends, and reports.",
        arguments: &[
            Argument {
                name: "pane_id",
                about: "The pane's id or name",
                required: true,
            },
            Argument {
                name: "watch_for",
                about: "What to look out for; problems and the end of the program when absent",
                required: false,
            },
        ],
        text: watch_pane,
    },
];

fn run_checks(given: &Given<'_>) -> String {
    let commands = given.get("commands").unwrap_or_default();
    let list: Vec<String> = commands
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("- `{line}`"))
        .collect();
    let cwd = given
        .get("cwd")
        .map_or_else(String::new, |cwd| format!(" Set cwd to {cwd}."));
    format!(
        "Run these checks in parallel and report.\n\n{}\n\n\
Use one call of fugue_run_parallel with all of them, each with a short name, and output_lines = 40.{cwd} \
If it returns status running, wait with fugue_get_orchestration, wait = true; do not start them again. \
Then report in a table: name, exit code or signal, duration. For each one that did not exit with 0, quote the lines of \
its output that say why, and name the file and line if there is one. Change nothing.",
        list.join("\n")
    )
}

fn watch_pane(given: &Given<'_>) -> String {
    let pane = given.get("pane_id").unwrap_or_default();
    let wanted = given
        .get("watch_for")
        .unwrap_or("errors, warnings, questions that wait for an answer");
    format!(
        "Watch the pane {pane} and tell me when something happens. Look out for: {wanted}.\n\n\
Read it once with fugue_read_pane to see where it is. Then wait with fugue_expect, with a regular expression for what to \
look out for, since = the cursor of the last answer, and timeout_ms = 300000; it also returns when the program ends. \
After each match read what is new with fugue_read_pane and the same cursor, and decide whether it is worth telling. \
Never poll in a loop and do not type into the pane. Report what appeared, with the lines around it, and how the program ended if it did."
    )
}

/// All prompts.
pub(crate) fn list() -> ListPromptsResult {
    let prompt = |entry: &PromptEntry| {
        let arguments = entry.arguments.iter().map(|argument| {
            PromptArgument::new(argument.name)
                .with_description(argument.about)
                .with_required(argument.required)
        });
        Prompt::new(entry.name, Some(entry.about), Some(arguments.collect()))
            .with_title(entry.title)
    };
    ListPromptsResult::with_all_items(ALL.iter().map(prompt).collect())
}

/// One prompt with its arguments filled in.
///
/// # Errors
/// `invalid_argument` for an unknown prompt or argument, or one that is missing or no string.
pub(crate) fn get(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, Error> {
    let entry = ALL.iter().find(|entry| entry.name == name).ok_or_else(|| {
        Error::invalid(format!(
            "no prompt is called {}",
            protocol::name::shown(name)
        ))
        .candidates(ALL.iter().map(|entry| entry.name.to_owned()))
    })?;
    let known = || entry.arguments.iter().map(|known| known.name.to_owned());
    let mut given = Vec::new();
    for (argument, value) in arguments.into_iter().flatten() {
        let shown = protocol::name::shown(argument);
        if !entry.arguments.iter().any(|known| known.name == argument) {
            return Err(
                Error::invalid(format!("{name} has no argument {shown}")).candidates(known())
            );
        }
        let text = value
            .as_str()
            .ok_or_else(|| Error::invalid(format!("{shown} must be a string")))?;
        given.push((argument.as_str(), text));
    }
    let given = Given(given);
    let blank = |argument: &&Argument| {
        argument.required
            && given
                .get(argument.name)
                .is_none_or(|text| text.trim().is_empty())
    };
    if let Some(missing) = entry.arguments.iter().find(blank) {
        return Err(Error::invalid(format!("{name} needs {}", missing.name))
            .hint(missing.about)
            .candidates(known()));
    }
    let message = PromptMessage::new_text(Role::User, (entry.text)(&given));
    Ok(GetPromptResult::new(vec![message]).with_description(entry.about))
}

#[cfg(test)]
mod tests;
