//! `fugue logs`: the daemon's log files, read from the state directory, so that they can be read
//! when no daemon answers.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::Args;
use protocol::{Error, ErrorCode};

use super::{Caller, Outcome, output};

/// The pause between two looks at a followed log.
const POLL: Duration = Duration::from_millis(200);

/// `fugue logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Go on and show what is added
    #[arg(short, long)]
    follow: bool,
    /// The last so many lines
    #[arg(short = 'n', long, default_value_t = 50)]
    lines: usize,
}

impl LogsArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        if !caller.is_own(&server) {
            let message = format!("the log of server {} is on its own machine", server.name());
            return Err(Error::new(ErrorCode::Unsupported, message)
                .hint("run `fugue logs` there")
                .into());
        }
        let dir = caller.paths.logs();
        let files = log_files(&dir)?;
        if files.is_empty() && !self.follow {
            let message = format!("there is no log in {}", dir.display());
            return Err(Error::new(ErrorCode::NotFound, message)
                .hint("`fugued` makes one when it starts")
                .into());
        }
        let (text, at) = tail(&files, self.lines)?;
        output::print(&text)?;
        if self.follow {
            follow(&dir, at).await?;
        }
        Ok(0)
    }
}

/// The log files, the newest last, whatever they are called.
fn log_files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())),
    };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((meta.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// A place in a log file.
#[derive(Debug)]
struct Place {
    file: File,
    inode: u64,
}

impl Place {
    fn start_of(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { file, inode })
    }
}

/// The last `lines` lines of all the files together, and the place behind them in the newest.
fn tail(files: &[PathBuf], lines: usize) -> anyhow::Result<(String, Option<Place>)> {
    let mut kept: VecDeque<Vec<u8>> = VecDeque::new();
    let mut newest = None;
    let needed = files_needed(files, lines)?;
    for path in needed {
        let mut place =
            Place::start_of(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = BufReader::new(&mut place.file);
        loop {
            let mut line = Vec::new();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            kept.push_back(line);
            if kept.len() > lines {
                kept.pop_front();
            }
        }
        drop(reader);
        newest = Some(place);
    }
    let bytes: Vec<u8> = kept.into_iter().flatten().collect();
    Ok((String::from_utf8_lossy(&bytes).into_owned(), newest))
}

/// The newest files that hold `lines` lines, oldest first; always the newest one.
fn files_needed(files: &[PathBuf], lines: usize) -> anyhow::Result<&[PathBuf]> {
    let mut found = 0;
    for (index, path) in files.iter().enumerate().rev() {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        found += bytes.iter().filter(|b| **b == b'\n').count();
        if found >= lines {
            return Ok(&files[index..]);
        }
    }
    Ok(files)
}

/// Shows what is added, and goes over to the next file when the daemon has begun one.
async fn follow(dir: &Path, at: Option<Place>) -> anyhow::Result<()> {
    let mut place = at;
    loop {
        if let Some(place) = &mut place {
            show_rest(&mut place.file)?;
        }
        let newest = log_files(dir)?.pop();
        if let Some(next) = newest.and_then(|path| Place::start_of(&path).ok())
            && place.as_ref().is_none_or(|place| place.inode != next.inode)
        {
            if let Some(left) = &mut place {
                show_rest(&mut left.file)?;
            }
            place = Some(next);
            continue;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn show_rest(file: &mut File) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if !bytes.is_empty() {
        output::print(&String::from_utf8_lossy(&bytes))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
