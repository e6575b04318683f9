//! The shell that runs command lines when nobody chooses one: bash where it is installed, because that is what people and agents write.

use std::path::Path;

use rustix::fs::{Access, access};

/// Where programs are looked for without a `PATH`.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Its name, as it is found on this `PATH`.
#[must_use]
pub(crate) fn usual(path: Option<&str>) -> &'static str {
    let mut directories = path.unwrap_or(USUAL_PATH).split(':');
    let has_bash = |directory: &str| {
        // A relative entry means another file for each working directory.
        directory.starts_with('/')
            && access(Path::new(directory).join("bash"), Access::EXEC_OK).is_ok()
    };
    match directories.any(has_bash) {
        true => "bash",
        false => "sh",
    }
}

#[cfg(test)]
mod tests;
