//! The end of a connection: the peer is told why, and what it typed before is typed all the same.

use std::io;

use futures_util::{FutureExt, StreamExt};
use protocol::frame::Frame;
use protocol::{Error, ErrorCode};
use tokio::time::{Instant, timeout};
use tokio_util::codec::Decoder;

use super::{Conn, GOODBYE_LIMIT, view_of};

/// Looks at the socket for what was typed before the end.
const READS: usize = 64;

impl Conn {
    /// Says why it ends, unless the peer needs not be told. A peer with views hears it before the daemon goes, so that it keeps
    /// what is typed from then on; what it has sent before is taken.
    pub(super) async fn say_goodbye(&mut self, why: &Error) {
        if why.code == ErrorCode::Cancelled {
            return;
        }
        self.out.frame(Frame::Bye(why.clone()));
        let _ = timeout(GOODBYE_LIMIT, self.flush()).await;
        if why.code == ErrorCode::ServerUnreachable {
            // Its view goes on, and has its terminal as it is.
            self.guard = None;
            self.take_last_words().await;
        }
    }

    /// The reason to end now, when the daemon goes and its programs stay. With nothing under way the peer knows that whatever it has
    /// asked and was not answered was not done.
    pub(super) fn leaves(&self) -> Option<Error> {
        let until = self.leaving?;
        if self.calls.is_empty() {
            return Some(Error::replaced());
        }
        (Instant::now() >= until).then(replaced_meanwhile)
    }

    /// Begins what was asked right before the end: what makes or ends something runs on without its caller.
    pub(super) fn begin_calls(&mut self) {
        while let Some(Some(_)) = self.calls.next().now_or_never() {}
    }

    async fn flush(&mut self) -> io::Result<()> {
        loop {
            self.stream.write(&mut self.out)?;
            if self.out.is_empty() {
                return Ok(());
            }
            self.stream.room_for(&self.out).await?;
        }
    }

    /// The peer goes or has gone: what it typed before is typed all the same.
    pub(super) async fn take_last_words(&mut self) {
        for _ in 0..READS {
            let ready = timeout(GOODBYE_LIMIT, self.stream.readable()).await;
            if !matches!(ready, Ok(Ok(()))) || self.receive().is_err() {
                break;
            }
            while let Ok(Some(frame)) = self.codec.decode(&mut self.input) {
                if let Frame::Input { view, bytes, paste } = frame
                    && let Some(view) = view_of(&mut self.views, view)
                {
                    view.input(&self.server, &bytes, paste);
                }
            }
        }
    }
}

/// The reason of a connection that ends with calls under way when the daemon goes and its programs stay.
fn replaced_meanwhile() -> Error {
    let why = "the server was replaced before it answered";
    Error::new(ErrorCode::ServerUnreachable, why)
        .hint("if a call was under way, look whether it was carried out before repeating it")
}
