//! The keeper's loop: it reaps, answers one daemon, and takes the next one in.

mod end;

use std::{fs, os::fd::OwnedFd, path::PathBuf, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{SocketFlags, accept_with},
    process::{Pid, Signal, getpid, kill_process, set_child_subreaper},
};
use serde_bytes::ByteBuf;

use super::{below, failed, listen_on};
use crate::{
    conn::Conn,
    hidden, procs,
    program::{self, Program},
    relay::Relay,
    reports::Reports,
    stop::Rounds,
    sys,
    wire::{
        KeeperFrame, KeeperHello, KeeperSpec, KeptErrors, Process, Reply, Request, SignalScope,
        StopTimes, Taken, WIRE_VERSION,
    },
};
use end::End;

/// First and longest pause between two rounds of killing. A child's end cuts it short.
const KILL_PAUSE_MS: (u64, u64) = (1, 64);
/// Longest pause between two looks whether those who were asked to end have ended.
const ASK_PAUSE_MS: u64 = 16;
/// Pause before the next try when a connection could not be accepted.
const ACCEPT_PAUSE_MS: u64 = 100;
/// The pause between two looks of a keeper that only waits for a daemon whether one can still find it.
const LOST_PAUSE_MS: u64 = 5_000;
/// The longest time for which orphans are let go.
const LET_GO_MOST_MS: u64 = 5_000;
/// The number of kill requests that may wait at the same time.
const MAX_KILLS: usize = 64;
/// Pause between two looks whether the daemon takes too long to read what an ended program has written.
const DRAIN_PAUSE_MS: u64 = 500;

/// The connection whose request is served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Daemon,
    Caller,
}

/// A request to kill everything that is still going on.
struct KillJob {
    /// 0 once nobody waits for the answer.
    id: u64,
    /// The rounds before it; `None` when they are over.
    rounds: Option<Rounds>,
    /// Milliseconds from the first kill on.
    limit_ms: u64,
    /// Milliseconds on the keeper's clock, once killing has begun.
    deadline_ms: u64,
    /// It goes on when the daemon goes.
    lasts: bool,
    /// The keeper ends when it is done.
    release: bool,
}

/// A keeper whose program was started.
pub(super) struct Serving {
    pane_id: String,
    socket: PathBuf,
    meta: ByteBuf,
    secret: ByteBuf,
    own_start_time: u64,
    program: Program,
    listener: OwnedFd,
    signals: OwnedFd,
    daemon: Option<Conn>,
    /// Connected, but not yet the daemon, because it has not said hello.
    caller: Option<Conn>,
    end: End,
    /// The time at which descendants that lose their parent are kept again, on the keeper's clock.
    keeps_again_ms: Option<u64>,
    acknowledged: bool,
    leave_when_empty: bool,
    /// No child is left, as far as the last look tells.
    empty: bool,
    kills: Vec<KillJob>,
    kill_pause_ms: u64,
    /// The last connection could not be accepted: the listener stays readable, so it is left out
    /// of one wait.
    deaf: bool,
    finished: bool,
}

impl Serving {
    pub(super) fn new(
        spec: KeeperSpec,
        program: Program,
        listener: OwnedFd,
        signals: OwnedFd,
    ) -> Self {
        let own = procs::stat(getpid().as_raw_pid());
        Self {
            pane_id: spec.pane_id,
            socket: spec.socket,
            meta: spec.meta,
            secret: spec.secret,
            own_start_time: own.map_or(0, |stat| stat.start_time),
            program,
            listener,
            signals,
            daemon: None,
            caller: None,
            end: End::Awaited,
            keeps_again_ms: None,
            acknowledged: false,
            leave_when_empty: false,
            empty: false,
            kills: Vec::new(),
            kill_pause_ms: KILL_PAUSE_MS.0,
            deaf: false,
            finished: false,
        }
    }

    /// Answers the spawn request.
    pub(super) fn introduce(&mut self, mut conn: Conn, id: u64) {
        let frame = KeeperFrame::reply(id, Reply::Spawned(self.program.identity));
        conn.send_with(&frame, &self.program.descriptors());
        self.daemon = Some(conn);
    }

