//! Nobody waits for anybody: whoever does not read, write or answer slows only itself.

mod work;

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use protocol::frame::{Frame, RequestFrame, to_bytes};
use protocol::id::PaneUuid;
use protocol::reply::{ExpectOutcome, PaneCreated};
use protocol::request::{
    Call, CreateSession, Expect, KillSession, PaneSpec, ReadPane, SendInput, Status, WaitPane,
    Whoami,
};
use protocol::{ErrorCode, Name, Target};

use crate::support::daemon::{Client, Daemon, shell};
use crate::support::pane::{input, pattern};
use crate::support::random::Random;
use crate::support::raw::Raw;
use crate::support::view::{attach, named};
use crate::support::{eventually, proc, run, run_within};

fn read(pane: PaneUuid, lines: Option<u32>) -> ReadPane {
    ReadPane {
        pane: Target::from(pane),
        lines,
        since: None,
        scrollback: true,
        ansi: false,
        max_bytes: Some(8 * 1024 * 1024),
    }
}

/// The number that a counting pane has come to.
async fn counted(client: &Client, pane: PaneUuid) -> u64 {
    eventually("a number", async || {
        let text = client.ok(read(pane, Some(3))).await.text;
        // The last line may be half a number.
        text.lines()
            .filter_map(|line| line.trim().parse().ok())
            .max()
    })
    .await
}

/// How far it comes within this time.
async fn speed(client: &Client, pane: PaneUuid, time: Duration) -> u64 {
    let (from, begun) = (counted(client, pane).await, Instant::now());
    tokio::time::sleep(time).await;
    let to = counted(client, pane).await;
    (to - from) * 1_000 / u64::try_from(begun.elapsed().as_millis()).unwrap()
}

/// What is typed into a pane with `cat` comes back.
async fn echoes(client: &Client, pane: PaneUuid, word: &str) {
    client.ok(input(pane, word)).await;
    let found = client.ok(pattern(pane, &format!("^{word}$"))).await;
    assert_eq!(found.outcome, ExpectOutcome::Match, "no echo of {word}");
}

#[test]
fn clients_that_never_read_slow_neither_the_pane_nor_anybody_else() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let flood = client
            .session("flood", "exec seq 1 2000000000")
            .await
            .pane_id;
        let other = client
            .session("other", "stty -echo; exec cat")
            .await
            .pane_id;
        let time = Duration::from_millis(1_500);
        // Until its scrollback is full.
        eventually("full scrollback", async || {
            (counted(&client, flood).await > 20_000).then_some(())
        })
        .await;
        let alone = speed(&client, flood, time).await;
        let before = proc::resident_kib(daemon.pid);
        let mut stalled: Vec<_> = (0..5).map(|_| Raw::open(&daemon, "stalled")).collect();
        for raw in &mut stalled {
            raw.ask(&attach(1, named("flood")));
            // Says for ever that it takes more, and takes nothing.
            for _ in 0..1_000 {
                raw.send(&Frame::Ready(1));
            }
        }
        eventually("five attached", async || {
            (client.attached("flood").await == 5).then_some(())
        })
        .await;
        let watched = speed(&client, flood, time).await;
        for round in 0..20 {
            echoes(&client, other, &format!("word{round}")).await;
        }
        let grown = proc::resident_kib(daemon.pid).saturating_sub(before);
        eprintln!(
            "lines a second: {alone} alone, {watched} with five that never read; {grown} KiB more"
        );
        assert!(
            watched * 4 > alone,
            "{watched} lines a second instead of {alone}"
        );
        assert!(grown < 24 * 1024, "{grown} KiB more");
    });
}

#[test]
fn a_client_that_asks_and_never_reads_is_bounded_and_then_closed() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start_with("[daemon]\nheartbeat_ms = 1000\n");
        let client = daemon.client().await;
        let many = "i=0; while [ $i -lt 20 ]; do seq -f 'a line of some length with the number %012.0f in it' 1 1000; i=$((i+1)); done; echo END; sleep 600";
        let spec = PaneSpec {
            history_lines: Some(20_000),
            ..shell(many)
        };
        let create = CreateSession {
            name: Some(Name::new("s").unwrap()),
            pane: spec,
            ..CreateSession::default()
        };
        let pane = client.ok(create).await.pane_id;
        client.ok(pattern(pane, "END")).await;
        let bytes = client.ok(read(pane, Some(20_000))).await.text.len();
        assert!(bytes > 1_000_000, "only {bytes} bytes to read");
        let before = proc::resident_kib(daemon.pid);
        let mut raw = Raw::open(&daemon, "greedy");
        for _ in 0..300 {
            raw.ask(&read(pane, Some(20_000)));
        }
        let mut most = 0;
        eventually("its end", async || {
            most = most.max(proc::resident_kib(daemon.pid).saturating_sub(before));
            (client.ok(Status {}).await.clients == 1).then_some(())
        })
        .await;
        eprintln!("300 replies of {bytes} bytes: at most {most} KiB more");
        assert!(most < 160 * 1024, "{most} KiB more");
        // Small ones: the daemon stops reading, so that the peer cannot even write any more.
        let mut raw = Raw::open(&daemon, "chatty");
        raw.socket
            .set_write_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let ping = Raw::framed(&Frame::Ping).repeat(1_000);
        let begun = Instant::now();
        let error = loop {
            match raw.socket.write_all(&ping) {
                Ok(()) => assert!(
                    begun.elapsed() < Duration::from_secs(20),
                    "it takes pings for ever"
                ),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
            ),
            "{error}"
        );
        eventually("its end too", async || {
            (client.ok(Status {}).await.clients == 1).then_some(())
        })
        .await;
    });
}

