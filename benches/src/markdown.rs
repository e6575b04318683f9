//! The table in the documentation: the lines of a run replace those of an earlier one.

use std::path::Path;

use anyhow::{Context, Result};

use crate::report::Line;
use crate::table::yes;

/// Before the table.
const BEGIN: &str = "<!-- results: written by scripts/bench --write -->\n";

/// Behind the table.
const END: &str = "<!-- end of results -->";

const HEADER: &str = "\
| work | fugue | peers | wanted | is | met | measured |
|---|---|---|---|---|---|---|
";

/// Puts lines into the table of `file`. Lines for other work stay.
pub(crate) fn write(file: &Path, lines: &[Line], commit: &str) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let date = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d %H:%M"])
        .output()?;
    let date = String::from_utf8_lossy(&date.stdout).trim().to_owned();
    let rows: Vec<String> = lines.iter().map(|line| row(line, &date, commit)).collect();
    std::fs::write(file, merged(&text, &rows)?)?;
    Ok(())
}

fn row(line: &Line, date: &str, commit: &str) -> String {
    let verdicts = line.verdicts();
    let column = |pick: &dyn Fn(&(String, String, bool)) -> String| {
        verdicts.iter().map(pick).collect::<Vec<_>>().join("; ")
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {date}, {commit}, load {:.1} |\n",
        line.work,
        line.ours(),
        line.others(),
        column(&|(wanted, _, _)| wanted.clone()),
        column(&|(_, is, _)| is.clone()),
        column(&|(_, _, met)| yes(*met).to_owned()),
        line.load,
    )
}

fn work(row: &str) -> &str {
    row.split(" | ").next().unwrap_or(row)
}

fn merged(text: &str, rows: &[String]) -> Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .context("it has no place for results")?;
    let (old, after) = rest
        .split_once(END)
        .context("the place for results has no end")?;
    let mut new: Vec<String> = old
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .filter(|line| line.starts_with('|'))
        .map(|line| format!("{line}\n"))
        .collect();
    for row in rows {
        match new.iter_mut().find(|old| work(old) == work(row)) {
            Some(old) => old.clone_from(row),
            None => new.push(row.clone()),
        }
    }
    Ok(format!(
        "{before}{BEGIN}{HEADER}{}{END}{after}",
        new.concat()
    ))
}

#[cfg(test)]
mod tests;
