//! Arguments made from each tool's own schema, and spoilt: every call has its reply, none is an
//! internal error, and the daemon lives.
//!
//! `FUGUE_FUZZ_SECONDS` says how long (30), `FUGUE_FUZZ_SEED` where to begin; the seed is printed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::support::daemon::Daemon;
use crate::support::mcp::Mcp;
use crate::support::random::Random;
use crate::support::{eventually, run_within};

const IN_FLIGHT: u64 = 8;

/// Programs that do no harm whatever surrounds them.
const LINES: [&str; 9] = [
    "true",
    "false",
    "exit 3",
    "echo out",
    "sleep 0.05",
    "cat",
    "no-such-program-at-all",
    "",
    "printf '\\033[2J\\033[31mx\\033[0m'",
];

/// Texts without a meaning for a shell: letters of many kinds, and what is not one.
const TEXTS: [&str; 20] = [
    "a",
    "one",
    "two",
    "",
    " ",
    "local",
    "local:one",
    "nowhere:one",
    ":",
    "a:b:c",
    "-x",
    "%1",
    "@1",
    "0",
    "ünï-\u{1F980}",
    "e\u{301}\u{200B}\u{202E}",
    "\u{0}",
    "\u{1b}[31m",
    "00000000-0000-7000-8000-000000000000",
    "t0.0.0.811c9dc5",
];

const PATTERNS: [&str; 8] = [
    "x",
    ".",
    "^$",
    "(",
    "[[:alpha:]]+",
    "(a|b)*c",
    "a{1000}{1000}",
    "\\d+$",
];

const NUMBERS: [i64; 13] = [
    0,
    1,
    2,
    3,
    24,
    80,
    100,
    -1,
    255,
    65_536,
    4_294_967_296,
    i64::MIN,
    i64::MAX,
];

/// Milliseconds that do not make the test wait.
const SHORT_MS: [i64; 6] = [1, 5, 30, 0, -1, i64::MAX];

struct Maker {
    random: Random,
    /// Ids and names that were seen in answers.
    seen: Vec<String>,
}

impl Maker {
    fn arguments(&mut self, schema: &Value) -> Value {
        let mut arguments = self.object(schema);
        if self.random.one_in(3) {
            self.spoil(&mut arguments);
        }
        arguments
    }

