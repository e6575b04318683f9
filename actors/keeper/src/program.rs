//! Opening the PTY and the journal, and starting the program on them.

use std::{
    ffi::{CString, OsStr},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    os::unix::ffi::OsStrExt,
};

use portable_pty::{PtySize, native_pty_system};
use rustix::{
    fs::{MemfdFlags, Mode, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    io::Errno,
    process::{Resource, Rlimit, chdir, getrlimit, setrlimit, umask},
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{InputModes, OptionalActions, tcgetattr, tcsetattr},
    time::{ClockId, Timespec, clock_gettime},
};

use crate::{
    contain::Contained,
    diagnose::{explain, explain_cwd, find_program},
    procs,
    relay::{Pipes, Relay},
    reports::{Channel, Reports},
    sys,
    wire::{
        JOURNAL_BYTES, JOURNAL_HEADER_BYTES, KeeperSpec, ProgramIdentity, STATUS_PIPE_FD,
        SpawnFailure, Streams,
    },
};

/// A program that was started, and what belongs to it.
pub(crate) struct Program {
    pub identity: ProgramIdentity,
    /// Clock at the start, for the duration.
    pub started: Timespec,
    /// Holding it keeps the terminal from hanging up when the daemon goes.
    pub master: OwnedFd,
    pub journal: OwnedFd,
    /// Read end of the status pipe.
    pub status_pipe: Option<OwnedFd>,
    /// The reports that fill the status pipe, when the program does not itself.
    pub reports: Option<Reports>,
    /// The relay that moves its output, when it has no terminal.
    pub relay: Option<Relay>,
    /// Its control group.
    pub contained: Option<Contained>,
}

impl Program {
    /// The descriptors that a daemon gets, in the order of the wire.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = vec![self.master.as_fd(), self.journal.as_fd()];
        all.extend(self.status_pipe.as_ref().map(AsFd::as_fd));
        all
    }
}

/// Starts what `spec` asks for. The process's own directory is `/` afterwards, also on failure.
pub(crate) fn start(spec: &KeeperSpec) -> Result<Program, SpawnFailure> {
    enter(spec)?;
    let started = start_here(spec);
    // The keeper must not keep a file system busy; "/" can always be entered.
    let _ = chdir("/");
    started
}

fn enter(spec: &KeeperSpec) -> Result<(), SpawnFailure> {
    if !spec.cwd.is_absolute() {
        let text = format!(
            "the working directory must be an absolute path, not {:?}",
            spec.cwd.display().to_string()
        );
        return Err(SpawnFailure::new(Errno::INVAL, text));
    }
    chdir(&spec.cwd).map_err(|errno| explain_cwd(errno, &spec.cwd))
}

fn start_here(spec: &KeeperSpec) -> Result<Program, SpawnFailure> {
    let argv = arguments(spec)?;
    let env = environment(spec)?;
    let search = env
        .iter()
        .rev()
        .find_map(|one| one.to_bytes().strip_prefix(b"PATH="));
    let name = spec.program.as_ref().map(|program| program.as_bytes());
    let name = name.or(argv.first().map(|first| first.to_bytes()));
    let path = find_program(
        OsStr::from_bytes(name.unwrap_or_default()),
        search.map(OsStr::from_bytes),
    )?;
    let path_c = terminated(path.as_os_str().as_bytes(), || "the program".to_owned())?;

    let (master, slave) = open_terminal(spec)?;
    let journal = open_journal(spec)?;
    let status =
        Status::open(spec).map_err(|errno| SpawnFailure::during("no status pipe", errno))?;
    let outputs = Outputs::open(spec, slave)?;
    let image = sys::ExecSpec {
        path: &path_c,
        argv: &argv,
        env: &env,
        standard: outputs.standard(),
        extra: status.programs_end().map(|end| (end, STATUS_PIPE_FD)),
    };
    let started_at_unix_ms = unix_ms();
    let own = getrlimit(Resource::Nofile);
    limit_open_files(spec, own);
    let before = spec
        .umask
        .map(|mask| umask(Mode::from_raw_mode(mask & 0o777)));
    let spawned = spawn_contained(spec, &image);
    if let Some(before) = before {
        umask(before);
    }
    // The keeper goes on accepting daemons, however low the program's limit is.
    let _ = setrlimit(Resource::Nofile, own);
    let (spawned, contained) = spawned?;
    let pid = spawned.map_err(|errno| explain(errno, &path))?;
    let (reports, status_pipe) = status.follow(pid, spec);
    Ok(Program {
        started: now(),
        identity: ProgramIdentity {
            pid,
            // It is not reaped yet, so its entry exists even if it has ended.
            start_time: procs::stat(pid).map_or(0, |stat| stat.start_time),
            started_at_unix_ms,
        },
        master,
        journal,
        status_pipe,
        reports,
        relay: outputs.follow(),
        contained,
    })
}

