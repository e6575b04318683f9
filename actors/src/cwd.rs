//! The directory where programs start when nobody says so.

use crate::server::Server;
use crate::spawn::checked_cwd;

/// The home directory of who started the daemon, where that can be used.
pub(crate) fn default_cwd(server: &Server) -> String {
    server
        .environment
        .get("HOME")
        .and_then(|home| checked_cwd(home).ok())
        .unwrap_or_else(|| "/".to_owned())
}
