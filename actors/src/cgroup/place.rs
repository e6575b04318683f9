//! The place of the daemon's control groups: found, checked, and made ready.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use protocol::ServerName;
use protocol::config::CgroupWish;

/// The group of the daemon and its keepers. The delegated group itself has no processes: the kernel wants them in leaves.
pub(super) const HOME: &str = "fugued";

/// Source: linux/magic.h, CGROUP2_SUPER_MAGIC.
const CGROUP2_MAGIC: u64 = 0x6367_7270;

/// A delegated group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DelegatedGroup {
    /// The group.
    pub(super) root: PathBuf,
    /// Where the daemon is, or has to go.
    pub(super) home: PathBuf,
    /// The daemon is not there yet.
    pub(super) moves: bool,
    /// Why controllers cannot be handed on from it.
    pub(super) plain: Option<String>,
}

/// The control groups that the daemon uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PaneGroups {
    /// The group of all panes' groups.
    pub(super) panes: PathBuf,
    /// The group of the daemon and the keepers.
    pub(super) home: PathBuf,
    /// Memory can be limited, or why not.
    pub(super) memory: Result<(), String>,
}

/// The group that is meant.
pub(super) fn find(wish: &CgroupWish) -> Result<DelegatedGroup, String> {
    match wish {
        CgroupWish::Off => Err("it is off in the configuration".to_owned()),
        CgroupWish::Path(path) => {
            if !is_cgroup2(path) {
                return Err(format!("{} is no group of cgroup v2", path.display()));
            }
            Ok(given(path))
        }
        CgroupWish::Own | CgroupWish::Auto => {
            let own = own_group()?;
            if *wish == CgroupWish::Auto && !is_delegated(&own) {
                return Err(format!(
                    "the control group {} is not delegated to it",
                    own.display()
                ));
            }
            Ok(within(&own))
        }
    }
}

/// A group that somebody has made for the daemon, which is somewhere else.
fn given(root: &Path) -> DelegatedGroup {
    DelegatedGroup {
        root: root.to_owned(),
        home: root.join(HOME),
        moves: true,
        plain: None,
    }
}

/// The group that the daemon was started in. With systemd's DelegateSubgroup it is a leaf, and its parent is the delegated one.
pub(super) fn within(own: &Path) -> DelegatedGroup {
    let parent = own.parent().filter(|_| own.ends_with(HOME));
    match parent {
        Some(parent) => DelegatedGroup {
            root: parent.to_owned(),
            home: own.to_owned(),
            moves: false,
            plain: None,
        },
        None => DelegatedGroup {
            root: own.to_owned(),
            home: own.to_owned(),
            moves: false,
            // With controllers handed on, systemd could not start the next daemon in this group.
            plain: Some(
                "the daemon's own control group has processes in it; systemd before 254 does not know DelegateSubgroup".to_owned(),
            ),
        },
    }
}

impl PaneGroups {
    /// Makes the groups.
    pub(super) fn make(found: DelegatedGroup, server: &ServerName) -> Result<Self, String> {
        let DelegatedGroup {
            root,
            home,
            moves,
            plain,
        } = found;
        let failed = |what: &str, path: &Path, error: &std::io::Error| {
            format!("cannot {what} {}: {error}", path.display())
        };
        let panes = root.join(format!("fugue-{server}"));
        std::fs::create_dir_all(&panes).map_err(|error| failed("make", &panes, &error))?;
        if moves {
            std::fs::create_dir_all(&home).map_err(|error| failed("make", &home, &error))?;
            super::group::enter(&home, std::process::id())
                .map_err(|error| failed("enter", &home, &error))?;
        }
        let memory = match plain {
            Some(why) => Err(why),
            None => hand_on_memory(&root).and_then(|()| hand_on_memory(&panes)),
        };
        Ok(Self {
            panes,
            home,
            memory,
        })
    }
}

/// Lets the groups in `group` limit memory.
fn hand_on_memory(group: &Path) -> Result<(), String> {
    let offered = std::fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    if !offered.split_whitespace().any(|name| name == "memory") {
        return Err(format!("{} has no memory controller", group.display()));
    }
    std::fs::write(group.join("cgroup.subtree_control"), "+memory")
        .map_err(|error| format!("{} hands no memory controller on: {error}", group.display()))
}

fn is_cgroup2(path: &Path) -> bool {
    if cfg!(debug_assertions) && std::env::var_os("FUGUE_TEST_CGROUP").is_some() {
        return path.is_dir();
    }
    rustix::fs::statfs(path).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(CGROUP2_MAGIC))
}

/// True if systemd has marked it as delegated.
fn is_delegated(group: &Path) -> bool {
    let group = within(group).root;
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        let read = rustix::fs::getxattr(&group, *name, &mut value[..]);
        read.is_ok_and(|length| &value[..length] == b"1")
    })
}

fn own_group() -> Result<PathBuf, String> {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
    };
    let mount = mount_of(&read("/proc/self/mountinfo")?)
        .ok_or_else(|| "no cgroup v2 is mounted".to_owned())?;
    let path = path_in(&read("/proc/self/cgroup")?)
        .ok_or_else(|| "the daemon is in no group of cgroup v2".to_owned())?;
    Ok(join(&mount, &path))
}

/// Path below the mount, without its leading slash, so that it is not taken for an absolute one.
fn join(mount: &Path, path: &Path) -> PathBuf {
    let relative = path.strip_prefix("/").unwrap_or(path);
    if relative.as_os_str().as_bytes().is_empty() {
        return mount.to_owned();
    }
    mount.join(relative)
}

/// The directory on which cgroup v2 is mounted. Source: proc_pid_mountinfo(5), fields 5 and 9.
pub(super) fn mount_of(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let kind = after.split(' ').next()?;
        let point = before.split(' ').nth(4)?;
        (kind == "cgroup2").then(|| PathBuf::from(unescaped(point)))
    })
}

fn unescaped(point: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(point.to_owned(), |text, (code, plain)| {
        text.replace(code, plain)
    })
}

/// The own group within it. Source: cgroups(7), /proc/pid/cgroup, hierarchy 0.
pub(super) fn path_in(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Shown so when it is outside of this namespace.
    (path.starts_with('/') && !path.starts_with("/..")).then(|| PathBuf::from(path))
}
