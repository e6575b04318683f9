//! The account that this process runs as.

use std::sync::LazyLock;

use portable_pty::CommandBuilder;

/// The account's shell, from the user database.
///
/// Source: passwd(5). Read once: the system's way of asking is not for several threads.
static SHELL: LazyLock<String> = LazyLock::new(|| {
    let mut default = CommandBuilder::new_default_prog();
    default.env_remove("SHELL");
    default.get_shell()
});

/// The account's shell, as the user database has it.
#[must_use]
pub fn account_shell() -> &'static str {
    &SHELL
}
