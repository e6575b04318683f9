//! The sources of a run's command lines.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use protocol::Error;

/// The words of the command line and the lines of the file; standard input for `-`.
pub(super) fn gather(words: &[String], file: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let mut commands = Vec::new();
    for word in words {
        match word.as_str() {
            "-" => commands.extend(lines(&standard_input()?)),
            _ => commands.push(word.clone()),
        }
    }
    match file {
        Some(file) if file.as_os_str() == "-" => commands.extend(lines(&standard_input()?)),
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read commands from {}", file.display()))?;
            commands.extend(lines(&text));
        }
        None => {}
    }
    if commands.is_empty() {
        let error = Error::invalid("there are no commands to run");
        return Err(error
            .hint("give each as an argument, or one a line in a file")
            .into());
    }
    Ok(commands)
}

fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read commands from standard input")?;
    Ok(text)
}

/// The lines that hold a command: not blank, not beginning with `#`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(ToOwned::to_owned)
}
