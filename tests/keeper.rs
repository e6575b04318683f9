//! The keeper with real processes: starting, ending, killing, adopting, and nothing left behind.
#![allow(clippy::unwrap_used, reason = "what fails in a test is to be seen")]

mod adopt;
mod end;
mod limits;
mod reports;
mod start;
mod stop;
mod streams;

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    os::fd::{AsRawFd, OwnedFd},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use ::keeper::{
    self, ExitReport, FailureClass, KeeperSpec, ProgramStatus, STATUS_PIPE_FD, SignalScope,
    SpawnFailure,
};
use keeper_link::{
    AdoptError, Keeper, KeeperExit, KeeperLaunch, KeeperPool, LinkError, SpawnError, SpawnedPane,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(20);

fn fugued_exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_fugued"))
}

fn launch(spec: &KeeperSpec) -> KeeperLaunch {
    KeeperLaunch {
        exe: fugued_exe(),
        args: vec!["keeper".into(), spec.pane_id.clone()],
    }
}

/// A directory for sockets and files.
struct Place {
    dir: TempDir,
    next: AtomicU32,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("fk")
            .tempdir_in("/tmp")
            .unwrap();
        Self {
            dir,
            next: AtomicU32::new(0),
        }
    }

    /// A text in the command line of every keeper, and the environment of every program, of here.
    fn tag(&self) -> &str {
        self.dir.path().file_name().unwrap().to_str().unwrap()
    }

    fn marker(&self, number: u32) -> String {
        format!("FUGUE_PANE_ID={}-{number}", self.tag())
    }

    /// Waits until neither keeper nor program of this place is left, nor a zombie of this process.
    async fn assert_no_processes(&self) {
        until("no process is left", || {
            fs::read_dir("/proc").unwrap().flatten().all(|entry| {
                let read = |name| fs::read(entry.path().join(name)).unwrap_or_default();
                let has = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(self.tag());
                !has(read("cmdline")) && !has(read("environ"))
            })
        })
        .await;
        until("no zombie is left", || zombies().is_empty()).await;
        self.assert_no_sockets();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spec(&self, argv: &[&str]) -> KeeperSpec {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let pane_id = format!("{}-{number}", self.tag());
        KeeperSpec {
            socket: self.path(&format!("{number}.sock")),
            env: vec![
                ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
                ("TERM".into(), "xterm-256color".into()),
                ("FUGUE_PANE_ID".into(), pane_id.clone()),
            ],
            pane_id,
            argv: argv.iter().map(|&s| s.into()).collect(),
            cwd: "/".into(),
            rows: 24,
            cols: 80,
            ..KeeperSpec::default()
        }
    }

    fn sh(&self, script: &str) -> KeeperSpec {
        self.spec(&["sh", "-c", script])
    }

    fn script(&self, name: &str, text: &[u8], mode: u32) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Nothing but files that a test made itself.
    fn assert_no_sockets(&self) {
        let left: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .filter_map(|e| e.unwrap().file_name().into_string().ok())
            .filter(|name| name.ends_with(".sock"))
            .collect();
        assert!(left.is_empty(), "sockets left: {left:?}");
    }
}

impl Drop for Place {
    /// A test that failed leaves nothing running either: each keeper here has the tag in its line.
    fn drop(&mut self) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&format!("\0{}-", self.tag())) {
                kill(entry.file_name().to_str().unwrap().parse().unwrap());
            }
        }
        for number in 0..self.next.load(Ordering::Relaxed) {
            crate::support::proc::kill_marked(&self.marker(number));
        }
    }
}

async fn spawn(spec: KeeperSpec) -> SpawnedPane {
    Keeper::spawn(&launch(&spec), spec, LIMIT).await.unwrap()
}

async fn ended(keeper: &Keeper) -> KeeperExit {
    let mut exit = keeper.exit();
    let value = timeout(LIMIT, exit.wait_for(Option::is_some))
        .await
        .expect("it ends in time");
    value.unwrap().unwrap()
}

async fn report(keeper: &Keeper) -> ExitReport {
    let exit = ended(keeper).await;
    let KeeperExit::Program(report) = exit else {
        panic!("no exit status but {exit:?}")
    };
    report
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Reads the PTY until it holds `wanted`.
async fn output_with(master: &OwnedFd, wanted: &str) -> String {
    let flags = rustix::fs::fcntl_getfl(master).unwrap();
    rustix::fs::fcntl_setfl(master, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut all = Vec::new();
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut buffer = [0; 4096];
        match rustix::io::read(master, &mut buffer) {
            Ok(length) => all.extend_from_slice(&buffer[..length]),
            Err(rustix::io::Errno::AGAIN) => sleep(Duration::from_millis(2)).await,
            Err(errno) => panic!("{errno} after {:?}", String::from_utf8_lossy(&all)),
        }
        let text = String::from_utf8_lossy(&all);
        if text.contains(wanted) {
            return text.into_owned();
        }
        assert!(Instant::now() < deadline, "no {wanted:?} in {text:?}");
    }
}

fn exists(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Releases the pane and checks that its keeper and all its processes are gone.
async fn finish(pane: SpawnedPane, place: &Place) {
    let (pid, keeper_pid) = (pane.pid, pane.keeper_pid);
    let survivors = pane.keeper.release(LIMIT).await.unwrap();
    assert!(survivors.is_empty(), "{survivors:?}");
    drop(pane);
    until("keeper and program are gone", || {
        !exists(keeper_pid) && !exists(pid)
    })
    .await;
    place.assert_no_sockets();
}

/// Runs one program to its end.
async fn run(spec: KeeperSpec, place: &Place) -> ExitReport {
    let pane = spawn(spec).await;
    let report = report(&pane.keeper).await;
    pane.keeper.ack_exit(false).await.unwrap();
    finish(pane, place).await;
    report
}

async fn refusal(spec: KeeperSpec, place: &Place) -> SpawnFailure {
    match Keeper::spawn(&launch(&spec), spec, LIMIT).await {
        Err(SpawnError::Program(failure)) => {
            place.assert_no_sockets();
            failure
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn own_fds() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Children of this process that nobody has reaped.
fn zombies() -> Vec<String> {
    let stats = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            stat.contains(&format!(") Z {} ", std::process::id()))
                .then_some(stat)
        });
    stats.collect()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// Neither gone nor a zombie that init has yet to reap.
fn is_running(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn fds_of(pid: i32) -> BTreeSet<i32> {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect()
}
