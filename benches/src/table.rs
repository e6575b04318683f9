//! The results as a table on the terminal.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};

use crate::report::Line;

/// Columns when the output is not a terminal.
const WIDTH: u16 = 150;

/// Writes a line to standard output; whoever reads it may have gone.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The lines as a table.
pub(crate) fn render(lines: &[Line]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["work", "fugue", "peers", "wanted", "is", "met"]);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    for line in lines {
        let verdicts = line.verdicts();
        let column = |pick: &dyn Fn(&(String, String, bool)) -> String| {
            verdicts.iter().map(pick).collect::<Vec<_>>().join("\n")
        };
        table.add_row([
            line.work.clone(),
            line.ours(),
            line.others(),
            column(&|(wanted, _, _)| wanted.clone()),
            column(&|(_, is, _)| is.clone()),
            column(&|(_, _, met)| yes(*met).to_owned()),
        ]);
    }
    table.to_string()
}

/// The word for a wanted relation that is met or not.
pub(crate) fn yes(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}
