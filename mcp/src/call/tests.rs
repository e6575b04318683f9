//! Tests of `call`.

use super::*;
use crate::fake;

#[tokio::test]
async fn directories_become_absolute() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut front = fake::front(&fake::paths(dir.path(), ""));
    front.cwd = PathBuf::from("/work/project");
    front.environment.insert("HOME".into(), "/home/me".into());
    let call = Call {
        tasks: false,
        halves: Halves::Both,
        front: Arc::new(front),
        progress: Progress::none(),
        cancelled: CancellationToken::new(),
        given_up: CancellationToken::new(),
    };
    for (given, absolute) in [
        ("src", "/work/project/src"),
        ("./src/", "/work/project/src"),
        ("..", "/work/project/.."),
        ("/tmp", "/tmp"),
        ("~", "/home/me"),
        ("~/x", "/home/me/x"),
        ("~other", "/work/project/~other"),
        ("\0/tmp/caf\u{e9}", "\0/tmp/caf\u{e9}"),
        ("\0caf\u{e9}", "\0/work/project/caf\u{e9}"),
    ] {
        assert_eq!(call.absolute(given), absolute, "{given}");
    }
    assert_eq!(call.cwd_or_own(None), "/work/project");
}