/// The way of the program's output.
enum Outputs {
    /// To its terminal, which it opens itself by this path, as long as the descriptor is open.
    Terminal { path: CString, _slave: OwnedFd },
    /// To pipes.
    Pipes(Pipes),
}

impl Outputs {
    fn open(spec: &KeeperSpec, slave: OwnedFd) -> Result<Self, SpawnFailure> {
        let apart = match spec.streams {
            Streams::Terminal => {
                let path = format!("/proc/self/fd/{}", slave.as_raw_fd());
                let path = CString::new(path).expect("a number holds no NUL");
                return Ok(Self::Terminal {
                    path,
                    _slave: slave,
                });
            }
            Streams::Pipes => false,
            Streams::Apart => true,
        };
        let pipes = Pipes::open(slave, apart);
        pipes
            .map(Self::Pipes)
            .map_err(|errno| SpawnFailure::during("no pipes could be made", errno))
    }

    fn standard(&self) -> sys::Standard<'_> {
        match self {
            Self::Terminal { path, .. } => sys::Standard::Terminal(path),
            Self::Pipes(pipes) => {
                let (out, err) = pipes.programs_ends();
                sys::Standard::Pipes(out, err)
            }
        }
    }

    fn follow(self) -> Option<Relay> {
        match self {
            Self::Terminal { .. } => None,
            Self::Pipes(pipes) => Some(pipes.follow()),
        }
    }
}

/// The program's way to tell statuses.
enum Status {
    /// Not at all.
    None,
    /// It writes to the pipe itself.
    Pipe { read: OwnedFd, write: OwnedFd },
    /// It is a pipeline's shell.
    Reports(Channel),
}

impl Status {
    fn open(spec: &KeeperSpec) -> Result<Self, Errno> {
        if !spec.status_pipe {
            return Ok(Self::None);
        }
        if spec.report_word.is_some() {
            return Channel::open().map(Self::Reports);
        }
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        Ok(Self::Pipe { read, write })
    }

    fn programs_end(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::None => None,
            Self::Pipe { write, .. } => Some(write.as_fd()),
            Self::Reports(channel) => Some(channel.shell.as_fd()),
        }
    }

    /// The part that is left to do once the program runs, and the pipe that the daemon reads.
    fn follow(self, pid: i32, spec: &KeeperSpec) -> (Option<Reports>, Option<OwnedFd>) {
        match self {
            Self::None => (None, None),
            Self::Pipe { read, .. } => (None, Some(read)),
            Self::Reports(channel) => {
                let word = spec.report_word.clone().unwrap_or_default();
                let (reports, read) = channel.follow(pid, word);
                (Some(reports), Some(read))
            }
        }
    }
}

type Spawned = (Result<i32, Errno>, Option<Contained>);

/// Starts it in its control group, if it has one.
fn spawn_contained(spec: &KeeperSpec, image: &sys::ExecSpec<'_>) -> Result<Spawned, SpawnFailure> {
    let contained = spec.cgroup.as_ref().map(Contained::enter).transpose()?;
    let spawned = sys::spawn(image);
    if let Some(contained) = &contained {
        contained.leave();
    }
    Ok((spawned, contained))
}

/// Time since boot, suspend included.
pub(crate) fn now() -> Timespec {
    clock_gettime(ClockId::Boottime)
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let ms = now.tv_sec.saturating_mul(1000) + now.tv_nsec / 1_000_000;
    u64::try_from(ms).unwrap_or(0)
}

