//! The daemon's replies as the objects that tools give back.

use protocol::reply::{
    CommandResult, ExitStatus, Killed, Orchestration, OrchestrationKind, PaneCreated, PaneEnd,
    PaneInfo, PaneStatus, SessionInfo, TreeNode, Usage, WindowInfo, signal_name,
};
use serde_json::{Map, Value, json};

use crate::route::Place;

/// An object's fields.
pub(crate) type Fields = Map<String, Value>;

/// The fields of a `json!` object.
///
/// # Panics
/// When it is another value, which the call's own text shows.
pub(crate) fn fields(value: Value) -> Fields {
    let Value::Object(fields) = value else {
        unreachable!("only objects are given");
    };
    fields
}

/// Takes out what is absent, so that an object says only what is known.
pub(crate) fn present(value: Value) -> Fields {
    let mut fields = fields(value);
    fields.retain(|_, value| !value.is_null());
    fields
}

/// `status` in one word, with the exit code, signal or reason that go with it.
pub(crate) fn status(status: &PaneStatus) -> Fields {
    let mut fields = match &status.exit {
        None => fields(json!({"status": "running"})),
        Some(ExitStatus::Exited { code }) => fields(json!({"status": "exited", "exit_code": code})),
        Some(ExitStatus::Signaled {
            signal,
            core_dumped,
        }) => {
            let mut fields = fields(json!({
                "status": "signaled", "signal": signal, "signal_name": signal_name(*signal),
            }));
            if *core_dumped {
                fields.insert("core_dumped".to_owned(), true.into());
            }
            fields
        }
        Some(ExitStatus::OutOfMemory { memory_max }) => present(json!({
            "status": "out_of_memory", "memory_max": memory_max, "signal": 9, "signal_name": "SIGKILL",
        })),
        Some(ExitStatus::SpawnFailed { reason }) => {
            fields(json!({"status": "spawn_failed", "reason": reason}))
        }
        Some(ExitStatus::Lost { reason }) => fields(json!({"status": "lost", "reason": reason})),
    };
    if let Some(unreachable) = &status.unreachable {
        fields = self::fields(json!({
            "status": "unreachable",
            "reason": unreachable.reason,
            "since_ms": unreachable.since_ms,
            "program": if unreachable.program_lives { "lives" } else { "unknown" },
        }));
    }
    fields.insert("duration_ms".to_owned(), status.duration_ms.into());
    fields.extend(used(status.usage));
    if let Some(state) = &status.state {
        fields.insert("state".to_owned(), json!(state));
    }
    if status.restarting {
        fields.insert("restarting".to_owned(), true.into());
    }
    if status.restarts > 0 {
        fields.insert("restarts".to_owned(), status.restarts.into());
    }
    fields
}

/// The same for a status line.
pub(crate) fn status_words(status: &PaneStatus) -> String {
    let words = match (&status.unreachable, &status.exit) {
        (Some(unreachable), _) => unreachable.to_string(),
        (None, None) => match &status.state {
            Some(state) => format!("running, {state}"),
            None => "running".to_owned(),
        },
        (None, Some(exit)) => exit.to_string(),
    };
    if status.restarting {
        format!("{words}, restarting")
    } else {
        words
    }
}

/// A session in a list.
pub(crate) fn session(place: &Place, info: &SessionInfo) -> Value {
    let fields = present(json!({
        "session_id": place.id(info.session_id),
        "number": info.number.map(|number| place.id(number)),
        "name": info.name.as_str(),
        "windows": info.windows,
        "panes": info.panes,
        "attached_clients": info.attached_clients,
        "active": info.active,
        "created_at_ms": info.created_at_ms,
        "last_activity_at_ms": info.last_activity_at_ms,
        "rows": info.size.rows,
        "cols": info.size.cols,
        "tags": info.tags,
    }));
    Value::Object(fields)
}

/// A window.
pub(crate) fn window(place: &Place, info: &WindowInfo) -> Fields {
    let panes: Vec<String> = info.panes.iter().map(|id| place.id(id)).collect();
    present(json!({
        "window_id": place.id(info.window_id),
        "number": info.number.map(|number| place.id(number)),
        "name": info.name.as_str(),
        "index": info.index,
        "focused": info.focused,
        "focused_pane_id": place.id(info.focused_pane),
        "pane_ids": panes,
        "layout": info.layout,
        "rows": info.size.rows,
        "cols": info.size.cols,
    }))
}

