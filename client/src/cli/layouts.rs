//! `fugue layout`: windows with all their panes, made from JSON, drawn and told.

mod picture;

use std::io::{IsTerminal, Read};
use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use protocol::reply::{WindowInfo, WindowLayout};
use protocol::request::{CreateLayout, GetLayout};
use protocol::{Error, Name, ServerName, os_text};

use super::hands::is_window;
use super::program::directory;
use super::units::size;
use super::{Caller, Outcome, output};

/// Bytes of a layout at most.
const MOST_BYTES: u64 = 1024 * 1024;

/// The word for standard input.
const STDIN: &str = "-";

/// `fugue layout`.
#[derive(Debug, Args)]
pub(crate) struct LayoutArgs {
    #[command(subcommand)]
    what: LayoutCommand,
}

#[derive(Debug, Subcommand)]
enum LayoutCommand {
    /// Make the panes of a layout, all or none, from JSON as `show --json` and agents write it
    Create(CreateArgs),
    /// Draw a window's panes with their numbers and sizes; `--json` is what `create` reads
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// A session, which gets a new window, or a window, in whose right half it is put [default: the caller's own
    /// session, else the active one]; then the file, `-` for standard input, which is read when no file is named.
    /// A single word that is a file is the file
    #[arg(value_names = ["SESSION|WINDOW", "FILE"], num_args = 0..=2)]
    words: Vec<String>,
    /// The name of a new window, instead of the one in the file
    #[arg(short, long)]
    name: Option<Name>,
    /// Do not make its first pane the focused one
    #[arg(short, long)]
    detached: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Which window [default: the focused one of the caller's own session, else of the active one]
    window: Option<String>,
}

impl LayoutArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        match self.what {
            LayoutCommand::Create(args) => args.run(caller).await,
            LayoutCommand::Show(args) => args.run(caller).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, caller: &Caller) -> Outcome {
        let (target, file) = meant(&self.words, |word| Path::new(word).is_file());
        let (server, target) = caller.maybe(target)?;
        let text = read(file)?;
        let json = serde_json::from_str(&text).map_err(|error| {
            Error::invalid(format!("the layout is no JSON: {error}"))
                .hint("`fugue layout show --json` writes one")
        })?;
        let here = directory(None)?;
        let wanted = mcp::layout_from_json(json, &|cwd| absolute(&here, cwd))?;
        let (session, window) = match target {
            Some(target) if is_window(&target) => (None, Some(target)),
            target => (target, None),
        };
        let create = CreateLayout {
            session,
            // A window that is there has its name.
            name: self.name.or(wanted.name).filter(|_| window.is_none()),
            window,
            layout: wanted.layout,
            select: !self.detached,
        };
        let made = caller.call(&server, &create).await?;
        output::answer(caller, server.name(), &made, |made| {
            let panes = made.panes.iter();
            let numbers = panes.map(|pane| caller.pane(server.name(), pane.number, pane.pane_id));
            numbers.collect::<Vec<_>>().join("\n")
        })?;
        Ok(0)
    }
}

/// The target and the file that the words mean.
fn meant(words: &[String], is_file: impl Fn(&str) -> bool) -> (Option<&str>, Option<&str>) {
    match words {
        [] => (None, None),
        [word] if word == STDIN || is_file(word) => (None, Some(word)),
        [word] => (Some(word), None),
        [target, file, ..] => (Some(target), Some(file)),
    }
}

fn read(file: Option<&str>) -> anyhow::Result<String> {
    let mut text = String::new();
    match file.filter(|file| *file != STDIN) {
        Some(file) => {
            let open = std::fs::File::open(file).with_context(|| format!("cannot open {file}"))?;
            open.take(MOST_BYTES + 1)
                .read_to_string(&mut text)
                .with_context(|| format!("cannot read {file}"))?;
        }
        None if file.is_none() && std::io::stdin().is_terminal() => {
            return Err(Error::invalid("there is no layout to be made")
                .hint("name a file, or pipe one in: `fugue layout show --json build/0 | fugue layout create`")
                .into());
        }
        None => {
            let stdin = std::io::stdin().lock();
            stdin
                .take(MOST_BYTES + 1)
                .read_to_string(&mut text)
                .context("cannot read the layout")?;
        }
    }
    if text.len() as u64 > MOST_BYTES {
        let message = format!("the layout has more than {MOST_BYTES} bytes");
        return Err(Error::invalid(message).into());
    }
    Ok(text)
}

/// A directory as it is meant from here; `~` is the home.
fn absolute(here: &str, cwd: &str) -> String {
    let home = || std::env::home_dir().map(os_text::encoded);
    match (cwd.strip_prefix('~'), home()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => format!("{home}{rest}"),
        _ => {
            let path = Path::new(&os_text::decoded(here)).join(os_text::decoded(cwd));
            os_text::encoded(path.components().collect::<std::path::PathBuf>())
        }
    }
}

impl ShowArgs {
    async fn run(self, caller: &Caller) -> Outcome {
        let (server, window) = caller.maybe(self.window.as_deref())?;
        let get = GetLayout {
            session: None,
            window,
        };
        let layout = caller.call(&server, &get).await?;
        if !caller.json {
            output::print_styled(&text(caller, server.name(), &layout))?;
            return Ok(0);
        }
        let Some(node) = &layout.layout else {
            let name = &layout.window.name;
            return Err(Error::invalid(format!("window {name} has only mirrors"))
                .hint("a layout is made of panes; see `fugue panes`")
                .into());
        };
        let mut json = serde_json::json!({ "layout": mcp::layout_to_json(node) });
        if let Some(name) = given_name(&layout.window) {
            json["name"] = serde_json::json!(name);
        }
        output::print_json(caller, &json)?;
        Ok(0)
    }
}

/// The name of a window that has one beside its index.
fn given_name(window: &WindowInfo) -> Option<&Name> {
    let index = window.index.to_string();
    Some(&window.name).filter(|name| name.as_str() != index)
}

/// A line about the window, and the picture of its panes.
pub(super) fn text(caller: &Caller, server: &ServerName, layout: &WindowLayout) -> String {
    let window = &layout.window;
    let session = caller.shown(server, &layout.context.session_name);
    let name = given_name(window).map(|name| format!(" {name}"));
    let head = format!(
        "{session}/{}{}, {}",
        window.index,
        name.unwrap_or_default(),
        size(window.size)
    );
    let picture = picture::draw(caller, server, &layout.panes, window.size);
    format!("{}\n{picture}", output::printable(head))
}

#[cfg(test)]
mod tests;
