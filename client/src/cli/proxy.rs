//! `fugue proxy`: standard input and output ↔ the server's socket, for whoever reaches this machine over ssh.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use protocol::transport::ssh::Asking;
use protocol::{Error, ErrorCode};

use super::{Caller, Outcome};

/// Bytes passed on at a time at most.
const BUFFER_BYTES: usize = 64 * 1024;

/// Carries bytes both ways until one side ends. Starts the local server when none runs.
pub(crate) async fn run(caller: &Caller) -> Outcome {
    let server = caller.server()?;
    if server.socket().is_none() {
        let message = format!(
            "server {} is on another machine; `fugue proxy` is for a server of this one",
            server.name()
        );
        return Err(Error::new(ErrorCode::Unsupported, message)
            .hint(format!("reach {} directly", server.address()))
            .into());
    }
    caller.start_if_absent(&server).await?;
    server.start_again()?;
    let stream = server.dial(Asking::Never)?.stream;
    carry(&stream)?;
    Ok(0)
}

fn carry(stream: &UnixStream) -> io::Result<()> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut to_server = stream.try_clone()?;
    // It waits for input that may never come; the process ends without it.
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let _ = copy(&mut input, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        })?;
    match copy(&mut &*stream, &mut output) {
        Ok(()) => Ok(()),
        // Who asked has gone, which ends it as well.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error),
    }
}

/// Passes on what comes as it comes. `std::io::copy` splices, and then the kernel waits for more before it passes on a little.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
