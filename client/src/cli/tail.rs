//! `fugue tail` and `fugue read -f`: the text of panes as it comes, over restarts of their programs and of the server.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use protocol::fleet::Remote;
use protocol::reply::{PaneStatus, PaneText};
use protocol::request::{ReadPane, Watch};
use protocol::time::millis;
use protocol::{Error, ErrorCode, PaneUuid, Target, plain};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::caller::{Again, CALL_LIMIT};
use super::failure::note;
use super::pane_io::{MARGIN, MOST_BYTES, WAIT_PIECE};
use super::{Caller, Outcome, output};
use shown::Shown;

mod lines;
mod shown;

/// The pause after a change, so that what comes together is read together.
const TOGETHER: Duration = Duration::from_millis(20);

/// The time after which the beginning of a line is shown although its end has not come.
const UNFINISHED: Duration = Duration::from_millis(400);

/// Bytes of the beginning of the text that are asked for each line that is wanted of it.
const LINE_BYTES: u32 = 4 * 1024;

/// Pieces of text of all panes that wait to be printed.
const QUEUED: usize = 64;

/// `fugue tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// The panes; of several each line has its pane's name before it
    #[arg(required = true, value_name = "PANE")]
    panes: Vec<String>,
    /// Begin with so many lines of what is there already
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: u32,
}

/// The last so many lines of a text, one without an end counted too.
fn last_lines(text: &str, lines: usize) -> &str {
    let whole = text.strip_suffix('\n').unwrap_or(text);
    let before = lines
        .checked_sub(1)
        .map(|others| whole.rmatch_indices('\n').nth(others));
    match before {
        Some(Some((at, _))) => &text[at + 1..],
        Some(None) => text,
        None => "",
    }
}

/// True if some of what came before a text is missing.
fn is_cut(text: &PaneText) -> bool {
    text.truncated || text.dropped_lines > 0
}

/// New text of a pane.
struct Piece {
    /// The place of the pane among those that are followed.
    of: usize,
    /// It is what was there already.
    is_first: bool,
    /// Some of what came before it is missing: it had left the scrollback, or was too much for an answer.
    is_behind_gap: bool,
    /// The program has been started again since the piece before.
    is_restarted: bool,
    text: PaneText,
}

impl Piece {
    /// The text that was there already.
    fn first(of: usize, text: PaneText) -> Self {
        Self {
            of,
            is_first: true,
            is_behind_gap: false,
            is_restarted: false,
            text,
        }
    }

    /// The text after that which told `before`.
    fn after(of: usize, before: &PaneStatus, text: PaneText) -> Self {
        Self {
            of,
            is_first: false,
            is_behind_gap: is_cut(&text),
            is_restarted: text.status.restarts > before.restarts,
            text,
        }
    }
}

/// A pane that is followed.
pub(crate) struct Followed {
    server: Arc<Remote>,
    /// As it was typed.
    label: String,
    first: ReadPane,
    /// So many of what is there already.
    lines: usize,
}

impl TailArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let mut followed = Vec::new();
        for pane in self.panes {
            let (server, target) = caller.target(&pane)?;
            followed.push(Followed::new(server, pane, target, self.lines));
        }
        follow(caller, followed).await
    }
}

impl Followed {
    /// A pane to be followed, from its last so many lines on.
    pub(crate) fn new(server: Arc<Remote>, label: String, pane: Target, lines: u32) -> Self {
        let first = ReadPane {
            pane,
            lines: None,
            // A text from a cursor on tells whether its last line has ended.
            since: Some(ReadPane::FROM_START.to_owned()),
            scrollback: false,
            ansi: false,
            max_bytes: Some(
                lines
                    .saturating_mul(LINE_BYTES)
                    .clamp(LINE_BYTES, MOST_BYTES),
            ),
        };
        Self {
            server,
            label,
            first,
            lines: lines as usize,
        }
    }

    /// The last lines of what is there already.
    async fn begun(&self) -> Result<PaneText, Error> {
        let mut text = self.server.call(&self.first, CALL_LIMIT).await?;
        text.text = last_lines(&text.text, self.lines).to_owned();
        Ok(text)
    }

    /// Sends the text as it comes, until the program has ended for good, and says how.
    async fn read(
        self,
        of: usize,
        begun: PaneText,
        pieces: mpsc::Sender<Piece>,
    ) -> Result<PaneStatus, Error> {
        let pane = begun.pane_id;
        let mut version = None;
        let mut piece = Piece::first(of, begun);
        loop {
            let (cursor, status) = (piece.text.cursor.clone(), piece.text.status.clone());
            if pieces.send(piece).await.is_err() {
                return Ok(status);
            }
            let over = status.exit.is_some() && !status.restarting;
            let goes_on = !over && self.changed(pane, &mut version).await?;
            // Also what came between the last look and the end.
            piece = Piece::after(of, &status, self.since(pane, cursor).await?);
            if !goes_on {
                let status = piece.text.status.clone();
                let _ = pieces.send(piece).await;
                return Ok(status);
            }
        }
    }

