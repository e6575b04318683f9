//! Tests over a directory that looks like a cgroup file system, and over the real one where there is one.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::place::{DelegatedGroup, HOME, mount_of, path_in, within};
use super::*;

/// A delegated group with these controllers.
fn fake(controllers: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cgroup.controllers"), controllers).unwrap();
    let panes = dir.path().join("fugue-local");
    fs::create_dir(&panes).unwrap();
    fs::write(panes.join("cgroup.controllers"), controllers).unwrap();
    dir
}

fn opened(found: DelegatedGroup) -> Cgroups {
    Cgroups(PaneGroups::make(found, &ServerName::local()))
}

fn delegated(root: &Path) -> Cgroups {
    opened(DelegatedGroup {
        root: root.to_owned(),
        home: root.join(HOME),
        moves: true,
        plain: None,
    })
}

/// Control groups in a directory that looks like a delegated one, for tests of others.
pub(crate) fn pretended() -> (tempfile::TempDir, Cgroups) {
    let dir = fake("memory");
    let cgroups = delegated(dir.path());
    (dir, cgroups)
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_daemon_goes_into_a_leaf_and_hands_memory_on() {
    let dir = fake("cpu memory pids");
    let cgroups = delegated(dir.path());
    let status = cgroups.status();
    assert!(
        status.on && status.memory && status.detail.is_empty(),
        "{status:?}"
    );
    let own = std::process::id().to_string();
    assert_eq!(text(dir.path().join("fugued/cgroup.procs")), own);
    for group in ["", "fugue-local"] {
        let control = dir.path().join(group).join("cgroup.subtree_control");
        assert_eq!(text(control), "+memory");
    }
    assert_eq!(cgroups.check_memory(64 << 20), Ok(()));
    let least = cgroups.check_memory(1_000).unwrap_err();
    assert_eq!(least.code, ErrorCode::InvalidArgument);
}

#[test]
fn a_pane_has_a_group_with_its_limit() {
    let dir = fake("memory");
    let cgroups = delegated(dir.path());
    let id = PaneUuid::new();
    let path = cgroups.path(id).unwrap();
    assert_eq!(path, dir.path().join(format!("fugue-local/pane-{id}")));
    let shown = path.display().to_string();
    let prepared = cgroups
        .prepare(Some(&shown), Some(64 << 20))
        .unwrap()
        .unwrap();
    assert_eq!(prepared.group, path);
    assert_eq!(prepared.home, dir.path().join("fugued"));
    assert_eq!(text(path.join("memory.max")), (64 << 20).to_string());
    assert_eq!(text(path.join("memory.swap.max")), "0");
    // A program that is started again has the same one.
    assert!(
        cgroups
            .prepare(Some(&shown), Some(64 << 20))
            .unwrap()
            .is_some()
    );
    // One without a limit has a group too, and none is set.
    let other = cgroups.path(PaneUuid::new()).unwrap();
    let prepared = cgroups.prepare(other.to_str(), None).unwrap();
    assert!(prepared.is_some() && !other.join("memory.max").exists());
}

#[test]
fn without_a_memory_controller_groups_are_made_and_limits_refused() {
    let dir = fake("cpu pids");
    let cgroups = delegated(dir.path());
    let status = cgroups.status();
    assert!(status.on && !status.memory, "{status:?}");
    assert!(status.detail.contains("no memory controller"), "{status:?}");
    let error = cgroups.check_memory(64 << 20).unwrap_err();
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(error.message.contains("no memory controller"), "{error}");
}

#[test]
fn a_group_with_the_daemon_in_it_hands_nothing_on() {
    let dir = fake("memory");
    let cgroups = opened(within(dir.path()));
    let status = cgroups.status();
    assert!(status.on && !status.memory, "{status:?}");
    assert!(status.detail.contains("254"), "{status:?}");
    assert!(!dir.path().join("cgroup.subtree_control").exists());
    assert!(!dir.path().join(HOME).exists());
    // With systemd's DelegateSubgroup the daemon is in the leaf already.
    let below = within(&dir.path().join(HOME));
    assert_eq!(below.root, dir.path());
    assert!(opened(below).status().memory);
}

#[test]
fn where_there_are_none_a_pane_starts_and_a_limit_is_refused() {
    let cgroups = Cgroups::off("it is Tuesday");
    assert_eq!(cgroups.path(PaneUuid::new()), None);
    assert_eq!(cgroups.prepare(None, None).unwrap(), None);
    let error = cgroups.prepare(None, Some(64 << 20)).unwrap_err();
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(
        error.message.contains("it is Tuesday") && !error.hint.is_empty(),
        "{error}"
    );
    let off = Cgroups::open(&CgroupWish::Off, &ServerName::local());
    assert!(!off.status().on && off.status().detail.contains("off"));
    let gone = Cgroups::open(
        &CgroupWish::Path("/nonexistent".into()),
        &ServerName::local(),
    );
    assert!(
        gone.status().detail.contains("no group of cgroup v2"),
        "{gone:?}"
    );
}

#[test]
fn a_group_that_cannot_be_made_costs_the_limit_and_not_the_pane() {
    let dir = fake("memory");
    let cgroups = delegated(dir.path());
    let impossible = dir.path().join("no/such/pane").display().to_string();
    assert_eq!(cgroups.prepare(Some(&impossible), None).unwrap(), None);
    let error = cgroups
        .prepare(Some(&impossible), Some(64 << 20))
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Limit);
}

