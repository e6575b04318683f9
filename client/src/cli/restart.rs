//! `fugue restart`: programs are ended and started again in their panes.

use clap::Args;
use protocol::reply::{PaneInfo, Panes};
use protocol::request::RestartPane;
use protocol::{Error, ServerName};

use super::failure::note;
use super::pane::{found, state_line};
use super::{Caller, Outcome, kill, output};

/// `fugue restart`.
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Which panes
    #[arg(required = true, value_name = "PANE")]
    panes: Vec<String>,
    /// Do not ask, also for the pane in which this command runs
    #[arg(long)]
    force: bool,
}

impl RestartArgs {
    pub(crate) async fn run(self, caller: &Caller) -> Outcome {
        let targets = self.panes.iter().map(|pane| caller.target(pane));
        let targets = found(caller, targets.collect::<Result<Vec<_>, _>>()?).await?;
        let several = targets.len() > 1;
        let (mut again, mut failed) = (Vec::new(), Vec::new());
        for (server, pane) in targets {
            let mut restart = RestartPane {
                pane,
                guarded: !self.force,
            };
            let asked = caller.call(&server, &restart).await;
            let restarted = match asked {
                Err(error) if restart.guarded && kill::goes_on(&error)? => {
                    restart.guarded = false;
                    caller.call(&server, &restart).await
                }
                other => other,
            };
            match restarted {
                Ok(info) if caller.json => again.push(json(caller, server.name(), info)?),
                Ok(info) => {
                    let line = state_line(caller, server.name(), &info);
                    output::print_styled(&format!("{line}\n"))?;
                }
                Err(error) if several => {
                    let error = error.for_people();
                    if !caller.json {
                        note(&format!("fugue: {error}"));
                    }
                    failed.push(error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if caller.json {
            let failed: &[Error] = &failed;
            let all = match several {
                true => serde_json::json!({ "panes": again, "failed": failed }),
                false => serde_json::json!({ "panes": again }),
            };
            output::print_json(caller, &all)?;
        }
        Ok(u8::from(!failed.is_empty()))
    }
}

fn json(caller: &Caller, server: &ServerName, info: PaneInfo) -> anyhow::Result<serde_json::Value> {
    let panes = Panes {
        context: None,
        panes: vec![info],
    };
    let mut panes = output::json_of(caller, server, &panes)?;
    Ok(panes["panes"][0].take())
}