/// A pane in a list.
pub(crate) fn pane(place: &Place, info: &PaneInfo) -> Fields {
    let mut fields = present(json!({
        "pane_id": place.id(info.pane_id),
        "number": info.number.map(|number| place.id(number)),
        "name": info.name.as_ref().map(protocol::Name::as_str),
        "session_id": place.id(info.session_id),
        "session_name": info.session_name.as_str(),
        "window_id": place.id(info.window_id),
        "index": info.index,
        "pid": info.pid,
        "command": info.command,
        "cwd": info.cwd,
        "cwd_raw": info.cwd_raw,
        "rows": info.size.rows,
        "cols": info.size.cols,
        "title": info.title,
        "focused": info.focused,
        "idle_ms": info.idle_ms,
        "output_idle_ms": info.output_idle_ms,
        "alternate": info.alternate.then_some(true),
        "progress": (!info.progress.is_none()).then_some(info.progress),
        "notification": info.notification,
        "mirror_of": info.mirror_of.map(|id| place.id(id)),
    }));
    fields.extend(present(json!(info.settings)));
    fields.extend(status(&info.status));
    fields
}

/// A new pane.
pub(crate) fn created(place: &Place, made: &PaneCreated) -> Value {
    let fields = present(json!({
        "session_context": place.context(&made.context),
        "window_id": place.id(made.window_id),
        "pane_id": place.id(made.pane_id),
        "number": made.number.map(|number| place.id(number)),
        "pid": made.pid,
        "cursor": made.cursor,
    }));
    Value::Object(fields)
}

/// The panes that were ended.
pub(crate) fn killed(place: &Place, killed: &Killed) -> Value {
    let end = |end: &PaneEnd| {
        let mut fields = present(json!({
            "pane_id": place.id(end.pane_id),
            "name": end.name.as_ref().map(protocol::Name::as_str),
            "command": end.command,
        }));
        fields.extend(status(&end.status));
        if !end.survivors.is_empty() {
            fields.insert("survivors".to_owned(), end.survivors.clone().into());
        }
        fields
    };
    json!({
        "session_context": place.context(&killed.context),
        "session_ended": killed.session_ended,
        "panes": killed.panes.iter().map(end).collect::<Vec<_>>(),
    })
}

fn command(place: &Place, result: &CommandResult) -> Fields {
    let mut fields = present(json!({
        "name": result.name,
        "command": result.command,
        "status": result.told(),
        "exit_code": result.exit_code,
        "signal": result.signal,
        "signal_name": result.signal.map(signal_name),
        "pane_id": result.pane_id.map(|id| place.id(id)),
        "duration_ms": result.duration_ms,
        "output": result.output,
        "truncated": (result.omitted_bytes > 0).then_some(true),
        "omitted_bytes": (result.omitted_bytes > 0).then_some(result.omitted_bytes),
        "stderr": result.stderr,
        "stderr_omitted_bytes": (result.stderr_omitted_bytes > 0).then_some(result.stderr_omitted_bytes),
        "idle_ms": result.idle_ms,
        "waits_for_keys": result.idle_ms.map(|_| result.waits_for_keys),
        "error": result.error,
    }));
    fields.extend(used(result.usage));
    fields
}

/// The resources that a program has used, where that is known.
fn used(usage: Option<Usage>) -> Fields {
    usage.map_or_else(Fields::default, |usage| fields(json!(usage)))
}

/// The next step to take about a run: wait, type, or read what was left out.
fn next_step(place: &Place, state: &Orchestration) -> Option<String> {
    let id = place.id(state.orchestration_id);
    let waiting = state.commands.iter().find(|command| command.waits_for_keys);
    if let Some((waiting, pane)) = waiting.and_then(|command| Some((command, command.pane_id?))) {
        return Some(format!(
            "{} waits for keys: fugue_send_input pane_id={}, or fugue_cancel_orchestration orchestration_id={id}",
            waiting.name,
            place.id(pane)
        ));
    }
    if !state.status.is_final() {
        return Some(format!(
            "it goes on; fugue_get_orchestration orchestration_id={id} wait=true"
        ));
    }
    let cut = state
        .commands
        .iter()
        .find(|command| command.omitted_bytes > 0)?;
    Some(match cut.pane_id.filter(|_| !state.cleanup) {
        Some(pane) => format!(
            "omitted_bytes are missing at the beginning of an output; the rest is in its pane: fugue_read_pane pane_id={}",
            place.id(pane)
        ),
        None => "omitted_bytes are missing at the beginning of an output and its pane is closed; run with cleanup=false to read all of it, or write it to a file".to_owned(),
    })
}

