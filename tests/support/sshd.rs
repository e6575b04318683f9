//! A real sshd on a loopback port, as the user who runs the tests, with keys of its own; and the `ssh` that knows it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::LIMIT;
use super::cli::Ran;
use super::daemon::{Daemon, fugue_exe};

/// A running sshd.
pub struct Sshd {
    dir: tempfile::TempDir,
    child: Child,
    pub port: u16,
}

/// The daemon's program, which is not on an ordinary user's PATH.
const SSHD: &str = "/usr/sbin/sshd";

/// True if there is an sshd. CI installs it (scripts/install-tools) and fails without.
pub fn is_installed() -> bool {
    let installed = Path::new(SSHD).exists();
    assert!(
        installed || !rustix::process::getuid().is_root(),
        "{SSHD} is missing; scripts/install-tools installs it"
    );
    if !installed {
        eprintln!("not tried: there is no {SSHD}");
    }
    installed
}

fn keygen(path: &Path) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status();
    assert!(status.unwrap().success());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl Sshd {
    /// Starts one. `forced` is what it runs instead of what a client asks for, which is then in `$SSH_ORIGINAL_COMMAND`.
    pub fn start(forced: Option<&str>) -> Self {
        let dir = tempfile::Builder::new().prefix("fgssh").tempdir_in("/tmp");
        let dir = dir.unwrap();
        let at = |name: &str| dir.path().join(name);
        for key in ["host", "user", "other"] {
            keygen(&at(key));
        }
        std::fs::copy(at("user.pub"), at("authorized_keys")).unwrap();
        if rustix::process::getuid().is_root() {
            // Debian's sshd wants it, and only its unit makes it.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = free_port();
        let mut config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {keys}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nPrintMotd no\nMaxStartups 100\n",
            host = at("host").display(),
            keys = at("authorized_keys").display(),
        );
        if let Some(forced) = forced {
            config.push_str(&format!("ForceCommand {forced}\n"));
        }
        std::fs::write(at("sshd_config"), config).unwrap();
        let log = std::fs::File::create(at("sshd.log")).unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let sshd = Self { dir, child, port };
        sshd.write_client("user", true);
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begun.elapsed() < LIMIT, "sshd: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        sshd
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The `ssh` on the clients' PATH: it logs in with this key, and knows the host's key or not.
    pub fn write_client(&self, key: &str, known: bool) {
        let host = std::fs::read_to_string(self.at("host.pub")).unwrap();
        let line = match known {
            true => format!("[127.0.0.1]:{} {host}", self.port),
            false => String::new(),
        };
        std::fs::write(self.at("known_hosts"), line).unwrap();
        let config = format!(
            "UserKnownHostsFile {}\nGlobalKnownHostsFile none\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\n",
            self.at("known_hosts").display(),
            self.at(key).display(),
        );
        std::fs::write(self.at("ssh_config"), config).unwrap();
        let bin = self.at("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n",
            self.at("ssh_config").display()
        );
        std::fs::write(bin.join("ssh"), script).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join("ssh"), mode).unwrap();
    }

    /// What it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.at("sshd.log")).unwrap_or_default()
    }

    /// The logins so far.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// The address of the server there.
    pub fn address(&self) -> String {
        format!("ssh://127.0.0.1:{}", self.port)
    }

    /// The command that stands for `fugue proxy` of another machine: with the directories of `far`.
    pub fn proxy(far: &Daemon) -> String {
        format!(
            "env FUGUE_RUNTIME_DIR={} FUGUE_STATE_DIR={} FUGUE_CONFIG={} {} proxy",
            far.runtime().display(),
            far.paths().state.display(),
            far.paths().config.display(),
            fugue_exe(),
        )
    }

    /// The configuration of a client that knows `far` as polecats.
    pub fn known(&self, far: &Daemon) -> String {
        format!(
            "[servers.polecats]\naddress = {:?}\ncommand = {:?}\n",
            self.address(),
            Self::proxy(far)
        )
    }

    /// A command of a client of `near`, which finds this `ssh`.
    pub fn command(&self, near: &Daemon, program: &str) -> Command {
        let mut command = near.command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.bin().display()));
        command
    }

    /// Runs `fugue` as a client of `near`.
    pub fn fugue(&self, near: &Daemon, args: &[&str]) -> Ran {
        let mut command = self.command(near, fugue_exe());
        Ran::of(command.args(args).stdin(Stdio::null()))
    }

    /// The directory of the `ssh` that clients are to find first.
    pub fn bin(&self) -> PathBuf {
        self.at("bin")
    }

    /// Takes no more connections, and cuts those that there are.
    pub fn stop(&self) {
        super::proc::signal(self.child.id(), rustix::process::Signal::STOP);
        self.cut();
    }

    /// Cuts every connection, as a network that goes away does: the processes that serve them are killed.
    pub fn cut(&self) {
        for pid in super::proc::children(self.child.id()) {
            super::proc::signal(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.cut();
        // Also one that is stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
