//! Times and sizes in words.

use super::*;

#[test]
fn spans() {
    for (ms, text) in [
        (0, "0ms"),
        (830, "830ms"),
        (12_400, "12.4s"),
        (185_000, "3m05s"),
        (7_800_000, "2h10m"),
        (356_400_000, "4d03h"),
    ] {
        assert_eq!(span(ms), text);
    }
    assert_eq!(micros(12), "12µs");
    assert_eq!(micros(1_390), "1.3ms");
    assert_eq!(micros(2_000_000), "2.0s");
    assert_eq!(ago(5_000, 4_000), "0s ago");
}

#[test]
fn ages_are_rounded() {
    for (ms, text) in [
        (0, "0s"),
        (12_900, "12s"),
        (185_200, "3m"),
        (3_600_000, "1h"),
        (7_800_000, "2h10m"),
        (356_400_000, "4d3h"),
        (345_600_000, "4d"),
    ] {
        assert_eq!(rough(ms), text);
    }
}

#[test]
fn sizes_are_columns_then_rows() {
    assert_eq!(size(Size::new(24, 80)), "80x24");
}

#[test]
fn brief_text_is_one_line() {
    assert_eq!(brief("a\nb\tc", 5), "a b c");
    assert_eq!(brief("123456", 5), "1234…");
    assert_eq!(brief("éééééé", 6), "éééééé");
}