    fn object(&mut self, schema: &Value) -> Value {
        let mut made = Map::new();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // Waits are kept short where there is a choice.
            let waits = name.ends_with("timeout_ms");
            if waits || required.contains(&name.as_str()) || self.random.one_in(3) {
                made.insert(name.clone(), self.value(name, property, 0));
            }
        }
        Value::Object(made)
    }

    fn value(&mut self, name: &str, schema: &Value, depth: usize) -> Value {
        if let Some(choices) = schema["enum"].as_array() {
            return self.random.of(choices).clone();
        }
        if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            let choice = self.random.of(choices).clone();
            return self.value(name, &choice, depth + 1);
        }
        match schema["type"].as_str() {
            Some("string") => self.text(name).into(),
            Some("boolean") => self.random.one_in(2).into(),
            Some("integer" | "number") if name.ends_with("_ms") => {
                (*self.random.of(&SHORT_MS)).into()
            }
            Some("integer") => (*self.random.of(&NUMBERS)).into(),
            Some("number") => json!(self.random.below(200) as f64 / 100.0 - 0.5),
            Some("array") => {
                let most = if depth > 3 { 1 } else { 4 };
                let count = self.random.below(most);
                (0..count)
                    .map(|_| self.value(name, &schema["items"], depth + 1))
                    .collect()
            }
            Some("object") if schema["properties"].is_object() && depth < 5 => self.object(schema),
            _ if depth < 5 => json!({self.text(""): self.text("")}),
            _ => json!({}),
        }
    }

    fn text(&mut self, name: &str) -> String {
        match name {
            "command" | "commands" => (*self.random.of(&LINES)).to_owned(),
            "cwd" => (*self.random.of(&["/", "/tmp", ".", "/no/such", "", "~"])).to_owned(),
            "pattern" => (*self.random.of(&PATTERNS)).to_owned(),
            "keys" => (*self.random.of(&["Enter", "C-c", "Up", "F5", "Nope", ""])).to_owned(),
            _ if !self.seen.is_empty() && !self.random.one_in(3) => {
                self.random.of(&self.seen).clone()
            }
            _ if self.random.one_in(200) => "long ".repeat(50_000),
            _ => (*self.random.of(&TEXTS)).to_owned(),
        }
    }

    /// Something of another type, something too much, or something missing.
    fn spoil(&mut self, arguments: &mut Value) {
        let Some(object) = arguments.as_object_mut() else {
            return;
        };
        let names: Vec<String> = object.keys().cloned().collect();
        let strange = [
            Value::Null,
            json!(true),
            json!(-1),
            json!(1e300),
            json!("x"),
            json!([]),
            json!({}),
            json!([[[[]]]]),
            json!({"a": {"b": null}}),
        ];
        match self.random.below(4) {
            0 if !names.is_empty() => drop(object.remove(self.random.of(&names))),
            1 => drop(object.insert("no_such_argument".to_owned(), json!(1))),
            2 => drop(object.insert((*self.random.of(&TEXTS)).to_owned(), json!("x"))),
            _ if !names.is_empty() => {
                let name = self.random.of(&names).clone();
                // Taken for a command, a strange text would be carried out.
                object.insert(name, self.random.of(&strange).clone());
            }
            _ => {}
        }
    }

    /// Keeps ids and names of an answer, so that later calls find something.
    fn learn(&mut self, answer: &Value) {
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let named = name.ends_with("_id") || name.ends_with("name") || name == "cursor";
                    if let Some(text) = value.as_str().filter(|_| named) {
                        self.seen.push(text.to_owned());
                    }
                    self.learn(value);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            _ => {}
        }
        if self.seen.len() > 60 {
            self.seen.drain(..30);
        }
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// Calls tools until `end`; gives how many calls there were and how many succeeded.
async fn caller(mcp: Arc<Mcp>, tools: Arc<Vec<Value>>, seed: u64, end: Instant) -> (u64, u64) {
    let mut maker = Maker {
        random: Random::new(seed),
        seen: Vec::new(),
    };
    let (mut calls, mut done) = (0, 0);
    while Instant::now() < end {
        let tool = maker.random.of(&tools).clone();
        let name = tool["name"].as_str().unwrap();
        let arguments = maker.arguments(&tool["inputSchema"]);
        let reply = mcp.call(name, arguments.clone()).await;
        calls += 1;
        let shown = || format!("{name} {arguments:.2000} (seed {seed}): {reply:.2000}");
        let result = &reply["result"];
        if result["isError"] == json!(true) {
            let error = &result["structuredContent"]["error"];
            assert!(error["code"].is_string(), "{}", shown());
            assert_ne!(error["code"], "internal", "{}", shown());
        } else {
            assert!(result["content"].is_array(), "no result: {}", shown());
            done += 1;
        }
        maker.learn(&result["structuredContent"]);
    }
    (calls, done)
}

#[test]
fn nothing_that_an_agent_sends_breaks_the_daemon() {
    let seconds = number("FUGUE_FUZZ_SECONDS", 30);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = number("FUGUE_FUZZ_SEED", clock.unwrap().as_secs());
    println!("FUGUE_FUZZ_SEED={seed} FUGUE_FUZZ_SECONDS={seconds}");
    run_within(Duration::from_secs(seconds + 90), async move {
        let mut daemon = Daemon::prepared("[daemon]\nmax_panes = 40\n");
        daemon.launch();
        let mcp = Arc::new(Mcp::start(&daemon).await);
        let listed = mcp.ask("tools/list", json!({})).await;
        let tools = Arc::new(listed["result"]["tools"].as_array().unwrap().clone());
        assert!(tools.len() >= 30, "{listed}");
        let end = Instant::now() + Duration::from_secs(seconds);
        let callers: Vec<_> = (0..IN_FLIGHT)
            .map(|n| tokio::spawn(caller(Arc::clone(&mcp), Arc::clone(&tools), seed + n, end)))
            .collect();
        let (mut calls, mut done) = (0, 0);
        for caller in callers {
            let (made, succeeded) = caller.await.unwrap();
            calls += made;
            done += succeeded;
        }
        println!("{calls} calls, {done} succeeded");
        assert!(
            done > calls / 20,
            "{done} of {calls}: the arguments are too strange to reach anything"
        );
        assert!(!daemon.log().contains("panicked"), "seed {seed}");
        let status = eventually("the daemon is well", async || {
            let status = mcp.call("fugue_server_status", json!({})).await;
            (status["result"]["isError"] == json!(false)).then_some(status)
        });
        assert!(!status.await.to_string().contains("\"ok\":false"));
        for stray in mcp.strays() {
            assert!(stray["method"].is_string(), "seed {seed}: {stray}");
        }
        Arc::into_inner(mcp).unwrap().end().await;
    });
}
