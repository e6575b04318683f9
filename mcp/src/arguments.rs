//! Arguments of a call: aliases, and a check against the advertised schema with errors that say what to give instead.

use protocol::Error;
use rmcp::model::JsonObject;
use serde_json::{Map, Value};

use self::spelling::nearest;

mod reading;
pub(crate) mod spelling;

/// Other names under which an argument is taken, for callers that think in ids.
const ALIASES: [(&str, &str); 3] = [
    ("session_id", "session"),
    ("window_id", "window"),
    ("pane", "pane_id"),
];

/// Brings `arguments` into the shape of `schema`, in which every tool can read them.
///
/// # Errors
/// `invalid_argument` naming the argument, what is wrong with it and what is valid.
pub(crate) fn check(
    tool: &str,
    schema: &JsonObject,
    arguments: &mut JsonObject,
) -> Result<(), Error> {
    apply_aliases(tool, schema, arguments)?;
    object(&Path::Root(tool), schema, arguments)
}

fn apply_aliases(tool: &str, schema: &JsonObject, arguments: &mut JsonObject) -> Result<(), Error> {
    let properties = properties(schema);
    for (alias, name) in ALIASES {
        if properties.contains_key(alias) || !properties.contains_key(name) {
            continue;
        }
        let Some(value) = arguments.remove(alias).filter(|value| !value.is_null()) else {
            continue;
        };
        match arguments.get(name).filter(|given| !given.is_null()) {
            Some(given) if *given != value => {
                return Err(Error::invalid(format!(
                    "{tool} was given {name} = {given} and its alias {alias} = {value}"
                ))
                .hint(format!("give {name} alone")));
            }
            Some(_) | None => {
                arguments.insert(name.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// The path of a value in the arguments.
enum Path<'a> {
    Root(&'a str),
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(tool) => f.write_str(tool),
            Self::Field(Self::Root(_), name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn properties(schema: &JsonObject) -> &JsonObject {
    static NONE: std::sync::LazyLock<JsonObject> = std::sync::LazyLock::new(Map::new);
    schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&NONE)
}

fn object(path: &Path<'_>, schema: &JsonObject, given: &mut JsonObject) -> Result<(), Error> {
    let known = properties(schema);
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if schema.contains_key("properties") {
        refuse_unknown(path, known, &required, given)?;
        // An optional argument given as null is one that is left out.
        given.retain(|_, value| !value.is_null());
    }
    if let Some(missing) = required.iter().find(|name| !given.contains_key(**name)) {
        let what = known
            .get(*missing)
            .and_then(|schema| schema.get("description"))
            .and_then(Value::as_str)
            .map_or_else(String::new, |text| format!(": {text}"));
        return Err(Error::invalid(format!("{path} needs {missing}"))
            .hint(format!("give {missing}{what}"))
            .candidates(required.iter().map(ToString::to_string)));
    }
    let values = schema
        .get("additionalProperties")
        .and_then(Value::as_object);
    for (name, value) in given.iter_mut() {
        let declared = known.get(name).and_then(Value::as_object).or(values);
        if let Some(declared) = declared {
            check_value(&Path::Field(path, name), declared, value)?;
        }
    }
    Ok(())
}

fn refuse_unknown(
    path: &Path<'_>,
    known: &JsonObject,
    required: &[&str],
    given: &JsonObject,
) -> Result<(), Error> {
    let unknown: Vec<&String> = given
        .keys()
        .filter(|name| !known.contains_key(*name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let free: Vec<&str> = known
        .keys()
        .map(String::as_str)
        .filter(|name| !given.contains_key(*name))
        .collect();
    let quoted: Vec<String> = unknown
        .iter()
        .map(|name| protocol::name::shown(name))
        .collect();
    let meant: Vec<String> = unknown
        .iter()
        .filter_map(|name| Some((name, nearest(name, &free, required)?)))
        .map(|(name, right)| format!("{right} instead of {}", protocol::name::shown(name)))
        .collect();
    let hint = match (meant.is_empty(), known.is_empty()) {
        (false, _) => format!("use {}; nothing was done", meant.join(", ")),
        (true, true) => format!("{path} takes no arguments; nothing was done"),
        (true, false) => "use the arguments listed; nothing was done".to_owned(),
    };
    let plural = if unknown.len() == 1 { "" } else { "s" };
    Err(Error::invalid(format!(
        "{path} has no argument{plural} {}",
        quoted.join(", ")
    ))
    .hint(hint)
    .candidates(known.keys().cloned()))
}

fn check_value(path: &Path<'_>, schema: &JsonObject, value: &mut Value) -> Result<(), Error> {
    let wanted = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let Some(read) = reading::read(schema, wanted, value) {
        *value = read;
    }
    match (wanted, &mut *value) {
        ("string", Value::String(text)) => one_of(path, schema, text),
        ("boolean", Value::Bool(_)) => Ok(()),
        ("integer", number @ Value::Number(_)) => {
            whole(path, number)?;
            in_range(path, schema, number)?;
            match number.is_i64() || number.is_u64() {
                true => Ok(()),
                // One without an upper bound of its own.
                false => Err(out_of_range(path, number, "at most 9007199254740992")),
            }
        }
        ("number", number @ Value::Number(_)) => in_range(path, schema, number),
        ("array", Value::Array(items)) => array(path, schema, items),
        ("object", Value::Object(fields)) => object(path, schema, fields),
        _ => Err(wrong_type(path, schema, wanted, value)),
    }
}

fn one_of(path: &Path<'_>, schema: &JsonObject, text: &str) -> Result<(), Error> {
    let Some(Value::Array(choices)) = schema.get("enum") else {
        return Ok(());
    };
    let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    if choices.contains(&text) {
        return Ok(());
    }
    let hint = match nearest(text, &choices, &[]) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "use one of those listed".to_owned(),
    };
    Err(
        Error::invalid(format!("{path} cannot be {}", protocol::name::shown(text)))
            .hint(hint)
            .candidates(choices.iter().map(ToString::to_string)),
    )
}

/// Turns `50.0`, which JSON does not tell from `50`, into an integer.
fn whole(path: &Path<'_>, number: &mut Value) -> Result<(), Error> {
    if number.is_i64() || number.is_u64() {
        return Ok(());
    }
    // 2^53: beyond it a float no longer names one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().unwrap_or(f64::NAN);
    if float.fract() == 0.0 && float.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        let exact = float as i64;
        *number = exact.into();
        return Ok(());
    }
    // A huge float is out of range rather than no integer; the range check says so.
    if float.fract() == 0.0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{path} must be a whole number, not {number}"
    )))
}

fn in_range(path: &Path<'_>, schema: &JsonObject, number: &Value) -> Result<(), Error> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let (least, most) = (bound("minimum"), bound("maximum"));
    let value = number.as_f64().unwrap_or(f64::NAN);
    let fits = least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most);
    if fits && !value.is_nan() {
        return Ok(());
    }
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "a number".to_owned(),
    };
    Err(out_of_range(path, number, &range))
}

fn out_of_range(path: &Path<'_>, number: &Value, range: &str) -> Error {
    Error::invalid(format!("{path} is {number}, which is out of range"))
        .hint(format!("{path} is {range}; omit it for the default"))
}

fn array(path: &Path<'_>, schema: &JsonObject, items: &mut [Value]) -> Result<(), Error> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    let count = items.len() as u64;
    if bound("minItems").is_some_and(|least| count < least) {
        return Err(Error::invalid(format!("{path} is empty")).hint("give at least one"));
    }
    if let Some(most) = bound("maxItems").filter(|most| count > *most) {
        return Err(Error::invalid(format!("{path} has {count} items"))
            .hint(format!("give at most {most} at a time")));
    }
    let Some(inner) = schema.get("items").and_then(Value::as_object) else {
        return Ok(());
    };
    for (index, item) in items.iter_mut().enumerate() {
        check_value(&Path::Item(path, index), inner, item)?;
    }
    Ok(())
}

fn wrong_type(path: &Path<'_>, schema: &JsonObject, wanted: &str, value: &Value) -> Error {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let example = example(schema);
    let article = if wanted.starts_with(['a', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    let null_hint = if value.is_null() {
        ", or leave it out"
    } else {
        ""
    };
    Error::invalid(format!("{path} must be {article} {wanted}, not {is}"))
        .hint(format!("for example {path} = {example}{null_hint}"))
}

/// A value that fits `schema`, for error messages.
fn example(schema: &JsonObject) -> Value {
    let wanted = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let first = schema.get("enum").and_then(|choices| choices.get(0));
    if let Some(value) = schema.get("default").or(first) {
        return value.clone();
    }
    match wanted {
        "boolean" => true.into(),
        "integer" => schema
            .get("minimum")
            .filter(|n| **n != 0)
            .cloned()
            .unwrap_or_else(|| 10.into()),
        "number" => 0.5.into(),
        "array" => {
            let item = schema.get("items").and_then(Value::as_object);
            Value::Array(item.map(example).into_iter().collect())
        }
        "object" => {
            let required = schema.get("required").and_then(Value::as_array);
            let mut fields = Map::new();
            for name in required.into_iter().flatten().filter_map(Value::as_str) {
                let inner = properties(schema).get(name).and_then(Value::as_object);
                fields.insert(name.to_owned(), inner.map_or(Value::Null, example));
            }
            if let Some(values) = schema
                .get("additionalProperties")
                .and_then(Value::as_object)
            {
                fields.insert("NAME".to_owned(), example(values));
            }
            Value::Object(fields)
        }
        _ => "text".into(),
    }
}

#[cfg(test)]
mod tests;
