//! The secret that callers must show, in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use protocol::{Error, ErrorCode};
use rustix::fs::OFlags;
use rustix::rand::{GetRandomFlags, getrandom};
use subtle::ConstantTimeEq as _;

/// Random bytes of a new token; its text has twice as many characters.
const RANDOM_BYTES: usize = 32;

/// Shortest token that a person may put into the file, in characters.
const SHORTEST: usize = 16;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1024;

/// The secret.
pub(crate) struct Token(String);

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
        let mut random = [0; RANDOM_BYTES];
        getrandom(&mut random, GetRandomFlags::empty())
            .map_err(|error| failed("make a secret for", path, &error.into()))?;
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| failed("create", path, &error))?;
        file.write_all(format!("{text}\n").as_bytes())
            .map_err(|error| failed("write", path, &error))?;
        Ok(Self(text))
    }

    /// Whether `shown` is the token. How long it takes tells nothing but the length.
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