#[test]
fn a_slow_reader_is_not_taken_for_a_dead_one() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\nheartbeat_ms = 500\n");
        let client = daemon.client().await;
        let spec = PaneSpec {
            history_lines: Some(20_000),
            ..shell("seq -f 'a line of some length %080.0f' 1 20000; echo END; sleep 600")
        };
        let create = CreateSession {
            name: Some(Name::new("s").unwrap()),
            pane: spec,
            ..CreateSession::default()
        };
        let pane = client.ok(create).await.pane_id;
        client.ok(pattern(pane, "END")).await;
        let mut raw = Raw::open(&daemon, "slow");
        raw.pace = Some((48 * 1024, Duration::from_millis(25)));
        let asked: Vec<u64> = (0..3).map(|_| raw.ask(&read(pane, Some(20_000)))).collect();
        for _ in &asked {
            let (id, reply) = raw.reply();
            assert!(asked.contains(&id));
            assert!(reply.unwrap().len() > 1_000_000);
        }
    });
}

/// A program that never reads, on a terminal that keeps every byte for it.
async fn deaf(client: &Client, name: &str) -> PaneCreated {
    let made = client
        .session(name, "stty raw -echo; echo READY; exec sleep 600")
        .await;
    client.ok(pattern(made.pane_id, "READY")).await;
    made
}

#[test]
fn input_that_nobody_reads_is_told_and_holds_up_nobody() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = deaf(&client, "deaf").await.pane_id;
        let other = client
            .session("other", "stty -echo; exec cat")
            .await
            .pane_id;
        let text = "0123456789abcde\n".repeat(20_000);
        let blocked = SendInput {
            timeout_ms: Some(1_500),
            submit: false,
            ..input(pane, &text)
        };
        let begun = Instant::now();
        let blocked = client.call(blocked);
        let others = async {
            for round in 0..20 {
                echoes(&client, other, &format!("word{round}")).await;
                client.ok(Status {}).await;
            }
            let error = client
                .call(SendInput {
                    timeout_ms: Some(200),
                    ..input(pane, "more")
                })
                .await
                .unwrap_err();
            assert_eq!(error.code, ErrorCode::InputBlocked, "{error}");
            assert!(error.message.contains("(0 bytes went in)"), "{error}");
            client.text(pane).await
        };
        let (answer, read) = tokio::join!(blocked, others);
        let error = answer.unwrap_err();
        assert_eq!(error.code, ErrorCode::InputBlocked, "{error}");
        assert!(begun.elapsed() >= Duration::from_millis(1_400));
        let went_in = error
            .message
            .rsplit_once('(')
            .unwrap()
            .1
            .split(' ')
            .next()
            .unwrap();
        let went_in: usize = went_in.parse().unwrap();
        assert!(went_in > 0 && went_in < text.len(), "{error}");
        assert!(
            error
                .message
                .contains(&format!("{} bytes were not taken", text.len() - went_in)),
            "{error}"
        );
        assert!(read.contains("READY"));
    });
}

#[test]
fn two_hundred_calls_in_flight_never_mix() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let mut panes = Vec::new();
        for index in 0..4 {
            let line = format!("echo PANE-{index}; stty -echo; exec cat");
            let pane = client.session(&format!("p{index}"), &line).await.pane_id;
            client.ok(pattern(pane, "PANE")).await;
            panes.push(pane);
        }
        let mut raw = Raw::open(&daemon, "many");
        let mut waits = Vec::new();
        let mut reads = Vec::new();
        let mut whoami = Vec::new();
        for index in 0..200_usize {
            let pane = panes[index % 4];
            match index % 3 {
                0 => {
                    let wait = Expect {
                        timeout_ms: 60_000,
                        ..pattern(pane, &format!("<(tok{index}x)>"))
                    };
                    waits.push((raw.ask(&wait), index));
                }
                1 => reads.push((raw.ask(&read(pane, None)), index % 4)),
                _ => whoami.push(raw.ask(&Whoami {})),
            }
        }
        let mut missing = waits.clone();
        let mut random = Random::new(11);
        for _ in 0..reads.len() + whoami.len() {
            let (id, result) = raw.reply();
            let body = result.unwrap();
            if let Some((_, index)) = reads.iter().find(|(read, _)| *read == id) {
                let text: protocol::reply::PaneText = protocol::frame::from_bytes(&body).unwrap();
                assert!(text.text.contains(&format!("PANE-{index}")), "{text:?}");
                assert_eq!(text.pane_id, panes[*index]);
            } else {
                assert!(whoami.contains(&id), "the waits cannot be over: {id}");
                protocol::frame::from_bytes::<protocol::reply::Whoami>(&body).unwrap();
            }
        }
        while !missing.is_empty() {
            let (id, index) = missing.swap_remove(random.below(missing.len()));
            client
                .ok(input(panes[index % 4], &format!("<tok{index}x>")))
                .await;
            let (answered, result) = raw.reply();
            assert_eq!(answered, id, "the only one that can be over");
            let found: <Expect as Call>::Reply =
                protocol::frame::from_bytes(&result.unwrap()).unwrap();
            assert_eq!(found.groups, [Some(format!("tok{index}x"))]);
            assert_eq!(found.pane_id, panes[index % 4]);
        }
    });
}

