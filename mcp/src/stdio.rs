//! The entry point of `fugue mcp`: MCP on standard input and output, nothing else on them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use protocol::fleet::Fleet;
use protocol::paths::Paths;
use protocol::{Error, ErrorCode};
use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::call::Front;
use crate::orphan::Orphanable;
use crate::server::McpServer;
use crate::tools::Profile;

/// The options of `fugue mcp`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which tools are offered.
    pub tools: Profile,
    /// The default server, from `-s`; `FUGUE_SERVER` and the configuration decide without it.
    pub server: Option<String>,
}

/// Serves MCP on standard input and output until the input or the parent process ends. Starts the local daemon when a
/// call needs it and none runs. Logs go to standard error, filtered by `FUGUE_LOG`.
///
/// # Errors
/// `invalid_argument` for a bad configuration, `unknown_server` for a default server that is not
/// in it, `internal` when the client breaks off in the middle of the handshake.
pub async fn serve_stdio(options: Options) -> Result<(), Error> {
    log_to_stderr();
    let named = std::env::var("FUGUE_SERVER")
        .ok()
        .filter(|name| !name.is_empty());
    let default = options.server.or(named);
    let fleet = Fleet::load(&Paths::from_env(), "fugue mcp", default.as_deref(), true)?;
    let (input, output) = rmcp::transport::stdio_pipes();
    let input = Orphanable::new(input);
    serve(Front::new(fleet), options.tools, input, output).await
}

/// Serves MCP on any pair of streams until the input ends.
pub(crate) async fn serve<R, W>(
    front: Front,
    profile: Profile,
    input: R,
    output: W,
) -> Result<(), Error>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let ended = CancellationToken::new();
    let input = Input {
        inner: input,
        ended: ended.clone(),
    };
    let server = McpServer::new(front, profile, ended);
    let running = match server.serve((input, output)).await {
        Ok(running) => running,
        // A client that only looked whether the program starts.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(broken(&error)),
    };
    running.waiting().await.map_err(|error| broken(&error))?;
    Ok(())
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the MCP connection failed: {error}"),
    )
    .hint("the client must begin with initialize or server/discover")
}

fn log_to_stderr() {
    // The SDK logs whole messages, and what people type is never logged.
    let filter = EnvFilter::try_from_env("FUGUE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn"))
        .add_directive("rmcp=error".parse().expect("a valid directive"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A program that has set up its logs already keeps them.
    let _ = logs.with_ansi(false).try_init();
}

/// The client's input, which tells when it has ended.
struct Input<R> {
    inner: R,
    ended: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let over = match &polled {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if over {
            self.ended.cancel();
        }
        polled
    }
}
