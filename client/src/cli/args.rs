//! Values of options: durations, sizes, ratios and `KEY=VALUE` pairs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use protocol::time::millis;
use protocol::{Size, os_text};

/// Reads `500ms`, `30s`, `2m`, `1h30m`, or a bare number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 500ms, 30s, 2m or 1h30m"))
}

/// Reads the times of a stop recipe, such as `0s,10s,2s`, as milliseconds.
pub(crate) fn stop_times(text: &str) -> Result<[u64; 3], String> {
    let times: Result<Vec<u64>, String> = text
        .split(',')
        .map(|one| duration(one).map(millis))
        .collect();
    let three =
        |_| "write three times: for the keys, the first and the second round of signals".to_owned();
    times?.try_into().map_err(three)
}

/// Reads `512M`, `2G`, `64K` or a bare number of bytes; the letters are powers of 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write it like 512M, 2G, 64K or a number of bytes".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KIB" => 1 << 10,
        "M" | "MIB" => 1 << 20,
        "G" | "GIB" => 1 << 30,
        "T" | "TIB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// Reads `COLSxROWS`.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let (cols, rows) = text
        .split_once(['x', 'X'])
        .ok_or_else(|| "write it like 80x24: columns, then rows".to_owned())?;
    let side = |text: &str| {
        text.parse::<u16>()
            .map_err(|error| format!("{text:?}: {error}; write it like 80x24"))
    };
    Size::new(side(rows)?, side(cols)?)
        .checked()
        .map_err(|error| error.to_string())
}

/// Reads a share above 0 and below 1.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio > 0.0 && ratio < 1.0 => Ok(ratio),
        Ok(_) | Err(_) => Err("it must be above 0 and below 1, such as 0.3".to_owned()),
    }
}

/// Reads how many commands may run at a time.
pub(crate) fn number_of_commands(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) => Err("at least one command must be able to run".to_owned()),
        Ok(number) => Ok(number),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err("it is too large".to_owned())
        }
        Err(_) => Err(
            "it takes a number, as in --parallel 4; leave it out to run all commands side by side"
                .to_owned(),
        ),
    }
}

/// The form of a pair.
const NO_PAIR: &str = "write it like KEY=VALUE";

/// Reads `KEY=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err(NO_PAIR.to_owned()),
    }
}

/// Reads `KEY=VALUE` of a variable, whose bytes need not be UTF-8.
pub(crate) fn variable() -> impl TypedValueParser<Value = (String, String)> {
    OsStringValueParser::new().try_map(|text| pair_of_bytes(text.as_bytes()))
}

fn pair_of_bytes(bytes: &[u8]) -> Result<(String, String), String> {
    let part = |bytes: &[u8]| os_text::encoded(OsStr::from_bytes(bytes));
    let at = bytes.iter().position(|byte| *byte == b'=');
    match at.filter(|at| *at > 0) {
        Some(at) => Ok((part(&bytes[..at]), part(&bytes[at + 1..]))),
        None => Err(NO_PAIR.to_owned()),
    }
}

/// Pairs as the wire has them; of the same key the last one counts.
pub(crate) fn map(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().collect()
}

#[cfg(test)]
mod tests;