#[test]
fn a_long_wait_delays_nobody_and_can_be_cancelled() {
    run(async {
        let daemon = Daemon::start_with("[daemon]\nheartbeat_ms = 150\n");
        let client = daemon.client().await;
        let pane = client.session("s", "exec sleep 600").await.pane_id;
        let wait = WaitPane {
            pane: Target::from(pane),
            timeout_ms: 3_600_000,
        };
        let mut raw = Raw::open(&daemon, "patient");
        // As many as one connection may have.
        let waits: Vec<u64> = (0..1_024).map(|_| raw.ask(&wait)).collect();
        let (id, refused) = {
            let id = raw.ask(&wait);
            (id, raw.reply())
        };
        assert_eq!(refused.0, id);
        assert_eq!(refused.1.unwrap_err().code, ErrorCode::Limit);
        // It still answers signs of life, for longer than a dead one would be kept.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1_000) {
            raw.send(&Frame::Ping);
            assert_eq!(raw.frame(), Some(Frame::Pong));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        raw.send(&Frame::Cancel(waits[0]));
        raw.send(&Frame::Cancel(999_999));
        raw.call(Whoami::METHOD, to_bytes(&Whoami {})).unwrap();
        for id in &waits {
            raw.send(&Frame::Cancel(*id));
        }
        raw.ask(&wait);
        raw.call(Whoami::METHOD, to_bytes(&Whoami {})).unwrap();
        // A dropped call of the ordinary client is the same.
        let long = client.call(wait);
        let gone = tokio::time::timeout(Duration::from_millis(50), long).await;
        assert!(gone.is_err());
        client.ok(Status {}).await;
    });
}

#[test]
fn a_number_that_is_used_again_after_a_cancel_is_a_call_like_others() {
    run(async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let pane = client.session("s", "exec sleep 600").await.pane_id;
        let wait = WaitPane {
            pane: Target::from(pane),
            timeout_ms: 3_600_000,
        };
        let mut raw = Raw::open(&daemon, "hasty");
        let request = |id: u64| {
            Frame::Request(RequestFrame {
                id,
                method: WaitPane::METHOD.to_owned(),
                idempotency_key: None,
                params: to_bytes(&wait),
            })
        };
        // All in one piece, so that the second one is begun before the end of the first is seen.
        let mut all = Raw::framed(&request(900));
        all.extend(Raw::framed(&Frame::Cancel(900)));
        all.extend(Raw::framed(&request(900)));
        raw.bytes(&all);
        raw.call(Whoami::METHOD, to_bytes(&Whoami {})).unwrap();
        // It is known: neither taken twice nor lost for a cancel.
        raw.send(&request(900));
        let (_, refused) = raw.reply();
        assert!(refused.unwrap_err().message.contains("under way already"));
        raw.send(&Frame::Cancel(900));
        raw.send(&request(900));
        raw.call(Whoami::METHOD, to_bytes(&Whoami {})).unwrap();
    });
}

#[test]
fn memory_of_closed_panes_is_given_back() {
    run_within(Duration::from_secs(120), async {
        let daemon = Daemon::start();
        let client = daemon.client().await;
        let before = proc::resident_kib(daemon.pid);
        let many = "seq -f 'a line of some length with the number %012.0f in it' 1 20000; echo END; sleep 600";
        let mut sessions = Vec::new();
        for number in 0..8 {
            let name = format!("s{number}");
            let spec = PaneSpec {
                history_lines: Some(20_000),
                ..shell(many)
            };
            let create = CreateSession {
                name: Some(Name::new(&name).unwrap()),
                pane: spec,
                ..CreateSession::default()
            };
            let made = client.ok(create).await;
            client.ok(pattern(made.pane_id, "END")).await;
            sessions.push(made.context.session_id);
        }
        let most = proc::resident_kib(daemon.pid);
        for session in sessions {
            let session = Target::from(session);
            client
                .ok(KillSession {
                    session,
                    guarded: false,
                })
                .await;
        }
        let left = eventually("memory given back", async || {
            let left = proc::resident_kib(daemon.pid).saturating_sub(before);
            (left < (most - before) / 2).then_some(left)
        })
        .await;
        eprintln!("{} KiB in use, {left} KiB left", most - before);
    });
}
