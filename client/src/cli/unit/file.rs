//! The unit's text, and the file that it is in.

use std::io::Write;
use std::path::{Path, PathBuf};

use protocol::paths::Paths;
use protocol::{Error, ErrorCode};

/// Begins the first line, which ends with a fingerprint of the rest: by it an edited file is known.
const MARK: &str =
    "# Written by `fugue service install`; change it with `systemctl --user edit fugued`. ";

/// Seconds without a sign of life after which systemd starts the daemon again.
const WATCHDOG_SECONDS: u32 = 30;

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit(String);

/// The content of the unit's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// Nothing.
    Absent,
    /// What some fugue has written.
    AsWritten,
    /// Something else.
    Edited,
}

impl Unit {
    /// The unit that runs `fugued` with these directories, of which systemd's own processes would have `usual`.
    pub(crate) fn new(
        fugued: &Path,
        fugue: &Path,
        paths: &Paths,
        usual: &Paths,
    ) -> Result<Self, Error> {
        let (fugued, fugue) = (quoted(fugued)?, quoted(fugue)?);
        let mut environment = String::new();
        for (name, own, usual) in [
            ("FUGUE_RUNTIME_DIR", &paths.runtime, &usual.runtime),
            ("FUGUE_STATE_DIR", &paths.state, &usual.state),
            ("FUGUE_CONFIG", &paths.config, &usual.config),
        ] {
            if own != usual {
                let own = std::path::absolute(own).unwrap_or_else(|_| own.clone());
                let pair = Path::new(&format!("{name}={}", text_of(&own)?)).to_owned();
                environment.push_str(&format!("Environment={}\n", quoted(&pair)?));
            }
        }
        Ok(Self(format!(
            "[Unit]
Description=fugue: terminals for people and programs
Documentation=man:fugue(1)

[Service]
Type=notify
{environment}ExecStart={fugued} --foreground --log-file --keep-panes --cgroup own
# A stop or restart of the daemon ends no program; `fugue stop` does. After that there is nobody to ask, which is fine.
ExecStop=-{fugue} stop --keep-panes
KillMode=process
OOMPolicy=continue
Restart=on-failure
RestartSec=1
WatchdogSec={WATCHDOG_SECONDS}
# Each pane gets a control group of its own.
Delegate=yes
DelegateSubgroup=fugued

[Install]
WantedBy=default.target
"
        )))
    }

    /// As it stands in the file.
    pub(crate) fn text(&self) -> String {
        format!("{MARK}{:016x}\n{}", fingerprint(&self.0), self.0)
    }
}

impl Present {
    /// Reads what is there.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::of(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::Absent),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(Self::Edited),
            Err(error) => Err(failed("read", path, &error)),
        }
    }

    fn of(text: &str) -> Self {
        let whole = text.split_once('\n').and_then(|(first, rest)| {
            let print = u64::from_str_radix(first.strip_prefix(MARK)?, 16).ok()?;
            (print == fingerprint(rest)).then_some(())
        });
        whole.map_or(Self::Edited, |()| Self::AsWritten)
    }

    /// For people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Absent => "not installed",
            Self::AsWritten => "installed",
            Self::Edited => "installed, and edited by somebody",
        }
    }
}

/// FNV-1a of 64 bits.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn text_of(path: &Path) -> Result<&str, Error> {
    let text = path
        .to_str()
        .filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| {
        Error::invalid(format!(
            "{} cannot stand in a unit of systemd",
            path.display()
        ))
        .hint("use paths of UTF-8 without control characters")
    })
}

/// Source: systemd.syntax(7), quoting; systemd.service(5), specifiers and `$`.
fn quoted(path: &Path) -> Result<String, Error> {
    let text = text_of(path)?;
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    Ok(format!("\"{escaped}\""))
}

/// `$XDG_CONFIG_HOME`, else `~/.config`.
pub(crate) fn config_home() -> PathBuf {
    let named = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty());
    named.map_or_else(|| home().join(".config"), PathBuf::from)
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// The directories of a daemon that the user's systemd starts, whatever this shell's variables say.
pub(crate) fn manager_paths() -> Paths {
    let uid = rustix::process::getuid().as_raw();
    Paths {
        runtime: PathBuf::from(format!("/run/user/{uid}/fugue")),
        state: home().join(".local/state/fugue"),
        config: home().join(".config/fugue/config.toml"),
    }
}

/// Writes the file, whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let new = path.with_extension("service.new");
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::File::create(&new))
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&new);
        failed("write", path, &error)
    })
}

/// The error for a file that cannot be used.
pub(crate) fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("cannot {what} {}: {error}", path.display());
    Error::new(ErrorCode::Denied, message)
        .hint("see who may write there; `fugue service print` shows the unit")
}
