//! The parent of one pane's program. The daemon starts it; it is `fugued keeper` without the rest of the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    keeper::main()
}