/// An orchestration in full.
pub(crate) fn orchestration(place: &Place, state: &Orchestration) -> Fields {
    let list = match state.kind {
        OrchestrationKind::Parallel => "commands",
        OrchestrationKind::Pipeline => "steps",
    };
    let id = place.id(state.orchestration_id);
    let mut fields = present(json!({
        "orchestration_id": id,
        "number": state.number.map(|number| place.id(number)),
        "kind": state.kind.to_string(),
        "status": state.status.to_string(),
        "session_context": place.context(&state.context),
        "session_created": state.session_created,
        "cleanup": state.cleanup,
        "failed_at": state.failed_at,
        "pane_id": state.pane_id.map(|id| place.id(id)),
        "started_at_ms": state.started_at_ms,
        "duration_ms": state.duration_ms,
        "left_running": (!state.left_running.is_empty()).then_some(&state.left_running),
        "shell": (!state.shell.is_empty()).then_some(&state.shell),
        "hint": next_step(place, state),
    }));
    let commands: Vec<Fields> = state.commands.iter().map(|c| command(place, c)).collect();
    fields.insert(list.to_owned(), json!(commands));
    fields
}

/// The text parts of an orchestration: its object without the outputs, then each output as it is.
pub(crate) fn orchestration_parts(place: &Place, state: &Orchestration) -> Vec<String> {
    let mut silent = state.clone();
    let mut outputs = Vec::new();
    for command in &mut silent.commands {
        if let Some(output) = command.output.take() {
            let text = match output.trim_end() {
                "" if command.omitted_bytes > 0 => "its output had left the scrollback",
                "" => "no output",
                text => text,
            };
            let (name, outcome) = (&command.name, outcome(command));
            outputs.push(format!("--- {name} ({outcome}) ---\n{text}"));
        }
        if let Some(stderr) = command.stderr.take().filter(|text| !text.is_empty()) {
            outputs.push(format!(
                "--- {} stderr ---\n{}",
                command.name,
                stderr.trim_end()
            ));
        }
    }
    let mut parts = vec![Value::Object(orchestration(place, &silent)).to_string()];
    parts.append(&mut outputs);
    parts
}

fn outcome(result: &CommandResult) -> String {
    match (result.exit_code, result.signal) {
        (Some(code), _) => format!("{}, exit {code}", result.told()),
        (None, Some(signal)) => format!("{}, {}", result.told(), signal_name(signal)),
        (None, None) => result.told(),
    }
}

/// `text` without the blank rows below the last line that says something.
pub(crate) fn without_blank_end(text: &str) -> &str {
    let end = text.trim_end();
    // Trailing blanks of the last line are kept: they may be a prompt's.
    let rest = &text[end.len()..];
    let line_end = rest.find('\n').unwrap_or(rest.len());
    &text[..end.len() + line_end]
}

/// The actor tree as indented lines.
pub(crate) fn tree_text(node: &TreeNode) -> String {
    let mut text = String::new();
    tree_lines(node, 0, &mut text);
    text
}

fn tree_lines(node: &TreeNode, depth: usize, text: &mut String) {
    use std::fmt::Write as _;
    // Indices of the tree deeper than this are not made by the daemon.
    const DEEPEST: usize = 32;
    let details: Vec<String> = node
        .details
        .iter()
        .map(|(name, value)| format!("{name}={}", on_one_line(value)))
        .collect();
    let restarts = if node.restarts_total > 0 {
        format!(" restarts={}", node.restarts_total)
    } else {
        String::new()
    };
    let last = node
        .exits
        .first()
        .map(|exit| format!(" last_exit=\"{}\" {} ms ago", exit.reason, exit.age_ms))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{:indent$}{} [{}] {} mailbox={}{restarts}{last} {}",
        "",
        node.id,
        node.kind,
        node.status,
        node.mailbox,
        details.join(" "),
        indent = depth * 2,
    );
    if depth < DEEPEST {
        for child in &node.children {
            tree_lines(child, depth + 1, text);
        }
    }
}

/// The beginning of `text` without line breaks.
fn on_one_line(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
