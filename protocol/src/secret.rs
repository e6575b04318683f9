//! Files with a random secret that only their owner can read.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};

/// Random bytes of a secret; its text has twice as many characters.
const RANDOM_BYTES: usize = 32;

/// Puts a new secret into a file that does not exist yet.
///
/// # Errors
/// What the system says; a file that is there already is left as it is.
pub fn create(path: &Path) -> io::Result<String> {
    let mut random = [0; RANDOM_BYTES];
    getrandom(&mut random, GetRandomFlags::empty())?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    Ok(text)
}

/// Puts a new secret in the place of the one at `path`. Whoever reads it meanwhile finds one of the two.
///
/// # Errors
/// What the system says; the earlier secret stays.
pub fn replace(path: &Path) -> io::Result<String> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let text = create(&new)?;
    std::fs::rename(&new, path)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