    pub(super) fn serve(&mut self) {
        while !self.finished {
            self.wait();
            self.keep_orphans();
            // Before the shell is reaped: its pid is nobody else's until then.
            self.take_reports();
            self.reap();
            self.move_output();
            self.end_reports();
            self.kill_round();
            self.accept();
            // First whether the daemon has gone: then a caller takes its place, and is served as one.
            self.serve_side(Side::Daemon);
            self.serve_side(Side::Caller);
            self.serve_side(Side::Daemon);
            let may_leave = self.acknowledged && self.leave_when_empty;
            if self.empty && (may_leave || self.is_waiting() && self.cannot_be_found()) {
                self.finish();
            }
        }
    }

    /// Sleeps until a child ends, a connection has something, or a round of killing is due.
    fn wait(&self) {
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        if !self.deaf {
            fds.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        fds.extend(self.daemon.as_ref().map(Conn::poll_fd));
        fds.extend(self.caller.as_ref().map(Conn::poll_fd));
        fds.extend(self.program.reports.iter().flat_map(Reports::poll_fds));
        fds.extend(self.program.relay.iter().flat_map(Relay::poll_fds));
        let held = matches!(self.end, End::Reaped(..)) && self.daemon.is_some();
        let draining = held.then_some(DRAIN_PAUSE_MS);
        let killing = (!self.kills.is_empty()).then_some(self.kill_pause_ms);
        let waiting = self.is_waiting().then_some(LOST_PAUSE_MS);
        let letting_go = self.keeps_again_ms.map(|_| ACCEPT_PAUSE_MS);
        let deaf = self.deaf.then_some(ACCEPT_PAUSE_MS);
        let pauses = [draining, killing, letting_go, deaf, waiting];
        let pause_ms = pauses.into_iter().flatten().min();
        let limit = pause_ms.and_then(|ms| Timespec::try_from(Duration::from_millis(ms)).ok());
        let _ = poll(&mut fds, limit.as_ref());
    }

    fn take_reports(&mut self) {
        if let Some(reports) = &mut self.program.reports {
            reports.exchange();
        }
    }

    /// The pipe ends with the shell, once it has taken everything.
    fn end_reports(&mut self) {
        let ended = self.exit().is_some();
        self.program
            .reports
            .take_if(|reports| ended && reports.flush());
    }

    /// Nothing of the program is left, and there is no daemon to tell how it ended.
    fn is_waiting(&self) -> bool {
        self.empty && self.exit().is_some() && self.daemon.is_none() && self.caller.is_none()
    }

    /// True if the way in is gone.
    fn cannot_be_found(&self) -> bool {
        rustix::fs::lstat(&self.socket).err() == Some(Errno::NOENT)
    }

    /// Listens again where its socket was, when a daemon has made the directory again.
    fn listen_again(&mut self) {
        if self.cannot_be_found()
            && let Ok(listener) = listen_on(&self.socket)
        {
            self.listener = listener;
        }
    }

    fn accept(&mut self) {
        self.deaf = match accept_with(&self.listener, SocketFlags::CLOEXEC) {
            Ok(socket) => {
                let conn = Conn::new(socket);
                if conn.is_own_user() {
                    self.caller = Some(conn);
                }
                false
            }
            Err(errno) => errno != Errno::AGAIN,
        };
    }

    fn side(&mut self, side: Side) -> &mut Option<Conn> {
        match side {
            Side::Daemon => &mut self.daemon,
            Side::Caller => &mut self.caller,
        }
    }

    fn serve_side(&mut self, side: Side) {
        if let Some(conn) = self.side(side) {
            conn.exchange();
        }
        while let Some(conn) = self.side(side) {
            let Some(taken) = conn.next_request() else {
                break;
            };
            match taken {
                Taken::Frame(frame) => self.serve_request(side, frame.id, frame.request),
                Taken::Unknown(id, text) => {
                    conn.send(&KeeperFrame::reply(id, Reply::Unsupported { text }));
                }
                Taken::Partial => break,
            }
        }
        let gone = self.side(side).as_ref().is_some_and(Conn::is_closed);
        if gone {
            *self.side(side) = None;
            if side == Side::Daemon {
                self.forget_kills();
            }
        }
    }

    /// Nobody waits for their answers any more. A release still goes on, and so does what has asked
    /// programs to end: some of them are held until it is over.
    fn forget_kills(&mut self) {
        self.kills.retain(|job| job.lasts);
        for job in &mut self.kills {
            job.id = 0;
        }
    }

    fn serve_request(&mut self, side: Side, id: u64, request: Request) {
        if let Request::Hello { secret, .. } = &request {
            return match side == Side::Daemon || self.is_daemon(secret) {
                true => self.greet(side, id),
                false => self.refuse(id),
            };
        }
        if side == Side::Caller {
            self.caller = None;
            return;
        }
        let reply = match request {
            Request::Hello { .. } => return,
            Request::Spawn(_) => failed(Errno::EXIST, "the program has been started already"),
            Request::Signal { signal, scope } => self.signal(signal, scope),
            Request::Descendants {} => Reply::Processes {
                processes: below::descendants(),
            },
            Request::KillAll { limit_ms } => return self.begin_kill(id, limit_ms, None, false),
            Request::Stop { times, limit_ms } => {
                return self.begin_kill(id, limit_ms, Some(times), false);
            }
            Request::Release { limit_ms } => return self.begin_kill(id, limit_ms, None, true),
            Request::SetMeta { meta } => {
                self.meta = meta;
                Reply::Done {}
            }
            Request::AckExit { leave_when_empty } => self.acknowledge(leave_when_empty),
            Request::LetOrphansGo { limit_ms } => self.let_orphans_go(limit_ms),
            Request::KeptErrors {} => Reply::KeptErrors(match &self.program.relay {
                Some(relay) => relay.kept_errors(),
                None => KeptErrors::default(),
            }),
        };
        self.answer(id, reply);
    }

    fn answer(&mut self, id: u64, reply: Reply) {
        if id == 0 {
            return;
        }
        if let Some(daemon) = &mut self.daemon {
            daemon.send(&KeeperFrame::reply(id, reply));
        }
    }

    /// True if the caller is a daemon: it knows the secret. A daemon that lost its database, or of a version without secrets,
    /// knows none: it is taken for one when there is no other, unless it is one of this pane's own processes.
    fn is_daemon(&self, secret: &[u8]) -> bool {
        let caller = self.caller.as_ref().and_then(Conn::peer);
        let stranger = || caller.is_some_and(|pid| !below::contains(pid));
        self.secret.is_empty() || secret == &**self.secret || (self.daemon.is_none() && stranger())
    }

    /// Tells a caller that it is not taken for a daemon, and nothing else.
    fn refuse(&mut self, id: u64) {
        if let Some(mut caller) = self.caller.take() {
            let hello = KeeperHello {
                version: WIRE_VERSION,
                keeper_pid: getpid().as_raw_pid(),
                keeper_start_time: self.own_start_time,
                refused: true,
                ..KeeperHello::default()
            };
            caller.send(&KeeperFrame::reply(id, Reply::Hello(Box::new(hello))));
        }
    }

    /// Makes a caller the daemon; the one before is closed.
    fn greet(&mut self, side: Side, id: u64) {
        let Some(mut conn) = self.side(side).take() else {
            return;
        };
        let descriptors = self.program.descriptors();
        let hello = KeeperHello {
            version: WIRE_VERSION,
            pane_id: self.pane_id.clone(),
            keeper_pid: getpid().as_raw_pid(),
            keeper_start_time: self.own_start_time,
            program: Some(self.program.identity),
            exit: self.exit(),
            descriptors: u32::try_from(descriptors.len()).unwrap_or(0),
            meta: self.meta.clone(),
            refused: false,
            exe: hidden::own_exe().unwrap_or_default(),
            pss_kib: hidden::own_pss_kib().unwrap_or_default(),
        };
        let frame = KeeperFrame::reply(id, Reply::Hello(Box::new(hello)));
        conn.send_with(&frame, &descriptors);
        if side == Side::Caller {
            self.forget_kills();
        }
        self.daemon = Some(conn);
    }

    fn let_orphans_go(&mut self, limit_ms: u64) -> Reply {
        let limit_ms = limit_ms.min(LET_GO_MOST_MS);
        match set_child_subreaper((limit_ms == 0).then(getpid)) {
            Ok(()) => {
                self.keeps_again_ms = (limit_ms > 0).then(|| clock_ms() + limit_ms);
                Reply::Done {}
            }
            Err(errno) => failed(errno, "what becomes of orphans cannot be changed"),
        }
    }

    /// Keeps orphans again when the time is over.
    fn keep_orphans(&mut self) {
        if self.keeps_again_ms.is_some_and(|at| at <= clock_ms())
            && set_child_subreaper(Some(getpid())).is_ok()
        {
            self.keeps_again_ms = None;
        }
    }

    fn acknowledge(&mut self, leave_when_empty: bool) -> Reply {
        if self.exit().is_none() {
            return failed(Errno::BUSY, "the program has not ended");
        }
        self.acknowledged = true;
        self.leave_when_empty = leave_when_empty;
        Reply::Done {}
    }

    fn signal(&self, number: i32, scope: SignalScope) -> Reply {
        let Some(signal) = sys::signal(number) else {
            return failed(Errno::INVAL, "there is no such signal");
        };
        let sent = match scope {
            SignalScope::Program => self.signal_program(signal).map(|()| 1),
            SignalScope::Group => below::signal_group(self.program.identity.pid, signal),
            SignalScope::ForegroundGroup => rustix::termios::tcgetpgrp(&self.program.master)
                .and_then(|group| below::signal_group(group.as_raw_pid(), signal)),
            SignalScope::All => Ok(below::signal_all(signal)),
        };
        match sent {
            Ok(processes) => Reply::Signaled { processes },
            Err(Errno::SRCH) => failed(Errno::SRCH, "there is no process to send the signal to"),
            Err(errno) => failed(errno, &format!("the signal could not be sent: {errno}")),
        }
    }

    fn signal_program(&self, signal: Signal) -> Result<(), Errno> {
        // Until it is reaped, which is done here only, its pid belongs to nobody else.
        match (self.is_reaped(), Pid::from_raw(self.program.identity.pid)) {
            (false, Some(pid)) => kill_process(pid, signal),
            _ => Err(Errno::SRCH),
        }
    }

    fn begin_kill(&mut self, id: u64, limit_ms: u64, ask: Option<StopTimes>, release: bool) {
        if self.kills.len() >= MAX_KILLS {
            return self.answer(id, failed(Errno::BUSY, "too many kill requests at once"));
        }
        let now = clock_ms();
        let program = (!self.is_reaped()).then_some(self.program.identity.pid);
        let own = getpid().as_raw_pid();
        self.kills.push(KillJob {
            id,
            rounds: ask.map(|times| Rounds::begin(own, program, times, now)),
            limit_ms,
            deadline_ms: now.saturating_add(limit_ms),
            lasts: release || ask.is_some(),
            release,
        });
        self.kill_pause_ms = KILL_PAUSE_MS.0;
        self.kill_round();
    }

    /// Asks, or kills every descendant once, and answers what is done or out of time. Only "no
    /// children" is the end: as a subreaper, the keeper is an ancestor of everything its program
    /// ever started.
    fn kill_round(&mut self) {
        if self.kills.is_empty() {
            return;
        }
        let now = clock_ms();
        for job in &mut self.kills {
            if job.rounds.as_mut().is_some_and(|rounds| rounds.step(now)) {
                job.rounds = None;
                job.deadline_ms = now.saturating_add(job.limit_ms);
            }
        }
        let kills = self.kills.iter().any(|job| job.rounds.is_none());
        if !self.empty {
            if kills {
                below::signal_all(Signal::KILL);
            }
            self.reap();
        }
        let now = clock_ms();
        let done = self.empty;
        let is_over = |job: &KillJob| done || job.rounds.is_none() && job.deadline_ms <= now;
        let over: Vec<KillJob> = self.kills.extract_if(.., |job| is_over(job)).collect();
        if over.iter().any(|job| job.release) {
            // Before the answer: who has it may let the pane's next keeper listen in the same place.
            self.finish();
        }
        for job in over {
            let processes = if done { Vec::new() } else { self.survivors() };
            self.answer(job.id, Reply::Processes { processes });
        }
        let longest = if kills { KILL_PAUSE_MS.1 } else { ASK_PAUSE_MS };
        self.kill_pause_ms = (self.kill_pause_ms * 2).min(longest);
    }

    /// The descendants, when it is known that there are some.
    fn survivors(&mut self) -> Vec<Process> {
        let mut left = below::descendants();
        if left.is_empty() {
            self.reap();
            if !self.empty {
                // Hidden by the mount options of `/proc`, as another user's processes can be.
                left.push(Process {
                    comm: "unknown".to_owned(),
                    ..Process::default()
                });
            }
        }
        left
    }

    fn finish(&mut self) {
        let _ = fs::remove_file(&self.socket);
        self.finished = true;
    }
}

fn clock_ms() -> u64 {
    let now = program::now();
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or(0)
}
