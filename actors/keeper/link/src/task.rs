//! The task that owns one connection, and the end of the keeper behind it.

use std::{sync::Arc, time::Duration};

use keeper::wire::{Event, Reply, Taken};
use keeper::{ExitReport, Family, Identity};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid},
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep},
};

use crate::{
    handle::{Keeper, KeeperExit, Order},
    stream::Stream,
};

/// The number of requests that may wait for the connection.
const ORDERS: usize = 8;
/// Request ids below are used before the task starts.
const FIRST_ID: u64 = 16;
/// The time that a keeper which has closed its connection may take to be gone.
const DEATH_LIMIT: Duration = Duration::from_secs(2);

/// Longest pause between two looks at a process that is about to end.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The process that a keeper is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeeperProcess {
    /// A child of this process: its pid is its own until it is reaped here.
    Child { pid: i32 },
    /// Known from its hello. It may be a child too, when an earlier link started it.
    Adopted { pid: i32, start_time: u64 },
}

impl KeeperProcess {
    /// Waits until the process has ended, and reaps it if it is a child. Returns whether it ended
    /// within `limit`; a child is waited for in the background then.
    ///
    /// A keeper that has closed its connection is gone within a millisecond, so this looks again
    /// and again instead of needing a file descriptor, which may be just what has run out.
    pub(crate) async fn wait_dead(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut pause = Duration::from_millis(1);
        while !self.is_dead() {
            if Instant::now() >= deadline {
                self.reap_later();
                return false;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        true
    }

    /// True if the process has ended; a child that has is reaped by this.
    pub(crate) fn is_dead(self) -> bool {
        let (pid, alive) = match self {
            Self::Child { pid } => (pid, false),
            Self::Adopted { pid, start_time } => {
                if keeper::start_time(pid) != Some(start_time) {
                    return true;
                }
                (pid, Identity { pid, start_time }.is_alive())
            }
        };
        let Some(raw) = Pid::from_raw(pid) else {
            return true;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(raw), options) {
            Ok(ended) => ended.is_some(),
            // Not a child of this process, or one that was reaped already.
            Err(_) => !alive,
        }
    }

    #[allow(
        deprecated,
        reason = "its successor asks for a promise that the descriptor stays open, which an Arc<OwnedFd> cannot break"
    )]
    fn reap_later(self) {
        let Self::Child { pid } = self else {
            return;
        };
        let pinned = Pid::from_raw(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let Some(Ok(pinned)) = pinned else {
            return;
        };
        tokio::spawn(async move {
            let pinned = AsyncFd::with_interest(Arc::new(pinned), Interest::READABLE);
            if let Ok(pinned) = pinned {
                let _ = pinned.readable().await;
                self.is_dead();
            }
        });
    }
}

/// Starts the task of a connection whose handshake is over.
pub(crate) fn start(
    stream: Stream,
    process: KeeperProcess,
    exit: Option<ExitReport>,
    family: Family,
) -> Keeper {
    let (orders, queue) = mpsc::channel(ORDERS);
    let (exit_out, exit) = watch::channel(exit.map(KeeperExit::Program));
    let link = Link {
        stream,
        process,
        queue: Some(queue),
        pending: Vec::new(),
        next_id: FIRST_ID,
        exit: exit_out,
    };
    tokio::spawn(link.run());
    Keeper::new(orders, exit, family)
}

struct Link {
    stream: Stream,
    process: KeeperProcess,
    /// `None` once every handle has been dropped. The connection stays, so that the keeper's end is
    /// seen and a child is reaped.
    queue: Option<mpsc::Receiver<Order>>,
    pending: Vec<(u64, oneshot::Sender<Reply>)>,
    next_id: u64,
    exit: watch::Sender<Option<KeeperExit>>,
}

impl Link {
    async fn run(mut self) {
        while self.serve_received() {
            // A keeper that does not read gets no further requests; they wait in the bounded queue.
            let queue = self.queue.as_mut().filter(|_| !self.stream.is_sending());
            let order = async {
                match queue {
                    Some(queue) => queue.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = self.stream.exchange() => {
                    if received.is_err() {
                        break;
                    }
                }
                order = order => match order {
                    Some(order) => self.send(order),
                    None => self.queue = None,
                },
            }
        }
        self.end().await;
    }

    fn send(&mut self, order: Order) {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.retain(|(_, reply)| !reply.is_closed());
        match self.stream.push(id, order.request) {
            Ok(()) => self.pending.push((id, order.reply)),
            Err(cause) => {
                let text = cause.to_string();
                let _ = order.reply.send(Reply::Failed {
                    errno: Errno::TOOBIG.raw_os_error(),
                    text,
                });
            }
        }
    }

    /// Serves every whole frame. `false` when the stream is beyond repair.
    fn serve_received(&mut self) -> bool {
        loop {
            let (id, reply) = match self.stream.take() {
                Ok(Taken::Partial) => {
                    self.stream.drop_descriptors();
                    return true;
                }
                Ok(Taken::Frame(frame)) => {
                    if let Some(Event::Exited(report)) = frame.event {
                        self.exit.send_replace(Some(KeeperExit::Program(report)));
                    }
                    (frame.id, frame.reply)
                }
                Ok(Taken::Unknown(id, text)) => (id, Some(Reply::Unsupported { text })),
                Err(cause) => {
                    tracing::warn!(%cause, "a keeper sent something that is no frame");
                    return false;
                }
            };
            let waiting = self.pending.iter().position(|(asked, _)| *asked == id);
            if let (Some(at), Some(reply)) = (waiting, reply) {
                let _ = self.pending.swap_remove(at).1.send(reply);
            }
        }
    }

    async fn end(self) {
        let Self {
            stream,
            process,
            queue,
            pending,
            exit,
            ..
        } = self;
        drop((stream, queue, pending));
        let died = process.wait_dead(DEATH_LIMIT).await;
        exit.send_if_modified(|exit| {
            if exit.is_none() {
                *exit = Some(if died {
                    KeeperExit::Lost
                } else {
                    KeeperExit::Replaced
                });
                true
            } else {
                false
            }
        });
    }
}
