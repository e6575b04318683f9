//! Each form of an address, and each part that can be wrong.

use super::*;

use proptest::prelude::*;

fn error(text: &str) -> String {
    text.parse::<Address>().unwrap_err().to_string()
}

#[test]
fn each_form_is_read_and_written_the_same() {
    for text in [
        "unix:/run/user/1000/fugue/fugued.sock",
        "ssh://polecats.example",
        "ssh://dev@polecats.example",
        "ssh://dev@polecats.example:2222",
        "ssh://[::1]:22",
        "ssh://dev@[fe80::1]",
    ] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    let dev = "ssh://dev@box:2222/".parse::<Address>().unwrap();
    assert_eq!(dev.to_string(), "ssh://dev@box:2222", "a slash at its end");
    let long = "unix:///run/f.sock".parse::<Address>().unwrap();
    assert_eq!(long.to_string(), "unix:/run/f.sock");
}

#[test]
fn what_is_wrong_is_said_with_the_forms_that_there_are() {
    for (text, why) in [
        ("", "its scheme is not known"),
        ("polecats.example", "its scheme is not known"),
        ("http://x", "its scheme is not known"),
        ("tls://x:1", "its scheme is not known"),
        ("ssh:x", "// is missing after ssh:"),
        ("ssh://", "its host is empty"),
        ("ssh://dev@", "its host is empty"),
        ("ssh://@box", "its user is empty"),
        (
            "ssh://-oProxyCommand=x",
            "it begins with a letter or a digit",
        ),
        ("ssh://-l@box", "it begins with a letter or a digit"),
        ("ssh://a b", "its host is"),
        ("ssh://box;ls", "its host is"),
        ("ssh://box/path", "its host is"),
        ("ssh://box:", "a port is 1 to 65535"),
        ("ssh://box:0", "a port is 1 to 65535"),
        ("ssh://box:+22", "a port is 1 to 65535"),
        ("ssh://box:65536", "a port is 1 to 65535"),
        ("ssh://[::1", "its [ is not closed"),
        ("ssh://[-oX]", "no IPv6 address"),
        ("ssh://[::1]22", "follows its ]"),
        ("unix:fugued.sock", "must be absolute"),
        ("unix:", "must be absolute"),
    ] {
        let said = error(text);
        assert!(said.contains(why), "{text}: {said}");
        assert!(said.contains("ssh://[USER@]HOST[:PORT]"), "{said}");
    }
}

proptest! {
    /// Whatever is accepted is written as it is read, and no argument of ssh's begins with a dash.
    #[test]
    fn what_is_read_can_be_read_again(text in "(unix|ssh):(//)?[-a-z@0-9:./\\[\\]% ]{0,30}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address.clone());
            if let Address::Ssh(host) = address {
                prop_assert!(!host.destination().starts_with('-'));
            }
        }
    }
}
