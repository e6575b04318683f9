//! One node's line: what it is, how it is, what hangs, what happened to it, what it does.

use protocol::reply::TreeNode;
use unicode_width::UnicodeWidthStr;

use crate::cli::output::printable;
use crate::cli::output::style::{Style, Tone};
use crate::cli::output::table::cut;
use crate::cli::places::Named;
use crate::cli::states;
use crate::cli::units::{COMMAND_CHARS, brief, micros, rough, span};

/// A message that takes no longer is ordinary work.
const BUSY_MS: u64 = 100;

/// A message that has waited so long hangs.
const WAITED_MS: u64 = 1_000;

/// Characters of an id that has no name.
const ID_CHARS: usize = 8;

/// Characters of a command before the state of its pane.
const HEAD_CHARS: usize = 16;

/// A piece of a line.
struct Fact {
    text: String,
    tone: Tone,
}

impl Fact {
    fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: printable(text.into()),
            tone,
        }
    }
}

/// The node's line, cut to the style's width. Colours have none.
pub(super) fn line(lead: &str, node: &TreeNode, names: &Named, style: Style) -> String {
    let mut facts = vec![Fact::new(lead, Tone::Faint)];
    let (head, mut told) = head(node, names, style);
    facts.push(Fact::new(head, Tone::Strong));
    let mut add = |text: String, tone: Tone| {
        facts.push(Fact::new(format!("  {text}"), tone));
    };
    match program(node, names) {
        Some(state) => {
            told.push("program");
            add(state.words, state.tone);
        }
        None => add(
            format!("{} {}", node.status, rough(node.since_ms)),
            status_tone(&node.status),
        ),
    }
    hangs(node, &mut add);
    restarts(node, &mut add);
    told.push("hangs");
    let detail_chars = style.cols.map_or(usize::MAX, |_| COMMAND_CHARS);
    let shown = |(key, value): &&(String, String)| {
        !told.contains(&key.as_str()) && !matches!(value.as_str(), "" | "0" | "false")
    };
    for (key, value) in node.details.iter().filter(shown) {
        add(format!("{key} {}", brief(value, detail_chars)), Tone::Plain);
    }
    if node.handled > 0 {
        let (p50, p99) = (micros(node.handler_p50_us), micros(node.handler_p99_us));
        let text = format!("handled {}  p50 {p50} p99 {p99}", node.handled);
        add(text, Tone::Plain);
    }
    if style.ids && is_id(&node.id) {
        add(node.id.clone(), Tone::Faint);
    }
    fitted(&facts, style)
}

/// The last ids of a path, which say what the node is.
fn noun(node: &TreeNode) -> Option<&'static str> {
    let mut path = node.path.rsplit('/').skip(1);
    match path.next() {
        Some("sessions") => Some("session"),
        Some("panes") => Some("pane"),
        Some("orchestrations") => Some("run"),
        Some("clients") => Some("client"),
        Some(_) | None => None,
    }
}

/// The number of panes in a tree.
pub(super) fn panes(node: &TreeNode) -> usize {
    let below: usize = node.children.iter().map(panes).sum();
    below + usize::from(noun(node) == Some("pane"))
}

/// The node's name, and the keys of the details that are in it.
fn head(node: &TreeNode, names: &Named, style: Style) -> (String, Vec<&'static str>) {
    let id: String = node.id.chars().take(ID_CHARS).collect();
    match noun(node).filter(|_| is_id(&node.id)) {
        Some("pane") => {
            let known = node.id.parse().ok().and_then(|id| names.address(id));
            let known = known.or_else(|| detail(node, "address").map(str::to_owned));
            let mut head = format!("pane {}", known.unwrap_or(id));
            let chars = style.cols.map_or(usize::MAX, |_| HEAD_CHARS);
            for (key, before) in [("command", ""), ("pid", "pid ")] {
                if let Some(value) = detail(node, key) {
                    head.push_str(&format!(" {before}{}", brief(value, chars)));
                }
            }
            (head, vec!["command", "pid", "address", "number"])
        }
        Some("session") => {
            let state = node.children.iter().find(|child| child.id == "state");
            let name = state.and_then(|state| detail(state, "name"));
            (format!("session {}", name.unwrap_or(&id)), Vec::new())
        }
        Some("run") => {
            let session = detail(node, "session");
            let place = session.map_or(id, |session| format!("in {session}"));
            (format!("run {place}"), vec!["session"])
        }
        Some(noun) => {
            let name = detail(node, "name").unwrap_or(&id);
            (format!("{noun} {name}"), vec!["name"])
        }
        // The session's own line has its name already.
        None if node.id == "state" => (node.id.clone(), vec!["name"]),
        None if node.kind == "actor" => (node.id.clone(), Vec::new()),
        None => (format!("{} {}", node.id, node.kind), Vec::new()),
    }
}

