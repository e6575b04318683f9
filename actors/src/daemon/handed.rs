//! The options of a daemon, handed to the next one that is started without any.

use std::io;

use protocol::paths::Paths;

use super::Options;
use crate::runtime_dir;

/// The beginnings that the words in the file may have.
const KNOWN: [&str; 3] = ["--http=", "--keep-panes", "--cgroup="];

impl Options {
    /// The words that say how this daemon differs from others.
    pub(super) fn own_words(&self) -> Vec<String> {
        let http = self.http.map(|address| format!("--http={address}"));
        let keep_panes = self.keep_panes.then(|| "--keep-panes".to_owned());
        let wish = self.cgroup.clone().map(String::from);
        let cgroup = wish.map(|wish| format!("--cgroup={wish}"));
        [http, keep_panes, cgroup].into_iter().flatten().collect()
    }

    /// Its own words, else those of the daemon before that has not ended everything in order.
    pub(super) fn words_or_handed(&self, paths: &Paths) -> Vec<String> {
        let own = self.own_words();
        if !own.is_empty() {
            return own;
        }
        let handed = std::fs::read_to_string(paths.options()).unwrap_or_default();
        let known = |word: &&str| KNOWN.iter().any(|known| word.starts_with(known));
        handed.lines().filter(known).map(str::to_owned).collect()
    }

    /// Hands the options on, so that the next daemon is started as this one.
    pub(super) fn hand_on(&self, paths: &Paths) {
        let words = self.own_words();
        let written = if words.is_empty() {
            take_away(paths)
        } else {
            let mut text = words.join("\n");
            text.push('\n');
            runtime_dir::write(&paths.options(), text.as_bytes())
        };
        if let Err(error) = written {
            let path = paths.options();
            tracing::warn!(path = %path.display(), %error, "the next daemon would not know this one's options");
        }
    }
}

/// This daemon has ended everything: the next one begins anew.
pub(super) fn take_away(paths: &Paths) -> io::Result<()> {
    match std::fs::remove_file(paths.options()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
