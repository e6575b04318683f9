//! Filling a window at once: whole layouts, and mirrors of panes.

use protocol::reply::LayoutPane;
use protocol::request::{LayoutNode, LayoutPart, LayoutSplit};
use protocol::{Direction, Error, Name, request};
use rmcp::model::JsonObject;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pane::ProgramParams;
use super::{Hints, Tool};
use crate::answer::Answer;
use crate::arguments;
use crate::call::Call;
use crate::layouts::WantedLayout;
use crate::route::{Place, QUICK, SLOW};
use crate::schema;

/// Use to open several programs side by side in one window in one call; if one cannot be started, none is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateLayout {
    session: Option<String>,
    /// Into its right half; absent: a new window
    window: Option<String>,
    /// Of the new window
    name: Option<String>,
    #[schemars(schema_with = "layout_schema")]
    layout: NodeParams,
    #[serde(default)]
    select: bool,
    idempotency_key: Option<String>,
    server: Option<String>,
}

/// Either one pane or a split.
#[derive(Deserialize)]
struct NodeParams {
    pane: Option<Box<PaneParams>>,
    direction: Option<Direction>,
    splits: Option<Vec<PartParams>>,
}

#[derive(Deserialize)]
struct PartParams {
    ratio: Option<f64>,
    layout: NodeParams,
}

/// One pane of a layout.
#[derive(Deserialize, JsonSchema)]
struct PaneParams {
    name: Option<String>,
    #[serde(flatten)]
    program: ProgramParams,
}

/// A node within nodes, as deep as they may be; clients are shown the outermost.
fn layout_schema(generator: &mut SchemaGenerator) -> Schema {
    let pane = generator.subschema_for::<PaneParams>().to_value();
    let mut node = json!({"type": "object"});
    for depth in (0..LayoutNode::DEEPEST).rev() {
        let again = if depth == 0 {
            Value::Null
        } else {
            "As layout: pane, or direction and splits".into()
        };
        node = json!({
            "type": "object",
            "properties": {
                "pane": pane,
                "direction": {"type": "string", "enum": ["right", "down"]},
                "splits": {
                    "type": "array", "minItems": 1, "maxItems": LayoutNode::MOST_PANES,
                    "items": {
                        "type": "object",
                        "properties": {"ratio": {"type": "number"}, "layout": node},
                        "required": ["layout"],
                    },
                },
            },
            schema::AGAIN: again,
        });
    }
    let Value::Object(map) = node else {
        unreachable!("it was made as an object");
    };
    let mut map = map;
    map.remove(schema::AGAIN);
    Schema::from(map)
}

impl NodeParams {
    /// The node that these describe, `path` being where it is.
    fn into_node(self, absolute: &dyn Fn(&str) -> String, path: &str) -> Result<LayoutNode, Error> {
        match (self.pane, self.splits) {
            (Some(pane), None) if self.direction.is_none() => {
                let spec = pane.program.into_spec_with(absolute, pane.name.as_deref());
                let spec = spec.map_err(|mut error| {
                    error.message = format!("{path}.pane: {}", error.message);
                    error
                })?;
                Ok(LayoutNode::Pane(Box::new(spec)))
            }
            (None, Some(splits)) => {
                let mut parts = Vec::with_capacity(splits.len());
                for (index, part) in splits.into_iter().enumerate() {
                    let path = format!("{path}.splits[{index}].layout");
                    parts.push(LayoutPart {
                        ratio: part.ratio,
                        layout: part.layout.into_node(absolute, &path)?,
                    });
                }
                Ok(LayoutNode::Split(LayoutSplit {
                    direction: self.direction.unwrap_or_default(),
                    splits: parts,
                }))
            }
            (Some(_), _) => Err(Error::invalid(format!(
                "{path} has a pane together with splits or direction"
            ))
            .hint("a layout is either one pane, or splits with a direction")),
            (None, None) => Err(Error::invalid(format!(
                "{path} has neither a pane nor splits"
            ))
            .hint(format!(
                "give {path}.pane = {{}} for a shell, or {path}.splits, a list of {{ratio, layout}}"
            ))),
        }
    }
}

