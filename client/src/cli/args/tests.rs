//! Values that options take and refuse.

use super::*;

#[test]
fn durations() {
    for (text, ms) in [
        ("500ms", 500),
        ("30s", 30_000),
        ("2m", 120_000),
        ("1h30m", 5_400_000),
        ("5", 5_000),
        ("0.25", 250),
    ] {
        assert_eq!(duration(text).map(millis), Ok(ms), "{text}");
    }
    for text in ["", "soon", "-1", "1 fortnight", "NaN", "inf"] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn sizes_are_columns_then_rows() {
    assert_eq!(size("80x24"), Ok(Size::new(24, 80)));
    assert_eq!(size("1000X1"), Ok(Size::new(1, 1000)));
    for text in ["", "80", "80x", "x24", "0x24", "1001x24", "-1x5", "80x24x3"] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn ratios() {
    assert_eq!(ratio("0.3"), Ok(0.3));
    for text in ["0", "1", "-0.5", "NaN", "half"] {
        assert!(ratio(text).is_err(), "{text}");
    }
}

#[test]
fn pairs_split_at_the_first_equals_sign() {
    assert_eq!(pair("A=b=c"), Ok(("A".into(), "b=c".into())));
    assert_eq!(pair("A="), Ok(("A".into(), String::new())));
    assert!(pair("=b").is_err());
    assert!(pair("A").is_err());
    assert_eq!(
        map(vec![("A".into(), "1".into()), ("A".into(), "2".into())])["A"],
        "2"
    );
}

#[test]
fn sizes_of_memory_have_letters() {
    for (text, size) in [
        ("0", 0),
        ("512", 512),
        ("64K", 65_536),
        ("512M", 512 << 20),
        ("2g", 2 << 30),
        ("1GiB", 1 << 30),
    ] {
        assert_eq!(bytes(text), Ok(size), "{text}");
    }
    for text in ["", "M", "1.5G", "-1", "10X", "10 M", "99999999999T"] {
        assert!(bytes(text).is_err(), "{text}");
    }
}

#[test]
fn variables_are_bytes() {
    let pair = |bytes: &[u8]| pair_of_bytes(bytes);
    let strings = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
    assert_eq!(pair(b"A=b=c"), strings("A", "b=c"));
    assert_eq!(pair(b"A=caf\xe9"), strings("A", "\0caf\u{e9}"));
    assert_eq!(pair(b"A="), strings("A", ""));
    assert!(pair(b"=b").is_err() && pair(b"A").is_err());
}

#[test]
fn a_command_is_no_number_of_commands() {
    assert_eq!(number_of_commands("4"), Ok(4));
    for (text, why) in [
        ("0", "at least one"),
        ("cargo test", "it takes a number, as in --parallel 4"),
        ("-1", "it takes a number"),
        ("", "it takes a number"),
        ("99999999999", "too large"),
    ] {
        let error = number_of_commands(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}
