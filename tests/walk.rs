//! A walk over every command: its help, and its counterpart for agents.

use std::collections::BTreeSet;

/// The widest line of a help text, as on a terminal of 80 columns.
const COLUMNS: usize = 80;

/// The cells of the table of commands and tools.
fn table() -> Vec<Vec<String>> {
    let page = include_str!("../docs/cli.md");
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| command | tool |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

/// The names in backquotes.
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn every_command_has_a_tool_and_every_tool_a_command_or_a_reason() {
    let table = table();
    let commands: BTreeSet<String> = table.iter().flat_map(|row| names(&row[0])).collect();
    let defined: BTreeSet<String> = client::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    assert_eq!(commands, defined);
    let tools: BTreeSet<String> = table.iter().flat_map(|row| names(&row[1])).collect();
    let page = include_str!("../docs/mcp.md");
    let rows = page.lines().filter(|line| line.starts_with("| `fugue_"));
    let documented: BTreeSet<String> = rows
        .flat_map(|row| names(row.split('|').nth(1).unwrap_or_default()).collect::<Vec<_>>())
        .filter(|name| name.starts_with("fugue_"))
        .collect();
    let unknown: Vec<_> = documented.difference(&tools).collect();
    assert!(unknown.is_empty(), "tools without a row: {unknown:?}");
    for row in &table {
        let alone = row[0].is_empty() || row[1].is_empty();
        assert_eq!(alone, !row[2].is_empty(), "{row:?}");
    }
}

/// The help texts of a command and of all below it.
fn helps(command: &mut clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let path = format!("{path} {}", command.get_name());
    let mut shown = command.clone().term_width(COLUMNS);
    found.push((
        format!("{path} --help"),
        shown.render_long_help().to_string(),
    ));
    found.push((format!("{path} -h"), shown.render_help().to_string()));
    for below in command.get_subcommands_mut() {
        helps(below, &path, found);
    }
}

#[test]
fn every_help_fits_eighty_columns_and_says_what_it_is() {
    let mut command = client::command();
    command.build();
    let mut all = Vec::new();
    helps(&mut command, "", &mut all);
    assert!(all.len() > 60, "{}", all.len());
    for (path, text) in all {
        let wide = text.lines().find(|line| line.chars().count() > COLUMNS);
        assert_eq!(wide, None, "{path}");
        assert!(text.contains("Usage:"), "{path}");
    }
    let mut undocumented = Vec::new();
    options_without_help(&command, &mut undocumented);
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

fn options_without_help(command: &clap::Command, found: &mut Vec<String>) {
    let bare = command
        .get_arguments()
        .filter(|arg| arg.get_help().is_none());
    let name = command.get_name();
    found.extend(bare.map(|arg| format!("{name} {}", arg.get_id())));
    if command.get_about().is_none() {
        found.push(name.to_owned());
    }
    for below in command.get_subcommands() {
        options_without_help(below, found);
    }
}
