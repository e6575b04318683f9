//! The listener as the daemon holds it: opened once, served anew after each failure.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use protocol::config::HttpConfig;
use protocol::fleet::Fleet;
use protocol::paths::Paths;
use protocol::{Error, ErrorCode};

use crate::connections::{self, Traffic};
use crate::gate::Gate;
use crate::routes;
use crate::token::Secret;

/// The listening socket with what is needed to serve it.
pub struct Surface {
    listener: TcpListener,
    address: SocketAddr,
    token_file: PathBuf,
    secret: Arc<Secret>,
    paths: Paths,
}

impl Surface {
    /// Listens at `address`, port 0 for any free one. The token is read from its file, which is made
    /// when it is missing.
    ///
    /// # Errors
    /// `busy` when the address is taken, `denied` for a token file that is not the user's alone,
    /// `internal` for what else the system says.
    pub fn open(address: SocketAddr, config: &HttpConfig, paths: &Paths) -> Result<Self, Error> {
        let token_file = config
            .token_file
            .clone()
            .unwrap_or_else(|| paths.http_token());
        let secret = Secret::open(&token_file)?;
        let listener = TcpListener::bind(address).map_err(|error| {
            Error::new(
                ErrorCode::Busy,
                format!("cannot serve HTTP on {address}: {error}"),
            )
            .hint("end what listens there, or choose another address with --http or http.listen in the configuration; if it is not yours, it has seen the tokens of those who called it: `fugue token --rotate`")
        })?;
        let address = listener.local_addr().map_err(|error| {
            Error::new(
                ErrorCode::Internal,
                format!("the HTTP listener has no address: {error}"),
            )
        })?;
        Ok(Self {
            listener,
            address,
            token_file,
            secret: Arc::new(secret),
            paths: paths.clone(),
        })
    }

    /// The URL of its root.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file with the token that callers must show.
    #[must_use]
    pub fn token_file(&self) -> &std::path::Path {
        &self.token_file
    }

    /// Serves until it fails, and says why. Dropped, it ends its connections and MCP sessions.
    pub async fn serve(&self, tell: impl Fn(Traffic) + Send + Sync + 'static) -> String {
        match self.start() {
            Ok((listener, app)) => connections::serve(listener, app, &self.secret, tell).await,
            Err(error) => error.to_string(),
        }
    }

    fn start(&self) -> Result<(tokio::net::TcpListener, axum::Router), Error> {
        let mcp = Fleet::load_in_daemon(&self.paths, "fugued http mcp")?;
        let health = Fleet::load_in_daemon(&self.paths, "fugued http")?;
        let listener = self
            .listener
            .try_clone()
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(listener)
            })
            .map_err(|error| {
                Error::new(
                    ErrorCode::Internal,
                    format!("cannot use the HTTP listener: {error}"),
                )
            })?;
        let gate = Gate::new(Arc::clone(&self.secret), self.token_file.clone());
        Ok((
            listener,
            routes::router(gate, health, mcp::Endpoint::new(mcp)),
        ))
    }
}
