//! Real programs' output, played to daemons of which one is killed again and again: the screens are the same.
//!
//! The recordings are what a shell, an editor (vim), a pager (less), top and `yes` wrote to a terminal of 24 rows and 80
//! columns while somebody used them, those of editor and pager up to the moment before their end: colours, the alternate screen, scroll regions, wide and combining characters.

use std::path::PathBuf;
use std::time::Duration;

use protocol::event::ScreenUpdate;
use protocol::request::{CreateSession, ReadPane};
use protocol::{Name, PaneUuid, Target};

use super::{kill_and_restart, kills::seed};
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::random::Random;
use crate::support::view::named;
use crate::support::{eventually, run_within};

const RECORDINGS: [&str; 5] = ["shell", "editor", "pager", "top", "yes"];

/// How many pieces each recording is written in, with a pause after each.
const PIECES: usize = 60;

/// The pane's title at the end, which no recording sets.
const END: &str = "played to the end";

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/recordings/{name}.bin"))
}

/// A session whose pane plays a recording, without an answer to its questions from anybody.
async fn play(client: &Client, name: &str) -> PaneUuid {
    let file = file(name);
    let bytes = std::fs::metadata(&file).unwrap().len() as usize;
    let piece = bytes / PIECES + 1;
    let line = format!(
        "stty raw -echo; i=0; while [ $i -lt {PIECES} ]; do \
         dd if={} bs={piece} skip=$i count=1 2>/dev/null; sleep 0.03; i=$((i+1)); done; \
         printf '\\033]0;{END}\\007'; exec sleep 600",
        file.display()
    );
    let create = CreateSession {
        name: Some(Name::new(name).unwrap()),
        pane: shell(&line),
        ..CreateSession::default()
    };
    client.ok(create).await.pane_id
}

/// All rows with their attributes, and what somebody who attaches now is shown: cells, modes and cursor.
async fn shown(daemon: &Daemon, name: &str, pane: PaneUuid) -> (String, ScreenUpdate) {
    let mut client = daemon.client().await;
    eventually("the end of a recording", async || {
        let panes = client.panes().await;
        let pane = panes.iter().find(|info| info.pane_id == pane).unwrap();
        (pane.title == END).then_some(())
    })
    .await;
    let read = ReadPane {
        pane: Target::from(pane),
        lines: Some(100_000),
        since: None,
        scrollback: true,
        ansi: true,
        max_bytes: Some(8 << 20),
    };
    let text = client.ok(read).await.text;
    client.attach(1, named(name)).await;
    // The program is told of the view's size; the first frame can be from before.
    let mut screen = client.screen(1).await;
    while screen.size != crate::support::view::VIEW_SIZE {
        screen = client.screen(1).await;
    }
    // How often it was changed is no part of the picture.
    let picture = ScreenUpdate {
        generation: 0,
        bell: false,
        ..screen
    };
    (text, picture)
}

#[test]
fn what_real_programs_have_drawn_is_as_an_undisturbed_daemon_shows_it() {
    run_within(Duration::from_secs(120), async {
        let mut random = Random::new(seed());
        let mut daemon = Daemon::start();
        let control = Daemon::start();
        let mut panes = Vec::new();
        for place in [&daemon, &control] {
            let client = place.client().await;
            for name in RECORDINGS {
                panes.push(play(&client, name).await);
            }
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(random.below(300) as u64)).await;
            kill_and_restart(&mut daemon, Duration::ZERO).await;
        }
        let (killed, undisturbed) = panes.split_at(RECORDINGS.len());
        for (index, name) in RECORDINGS.iter().enumerate() {
            let (text, screen) = shown(&daemon, name, killed[index]).await;
            let (wanted, wanted_screen) = shown(&control, name, undisturbed[index]).await;
            assert!(wanted.len() > 500, "{name}: {wanted}");
            assert_eq!(text, wanted, "{name}");
            assert_eq!(screen, wanted_screen, "{name}");
        }
    });
}
