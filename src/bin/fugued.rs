//! The daemon, and with `keeper` the small process that is the parent of one pane's program.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use actors::daemon::{Options, run, run_in_background};
use actors::surface::{News, Surface, Traffic};
use clap::Parser;
use protocol::config::{CgroupWish, HttpConfig, loopback};
use protocol::paths::Paths;
use protocol::plain::plain_line;
use protocol::reply::HttpListener;
use protocol::transport::EXIT_BUSY;
use protocol::{Error, ErrorCode};

/// fugue's daemon: supervised terminals for people and programs.
///
/// Without options it starts in the background and returns when it serves.
#[derive(Parser)]
#[command(name = "fugued", version)]
struct Arguments {
    /// Stay in the foreground and log to standard error.
    #[arg(long)]
    foreground: bool,
    /// Serve HTTP on this address of this machine, such as 127.0.0.1:7433; port 0 for any free one.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// On SIGTERM, SIGINT and SIGHUP leave every program running; the next fugued takes them over.
    #[arg(long)]
    keep_panes: bool,
    /// With --foreground, log to the file that `fugue logs` shows instead of standard error.
    #[arg(long, requires = "foreground")]
    log_file: bool,
    /// Where each pane gets a control group of its own: `own` for the one that fugued was started in, a path, or `off`.
    #[arg(long, value_name = "WHERE")]
    cgroup: Option<CgroupWish>,
    /// Say `ready` on standard output when it serves.
    #[arg(long, hide = true)]
    tell_ready: bool,
    /// Wait for the locks of a daemon that is about to end.
    #[arg(long, hide = true)]
    successor: bool,
}

fn main() -> ExitCode {
    // Before anything else: a keeper must stay small.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "keeper")
    {
        return keeper::main();
    }
    let arguments = Arguments::parse();
    let options = Options {
        foreground: arguments.foreground,
        tell_ready: arguments.tell_ready,
        http: arguments.http,
        open_http: Some(open_http),
        keep_panes: arguments.keep_panes,
        log_file: arguments.log_file,
        cgroup: arguments.cgroup,
        successor: arguments.successor,
    };
    let allowed = options
        .http
        .map_or(Ok(()), |address| loopback(address).map(drop));
    let ended = allowed.and_then(|()| {
        if options.foreground {
            run(&options)
        } else {
            run_in_background(&options)
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fugued: {}", plain_line(&error.to_string()));
            if error.code == ErrorCode::Busy {
                ExitCode::from(EXIT_BUSY)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The HTTP listener as the daemon supervises it.
fn open_http(
    address: SocketAddr,
    config: &HttpConfig,
    paths: &Paths,
) -> Result<(HttpListener, Surface), Error> {
    let http = Arc::new(web::Surface::open(address, config, paths)?);
    let told = HttpListener {
        url: http.url(),
        token_file: http.token_file().display().to_string(),
    };
    let surface = Surface {
        address: http.url(),
        serve: Arc::new(move |tell| {
            let http = Arc::clone(&http);
            Box::pin(async move {
                let tell = move |web::Traffic { accepted, open }| {
                    tell(News::Counted(Traffic { accepted, open }));
                };
                http.serve(tell).await
            })
        }),
    };
    Ok((told, surface))
}
