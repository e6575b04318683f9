//! The daemon under systemd: what it tells, what programs must not see, and the unit that `fugue service` writes.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::request::CreateSession;
use rustix::process::Signal;

use crate::support::daemon::{Daemon, fugue_exe, fugued_exe, shell};
use crate::support::{LIMIT, run};

/// A socket like systemd's.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn at_path(daemon: &Daemon) -> Self {
        let path = daemon.dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::over(socket, path.display().to_string())
    }

    fn abstract_one() -> Self {
        let name = format!("fugue-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self::over(
            UnixDatagram::bind_addr(&address).unwrap(),
            format!("@{name}"),
        )
    }

    fn over(socket: UnixDatagram, name: String) -> Self {
        Self { socket, name }
    }

    /// What comes within `limit`.
    fn within(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// Waits for a message with this line, and gives it.
    fn wait_for(&self, line: &str) -> String {
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            let message = self.within(Duration::from_millis(100)).unwrap_or_default();
            if message.lines().any(|own| own == line) {
                return message;
            }
        }
        panic!("systemd was never told {line}");
    }

    /// Whether a sign of life comes within `limit`.
    fn hears_life(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while let Some(left) = limit
            .checked_sub(begun.elapsed())
            .filter(|left| !left.is_zero())
        {
            if self
                .within(left)
                .is_some_and(|message| message == "WATCHDOG=1\n")
            {
                return true;
            }
        }
        false
    }
}

async fn story(manager: &Manager, daemon: &mut Daemon) {
    daemon.launch_with(
        &[],
        &[
            ("NOTIFY_SOCKET", &manager.name),
            ("WATCHDOG_USEC", "400000"),
        ],
    );
    let ready = manager.wait_for("READY=1");
    assert!(ready.contains("STATUS=0 sessions, 0 panes"), "{ready}");
    // Ready means ready.
    let client = daemon.client().await;
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
    client.session("one", "exec sleep 600").await;
    manager.wait_for("STATUS=1 sessions, 1 panes");
    daemon.signal(Signal::TERM);
    let stopping = manager.wait_for("STOPPING=1");
    assert!(
        stopping.contains("STATUS=ending the programs"),
        "{stopping}"
    );
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn systemd_is_told_of_the_start_of_life_and_of_the_end() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let manager = Manager::at_path(&daemon);
        story(&manager, &mut daemon).await;
    });
}

#[test]
fn systemd_is_told_at_an_abstract_address_too() {
    run(async {
        let mut daemon = Daemon::prepared("");
        story(&Manager::abstract_one(), &mut daemon).await;
    });
}

#[test]
fn a_daemon_that_does_nothing_gives_no_sign_of_life() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let manager = Manager::at_path(&daemon);
        daemon.launch_with(
            &[],
            &[
                ("NOTIFY_SOCKET", &manager.name),
                ("WATCHDOG_USEC", "200000"),
            ],
        );
        manager.wait_for("WATCHDOG=1");
        daemon.signal(Signal::STOP);
        // One may be on its way.
        manager.hears_life(Duration::from_millis(150));
        assert!(!manager.hears_life(Duration::from_millis(600)));
        daemon.signal(Signal::CONT);
        manager.wait_for("WATCHDOG=1");
    });
}

#[test]
fn what_systemd_tells_the_daemon_is_for_nobody_else() {
    run(async {
        let mut daemon = Daemon::prepared("");
        let manager = Manager::at_path(&daemon);
        // Signs of life that another process was asked for are not given.
        daemon.launch_with(
            &[],
            &[
                ("NOTIFY_SOCKET", &manager.name),
                ("WATCHDOG_USEC", "100000"),
                ("WATCHDOG_PID", "1"),
                ("INVOCATION_ID", "aa"),
                ("JOURNAL_STREAM", "8:1"),
                ("LISTEN_FDS", "1"),
                ("OTHER", "kept"),
            ],
        );
        manager.wait_for("READY=1");
        assert!(!manager.hears_life(Duration::from_millis(500)));
        let client = daemon.client().await;
        let spies = [
            "NOTIFY_SOCKET",
            "WATCHDOG_",
            "INVOCATION_ID",
            "JOURNAL_STREAM",
            "LISTEN_",
        ];
        let look = "env | sort; echo END";
        let own = client.session("own", look).await;
        // A caller that runs under systemd itself has them too.
        let variables = [
            ("NOTIFY_SOCKET", "/x"),
            ("WATCHDOG_USEC", "9"),
            ("OTHER", "kept"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let callers = client
            .ok(CreateSession {
                environment: Some(variables.into()),
                pane: shell(look),
                ..CreateSession::default()
            })
            .await;
        for pane in [own.pane_id, callers.pane_id] {
            client.exit(pane).await;
            let text = client.text(pane).await;
            assert!(
                text.contains("END") && text.contains("OTHER=kept"),
                "{text}"
            );
            for spy in spies {
                assert!(
                    !text.lines().any(|line| line.starts_with(spy)),
                    "{spy}: {text}"
                );
            }
        }
    });
}

#[test]
fn a_daemon_in_the_background_does_not_speak_for_the_unit_that_started_it() {
    run(async {
        let daemon = Daemon::prepared("");
        let manager = Manager::at_path(&daemon);
        let mut command = daemon.command(fugued_exe());
        command
            .env("NOTIFY_SOCKET", &manager.name)
            .env("WATCHDOG_USEC", "100000");
        assert!(command.stdin(Stdio::null()).status().unwrap().success());
        assert_eq!(manager.within(Duration::from_millis(400)), None);
        assert_eq!(daemon.fugue(&["stop"]).code, 0);
        assert_eq!(manager.within(Duration::from_millis(10)), None);
    });
}

/// A person's home with a systemctl that notes what it is asked.
struct Home {
    daemon: Daemon,
    reached: bool,
}

impl Home {
    fn new(reached: bool) -> Self {
        let daemon = Daemon::prepared("");
        let bin = daemon.dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let answer = if reached {
            "case \"$2\" in show) echo ActiveState=inactive; echo UnitFileState=enabled; echo LoadState=loaded;; esac"
        } else {
            "echo 'Failed to connect to bus: No medium found' >&2; exit 1"
        };
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> {}\n{answer}\n",
            daemon.dir.path().join("asked").display()
        );
        let path = bin.join("systemctl");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { daemon, reached }
    }

    fn unit(&self) -> PathBuf {
        self.daemon.dir.path().join("x/systemd/user/fugued.service")
    }

    /// `fugue service …`: exit status, output, error.
    fn fugue(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command: Command = self.daemon.command(fugue_exe());
        let path = std::env::var("PATH").unwrap();
        let bin = self.daemon.dir.path().join("bin");
        let ran = command
            .arg("service")
            .args(arguments)
            .env("XDG_CONFIG_HOME", self.daemon.dir.path().join("x"))
            .env("PATH", format!("{}:{path}", bin.display()))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            ran.status.code().unwrap(),
            text(&ran.stdout),
            text(&ran.stderr),
        )
    }

    /// What systemctl was asked to do.
    fn asked(&self) -> Vec<String> {
        let path = self.daemon.dir.path().join("asked");
        let asked = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        let questions = ["show-environment", "show "];
        let is_order = |line: &&str| !questions.iter().any(|q| line.contains(q));
        asked.lines().filter(is_order).map(str::to_owned).collect()
    }
}

