//! Any text as a name or an identifier: accepted as it is and within the rules, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::session_id::SessionId;
use protocol::target::Target;
use protocol::{Name, ServerName};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(name) = Name::new(text) {
        assert_eq!(name.as_str(), text);
        assert!((1..=64).contains(&text.chars().count()));
        assert!(!text.contains([':', '.', '/']));
        assert!(!text.chars().any(char::is_control));
        assert!(matches!(Target::parse(text), Ok(Target::Name(_))));
    }
    if let Ok(server) = ServerName::new(text) {
        assert_eq!(server.as_str(), text);
        assert!(text.is_ascii() && text.len() <= 63);
    }
    if let Ok(id) = SessionId::parse(text, &ServerName::local()) {
        assert_eq!(id.to_string().parse::<SessionId>().as_ref(), Ok(&id));
        let short = id.abbreviated(&id.server);
        assert_eq!(SessionId::parse(&short, &id.server).as_ref(), Ok(&id));
    }
});
