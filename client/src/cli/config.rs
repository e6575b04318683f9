//! `fugue config` and `fugue version`: the configuration as it counts, and the programs' versions.

use clap::Subcommand;
use protocol::config::Config;
use protocol::paths::Paths;
use protocol::request::Status;

use super::{Caller, Outcome, output};

/// `fugue config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigArgs {
    /// Print the path of the configuration file
    Path,
    /// Print the settings that count: those of the file, and the defaults for the others
    Show,
    /// Say whether the file can be used, and if not, what is wrong in which line
    Check,
}

impl ConfigArgs {
    pub(crate) fn run(&self, json: bool) -> Outcome {
        let path = Paths::from_env().config;
        match self {
            Self::Path if json => print_json(&serde_json::json!({ "path": path }))?,
            Self::Path => output::print_line(&path.display().to_string())?,
            Self::Show => {
                let config = Config::load(&path)?;
                if json {
                    print_json(&serde_json::to_value(&config)?)?;
                } else {
                    output::print_line(&config.to_text()?)?;
                }
            }
            Self::Check => {
                Config::load(&path)?;
                if json {
                    print_json(&serde_json::json!({ "path": path, "exists": path.exists() }))?;
                } else if path.exists() {
                    output::print_line(&format!("{}: ok", path.display()))?;
                } else {
                    let said = format!("{} is not there, so the defaults count", path.display());
                    output::print_line(&said)?;
                }
            }
        }
        Ok(0)
    }
}

fn print_json(value: &serde_json::Value) -> std::io::Result<()> {
    output::print_line(&value.to_string())
}

/// The versions of this program and of the server, if that can be asked.
pub(crate) async fn version(caller: &Caller) -> Outcome {
    let own = env!("CARGO_PKG_VERSION");
    let server = caller.server()?;
    let status = caller.call(&server, &Status {}).await;
    if caller.json {
        let theirs = status.as_ref().map(|status| status.version.clone()).ok();
        let versions = serde_json::json!({ "fugue": own, "fugued": theirs });
        output::print_json(caller, &versions)?;
        return Ok(0);
    }
    let theirs = match &status {
        Ok(status) => status.version.clone(),
        Err(_) => "does not run".to_owned(),
    };
    output::print_line(&format!("fugue {own}\nfugued {theirs} ({})", server.name()))?;
    Ok(0)
}
