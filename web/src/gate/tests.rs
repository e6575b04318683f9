//! One row per way in; whatever is not named here stays outside.

use super::*;

fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in rows {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn place(rows: &[(&'static str, &str)]) -> u16 {
    match Gate::place(&Uri::from_static("/mcp"), &headers(rows)) {
        Ok(()) => 200,
        Err(refusal) => {
            assert_eq!(refusal.error.code, ErrorCode::Denied);
            assert!(!refusal.error.hint.is_empty());
            refusal.status.as_u16()
        }
    }
}

#[test]
fn host_and_origin_are_each_enough_to_refuse() {
    let good = [
        vec![("host", "127.0.0.1:7433")],
        vec![("host", "localhost:7433")],
        vec![("host", "LOCALHOST")],
        vec![("host", "[::1]:7433")],
        vec![
            ("host", "127.0.0.1:7433"),
            ("origin", "http://localhost:7433"),
        ],
        vec![
            ("host", "localhost:8000"),
            ("origin", "http://127.0.0.1:8000"),
        ],
        vec![("host", "localhost"), ("origin", "http://localhost")],
    ];
    for row in good {
        assert_eq!(place(&row), 200, "{row:?}");
    }
    let bad = [
        vec![],
        vec![("host", "")],
        vec![("host", "evil.example")],
        vec![("host", "evil.example:7433")],
        vec![("host", "127.0.0.1.evil.example")],
        vec![("host", "localhost@evil.example")],
        vec![("host", "evil.example@localhost")],
        vec![("host", "127.0.0.2")],
        vec![("host", "0.0.0.0:7433")],
        vec![("host", "localhost"), ("host", "evil.example")],
        vec![("host", "evil.example"), ("origin", "http://localhost")],
        vec![
            ("host", "localhost:7433"),
            ("origin", "http://evil.example"),
        ],
        vec![
            ("host", "localhost:7433"),
            ("origin", "http://localhost:8000"),
        ],
        vec![
            ("host", "localhost:7433"),
            ("origin", "https://localhost:7433"),
        ],
        vec![("host", "localhost:7433"), ("origin", "null")],
        vec![("host", "localhost:7433"), ("origin", "")],
        vec![
            ("host", "localhost"),
            ("origin", "http://localhost"),
            ("origin", "http://x"),
        ],
    ];
    for row in bad {
        assert_eq!(place(&row), 403, "{row:?}");
    }
}

#[test]
fn only_the_very_token_opens() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let gate = Gate::new(Arc::new(Secret::open(&file).unwrap()), file.clone());
    let secret = std::fs::read_to_string(&file).unwrap();
    let secret = secret.trim();
    for good in [format!("Bearer {secret}"), format!("bearer  {secret}")] {
        gate.token(&headers(&[("authorization", &good)])).unwrap();
    }
    let (short, long) = (&secret[1..], format!("{secret}0"));
    let bad = [
        vec![],
        vec![("authorization", secret.to_owned())],
        vec![("authorization", format!("Basic {secret}"))],
        vec![("authorization", "Bearer ".to_owned())],
        vec![("authorization", format!("Bearer {short}"))],
        vec![("authorization", format!("Bearer {long}"))],
        vec![
            ("authorization", format!("Bearer {secret}")),
            ("authorization", "Bearer x".to_owned()),
        ],
        vec![("x-token", secret.to_owned())],
    ];
    for row in bad {
        let rows: Vec<(&'static str, &str)> = row.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let refusal = gate.token(&headers(&rows)).unwrap_err();
        assert_eq!(refusal.status, StatusCode::UNAUTHORIZED, "{row:?}");
        assert!(refusal.error.hint.contains(file.to_str().unwrap()));
        assert!(!refusal.json().contains(secret), "{row:?}");
    }
}