impl Tool for CreateLayout {
    const NAME: &'static str = "fugue_create_layout";
    const CORE: bool = false;
    const HINTS: Hints = Hints::EXECUTE;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let (place, session, window) = call.session_and_window(
            self.server.as_deref(),
            self.session.as_deref(),
            self.window.as_deref(),
        )?;
        let params = request::CreateLayout {
            session,
            window,
            name: self.name.as_deref().map(Name::new).transpose()?,
            layout: self.layout.into_node(&|cwd| call.absolute(cwd), "layout")?,
            select: self.select,
        };
        let made = place.act(&params, self.idempotency_key, SLOW).await?;
        let panes: Vec<_> = made.panes.iter().map(|pane| placed(&place, pane)).collect();
        Ok(Answer::object(json!({
            "session_context": place.context(&made.context),
            "window_id": place.id(made.window_id),
            "panes": panes,
        })))
    }
}

/// The layout that these arguments describe, with directories made absolute by `absolute`.
///
/// # Errors
/// `invalid_argument` saying what to give instead.
pub(crate) fn arguments(
    mut given: JsonObject,
    absolute: &dyn Fn(&str) -> String,
) -> Result<WantedLayout, Error> {
    let (_, rules) = schema::describe::<CreateLayout>();
    arguments::check("the layout", &rules, &mut given)?;
    let params: CreateLayout = serde_json::from_value(Value::Object(given))
        .map_err(|error| Error::invalid(format!("the layout: {error}")))?;
    Ok(WantedLayout {
        name: params.name.as_deref().map(Name::new).transpose()?,
        layout: params.layout.into_node(absolute, "layout")?,
        select: params.select,
    })
}

fn placed(place: &Place, pane: &LayoutPane) -> Value {
    let mut fields = json!({
        "pane_id": place.id(pane.pane_id),
        "pid": pane.pid,
        "row": pane.row,
        "col": pane.col,
        "rows": pane.size.rows,
        "cols": pane.size.cols,
        "cursor": pane.cursor,
    });
    if let Some(name) = &pane.name {
        fields["name"] = name.as_str().into();
    }
    fields
}

/// Use to show a pane in a second place too, read-only: another session or window, or a window of its own. Closing a mirror ends no program.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct MirrorPane {
    pane_id: String,
    /// Where it is put
    session: Option<String>,
    window: Option<String>,
    #[serde(default)]
    new_window: bool,
    #[schemars(schema_with = "schema::direction")]
    #[serde(default)]
    direction: Direction,
    ratio: Option<f64>,
    name: Option<String>,
    #[serde(default)]
    select: bool,
    idempotency_key: Option<String>,
    server: Option<String>,
}

impl Tool for MirrorPane {
    const NAME: &'static str = "fugue_mirror_pane";
    const CORE: bool = false;
    const HINTS: Hints = Hints::ADD;

    async fn run(self, call: Call) -> Result<Answer, Error> {
        let given = [
            ("pane_id", Some(self.pane_id.as_str())),
            ("session", self.session.as_deref()),
            ("window", self.window.as_deref()),
        ];
        let (place, [pane, session, window]) = call.resolve(self.server.as_deref(), given)?;
        let pane = pane.ok_or_else(|| Error::invalid("pane_id is missing"))?;
        let params = request::MirrorPane {
            pane,
            session,
            window,
            new_window: self.new_window,
            direction: self.direction,
            ratio: self.ratio,
            name: self.name.as_deref().map(Name::new).transpose()?,
            select: self.select,
        };
        let made = place.act(&params, self.idempotency_key, QUICK).await?;
        Ok(Answer::object(json!({
            "session_context": place.context(&made.context),
            "window_id": place.id(made.window_id),
            "pane_id": place.id(made.pane_id),
            "mirror_of": place.id(made.mirror_of),
        })))
    }
}

#[cfg(test)]
mod tests;
