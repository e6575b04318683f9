//! The shell that runs command lines when nobody chooses one: bash where it is installed, because that is what people and agents write.

use std::path::PathBuf;

use protocol::os_text;
use rustix::fs::{Access, access};

/// The path on which programs are looked for without a `PATH`.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Its name, as it is found on this `PATH`.
#[must_use]
pub(crate) fn usual(path: Option<&str>) -> &'static str {
    let path = os_text::decoded(path.unwrap_or(USUAL_PATH));
    let has_bash = |directory: PathBuf| {
        // A relative entry means another file for each working directory.
        directory.is_absolute() && access(directory.join("bash"), Access::EXEC_OK).is_ok()
    };
    match std::env::split_paths(&path).any(has_bash) {
        true => "bash",
        false => "sh",
    }
}

#[cfg(test)]
mod tests;
