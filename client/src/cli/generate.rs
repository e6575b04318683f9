//! The shells' scripts for completions, and manual pages made from the clap definition.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap_complete::Shell;

use super::{Outcome, completion, output};

/// `fugue completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// `fugue man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write `fugue.1` and a page for each command here
    dir: Option<PathBuf>,
}

impl CompletionsArgs {
    pub(crate) fn run(&self) -> Outcome {
        output::print(&completion::script(self.shell)?)?;
        Ok(0)
    }
}

impl ManArgs {
    pub(crate) fn run(&self) -> Outcome {
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(super::command()).render(&mut page)?;
            output::man(&page, || super::command().render_long_help().to_string())?;
            return Ok(0);
        };
        std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(super::command(), dir))
            .with_context(|| format!("cannot write manual pages into {}", dir.display()))?;
        Ok(0)
    }
}
