//! The task of a pane whose terminal cannot be had now: it shows what is known of the screen, and takes no descriptor.

use std::sync::Arc;

use protocol::{Error, ErrorCode};
use terminal::screen::Screen;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::facts::Times;
use super::frames::Frames;
use super::waits::{QuietSince, Seen, Waits};
use super::{Command, Shared};

/// The error for what needs the terminal.
pub(super) fn absent() -> Error {
    Error::new(
        ErrorCode::Unreachable,
        "the pane's terminal cannot be reached now",
    )
    .hint("`fugue panes` or fugue_list_panes says why; `fugue retry` or fugue_retry_pane tries it at once")
}

/// The state of the task.
pub(super) struct Absent {
    shared: Arc<Shared>,
    screen: Screen,
    ended: bool,
    waits: Waits,
    frames: Frames,
    begun: Instant,
}

impl Absent {
    pub(super) fn new(shared: Arc<Shared>, screen: Screen) -> Self {
        Self {
            shared,
            screen,
            ended: false,
            waits: Waits::default(),
            frames: Frames::default(),
            begun: Instant::now(),
        }
    }

    /// Serves until the pane is closed, or another task has taken its place.
    pub(super) async fn run(self, mut commands: mpsc::Receiver<Command>) {
        let told = PanicGuard(Arc::clone(&self.shared));
        self.serve(&mut commands).await;
        drop(told);
    }

    async fn serve(mut self, commands: &mut mpsc::Receiver<Command>) {
        let mut stopped = self.shared.stopped.subscribe();
        let mut lives = self.shared.lives.subscribe();
        lives.mark_unchanged();
        let mut size = self.shared.size.subscribe();
        size.mark_changed();
        loop {
            let deadline = [
                self.waits.deadline(self.quiet()),
                self.frames.deadline(&self.screen),
            ];
            let timer = async {
                match deadline.into_iter().flatten().min() {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return,
                _ = lives.changed() => break,
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Ok(()) = size.changed() => {
                    let size = *size.borrow_and_update();
                    self.screen.resize(size);
                }
                () = timer => {}
            }
            let now = Instant::now();
            self.waits.expire(&self.screen, self.quiet(), now);
            self.frames.send(&mut self.screen, now);
        }
        // Waits and frames are asked for again where the screen is; what is left here is answered.
        commands.close();
        while let Ok(command) = commands.try_recv() {
            if let Command::Look(look) = command {
                look(&mut self.screen);
            }
        }
    }

    /// Nothing is printed or typed here.
    fn quiet(&self) -> QuietSince {
        QuietSince {
            text: self.begun,
            input: self.begun,
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Look(look) => look(&mut self.screen),
            Command::NextFrame(known, reply) => self.frames.push(known, reply),
            Command::Expect(order, reply) => {
                let now = Instant::now();
                let (screen, told) = (&self.screen, Times::default());
                let seen = Seen { screen, told };
                self.waits.push(order, reply, seen, self.ended, now);
            }
            Command::Drain(_, reply) => {
                let _ = reply.send(());
            }
            Command::ProgramEnded(reply) => {
                self.ended = true;
                self.screen.program_ended();
                self.waits.program_ended(&self.screen);
                let _ = reply.send(());
            }
            // Nobody has a terminal to write to, and a new one comes with another task.
            Command::Write(..) | Command::Adopt(..) => {}
            #[cfg(debug_assertions)]
            Command::Crash => panic!("a test asked for it"),
            #[cfg(debug_assertions)]
            Command::TurnForEver => {}
        }
    }
}

/// Tells that the task has failed.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.ended.send_replace(true);
        }
    }
}
