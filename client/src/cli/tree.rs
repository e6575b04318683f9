//! `fugue tree`: the actor tree, one line a node.

use std::time::Duration;

use clap::Args;
use protocol::plain;
use protocol::reply::TreeNode;
use protocol::request::Tree;
use tokio::signal::unix::{SignalKind, signal};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::args::duration;
use super::units::{COMMAND_CHARS, brief, micros, span};
use super::{Caller, Outcome, output};

/// `fugue tree`.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Only this session's part
    session: Option<String>,
    /// Show it again and again until it is interrupted
    #[arg(short, long)]
    watch: bool,
    /// How often it is shown anew
    #[arg(long, value_parser = duration, default_value = "1s", requires = "watch")]
    interval: Duration,
}

/// The style in which a tree is drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Style {
    /// Longer lines are cut to so many columns.
    cols: Option<usize>,
    /// Further lines are left out.
    rows: Option<usize>,
    colours: bool,
}

impl Style {
    fn of(caller: &Caller, watch: bool) -> Self {
        if !caller.terminal {
            return Self::default();
        }
        let size = crate::attach::terminal_size();
        Self {
            cols: size.map(|size| usize::from(size.cols)),
            rows: size.filter(|_| watch).map(|size| usize::from(size.rows)),
            colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}

impl TreeArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let tree = Tree { session };
        if !self.watch {
            let root = caller.call(&server, &tree).await?;
            let style = Style::of(caller, false);
            output::answer_styled(caller, server.name(), &root, |root| draw(root, style))?;
            return Ok(0);
        }
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut hangups = signal(SignalKind::terminate())?;
        let _screen = Alternate::enter(caller)?;
        loop {
            let root = caller.call(&server, &tree).await?;
            show(caller, &root)?;
            tokio::select! {
                _ = interrupts.recv() => return Ok(0),
                _ = hangups.recv() => return Ok(0),
                () = tokio::time::sleep(self.interval.max(Duration::from_millis(50))) => {}
            }
        }
    }
}

fn show(caller: &Caller, root: &TreeNode) -> anyhow::Result<()> {
    if caller.json {
        // One line each time, so that a reader can tell them apart.
        let line = serde_json::to_string(root)?;
        return Ok(output::write(&format!("{}\n", plain::json(&line)))?);
    }
    let style = Style::of(caller, true);
    show_text(caller, &draw(root, style))
}

/// Shows text in the place of that before, or after it where there is no terminal.
pub(crate) fn show_text(caller: &Caller, text: &str) -> anyhow::Result<()> {
    if caller.terminal {
        let text = plain::styled(text);
        let text = text.trim_end().replace('\n', "\x1b[K\r\n");
        return Ok(output::write(&format!("\x1b[H{text}\x1b[K\x1b[J"))?);
    }
    Ok(output::print(&format!("{text}\n"))?)
}

/// The alternate screen, left again on every way out.
pub(crate) struct Alternate(bool);

impl Alternate {
    pub(crate) fn enter(caller: &Caller) -> std::io::Result<Self> {
        let on = caller.terminal && !caller.json;
        if on {
            output::write("\x1b[?1049h\x1b[?25l")?;
        }
        Ok(Self(on))
    }
}

impl Drop for Alternate {
    fn drop(&mut self) {
        if self.0 {
            let _ = output::write("\x1b[?25h\x1b[?1049l");
        }
    }
}

/// The tree as text, depth first, a line feed after each node.
fn draw(root: &TreeNode, style: Style) -> String {
    let mut text = String::new();
    let mut lines = 0;
    let mut add = |lead: &str, node: &TreeNode| {
        lines += 1;
        if style.rows.is_none_or(|rows| lines < rows) {
            text.push_str(&line(lead, node, style));
            text.push('\n');
        }
    };
    add("", root);
    branches(root, "", &mut add);
    if let Some(hidden) = style
        .rows
        .map(|rows| (lines + 1).saturating_sub(rows))
        .filter(|n| *n > 0)
    {
        text.push_str(&format!("… {hidden} more\n"));
    }
    text
}

fn branches(node: &TreeNode, lead: &str, add: &mut impl FnMut(&str, &TreeNode)) {
    let last = node.children.len().saturating_sub(1);
    for (index, child) in node.children.iter().enumerate() {
        let (branch, below) = if index == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        add(&format!("{lead}{branch}"), child);
        branches(child, &format!("{lead}{below}"), add);
    }
}

/// One node's line: what it is, how it is, what happened to it, what it does.
fn line(lead: &str, node: &TreeNode, style: Style) -> String {
    let mut facts = vec![format!("{} {}", node.status, span(node.since_ms))];
    if node.max_restarts > 0 || node.restarts_in_window > 0 || node.restarts_total > 0 {
        facts.push(format!(
            "restarts {}/{} total {}",
            node.restarts_in_window, node.max_restarts, node.restarts_total
        ));
    }
    if let Some(exit) = node.exits.first() {
        facts.push(format!(
            "last exit {} {} ago",
            exit.reason,
            span(exit.age_ms)
        ));
    }
    let oldest = node
        .oldest_ms
        .map(|age| format!("/{}", span(age)))
        .unwrap_or_default();
    facts.push(format!("mailbox {}{oldest}", node.mailbox));
    facts.push(format!("handled {}", node.handled));
    if node.handled > 0 {
        let (p50, p99) = (micros(node.handler_p50_us), micros(node.handler_p99_us));
        facts.push(format!("p50 {p50} p99 {p99}"));
    }
    if let Some((what, ms)) = &node.busy {
        facts.push(format!("busy {} in {what}", span(*ms)));
    }
    facts.extend(
        node.details
            .iter()
            .map(|(key, value)| format!("{key}={}", brief(value, COMMAND_CHARS))),
    );
    let head = format!("{} {}", node.id, node.kind);
    let plain = output::printable(format!("{lead}{head}  {}", facts.join("  ")));
    let plain = style.cols.map_or(plain.clone(), |cols| cut(&plain, cols));
    if style.colours {
        coloured(&plain, lead, node)
    } else {
        plain
    }
}

/// The first `cols` columns, with an ellipsis when something was left out.
fn cut(text: &str, cols: usize) -> String {
    if text.width() <= cols {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < cols
        })
        .collect();
    kept.push('…');
    kept
}

/// Colours after the cut, so that they have no width: the branches dim, the id bold, the status by
/// what it means, a busy actor red.
fn coloured(plain: &str, lead: &str, node: &TreeNode) -> String {
    let colour = match node.status.as_str() {
        "running" => "32",
        "restarting" | "starting" | "stopping" => "33",
        _ => "31",
    };
    let mut text = plain.to_owned();
    let paint = |text: String, what: &str, from: usize, sgr: &str| -> String {
        match text[from.min(text.len())..].find(what) {
            Some(at) if !what.is_empty() => {
                let at = from + at;
                let end = at + what.len();
                format!("{}\x1b[{sgr}m{what}\x1b[0m{}", &text[..at], &text[end..])
            }
            _ => text,
        }
    };
    // From the right to the left, so that earlier positions stay as they are.
    if let Some((what, ms)) = &node.busy {
        text = paint(text, &format!("busy {} in {what}", span(*ms)), 0, "1;31");
    }
    let head = lead.len() + node.id.len();
    text = paint(
        text,
        &format!("{} {}", node.status, span(node.since_ms)),
        head,
        colour,
    );
    text = paint(text, &node.id, lead.len(), "1");
    paint(text, lead, 0, "2")
}

#[cfg(test)]
mod tests;
