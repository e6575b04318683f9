//! The system calls that neither std nor rustix offers; all `unsafe` of the keeper process is here.
#![allow(
    unsafe_code,
    reason = "wait4 with resource usage, signalfd, posix_spawn and prctl have no safe binding here"
)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint},
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
};

use rustix::{io::Errno, process::Signal};

/// Highest signal number of Linux.
const LAST_SIGNAL: i32 = 64;

/// The result of waiting for any child.
#[derive(Debug)]
pub(crate) enum Waited {
    /// A child ended: pid, wait status, resource usage.
    Child(i32, c_int, Usage),
    /// There are children, all of them alive.
    NoneEnded,
    /// There are no children, so there are no descendants either.
    NoChildren,
}

/// The part of `struct rusage` that is reported.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub user_ms: u64,
    pub sys_ms: u64,
    pub max_rss_kib: u64,
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Tells a keeper to listen again where its socket was.
pub(crate) const LISTEN_AGAIN: Signal = Signal::USR1;

/// Blocks every signal, and returns a descriptor that becomes readable when a child ends or
/// [`LISTEN_AGAIN`] comes.
///
/// A blocked signal stays pending for ever: nothing but SIGKILL ends a keeper. SIGCHLD gets its
/// default action first, because an inherited "ignore" would make the kernel drop exit statuses.
pub(crate) fn block_signals() -> Result<OwnedFd, Errno> {
    // SAFETY: the sets are initialised by sigfillset and sigemptyset before they are used, and the
    // descriptor returned by signalfd is owned by nobody else.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(set.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, set.as_ptr(), ptr::null_mut());
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::sigaddset(set.as_mut_ptr(), LISTEN_AGAIN.as_raw());
        let fd = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            return Err(last_errno());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Takes all pending signals out of the descriptor of [`block_signals`]; tells whether
/// [`LISTEN_AGAIN`] was among them.
pub(crate) fn take_signals(fd: &OwnedFd) -> bool {
    // A record starts with the signal's number. Source: signalfd(2), `struct signalfd_siginfo`.
    let mut record = [0; size_of::<libc::signalfd_siginfo>()];
    let mut again = false;
    while rustix::io::read(fd, &mut record).is_ok() {
        let number = record.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
        again |= number == Some(LISTEN_AGAIN.as_raw());
    }
    again
}

/// Closes every descriptor from `first` on. Needs Linux 5.9; an older kernel leaves them open.
pub fn close_from(first: c_uint) {
    // SAFETY: called at the start of `main`, before anything owns a descriptor from `first` on.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, c_uint::MAX, 0);
    }
}

/// Sets the name that `ps -o comm` shows; the kernel cuts it to 15 bytes.
pub(crate) fn set_name(name: &CStr) {
    // SAFETY: PR_SET_NAME reads a terminated string.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, name.as_ptr());
    }
}

/// Takes the control socket from descriptor 0, and lets 0 be what 1 is.
pub(crate) fn take_stdin() -> Result<OwnedFd, Errno> {
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(rustix::stdio::stdout())?;
    Ok(socket)
}

/// Duplicates a descriptor that its owner shows as a number only.
pub(crate) fn duplicate(raw: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller's owner keeps `raw` open during this call.
    let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
    rustix::io::fcntl_dupfd_cloexec(borrowed, 3)
}

/// Waits, without blocking, for any child.
pub(crate) fn wait_any() -> Waited {
    let mut status: c_int = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid for the call, and an all-zero rusage is a valid one.
    let (pid, usage) = unsafe {
        let pid = libc::wait4(-1, &raw mut status, libc::WNOHANG, usage.as_mut_ptr());
        (pid, usage.assume_init())
    };
    match pid {
        0 => Waited::NoneEnded,
        1.. => Waited::Child(pid, status, Usage::from(&usage)),
        _ => Waited::NoChildren,
    }
}

impl From<&libc::rusage> for Usage {
    fn from(raw: &libc::rusage) -> Self {
        let ms = |t: libc::timeval| {
            let ms = t.tv_sec.saturating_mul(1000) + t.tv_usec / 1000;
            u64::try_from(ms).unwrap_or(0)
        };
        Self {
            user_ms: ms(raw.ru_utime),
            sys_ms: ms(raw.ru_stime),
            max_rss_kib: u64::try_from(raw.ru_maxrss).unwrap_or(0),
        }
    }
}

/// The signal with this number, also a realtime one. `None` for 0 and numbers that do not exist.
#[must_use]
pub fn signal(number: i32) -> Option<rustix::process::Signal> {
    // SAFETY: the signal is only sent to other processes, never handled or blocked by this one.
    (1..=LAST_SIGNAL)
        .contains(&number)
        .then(|| unsafe { rustix::process::Signal::from_raw_unchecked(number) })
}