    async fn since(&self, pane: PaneUuid, cursor: String) -> Result<PaneText, Error> {
        let read = ReadPane {
            pane: pane.into(),
            since: Some(cursor),
            max_bytes: Some(MOST_BYTES),
            ..self.first.clone()
        };
        let mut again = Again::default();
        loop {
            match self.server.call(&read, CALL_LIMIT).await {
                Ok(text) => return Ok(text),
                Err(error) => again.after(&self.server, error).await?,
            }
        }
    }

    /// Waits for a change; false when the pane is gone.
    async fn changed(&self, pane: PaneUuid, version: &mut Option<String>) -> Result<bool, Error> {
        let mut again = Again::default();
        loop {
            let watch = Watch {
                pane: Some(pane.into()),
                after: version.clone(),
                timeout_ms: millis(WAIT_PIECE),
            };
            match self.server.call(&watch, WAIT_PIECE + MARGIN).await {
                Ok(seen) if version.as_ref() == Some(&seen.version) => again = Again::default(),
                Ok(seen) => {
                    let is_first = version.replace(seen.version).is_none();
                    if !is_first {
                        tokio::time::sleep(TOGETHER).await;
                    }
                    return Ok(true);
                }
                Err(error) if matches!(error.code, ErrorCode::PaneExited | ErrorCode::NotFound) => {
                    return Ok(false);
                }
                Err(error) => again.after(&self.server, error).await?,
            }
        }
    }
}

/// True if nobody reads what is printed any more, as after `| head -1`.
fn reader_is_gone() -> bool {
    let stdout = std::io::stdout();
    let mut looked = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec::default();
    let seen = poll(&mut looked, Some(&now));
    seen.is_ok() && looked[0].revents().contains(PollFlags::ERR)
}

/// The panes that are followed, each once, with what is there of them already.
///
/// # Errors
/// Why one of them cannot be read: then none is followed.
async fn begun(followed: Vec<Followed>) -> Result<Vec<(Followed, PaneText)>, Error> {
    let mut begun: Vec<(Followed, PaneText)> = Vec::new();
    for one in followed {
        let text = one.begun().await?;
        let is_it = |(other, known): &(Followed, PaneText)| {
            other.server.name() == one.server.name() && known.pane_id == text.pane_id
        };
        if !begun.iter().any(is_it) {
            begun.push((one, text));
        }
    }
    Ok(begun)
}

/// Prints the text of these panes as it comes, until all their programs have ended.
pub(crate) async fn follow(caller: &Caller, followed: Vec<Followed>) -> Outcome {
    let begun = begun(followed).await?;
    let labels: Vec<String> = begun.iter().map(|(one, _)| one.label.clone()).collect();
    let servers: Vec<_> = begun
        .iter()
        .map(|(one, _)| Arc::clone(&one.server))
        .collect();
    let (sender, mut pieces) = mpsc::channel(QUEUED);
    let mut readers = JoinSet::new();
    for (of, (one, text)) in begun.into_iter().enumerate() {
        let sender = sender.clone();
        readers.spawn(async move { (of, one.read(of, text, sender).await) });
    }
    drop(sender);
    let mut shown = Shown::new(caller, labels);
    loop {
        let piece = match timeout(UNFINISHED, pieces.recv()).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(_) => {
                shown.unfinished()?;
                if reader_is_gone() {
                    return Ok(0);
                }
                continue;
            }
        };
        if !caller.json {
            shown.take(&piece)?;
        } else if !piece.text.text.is_empty() {
            let json = output::json_of(caller, servers[piece.of].name(), &piece.text)?;
            // One line each, so that a reader can tell them apart.
            output::write(&format!("{}\n", plain::json(&json.to_string())))?;
        }
    }
    shown.end()?;
    let mut failed = None;
    while let Some(read) = readers.join_next().await {
        match read? {
            (of, Ok(status)) => note(&format!(
                "fugue: {}: {}",
                shown.label(of),
                super::states::program(&status).words
            )),
            (_, Err(error)) => failed = Some(error),
        }
    }
    failed.map_or(Ok(0), |error| Err(error.into()))
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines_of_a_text() {
        for (text, lines, last) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 2, "b\nc"),
            ("a\nb\n", 5, "a\nb\n"),
            ("a\n\n\n", 2, "\n\n"),
            ("a\nb", 0, ""),
            ("", 3, ""),
        ] {
            assert_eq!(last_lines(text, lines), last, "{text:?} {lines}");
        }
    }
}
