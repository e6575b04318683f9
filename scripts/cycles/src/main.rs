//! `import-cycles [--edges] [ROOT…]`: the largest import cycle of each crate, file by file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use cycles::{CrateTree, Graph};

fn main() -> Result<ExitCode> {
    let (mut roots, mut edges, mut most) = (Vec::new(), false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--edges" => edges = true,
            "--most" => most = words.next().and_then(|number| number.parse().ok()),
            _ => roots.push(PathBuf::from(word)),
        }
    }
    let mut worst = 0;
    for root in roots {
        worst = worst.max(tell(&root, edges)?);
    }
    Ok(match most {
        Some(most) if worst > most => ExitCode::FAILURE,
        Some(_) | None => ExitCode::SUCCESS,
    })
}

/// Prints the cycles of the crate whose first file this is; returns the files of the largest.
fn tell(root: &Path, edges: bool) -> Result<usize> {
    let mut out = std::io::stdout().lock();
    let graph = Graph::of(&CrateTree::read(root)?);
    let cycles = graph.cycles();
    let sizes: Vec<_> = cycles.iter().map(|cycle| cycle.len().to_string()).collect();
    let largest = cycles.first().map_or(0, Vec::len);
    writeln!(out, "{}: largest cycle {largest} files", root.display())?;
    if sizes.len() > 1 {
        writeln!(out, "  all: {}", sizes.join(", "))?;
    }
    for file in cycles.first().into_iter().flatten() {
        writeln!(out, "  {}", file.display())?;
        if edges {
            for used in graph.uses_within(file, &cycles[0]) {
                writeln!(out, "    -> {} ({})", used.file.display(), used.path)?;
            }
        }
    }
    Ok(largest)
}