fn is_id(text: &str) -> bool {
    text.parse::<protocol::PaneUuid>().is_ok()
}

fn detail<'a>(node: &'a TreeNode, key: &str) -> Option<&'a str> {
    let found = node.details.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value.as_str())
}

/// A pane's program, while its actor is well: it is what people want to know of a pane.
fn program(node: &TreeNode, names: &Named) -> Option<states::State> {
    if noun(node) != Some("pane") || node.status != "running" {
        return None;
    }
    let pane = node.id.parse().ok().and_then(|id| names.pane(id));
    pane.map(|pane| states::program(&pane.status))
}

fn status_tone(status: &str) -> Tone {
    match status {
        "running" => Tone::Good,
        "restarting" | "starting" | "stopping" => Tone::Warning,
        _ => Tone::Bad,
    }
}

/// Work that does not get done. `hangs` is what an actor itself says about it.
fn hangs(node: &TreeNode, add: &mut impl FnMut(String, Tone)) {
    if let Some((what, ms)) = node.busy.as_ref().filter(|(_, ms)| *ms >= BUSY_MS) {
        add(format!("busy {} in {what}", span(*ms)), Tone::Bad);
    }
    if let Some(told) = detail(node, "hangs").filter(|told| !told.is_empty()) {
        add(told.to_owned(), Tone::Bad);
    }
    if node.mailbox > 0 {
        let oldest = node.oldest_ms.unwrap_or(0);
        let tone = match oldest >= WAITED_MS {
            true => Tone::Bad,
            false => Tone::Plain,
        };
        let age = node.oldest_ms.map(|age| format!(", oldest {}", span(age)));
        let text = format!("mailbox {}{}", node.mailbox, age.unwrap_or_default());
        add(text, tone);
    }
}

fn restarts(node: &TreeNode, add: &mut impl FnMut(String, Tone)) {
    if node.restarts_in_window > 0 || node.restarts_total > 0 {
        // A pane's program is restarted too, which is another thing.
        let whose = match noun(node) {
            Some("pane") => "actor restarts",
            Some(_) | None => "restarts",
        };
        let lately = match node.restarts_in_window {
            0 => String::new(),
            now => format!(" ({now} of {} lately)", node.max_restarts),
        };
        let text = format!("{whose} {}{lately}", node.restarts_total);
        add(text, Tone::Warning);
    }
    if let Some(exit) = node.exits.first() {
        let text = format!("last exit {} {} ago", exit.reason, rough(exit.age_ms));
        add(text, Tone::Plain);
    }
}

/// The pieces in a line of at most so many columns.
fn fitted(facts: &[Fact], style: Style) -> String {
    let mut text = String::new();
    let mut left = style.cols.unwrap_or(usize::MAX);
    for (at, fact) in facts.iter().enumerate() {
        let rest: usize = facts[at + 1..].iter().map(|fact| fact.text.width()).sum();
        let width = fact.text.width();
        if width.saturating_add(rest) <= left || width < left {
            text.push_str(&painted(&fact.text, fact.tone, style));
            left -= width;
            continue;
        }
        // One blank more, so that what is left out behind it has its ellipsis too.
        let shown = cut(&format!("{} ", fact.text), left);
        text.push_str(&painted(shown.trim_end(), fact.tone, style));
        break;
    }
    text
}

/// The text in its colour, which blanks do not need.
fn painted(text: &str, tone: Tone, style: Style) -> String {
    let words = text.trim_start_matches(' ');
    let (blanks, words) = text.split_at(text.len() - words.len());
    format!("{blanks}{}", style.paint(words, tone))
}
