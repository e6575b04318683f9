//! `fugue forget`: what is over is forgotten, in memory and in the files.

use clap::Args;
use protocol::reply::Forgotten;
use protocol::request::Forget;

use super::units::count;
use super::{Caller, Outcome, output};

/// `fugue forget`.
#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// Only what was in this session, and the stored text of its panes
    session: Option<String>,
}

impl ForgetArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let (server, session) = caller.maybe(self.session.as_deref())?;
        let forgotten = caller.call(&server, &Forget { session }).await?;
        output::answer(caller, server.name(), &forgotten, text)?;
        Ok(0)
    }
}

fn text(forgotten: &Forgotten) -> String {
    format!(
        "forgotten: {}, {}, the stored text of {}",
        count(forgotten.panes as usize, "end"),
        count(forgotten.orchestrations as usize, "result"),
        count(forgotten.texts as usize, "pane"),
    )
}
