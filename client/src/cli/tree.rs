//! `fugue tree`: the actor tree, one line a node.

mod line;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use protocol::fleet::Remote;
use protocol::plain;
use protocol::reply::TreeNode;
use protocol::request::Tree;
use tokio::signal::unix::{SignalKind, signal};

use super::args::duration;
use super::output::style::Style;
use super::places::Named;
use super::{Caller, Outcome, output, sight};
use line::line;

/// The time that the names of panes may take: a server that hangs is looked at without them.
const NAMES_LIMIT: Duration = Duration::from_secs(1);

/// The most panes that are looked up: a call for each of their sessions is what a large tree has no time for.
const MOST_NAMED: usize = 200;

/// `fugue tree`.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Only this session's part
    session: Option<String>,
    /// Also the sessions that orchestrations made for themselves
    #[arg(short, long)]
    all: bool,
    /// Show it again and again until it is interrupted
    #[arg(short, long)]
    watch: bool,
    /// How often it is shown anew
    #[arg(long, value_parser = duration, default_value = "1s", requires = "watch")]
    interval: Duration,
}

/// The caller's style; a tree that is shown again and again has the height of the screen too.
fn style(caller: &Caller, watch: bool) -> Style {
    let size = (caller.terminal && watch)
        .then(crate::attach::terminal_size)
        .flatten();
    let Some(size) = size else {
        return caller.style;
    };
    let cols = caller.style.cols.map(|_| usize::from(size.cols));
    let rows = Some(usize::from(size.rows));
    Style {
        cols,
        rows,
        ..caller.style
    }
}

impl TreeArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let tree = Tree { session };
        let all = self.all || tree.session.is_some();
        if !self.watch {
            let root = sight::tree(caller, &server, &tree, all).await?;
            let names = names(caller, &server, &tree, &root).await;
            output::answer_paged(caller, server.name(), &root, |root| {
                draw(root, &names, caller.style)
            })?;
            return Ok(0);
        }
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut hangups = signal(SignalKind::terminate())?;
        let _screen = Alternate::enter(caller)?;
        loop {
            let root = sight::tree(caller, &server, &tree, all).await?;
            let names = names(caller, &server, &tree, &root).await;
            show(caller, &root, &names)?;
            tokio::select! {
                _ = interrupts.recv() => return Ok(0),
                _ = hangups.recv() => return Ok(0),
                () = tokio::time::sleep(self.interval.max(Duration::from_millis(50))) => {}
            }
        }
    }
}

/// The names that people have for the panes of a tree, which the tree itself does not say.
async fn names(caller: &Caller, server: &Arc<Remote>, tree: &Tree, root: &TreeNode) -> Named {
    if caller.json || line::panes(root) > MOST_NAMED {
        return Named::default();
    }
    let named = Named::of(server, tree.session.clone(), NAMES_LIMIT).await;
    named.unwrap_or_default()
}

fn show(caller: &Caller, root: &TreeNode, names: &Named) -> anyhow::Result<()> {
    if caller.json {
        // One line each time, so that a reader can tell them apart.
        let line = serde_json::to_string(root)?;
        return Ok(output::write(&format!("{}\n", plain::json(&line)))?);
    }
    show_text(caller, &draw(root, names, style(caller, true)))
}

/// Shows text in the place of that before, or after it where there is no terminal.
pub(crate) fn show_text(caller: &Caller, text: &str) -> anyhow::Result<()> {
    if caller.terminal {
        let text = plain::styled(text);
        let text = text.trim_end().replace('\n', "\x1b[K\r\n");
        return Ok(output::write(&format!("\x1b[H{text}\x1b[K\x1b[J"))?);
    }
    Ok(output::print_styled(&format!("{text}\n"))?)
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
pub(crate) fn draw(root: &TreeNode, names: &Named, style: Style) -> String {
    let mut text = String::new();
    let mut lines = 0;
    let mut add = |lead: &str, node: &TreeNode| {
        lines += 1;
        if style.rows.is_none_or(|rows| lines < rows) {
            text.push_str(&line(lead, node, names, style));
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

#[cfg(test)]
mod tests;