fn arguments(spec: &KeeperSpec) -> Result<Vec<CString>, SpawnFailure> {
    let texts = spec.argv.iter().map(String::as_bytes);
    let raw = spec
        .raw_argv
        .as_ref()
        .map(|raw| raw.iter().map(|one| &one[..]));
    let bytes: Vec<&[u8]> = raw.map_or_else(|| texts.collect(), Iterator::collect);
    let numbered = bytes.into_iter().enumerate();
    numbered
        .map(|(i, bytes)| terminated(bytes, || format!("argument {i}")))
        .collect()
}

fn environment(spec: &KeeperSpec) -> Result<Vec<CString>, SpawnFailure> {
    let texts = spec.env.iter();
    let texts = texts.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let raw = spec.raw_env.iter();
    let raw = raw.map(|(name, value)| (&name[..], &value[..]));
    let one = |(name, value): (&[u8], &[u8])| {
        let shown = String::from_utf8_lossy(name);
        if name.is_empty() || name.contains(&b'=') {
            let text = format!("{shown:?} cannot be the name of an environment variable");
            return Err(SpawnFailure::new(Errno::INVAL, text));
        }
        let joined = [name, b"=", value].concat();
        terminated(&joined, || format!("the environment variable {shown:?}"))
    };
    texts.chain(raw).map(one).collect()
}

fn terminated(bytes: &[u8], what: impl Fn() -> String) -> Result<CString, SpawnFailure> {
    CString::new(bytes).map_err(|_| {
        let text = format!("{} holds a NUL character", what());
        SpawnFailure::new(Errno::INVAL, text)
    })
}

/// The master and the slave of a new PTY of the asked size, in UTF-8 mode.
fn open_terminal(spec: &KeeperSpec) -> Result<(OwnedFd, OwnedFd), SpawnFailure> {
    let failed = |errno| SpawnFailure::during("no terminal could be opened", errno);
    let size = PtySize {
        rows: spec.rows,
        cols: spec.cols,
        pixel_width: spec.width,
        pixel_height: spec.height,
    };
    let pair = native_pty_system()
        .openpty(size)
        .map_err(|cause| match probe_terminal() {
            Err(errno) => failed(errno),
            Ok(()) => SpawnFailure::new(Errno::IO, format!("no terminal: {cause}")),
        })?;
    let raw = pair
        .master
        .as_raw_fd()
        .expect("a Unix PTY has a descriptor");
    let master = sys::duplicate(raw).map_err(failed)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = ioctl_tiocgptpeer(&master, flags).map_err(failed)?;
    let mut modes = tcgetattr(&slave).map_err(failed)?;
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&slave, OptionalActions::Now, &modes).map_err(failed)?;
    Ok((master, slave))
}

/// Opens a terminal again to learn the error number: the library gives text only.
fn probe_terminal() -> Result<(), Errno> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    unlockpt(&master)?;
    ioctl_tiocgptpeer(&master, flags).map(drop)
}

/// Shared memory that can grow but never shrink under a daemon that has mapped it.
fn open_journal(spec: &KeeperSpec) -> Result<OwnedFd, SpawnFailure> {
    let failed = |errno| SpawnFailure::during("no journal could be made", errno);
    let ring = match spec.journal_bytes {
        0 => JOURNAL_BYTES,
        bytes => bytes,
    };
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let journal = memfd_create("fugue-journal", flags | MemfdFlags::NOEXEC_SEAL)
        // Kernels before 6.3 do not know the flag.
        .or_else(|_| memfd_create("fugue-journal", flags))
        .map_err(failed)?;
    ftruncate(&journal, ring.saturating_add(JOURNAL_HEADER_BYTES)).map_err(failed)?;
    fcntl_add_seals(&journal, SealFlags::SHRINK).map_err(failed)?;
    Ok(journal)
}

fn limit_open_files(spec: &KeeperSpec, own: Rlimit) {
    let Some(wanted) = spec.open_files else {
        return;
    };
    let maximum = own.maximum;
    let current = Some(maximum.map_or(wanted, |maximum| wanted.min(maximum)));
    // Lowering a soft limit cannot fail; the program merely keeps the daemon's when it does.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}
