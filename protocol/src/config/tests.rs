//! Tests of `config`.

use super::*;
use crate::error::ErrorCode;

fn why(text: &str) -> String {
    Config::parse(text).expect_err("the file was accepted")
}

#[test]
fn a_missing_file_is_the_default_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::load(&dir.path().join("config.toml")).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.daemon.name, ServerName::local());
}

#[test]
fn a_whole_file_is_read() {
    let config = Config::parse(
        r#"
        default_server = "polecats"
        [servers.polecats]
        socket = "/run/polecats/fugued.sock"
        [daemon]
        name = "den"
        history_lines = 100000
        "#,
    )
    .unwrap();
    assert_eq!(config.default_server.unwrap().as_str(), "polecats");
    let polecats = ServerName::new("polecats").unwrap();
    assert_eq!(
        config.servers[&polecats].address().to_string(),
        "unix:/run/polecats/fugued.sock"
    );
    assert_eq!(config.daemon.name.as_str(), "den");
    assert_eq!(config.daemon.history_lines, 100_000);
    assert_eq!(config.daemon.max_panes, 4_096);
}

#[test]
fn whose_copies_are_passed_on_is_one_of_three_words() {
    let of = |text: &str| Config::parse(text).map(|config| config.daemon.clipboard);
    assert_eq!(of(""), Ok(ClipboardWish::People));
    for (word, wish) in [
        ("off", ClipboardWish::Off),
        ("people", ClipboardWish::People),
        ("all", ClipboardWish::All),
    ] {
        let text = format!("[daemon]\nclipboard = \"{word}\"");
        assert_eq!(of(&text), Ok(wish));
    }
    let refused = why("[daemon]\nclipboard = \"on\"");
    assert!(refused.contains("people"), "{refused}");
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    for text in [
        "colour = 1",
        "[daemon]\ncolour = 1",
        "[servers.a]\nsocket = \"/s\"\ncolour = 1",
    ] {
        assert!(why(text).contains("colour"), "{}", why(text));
    }
}

#[test]
fn values_out_of_range_are_refused_with_the_range() {
    for (key, value, limit) in [
        ("history_lines", "100001", "100000"),
        ("journal_bytes", "65535", "65536"),
        (
            "journal_bytes",
            "100000",
            "multiple of 4096, such as 98304 or 102400",
        ),
        ("stop.hup_ms", "600001", "at most 600000"),
        ("heartbeat_ms", "49", "50"),
        ("heartbeat_ms", "3600001", "3600000"),
        ("max_panes", "0", "1 to"),
        ("max_clients", "0", "1 to"),
    ] {
        let why = why(&format!("[daemon]\n{key} = {value}"));
        let part = key.split('.').next().unwrap_or(key);
        assert!(why.contains(part) && why.contains(limit), "{why}");
    }
    assert!(why("[daemon]\nmax_panes = -1").contains("line 2"));
}

#[test]
fn a_stop_recipe_is_the_panes_own_then_the_configurations_then_the_programs() {
    let config =
        Config::parse("[daemon.stop]\nkeys = [\"C-c\"]\nkeys_ms = 300\nhup_ms = 700").unwrap();
    let general = config.daemon.stop.recipe();
    assert_eq!(general.keys, Some(vec!["C-c".to_owned()]));
    assert_eq!(general.times_ms(), [300, StopRecipe::DEFAULT_ROUND_MS, 700]);
    let own = StopRecipe {
        keys: Some(Vec::new()),
        term_ms: Some(9),
        ..StopRecipe::default()
    };
    let both = own.or(&general);
    assert_eq!(
        (both.keys.clone(), both.times_ms()),
        (Some(Vec::new()), [300, 9, 700])
    );
    assert!(why("[daemon.stop]\ncolour = 1").contains("colour"));
}

#[test]
fn a_session_learns_from_a_login_what_the_configuration_names() {
    let has = |name: &str| (name == "DISPLAY").then(|| ":1".to_owned());
    let usual = Config::default().daemon.login(has);
    assert_eq!(usual["DISPLAY"], Some(":1".to_owned()));
    assert_eq!(usual["SSH_AUTH_SOCK"], None);
    assert!(!usual.contains_key("LD_PRELOAD"));
    let config = Config::parse("[daemon]\nupdate_environment = [\"DISPLAY\"]").unwrap();
    let told = BTreeMap::from(["DISPLAY", "LD_PRELOAD"].map(|name| (name.to_owned(), None)));
    let taken = config.daemon.told_at_login(told);
    assert_eq!(taken.into_keys().collect::<Vec<_>>(), ["DISPLAY"]);
    for bad in ["", "A=B", "FUGUE_TOKEN"] {
        let why = why(&format!("[daemon]\nupdate_environment = [\"{bad}\"]"));
        assert!(why.contains("update_environment"), "{why}");
    }
}

#[test]
fn bad_names_and_the_own_servers_name_are_refused() {
    assert!(why("default_server = \"A B\"").contains("server name"));
    assert!(why("[servers.local]\nsocket = \"/s\"").contains("local"));
    let own = "[daemon]\nname = \"den\"\n[servers.den]\nsocket = \"/s\"";
    assert!(why(own).contains("den"));
}

#[test]
fn an_error_is_one_line_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, "[daemon]\nname = \"den\"\nmax_panes = many\n").unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    let text = error.to_string();
    assert!(text.contains("config.toml: line 3: "), "{text}");
    assert!(!text.contains('\n'), "{text}");

    let unreadable = Config::load(dir.path()).unwrap_err();
    assert!(unreadable.message.contains("cannot read"), "{unreadable}");
}

#[test]
fn http_is_off_and_stays_on_this_machine() {
    assert_eq!(Config::default().http.listen, None);
    for good in ["127.0.0.1:7433", "127.0.0.1:0", "[::1]:7433"] {
        let config = Config::parse(&format!("[http]\nlisten = \"{good}\"")).unwrap();
        assert_eq!(config.http.listen, Some(good.parse().unwrap()));
    }
    for (bad, why) in [
        ("listen = \"0.0.0.0:7433\"", "loopback"),
        ("listen = \"192.168.1.2:80\"", "ssh -L"),
        ("listen = \"[::]:80\"", "loopback"),
        ("listen = \"localhost:80\"", "line 2"),
        ("listen = 7433", "line 2"),
        ("token_file = \"token\"", "absolute"),
        ("port = 80", "port"),
    ] {
        let error = Config::parse(&format!("[http]\n{bad}")).unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
    }
}