#[test]
fn empty_groups_of_unknown_panes_are_swept() {
    let dir = fake("memory");
    let cgroups = delegated(dir.path());
    let (known, unknown) = (PaneUuid::new(), PaneUuid::new());
    for id in [known, unknown] {
        fs::create_dir(cgroups.path(id).unwrap()).unwrap();
    }
    let other = dir.path().join("fugue-local/somebody");
    fs::create_dir(&other).unwrap();
    cgroups.sweep(|id| id == known);
    assert!(cgroups.path(known).unwrap().exists() && other.exists());
    assert!(!cgroups.path(unknown).unwrap().exists());
}

#[test]
fn the_own_group_is_read_from_proc() {
    let mounts = "30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro\n\
        31 30 0:27 / /sys/fs/cgroup/uni\\040fied rw shared:9 - cgroup2 cgroup2 rw\n";
    assert_eq!(
        mount_of(mounts),
        Some(PathBuf::from("/sys/fs/cgroup/uni fied"))
    );
    assert_eq!(mount_of("31 30 0:27 / /sys rw - cgroup cgroup rw"), None);
    let groups = "4:memory:/x\n0::/user.slice/a.service\n";
    assert_eq!(
        path_in(groups),
        Some(PathBuf::from("/user.slice/a.service"))
    );
    assert_eq!(path_in("0::/../outside\n"), None);
    assert_eq!(path_in("4:memory:/x\n"), None);
}

/// A real group for one test, where the machine has cgroup v2.
struct Real(PathBuf);

impl Real {
    fn new() -> Option<Self> {
        let mount = mount_of(&fs::read_to_string("/proc/self/mountinfo").ok()?)?;
        let path = mount.join(format!("fugue-test-{}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                eprintln!("skipped: {} cannot be made: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        discard(&self.0);
    }
}

fn sleeper() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

#[tokio::test]
async fn everything_in_a_real_group_is_ended_and_the_group_is_removed() {
    let Some(real) = Real::new() else { return };
    let pane = real.0.join("pane");
    group::make(&pane, None).unwrap();
    // Nested, as by a container in a pane.
    let below = pane.join("below");
    fs::create_dir(&below).unwrap();
    let (mut one, mut two) = (sleeper(), sleeper());
    group::enter(&pane, one.id()).unwrap();
    group::enter(&below, two.id()).unwrap();
    // The zombies are in the group until somebody has waited for them.
    let reaping = tokio::task::spawn_blocking(move || [one.wait().unwrap(), two.wait().unwrap()]);
    let begun = Instant::now();
    assert_eq!(close(&pane).await, Vec::<u32>::new());
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(
        reaping
            .await
            .unwrap()
            .iter()
            .all(|status| !status.success())
    );
    assert!(!pane.exists());
    assert_eq!(close(&pane).await, Vec::<u32>::new(), "again is fine");
}
