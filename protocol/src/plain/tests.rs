//! Tests of `plain`.

use proptest::prelude::*;

use super::*;

#[test]
fn what_a_terminal_obeys_is_left_out_of_plain_text() {
    for (text, shown) in [
        ("two\nlines\tand tabs", "two\nlines\tand tabs"),
        ("title \u{1b}]0;X\u{7}", "title \u{fffd}]0;X\u{fffd}"),
        (
            "clipboard \u{9d}52;c;eA==\u{9c}",
            "clipboard \u{fffd}52;c;eA==\u{fffd}",
        ),
        (
            "over\rwritten\u{8}\u{7f}",
            "over\u{fffd}written\u{fffd}\u{fffd}",
        ),
        ("user\u{202e}nimda", "user\u{fffd}nimda"),
        ("\u{2066}a\u{2069}\u{200f}", "\u{fffd}a\u{fffd}\u{fffd}"),
        ("größer 東京 שלום 👩‍👩‍👧", "größer 東京 שלום 👩‍👩‍👧"),
    ] {
        assert_eq!(plain(text), shown, "{text:?}");
    }
    assert_eq!(plain_line("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
}

#[test]
fn json_says_the_same_in_harmless_characters() {
    let text = "\u{7f}\u{9d}52;c;eA==\u{9c}\u{202e}\u{1b}\n\"ä\"";
    let clean = json(&serde_json::to_string(text).unwrap()).into_owned();
    assert!(!clean.chars().any(obeyed), "{clean:?}");
    assert_eq!(serde_json::from_str::<String>(&clean).unwrap(), text);
    let pretty = "{\n  \"a\": 1\n}";
    assert_eq!(json(pretty), pretty);
}

#[test]
fn of_sequences_only_colours_and_links_stay() {
    let link = "\x1b]8;id=1;https://x.example/ü?a;b\x1b\\text\x1b]8;;\x1b\\";
    for kept in [
        "\x1b[1;38;5;208mx\x1b[0m\x1b[m\x1b[4:3;58:2::1:2:3m",
        link,
        "\x1b]8;;http://a\x07b",
        "a\n\tb",
    ] {
        assert_eq!(styled(kept), kept);
    }
    for (text, shown) in [
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;eA==\x1b\\b", "ab"),
        ("a\x1b[2Jb\x1b[Hc\x1b[?1049hd", "abcd"),
        ("a\x1b[>4;2mb\x1b[?4mc\x1b[1 md", "abcd"),
        ("a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1bXy\x1b\\d", "abcd"),
        ("a\x1b(0b\x1bcc\x1b=d", "abcd"),
        ("a\x1b]8;;http://x\x1b[31m", "a\x1b[31m"),
        ("a\x1b]8;;x\u{9d}y\x07b", "ab"),
        ("a\x1b[3\x1b[31mb", "a\x1b[31mb"),
        ("a\rb\u{9b}2Jc\u{7f}", "a\u{fffd}b\u{fffd}2Jc\u{fffd}"),
        ("a\x1b", "a"),
        ("a\x1b[12", "a"),
        ("a\x1b]8;;never ends", "a"),
    ] {
        assert_eq!(styled(text), shown, "{text:?}");
    }
    assert_eq!(
        styled_row(b"a\nb\xffc\x9bd").as_ref(),
        "a\u{fffd}b\u{fffd}c\u{fffd}d".as_bytes()
    );
}

proptest! {
    #[test]
    fn what_is_filtered_once_needs_no_second_time(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), proptest::sample::select(b"\x1b[]m8;0\\\x07P(\xc2\x9d".to_vec())], 0..60))
    {
        let once = styled_row(&bytes).into_owned();
        prop_assert_eq!(styled_row(&once).into_owned(), once.clone());
        let text = String::from_utf8(once).unwrap();
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\x1b' && c != '\x07'));
    }
}
