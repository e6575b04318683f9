//! Changes of the configuration file that keep its comments and its order.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::config::{Config, ServerEntry};
use protocol::{Error, ErrorCode, ServerName};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use toml_edit::{DocumentMut, Item, Table, Value, value};

/// The time for which a change waits for others.
const TURN_LIMIT: Duration = Duration::from_secs(5);

/// The pause between two looks whether it is its turn.
const TURN_PAUSE: Duration = Duration::from_millis(10);

/// The table of servers.
const SERVERS: &str = "servers";

/// The key of the default one.
const DEFAULT: &str = "default_server";

/// The file as it is changed.
pub(super) struct File(DocumentMut);

/// Changes the configuration file at `path`: all of it or nothing, and nothing that could not be read again.
pub(super) fn edit(
    path: &Path,
    change: impl FnOnce(&mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    let path = target(path)?;
    let unwritten = |error: io::Error| {
        Error::new(
            ErrorCode::Internal,
            format!("cannot change {}: {error}; it is as it was", path.display()),
        )
        .hint("see who may write there, or name another file in FUGUE_CONFIG")
    };
    let _turn = Turn::take(&path).map_err(unwritten)?;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unwritten(error)),
    };
    let parsed: Result<DocumentMut, _> = text.parse();
    let document = parsed.map_err(|error| {
        Error::invalid(format!("{}: {}", path.display(), error.message()))
            .hint("mend it first; `fugue config check` names the line")
    })?;
    let mut file = File(document);
    change(&mut file)?;
    let new = New::write(&path, &file.0.to_string()).map_err(unwritten)?;
    Config::load(&new.0).map_err(|error| {
        let message = error
            .message
            .replace(&new.0.display().to_string(), &path.display().to_string());
        Error { message, ..error }
    })?;
    fs::rename(&new.0, &path).map_err(unwritten)
}

/// The file that is changed: what a link names, so that the link stays one.
fn target(path: &Path) -> Result<PathBuf, Error> {
    let refused = |why: &str| {
        Err(
            Error::invalid(format!("{} {why}; it is as it was", path.display()))
                .hint("name a file in FUGUE_CONFIG"),
        )
    };
    match (fs::canonicalize(path), fs::symlink_metadata(path)) {
        (Ok(real), _) if real.is_file() => Ok(real),
        (Ok(_), _) => refused("is no regular file"),
        (Err(_), Ok(_)) => refused("is a link to nothing"),
        (Err(_), Err(_)) => Ok(path.to_owned()),
    }
}

/// The turn of one change: those that come meanwhile wait for it.
struct Turn(#[allow(dead_code, reason = "it is the lock")] fs::File);

impl Turn {
    fn take(path: &Path) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let lock = fs::File::open(dir)?;
        let begun = Instant::now();
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(lock)),
                Err(Errno::AGAIN) if begun.elapsed() < TURN_LIMIT => {
                    std::thread::sleep(TURN_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The new file beside the old one, which is gone unless it takes its place.
struct New(PathBuf);

impl New {
    fn write(path: &Path, text: &str) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let new = Self(dir.join(format!(".config.toml.{}", std::process::id())));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new.0)?;
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(new)
    }
}

impl Drop for New {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl File {
    fn servers(&mut self) -> Result<&mut Table, Error> {
        let servers = self.0.entry(SERVERS).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        servers.as_table_mut().ok_or_else(|| {
            Error::invalid("the configuration has its servers in one line")
                .hint("write each as [servers.NAME] first")
        })
    }

    fn known(&mut self, name: &ServerName) -> Result<(), Error> {
        let servers = self.servers()?;
        if servers.contains_key(name.as_str()) {
            return Ok(());
        }
        let names = servers.iter().map(|(known, _)| known.to_owned());
        let message = format!("no server {name} is in the configuration");
        Err(Error::new(ErrorCode::UnknownServer, message).candidates(names))
    }

    fn unknown(&mut self, name: &ServerName) -> Result<(), Error> {
        if !self.servers()?.contains_key(name.as_str()) {
            return Ok(());
        }
        let message = format!("server {name} is in the configuration already");
        Err(Error::new(ErrorCode::NameTaken, message).hint(format!(
            "take another name, or `fugue servers remove {name}` first"
        )))
    }

    fn is_default(&self, name: &ServerName) -> bool {
        self.0.get(DEFAULT).and_then(Item::as_str) == Some(name.as_str())
    }

    /// Adds a server.
    pub(super) fn add(
        &mut self,
        name: &ServerName,
        entry: &ServerEntry,
        default: bool,
    ) -> Result<(), Error> {
        self.unknown(name)?;
        let mut table = Table::new();
        if let Some(address) = &entry.address {
            table["address"] = value(address.to_string());
        }
        if let Some(uid) = entry.uid {
            table["uid"] = value(i64::from(uid));
        }
        if let Some(command) = &entry.command {
            table["command"] = value(command);
        }
        if let Some(color) = entry.color {
            table["color"] = value(color.name());
        }
        self.servers()?.insert(name.as_str(), Item::Table(table));
        if default {
            self.0[DEFAULT] = value(name.as_str());
        }
        Ok(())
    }

    /// Takes a server out.
    pub(super) fn remove(&mut self, name: &ServerName) -> Result<(), Error> {
        self.known(name)?;
        if self.is_default(name) {
            let message = format!("server {name} is the default_server of the configuration");
            return Err(Error::new(ErrorCode::Busy, message)
                .hint("make another one the default first, or take that line out"));
        }
        self.servers()?.remove(name.as_str());
        Ok(())
    }

    /// Gives a server another name.
    pub(super) fn rename(&mut self, name: &ServerName, new_name: &ServerName) -> Result<(), Error> {
        self.known(name)?;
        self.unknown(new_name)?;
        let default = self.is_default(name);
        let servers = self.servers()?;
        if let Some(entry) = servers.remove(name.as_str()) {
            servers.insert(new_name.as_str(), entry);
        }
        if let Some(line) = self
            .0
            .get_mut(DEFAULT)
            .filter(|_| default)
            .and_then(Item::as_value_mut)
        {
            let decor = line.decor().clone();
            *line = Value::from(new_name.as_str());
            *line.decor_mut() = decor;
        }
        Ok(())
    }
}