#[test]
fn the_unit_is_installed_enabled_and_removed() {
    let home = Home::new(true);
    assert!(home.reached);
    let (code, said, _) = home.fugue(&["status"]);
    assert!(code == 3 && said.contains("not installed"), "{said}");
    let (code, said, err) = home.fugue(&["install", "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        said.contains("systemctl --user enable fugued.service"),
        "{said}"
    );
    assert!(
        !home.unit().exists() && home.asked().is_empty(),
        "nothing is done"
    );
    let (code, said, err) = home.fugue(&["install"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        said.contains("systemctl --user start fugued.service"),
        "{said}"
    );
    let orders = ["--user daemon-reload", "--user enable fugued.service"];
    assert_eq!(home.asked(), orders);
    let written = std::fs::read_to_string(home.unit()).unwrap();
    assert_eq!(home.fugue(&["print"]).1, written);
    assert!(
        written.contains(&format!("ExecStart=\"{}\"", fugued_exe())),
        "{written}"
    );
    let runtime = home.daemon.runtime();
    let named = format!("Environment=\"FUGUE_RUNTIME_DIR={}\"", runtime.display());
    assert!(written.contains(&named), "{written}");
    let (code, said, _) = home.fugue(&["status", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &told["installed"], &told["enabled"]),
        (0, &true.into(), &"enabled".into())
    );
    let (code, _, err) = home.fugue(&["install", "--now"]);
    assert_eq!(code, 0, "again is fine: {err}");
    assert!(
        home.asked()
            .contains(&"--user start fugued.service".to_owned())
    );
    assert_eq!(home.fugue(&["uninstall"]).0, 0);
    let orders = [
        "--user disable --now fugued.service",
        "--user daemon-reload",
    ];
    assert_eq!(home.asked(), orders);
    assert!(!home.unit().exists());
    assert_eq!(home.fugue(&["uninstall"]).0, 3);
}

#[test]
fn a_unit_that_somebody_edited_is_not_replaced_unasked() {
    let home = Home::new(true);
    assert_eq!(home.fugue(&["install"]).0, 0);
    home.asked();
    let edited = std::fs::read_to_string(home.unit()).unwrap() + "# mine\n";
    std::fs::write(home.unit(), &edited).unwrap();
    for command in ["install", "uninstall"] {
        let (code, _, err) = home.fugue(&[command]);
        assert!(
            code == 1 && err.contains("edited") && err.contains("--force"),
            "{err}"
        );
        assert_eq!(std::fs::read_to_string(home.unit()).unwrap(), edited);
    }
    assert_eq!(home.asked(), Vec::<String>::new());
    assert_eq!(home.fugue(&["install", "--force"]).0, 0);
    assert!(
        !std::fs::read_to_string(home.unit())
            .unwrap()
            .contains("# mine")
    );
}

#[test]
fn without_a_user_manager_it_is_said_what_to_run() {
    let home = Home::new(false);
    let (code, said, err) = home.fugue(&["install"]);
    assert_eq!(code, 0, "{err}");
    for part in [
        "No medium found",
        "systemctl --user daemon-reload",
        "systemctl --user enable fugued.service",
        "systemctl --user start fugued.service",
        "loginctl enable-linger",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(home.unit().exists());
    let (code, said, _) = home.fugue(&["uninstall"]);
    assert!(code == 0 && said.contains("disable --now"), "{said}");
    assert!(!home.unit().exists());
}
