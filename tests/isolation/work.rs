//! Programs whose output is little and asks for much hold up nobody, and are closed at once.

use std::time::{Duration, Instant};

use protocol::request::{CreateSession, KillSession};
use protocol::{Name, Size, Target};

use super::echoes;
use crate::support::daemon::{Daemon, shell};
use crate::support::{eventually, run_within};

/// Repeats, whole screens of one letter, flips between the screens: each printed over and over.
const FLOODS: [(&str, &str); 4] = [
    ("repeat", r"a\033[65535b"),
    ("align", r"\033#8"),
    ("flip", r"\033[?1049h\033[?1049l"),
    ("reset", r"\033c\033[65535S"),
];

/// Much more than it takes, and much less than what one read of such output would cost without a bound.
const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn output_that_asks_for_much_work_holds_up_nobody() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let other = client
            .session("other", "stty -echo; exec cat")
            .await
            .pane_id;
        for (name, bytes) in FLOODS {
            let flood = CreateSession {
                name: Some(Name::new(name).unwrap()),
                pane: shell(&format!("exec yes \"$(printf '{bytes}')\"")),
                size: Some(Size::new(100, 300)),
                ..CreateSession::default()
            };
            client.ok(flood).await;
        }
        for round in 0..10 {
            let begun = Instant::now();
            echoes(&client, other, &format!("word{round}")).await;
            let took = begun.elapsed();
            assert!(took < LIMIT, "an echo took {took:?}");
        }
        for (name, _) in FLOODS {
            let begun = Instant::now();
            let session = Target::Name(Name::new(name).unwrap());
            client
                .ok(KillSession {
                    session,
                    guarded: false,
                })
                .await;
            let took = begun.elapsed();
            assert!(took < LIMIT, "closing {name} took {took:?}");
        }
        eventually("nothing else is there", async || {
            (client.sessions().await.len() == 1).then_some(())
        })
        .await;
    });
}
