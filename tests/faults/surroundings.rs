//! A clock that is set and a disk that is slow, by a library that the daemon is started with.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::daemon::{Daemon, fugued_exe};

/// What can be changed about a daemon's machine while it runs.
pub struct Surroundings {
    file: File,
}

impl Surroundings {
    /// Starts a daemon in them, for the first time or again.
    pub fn launch(daemon: &mut Daemon) -> Self {
        let path = daemon.dir.path().join("surroundings");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.set_len(16).unwrap();
        let mut command = daemon.command(fugued_exe());
        command
            .env("LD_PRELOAD", library(daemon))
            .env("FUGUE_TEST_SURROUNDINGS", &path);
        daemon.launch_as(command);
        Self { file }
    }

    /// Sets the wall clock, relative to the machine's.
    pub fn set_clock(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// Has each write to the database's files take so long.
    pub fn slow_disk(&self, ms: i64) {
        self.file.write_all_at(&ms.to_ne_bytes(), 8).unwrap();
    }
}

/// Compiled once for each daemon; the C compiler is there, since the database is built with it.
fn library(daemon: &Daemon) -> PathBuf {
    let library = daemon.dir.path().join("surroundings.so");
    if !library.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/surroundings.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .output()
            .unwrap();
        assert!(built.status.success(), "{built:?}");
    }
    library
}
