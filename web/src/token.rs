//! The secret that callers must show, in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::{Error, ErrorCode, secret};
use rustix::fs::OFlags;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

/// Shortest token that a person may put into the file, in characters.
const SHORTEST: usize = 16;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1024;

/// The secret.
#[derive(PartialEq)]
pub(crate) struct Token(String);

/// The secret as its file has it now: whoever writes another one there has changed it.
pub(crate) struct Secret {
    path: PathBuf,
    seen: watch::Sender<Seen>,
}

/// The token that was found in the file.
struct Seen {
    stamp: Option<Stamp>,
    token: Arc<Token>,
}

/// Tells one content of a file from another: device, inode, size and time of the last change.
type Stamp = (u64, u64, u64, i64, i64);

impl Secret {
    /// The token in the file at `path`, or a new one that is put there.
    ///
    /// # Errors
    /// As [`Token::load_or_create`].
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let token = Arc::new(Token::load_or_create(path)?);
        Ok(Self {
            path: path.to_owned(),
            seen: watch::Sender::new(Seen {
                stamp: stamp(path),
                token,
            }),
        })
    }

    /// The token now. As long as the file is missing or unfit, the last one counts: the daemon puts a file back that
    /// was deleted with its directory.
    pub(crate) fn now(&self) -> Arc<Token> {
        let found = stamp(&self.path);
        if found.is_some() && found != self.seen.borrow().stamp {
            self.look_again(found);
        }
        Arc::clone(&self.seen.borrow().token)
    }

    fn look_again(&self, found: Option<Stamp>) {
        let loaded = Token::load(&self.path);
        if let Err(error) = &loaded {
            tracing::warn!(%error, "the token file was changed and is not used");
        }
        self.seen.send_modify(|seen| {
            seen.stamp = found;
            if let Ok(token) = loaded
                && token != *seen.token
            {
                tracing::info!(token_file = %self.path.display(), "the http token was changed");
                seen.token = Arc::new(token);
            }
        });
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    let (seconds, nanoseconds) = (meta.mtime(), meta.mtime_nsec());
    Some((meta.dev(), meta.ino(), meta.size(), seconds, nanoseconds))
}

impl Token {
    /// The token in the file at `path`, or a new one that is put there.
    ///
    /// # Errors
    /// `denied` when the file is a link, another user's, open to others, or has no usable token;
    /// `internal` when it cannot be read or written.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(error) if error.code == ErrorCode::NotFound => Self::create(path),
            loaded => loaded,
        }
    }

    fn load(path: &Path) -> Result<Self, Error> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)
            .map_err(|error| failed("read", path, &error))?;
        let meta = file
            .metadata()
            .map_err(|error| failed("look at", path, &error))?;
        if !meta.is_file() {
            return Err(unfit(path, "is no file"));
        }
        if meta.uid() != rustix::process::getuid().as_raw() {
            return Err(unfit(path, "belongs to another user"));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(unfit(path, "can be read or written by others"));
        }
        let mut text = String::new();
        io::Read::by_ref(&mut file)
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| failed("read", path, &error))?;
        let text = text.trim();
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unfit(
                path,
                "has no token of 16 or more printable characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn create(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().map(|folder| {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)
        });
        folder
            .unwrap_or(Ok(()))
            .and_then(|()| secret::create(path))
            .map(Self)
            .map_err(|error| failed("create", path, &error))
    }

    /// True if `shown` is the token. How long it takes tells nothing but the length.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    let code = if error.kind() == io::ErrorKind::NotFound {
        ErrorCode::NotFound
    } else {
        ErrorCode::Internal
    };
    Error::new(
        code,
        format!("cannot {what} the token file {}: {error}", path.display()),
    )
    .hint("name another file with http.token_file in the configuration")
}

fn unfit(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorCode::Denied,
        format!("the token file {} {why}", path.display()),
    )
    .hint("make it a file of your own with mode 0600, or remove it to have a new one made")
}

#[cfg(test)]
mod tests;
