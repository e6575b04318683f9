//! A connection that is cut after each byte of a call: what is asked again with its key is done once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::fleet::Fleet;
use protocol::paths::Paths;
use protocol::request::{CreateWindow, ListWindows, SendInput};
use protocol::{Call, Error, Name};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::support::daemon::Daemon;
use crate::support::view::named;
use crate::support::{LIMIT, eventually, run_within};

/// The side whose bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// A socket before the daemon's own, which cuts the next connection after so many bytes of one side.
struct Relay {
    dir: tempfile::TempDir,
    cut: Arc<Mutex<Option<(Side, usize)>>>,
    /// Bytes of either side that a connection had which was not cut.
    whole: Arc<[AtomicUsize; 2]>,
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    most: Option<usize>,
    seen: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut left = most.unwrap_or(usize::MAX);
    seen.store(0, Ordering::Relaxed);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let read = read.min(left);
        left -= read;
        seen.fetch_add(read, Ordering::Relaxed);
        if to.write_all(&buffer[..read]).await.is_err() || left == 0 {
            return;
        }
    }
}

impl Relay {
    fn start(daemon: &Daemon) -> Self {
        let dir = tempfile::Builder::new().prefix("fgcut").tempdir_in("/tmp");
        let relay = Self {
            dir: dir.unwrap(),
            cut: Arc::default(),
            whole: Arc::default(),
        };
        let listener = UnixListener::bind(relay.socket()).unwrap();
        let (cut, whole, socket) = (
            Arc::clone(&relay.cut),
            Arc::clone(&relay.whole),
            daemon.socket(),
        );
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                let (cut, whole) = (cut.lock().unwrap().take(), Arc::clone(&whole));
                tokio::spawn(async move {
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let most = |wanted| {
                        cut.filter(|(side, _)| *side == wanted)
                            .map(|(_, most)| most)
                    };
                    tokio::select! {
                        () = pass(from_client, to_server, most(Side::Client), &whole[0]) => {}
                        () = pass(from_server, to_client, most(Side::Server), &whole[1]) => {}
                    }
                });
            }
        });
        relay
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("relay.sock")
    }

    /// A call over a connection of its own, which is cut once.
    async fn call<C: Call>(
        &self,
        cut: Option<(Side, usize)>,
        params: &C,
        key: &str,
    ) -> Result<C::Reply, Error> {
        let config = self.dir.path().join("config.toml");
        let text = format!(
            "[servers.relay]\naddress = \"unix:{}\"\n",
            self.socket().display()
        );
        std::fs::write(&config, text).unwrap();
        let paths = Paths {
            runtime: self.dir.path().join("r"),
            state: self.dir.path().join("s"),
            config,
        };
        let fleet = Fleet::load(&paths, "test", Some("relay"), false).unwrap();
        let server = fleet.server(fleet.default_server()).unwrap();
        // It was reached before: a connection that is cut in its hello is one that comes back.
        *self.cut.lock().unwrap() = None;
        server.connection().await.unwrap();
        *self.cut.lock().unwrap() = cut;
        drop(server);
        let fleet = Fleet::load(&paths, "test", Some("relay"), false).unwrap();
        let server = fleet.server(fleet.default_server()).unwrap();
        server
            .call_with_key(params, Some(key.to_owned()), LIMIT)
            .await
    }
}

/// Every cut of either side: `once` is called with each and a number, until one has come too late for its call.
async fn each_cut(relay: &Relay, mut once: impl AsyncFnMut(Option<(Side, usize)>, usize)) -> usize {
    let mut number = 0;
    once(None, number).await;
    let whole = [0, 1].map(|side: usize| relay.whole[side].load(Ordering::Relaxed));
    for (side, most) in [(Side::Client, whole[0]), (Side::Server, whole[1])] {
        for bytes in 1..=most {
            number += 1;
            once(Some((side, bytes)), number).await;
        }
    }
    number + 1
}

#[test]
fn whatever_is_cut_text_is_typed_once_and_in_order() {
    run_within(Duration::from_secs(100), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let line = "stty raw -echo; printf READY; exec cat > \"$FUGUE_RUNTIME_DIR/typed\"";
        let made = client.session("target", line).await;
        eventually("the program", async || {
            client
                .text(made.pane_id)
                .await
                .contains("READY")
                .then_some(())
        })
        .await;
        let relay = Relay::start(&daemon);
        let typed = each_cut(&relay, async |cut, number| {
            let send = SendInput {
                pane: made.pane_id.into(),
                text: format!("{number}."),
                paste: None,
                keys: Vec::new(),
                submit: false,
                timeout_ms: None,
            };
            let sent = relay.call(cut, &send, &format!("key-{number}")).await;
            assert!(sent.is_ok(), "{cut:?}: {sent:?}");
        })
        .await;
        assert!(typed > 300, "{typed} cuts");
        let wanted: String = (0..typed).map(|number| format!("{number}.")).collect();
        let path = daemon.runtime().join("typed");
        eventually("all of it", async || {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            (text.len() >= wanted.len()).then_some(())
        })
        .await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted);
    });
}

#[test]
fn whatever_is_cut_what_is_made_is_made_once() {
    run_within(Duration::from_secs(100), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        client.session("target", "exec sleep 600").await;
        let relay = Relay::start(&daemon);
        let mut made = 0;
        let tried = each_cut(&relay, async |cut, number| {
            // Each byte of this is a window, so that only some are tried.
            if number % 16 != 0 {
                return;
            }
            made += 1;
            let create = CreateWindow {
                session: Some(named("target")),
                name: Some(Name::new(&format!("w{number}")).unwrap()),
                ..CreateWindow::default()
            };
            let window = relay.call(cut, &create, &format!("key-{number}")).await;
            assert!(window.is_ok(), "{cut:?}: {window:?}");
        })
        .await;
        assert!(tried > 300 && made > 20, "{made} of {tried} cuts");
        let list = ListWindows {
            session: Some(named("target")),
        };
        let windows = client.ok(list).await.windows;
        assert_eq!(windows.len(), made + 1);
    });
}
