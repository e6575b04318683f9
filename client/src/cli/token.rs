//! `fugue token`: where the secret of the HTTP listener is, and another one in its place.

use clap::Args;
use protocol::config::Config;
use protocol::{Error, ErrorCode, secret};

use super::{Caller, Outcome, output};

/// `fugue token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Put a new one there; callers with the earlier one are refused from then on
    #[arg(long)]
    rotate: bool,
}

impl TokenArgs {
    pub(crate) fn run(&self, caller: &Caller) -> Outcome {
        let server = caller.server()?;
        if !caller.is_own(&server) {
            let message = format!("the token of server {} is where it runs", server.name());
            return Err(Error::new(ErrorCode::Unsupported, message)
                .hint("run `fugue token` there")
                .into());
        }
        let config = Config::load(&caller.paths.config)?;
        let file = config
            .http
            .token_file
            .unwrap_or_else(|| caller.paths.http_token());
        if self.rotate {
            secret::replace(&file).map_err(|error| {
                let message = format!("cannot replace the token in {}: {error}", file.display());
                Error::new(ErrorCode::Denied, message)
                    .hint("the earlier token is still valid; `fugued` makes the directory")
            })?;
        }
        if !self.rotate && !file.exists() {
            let message = format!("there is no token in {} yet", file.display());
            return Err(Error::new(ErrorCode::NotFound, message)
                .hint("a server with HTTP makes it (`fugued --http`), or `fugue token --rotate`")
                .into());
        }
        if caller.json {
            let told = serde_json::json!({"token_file": file, "rotated": self.rotate});
            output::print_json(caller, &told)?;
        } else if self.rotate {
            output::print_line(&format!(
                "a new token is in {}; the earlier one is worth nothing any more",
                file.display()
            ))?;
        } else {
            output::print_line(&file.display().to_string())?;
        }
        Ok(0)
    }
}