/// Gives freed heap pages back to the system.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Descriptors 0, 1 and 2 of a new program.
pub(crate) enum Standard<'a> {
    /// A path that opens the PTY's slave, which becomes all three and the controlling terminal.
    Terminal(&'a CStr),
    /// Nothing to read, and these for output and error. There is no controlling terminal.
    Pipes(BorrowedFd<'a>, BorrowedFd<'a>),
}

/// The program that `posix_spawn` is to execute.
pub(crate) struct ExecSpec<'a> {
    /// File to execute; no search is done, and no shell is tried for text files.
    pub path: &'a CStr,
    pub argv: &'a [CString],
    pub env: &'a [CString],
    pub standard: Standard<'a>,
    /// A further descriptor, and its number in the program.
    pub extra: Option<(BorrowedFd<'a>, c_int)>,
}

/// Starts a program as the leader of a new session, on its terminal if it has one, with default signal actions and
/// an empty signal mask. The child shares this process's memory until it executes the program (no
/// page is copied), and every error up to and including `execve` comes back.
pub(crate) fn spawn(image: &ExecSpec<'_>) -> Result<i32, Errno> {
    let actions = Actions::new(image)?;
    let attributes = Attributes::new()?;
    let argv = pointers(image.argv);
    let env = pointers(image.env);
    let mut pid = 0;
    // SAFETY: every pointer refers to something that lives until the call returns, and both
    // arrays end with a null pointer.
    let result = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            image.path.as_ptr(),
            actions.0.as_ptr(),
            attributes.0.as_ptr(),
            argv.as_ptr(),
            env.as_ptr(),
        )
    };
    checked(result)?;
    Ok(pid)
}

fn checked(result: c_int) -> Result<(), Errno> {
    if result == 0 {
        Ok(())
    } else {
        Err(Errno::from_raw_os_error(result))
    }
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    let mut all = Vec::with_capacity(strings.len() + 1);
    all.extend(strings.iter().map(|s| s.as_ptr().cast_mut()));
    all.push(ptr::null_mut());
    all
}

/// The descriptors of the new program.
struct Actions(Box<MaybeUninit<libc::posix_spawn_file_actions_t>>);

impl Actions {
    fn new(image: &ExecSpec<'_>) -> Result<Self, Errno> {
        let mut raw = Box::new(MaybeUninit::uninit());
        // SAFETY: initialised by the first call, destroyed in Drop; the paths are copied by libc.
        unsafe {
            checked(libc::posix_spawn_file_actions_init(raw.as_mut_ptr()))?;
            let mut this = Self(raw);
            let actions = this.0.as_mut_ptr();
            let (input, mode, out, err) = match &image.standard {
                Standard::Terminal(path) => (*path, libc::O_RDWR, 0, 0),
                Standard::Pipes(out, err) => (
                    c"/dev/null",
                    libc::O_RDONLY,
                    out.as_raw_fd(),
                    err.as_raw_fd(),
                ),
            };
            checked(libc::posix_spawn_file_actions_addopen(
                actions,
                0,
                input.as_ptr(),
                mode,
                0,
            ))?;
            checked(libc::posix_spawn_file_actions_adddup2(actions, out, 1))?;
            checked(libc::posix_spawn_file_actions_adddup2(actions, err, 2))?;
            if let Some((fd, number)) = &image.extra {
                checked(libc::posix_spawn_file_actions_adddup2(
                    actions,
                    fd.as_raw_fd(),
                    *number,
                ))?;
            }
            Ok(this)
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`.
        unsafe {
            libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr());
        }
    }
}

/// Session and signal state of the new program.
struct Attributes(Box<MaybeUninit<libc::posix_spawnattr_t>>);

impl Attributes {
    fn new() -> Result<Self, Errno> {
        let flags = libc::POSIX_SPAWN_SETSID
            | libc::POSIX_SPAWN_SETSIGDEF as i16
            | libc::POSIX_SPAWN_SETSIGMASK as i16;
        let mut raw = Box::new(MaybeUninit::uninit());
        // SAFETY: initialised by the first call, destroyed in Drop; the sets are initialised before use.
        unsafe {
            checked(libc::posix_spawnattr_init(raw.as_mut_ptr()))?;
            let mut this = Self(raw);
            let attributes = this.0.as_mut_ptr();
            let mut set = MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigfillset(set.as_mut_ptr());
            checked(libc::posix_spawnattr_setsigdefault(
                attributes,
                set.as_ptr(),
            ))?;
            libc::sigemptyset(set.as_mut_ptr());
            checked(libc::posix_spawnattr_setsigmask(attributes, set.as_ptr()))?;
            checked(libc::posix_spawnattr_setflags(attributes, flags))?;
            Ok(this)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`.
        unsafe {
            libc::posix_spawnattr_destroy(self.0.as_mut_ptr());
        }
    }
}
