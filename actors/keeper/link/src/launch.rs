//! The command that starts a keeper.

use std::path::{Path, PathBuf};

/// The keeper's own executable, which starts faster and takes less memory than the daemon's.
const KEEPER_EXE: &str = "fugue-keeper";

/// The command that starts a keeper: `fugue-keeper`, or `fugued keeper`.
#[derive(Debug, Clone)]
pub struct KeeperLaunch {
    /// Absolute path of the executable.
    pub exe: PathBuf,
    /// Its arguments; what the keeper does not know is there for people to see in `ps`.
    pub args: Vec<String>,
}

impl KeeperLaunch {
    /// With the `fugue-keeper` beside the daemon's executable; with the daemon's own when there is none.
    #[must_use]
    pub fn beside(daemon: &Path) -> Self {
        let own = daemon.with_file_name(KEEPER_EXE);
        if own.is_file() {
            return Self {
                exe: own,
                args: Vec::new(),
            };
        }
        Self {
            exe: daemon.to_owned(),
            args: vec!["keeper".to_owned()],
        }
    }
}
