//! HTTP as the daemon has it: served from the start or as soon as its address can be had. Terminals never wait for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::Error;
use protocol::config::HttpConfig;
use protocol::paths::Paths;
use protocol::reply::HttpListener;

use crate::runtime_dir::{self, RuntimeDir, system};
use crate::server::Server;
use crate::surface::{News, Surface, Tell};

#[cfg(test)]
mod tests;

/// The first pause before it is tried again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// See [`FIRST_PAUSE`]. Short: whoever has the port now is told the tokens of those who call it.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Opens HTTP on an address of this machine. The daemon does not know how it is served.
pub type OpenHttp = fn(SocketAddr, &HttpConfig, &Paths) -> Result<(HttpListener, Surface), Error>;

/// HTTP that was asked for.
pub(crate) struct Http {
    pub(crate) server: Arc<Server>,
    pub(crate) runtime_dir: Arc<RuntimeDir>,
    pub(crate) address: SocketAddr,
    pub(crate) config: HttpConfig,
    pub(crate) open: OpenHttp,
    /// The socket, which outlives the actor that serves it.
    pub(crate) opened: OnceLock<Surface>,
}

impl Http {
    /// The surface to be supervised, tried once before anybody is served.
    pub(crate) fn begin(self) -> Surface {
        let address = format!("http://{}", self.address);
        let address = match self.try_open() {
            Ok(surface) => surface.address.clone(),
            Err(_) => address,
        };
        let http = Arc::new(self);
        Surface {
            address,
            serve: Arc::new(move |tell| {
                let http = Arc::clone(&http);
                Box::pin(async move { http.serve(tell).await })
            }),
        }
    }

    async fn serve(&self, tell: Tell) -> String {
        let mut pause = FIRST_PAUSE;
        let surface = loop {
            match self.try_open() {
                Ok(surface) => break surface,
                Err(why) => tell(News::Waiting(why)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        tell(News::At(surface.address.clone()));
        (surface.serve)(tell).await
    }

    /// The open socket; opened now, if it is not yet.
    fn try_open(&self) -> Result<&Surface, String> {
        if let Some(surface) = self.opened.get() {
            return Ok(surface);
        }
        let opened = (self.open)(self.address, &self.config, &self.server.paths);
        match opened.and_then(|(told, surface)| self.publish(told).map(|()| surface)) {
            Ok(surface) => {
                self.server.http_problem.send_replace(None);
                Ok(self.opened.get_or_init(|| surface))
            }
            Err(error) => {
                let why = error.to_string();
                let changed = |told: &mut Option<String>| {
                    let changed = told.as_ref() != Some(&why);
                    *told = Some(why.clone());
                    changed
                };
                if self.server.http_problem.send_if_modified(changed) {
                    tracing::warn!(
                        address = %self.address, error = why,
                        "http is not served, which is tried again"
                    );
                    // An earlier daemon's: callers would show their token to whoever listens there now.
                    let _ = std::fs::remove_file(self.server.paths.http_url());
                }
                Err(why)
            }
        }
    }

    /// Puts the URL where programs look for it.
    fn publish(&self, told: HttpListener) -> Result<(), Error> {
        let path = self.server.paths.http_url();
        runtime_dir::write(&path, format!("{}\n", told.url).as_bytes())
            .map_err(|e| system(&format!("write {}", path.display()), &e))?;
        self.runtime_dir.keep(&path);
        self.runtime_dir.keep(Path::new(&told.token_file));
        tracing::info!(
            url = told.url,
            token_file = told.token_file,
            "http is served"
        );
        self.server.http.get_or_init(|| told);
        Ok(())
    }
}
