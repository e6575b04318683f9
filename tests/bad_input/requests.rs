//! Requests with wrong parameters: one table, each row refused with its code.

mod rows;

use bytes::Bytes;
use protocol::frame::to_bytes;
use protocol::id::OrchestrationUuid;
use protocol::request::{Call, CancelOrchestration, CreatePane, GetOrchestration};
use protocol::{ErrorCode, Target};

use super::{call, peopled, world};
use crate::support::LIMIT;
use crate::support::daemon::{Client, Daemon, shell};
use crate::support::run_within;
use rows::{Row, rows};

async fn check(client: &Client, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (method, params, code) in rows {
        let shown: String = format!("{method} {params}").chars().take(160).collect();
        match call(client, method, params).await {
            Ok(()) => wrong.push(format!("{shown}: taken")),
            Err(error) if error.code != *code => wrong.push(format!(
                "{shown}: {} instead of {code}: {error}",
                error.code
            )),
            Err(error) if error.message.is_empty() || error.message.len() > 2_000 => {
                wrong.push(format!(
                    "{shown}: a message of {} bytes",
                    error.message.len()
                ));
            }
            Err(_) => {}
        }
    }
    wrong
}

#[test]
fn every_bad_request_is_refused_with_its_code_and_changes_nothing() {
    run_within(std::time::Duration::from_secs(240), async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let rows = rows();
        let wrong = check(&client, &rows).await;
        assert!(
            wrong.is_empty(),
            "{} of {} rows:\n{}",
            wrong.len(),
            rows.len(),
            wrong.join("\n")
        );
        assert_eq!(world(&daemon, &client).await, before);
        for ratio in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            let split = CreatePane {
                ratio: Some(ratio),
                pane: shell("sleep 600"),
                ..CreatePane::default()
            };
            assert_eq!(
                client.call(split).await.unwrap_err().code,
                ErrorCode::InvalidArgument,
                "{ratio}"
            );
        }
        let id = OrchestrationUuid::new();
        let get = GetOrchestration {
            orchestration_id: id,
            after_version: None,
            wait: true,
            timeout_ms: 10_000,
        };
        assert_eq!(
            client.call(get).await.unwrap_err().code,
            ErrorCode::NotFound
        );
        let cancel = CancelOrchestration {
            orchestration_id: id,
        };
        assert_eq!(
            client.call(cancel).await.unwrap_err().code,
            ErrorCode::NotFound
        );
        assert_eq!(world(&daemon, &client).await, before);
        assert_eq!(client.attached("one").await, 0);
    });
}

#[test]
fn parameters_that_are_no_map_and_calls_that_nobody_knows() {
    run_within(std::time::Duration::from_secs(60), async {
        let daemon = Daemon::start();
        let client = peopled(&daemon).await;
        let before = world(&daemon, &client).await;
        let raw = |method: &str, params: Vec<u8>| {
            let method = method.to_owned();
            let client = &client;
            async move {
                client
                    .connection
                    .call_raw(&method, Bytes::from(params), None, LIMIT)
                    .await
            }
        };
        for method in [
            "",
            "no_such_call",
            "Status",
            "status ",
            "crash\0",
            &"m".repeat(1_000_000),
        ] {
            let error = raw(method, vec![0x80]).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::Unsupported, "{error}");
            assert!(error.message.len() < 1_000);
        }
        let deep = [
            vec![0x81, 0xa7],
            b"session".to_vec(),
            vec![0x91; 100_000],
            vec![0xc0],
        ]
        .concat();
        let invalid_utf8 = [
            vec![0x81, 0xa7],
            b"session".to_vec(),
            vec![0xa3, 0xff, 0xfe, 0x41],
        ]
        .concat();
        let long_string = [
            vec![0x81, 0xa7],
            b"session".to_vec(),
            vec![0xdb, 0xff, 0xff, 0xff, 0xff],
        ]
        .concat();
        let many_entries = vec![0xdf, 0xff, 0xff, 0xff, 0xff];
        let behind = [
            to_bytes(&Target::parse("one").unwrap()).to_vec(),
            vec![0x80],
        ]
        .concat();
        let twice = [
            vec![0x82],
            [vec![0xa7], b"session".to_vec(), vec![0xa3], b"one".to_vec()]
                .concat()
                .repeat(2),
        ]
        .concat();
        for params in [
            vec![],
            vec![0xc0],
            vec![0xc1],
            vec![0x90],
            vec![0xff],
            vec![0x81],
            vec![0x80, 0x80],
            deep,
            invalid_utf8,
            long_string,
            many_entries,
            behind,
            twice,
            vec![0; 1_000_000],
        ] {
            for method in [
                "kill_session",
                "close_pane",
                "get_orchestration",
                "send_input",
                "run_parallel",
                "attach",
                "detach",
            ] {
                let error = raw(method, params.clone()).await.unwrap_err();
                assert_eq!(
                    error.code,
                    ErrorCode::InvalidArgument,
                    "{method} {:?}: {error}",
                    &params[..params.len().min(20)]
                );
            }
        }
        assert_eq!(world(&daemon, &client).await, before);
        assert_eq!(protocol::request::KillSession::METHOD, "kill_session");
    });
}
