//! Layouts in the JSON of `fugue_create_layout`, for whoever else reads and writes them.

use protocol::request::{LayoutNode, PaneSpec, Program};
use protocol::{Error, Name};
use serde_json::{Map, Value, json};

use crate::tools::layout_arguments;

/// Decimal places of a ratio.
const PLACES: f64 = 10_000.0;

/// A layout that is to be made.
#[derive(Debug)]
pub struct WantedLayout {
    /// The panes and their places.
    pub layout: LayoutNode,
    /// The name of a new window.
    pub name: Option<Name>,
    /// Its first pane becomes the focused one.
    pub select: bool,
}

/// Reads a layout, or the arguments of `fugue_create_layout` without a target: `layout`, `name` and `select`. Directories are made
/// absolute by `absolute`.
///
/// # Errors
/// `invalid_argument` naming what is wrong and what is valid.
pub fn layout_from_json(
    value: Value,
    absolute: &dyn Fn(&str) -> String,
) -> Result<WantedLayout, Error> {
    let Value::Object(mut given) = value else {
        return Err(Error::invalid("the layout is no JSON object")
            .hint("give {\"pane\": {…}} or {\"direction\": \"right\", \"splits\": [{\"layout\": {…}}, …]}"));
    };
    if !given.contains_key("layout") {
        given = Map::from_iter([("layout".to_owned(), Value::Object(given))]);
    }
    let known = ["layout", "name", "select"];
    if let Some(other) = given.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(
            Error::invalid(format!("a layout has no {}", protocol::name::shown(other)))
                .candidates(known.map(str::to_owned)),
        );
    }
    layout_arguments(given, absolute)
}

/// A layout as [`layout_from_json`] reads it.
#[must_use]
pub fn layout_to_json(layout: &LayoutNode) -> Value {
    match layout {
        LayoutNode::Pane(pane) => json!({ "pane": pane_to_json(pane) }),
        LayoutNode::Split(split) => {
            let part = |part: &protocol::request::LayoutPart| {
                let mut fields = json!({ "layout": layout_to_json(&part.layout) });
                if let Some(ratio) = part.ratio {
                    fields["ratio"] = json!((ratio * PLACES).round().max(1.0) / PLACES);
                }
                fields
            };
            let splits: Vec<_> = split.splits.iter().map(part).collect();
            json!({ "direction": split.direction, "splits": splits })
        }
    }
}

fn pane_to_json(pane: &PaneSpec) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    if let Some(name) = &pane.name {
        put("name", json!(name));
    }
    match &pane.program {
        Program::LoginShell => {}
        Program::ShellLine { line, shell: None } => {
            put("command", json!(line));
        }
        Program::ShellLine {
            line,
            shell: Some(shell),
        } => {
            put("command", json!(shell));
            put("args", json!(["-c", line]));
        }
        Program::Argv(argv) => {
            let (program, args) = argv.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
            put("command", json!(program));
            put("args", json!(args));
        }
    }
    let has_command = !matches!(pane.program, Program::LoginShell);
    if let Some(cwd) = &pane.cwd {
        put("cwd", json!(cwd));
    }
    if !pane.env.is_empty() {
        put("env", json!(pane.env));
    }
    let settings = &pane.settings;
    if settings.restart != Default::default() {
        put("restart", json!(settings.restart));
    }
    if settings.remain_on_exit != has_command {
        put("remain_on_exit", json!(settings.remain_on_exit));
    }
    if let Some(bytes) = settings.memory_max {
        put("memory_max", json!(bytes));
    }
    if settings.title_locked {
        put("title_locked", json!(true));
    }
    if pane.stop != Default::default() {
        put("stop", json!(pane.stop));
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests;
