//! What a person types while the server is replaced reaches the program once, in order.

use std::time::{Duration, Instant};

use super::unasked::Next;
use crate::support::daemon::{Client, Daemon, fugue_exe, fugued_exe};
use crate::support::view::{attach, named};
use crate::support::{LIMIT, eventually, run_within};

/// A letter each, so that what is missing, doubled or out of order is seen.
fn key(at: usize) -> char {
    char::from(b'a' + u8::try_from(at % 26).unwrap())
}

/// A session on `desk` that shows a session of `daemon` by `fugue attach`.
async fn looks(daemon: &Daemon, person: &Client, session: &str) {
    let paths = daemon.paths();
    let line = format!(
        "unset FUGUE FUGUE_PANE_ID FUGUE_SESSION_ID FUGUE_SERVER FUGUE_TOKEN; \
         export FUGUE_RUNTIME_DIR={} FUGUE_STATE_DIR={} FUGUE_CONFIG={}; exec {} attach {session}",
        paths.runtime.display(),
        paths.state.display(),
        paths.config.display(),
        fugue_exe(),
    );
    let view = person.session("desk", &line).await;
    eventually("the view", async || {
        let shown = person.text(view.pane_id).await;
        shown.contains("READY").then_some(())
    })
    .await;
}

#[test]
fn keys_typed_while_the_server_is_upgraded_arrive_once_and_in_order() {
    run_within(Duration::from_secs(90), async {
        let mut daemon = Daemon::start();
        let desk = Daemon::start();
        let client = daemon.client().await;
        let file = daemon.dir.path().join("typed");
        let line = format!("stty raw -echo; echo READY; exec cat > {}", file.display());
        client.session("work", &line).await;
        drop(client);
        let mut person = desk.client().await;
        looks(&daemon, &person, "work").await;
        person.ok(attach(1, named("desk"))).await;
        person.screen(1).await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let types = tokio::spawn(async move {
            let mut stopped = stopped;
            let mut typed = 0;
            while stopped.try_recv().is_err() {
                person.types(1, &key(typed).to_string()).await;
                typed += 1;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            (typed, person)
        });
        let mut next = None;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let mut fugue = tokio::process::Command::from(daemon.command(fugue_exe()));
            let upgrade = fugue.args(["upgrade", "--binary", fugued_exe()]);
            let upgraded = upgrade.output().await.unwrap();
            next = Some(Next::of(&daemon));
            assert!(upgraded.status.success(), "{upgraded:?}");
        }
        daemon.wait();
        stop.send(()).unwrap();
        let (typed, _person) = types.await.unwrap();
        let all: String = (0..typed).map(key).collect();
        let mut got = String::new();
        let begun = Instant::now();
        while got != all && begun.elapsed() < LIMIT {
            got = std::fs::read_to_string(&file).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(got, all);
        drop(next);
    });
}
