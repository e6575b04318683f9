//! Results on stdout: text in one write, tables, and JSON.

mod pager;
pub(crate) mod style;
pub(crate) mod table;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use protocol::{ServerName, plain};
use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Caller;

/// Writes `text` to stdout. A terminal gets it without anything that it would obey; a file or a program gets it as it is.
pub(crate) fn print(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() {
        write(&plain::plain(text))
    } else {
        write(text)
    }
}

/// Writes `text` and a line feed unless it ends with one or is empty.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    print(&in_lines(text))
}

/// Writes text whose colours, attributes and links are wanted, and no other sequence of it.
pub(crate) fn print_styled(text: &str) -> io::Result<()> {
    write(&plain::styled(text))
}

/// Writes what this program itself tells the terminal, in one piece.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The text in lines of at most `cols` columns, broken between words; each line after the first begins with `indent` blanks. A word
/// that is longer stands alone.
pub(crate) fn wrapped(text: &str, cols: usize, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let width = word.width();
        if used > 0 && used + 1 + width > cols {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += width;
    }
    wrapped
}

fn in_lines(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    }
}

/// Prints an answer of `server`: as JSON when that is wanted, else the text that `text` makes.
pub(crate) fn answer<T: Serialize>(
    caller: &Caller,
    server: &ServerName,
    reply: &T,
    text: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    if caller.json {
        print_json(caller, &json_of(caller, server, reply)?)?;
    } else {
        print_line(&text(reply))?;
    }
    Ok(())
}

/// As [`answer`], for text with colours.
pub(crate) fn answer_styled<T: Serialize>(
    caller: &Caller,
    server: &ServerName,
    reply: &T,
    text: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    if caller.json {
        return print_json(caller, &json_of(caller, server, reply)?);
    }
    Ok(print_styled(&in_lines(&text(reply)))?)
}

/// As [`answer_styled`], for text that may be longer than the screen.
pub(crate) fn answer_paged<T: Serialize>(
    caller: &Caller,
    server: &ServerName,
    reply: &T,
    text: impl FnOnce(&T) -> String,
) -> anyhow::Result<()> {
    if caller.json {
        return print_json(caller, &json_of(caller, server, reply)?);
    }
    Ok(page(&in_lines(&text(reply)))?)
}

/// Shows styled text a screen at a time when it is for a terminal and does not fit, else at once.
pub(crate) fn page(text: &str) -> io::Result<()> {
    let text = plain::styled(text);
    let size = io::stdout()
        .is_terminal()
        .then(crate::attach::terminal_size)
        .flatten();
    match size {
        Some(size) if pager::is_long(&text, size) => pager::show(&text),
        Some(_) | None => write(&text),
    }
}

/// Shows a manual page: as manual pages are shown on a terminal, where there is `man` for it, else `instead`. What is no terminal gets
/// the page itself.
pub(crate) fn man(page: &[u8], instead: impl FnOnce() -> String) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return write(&String::from_utf8_lossy(page));
    }
    match pager::man(page) {
        true => Ok(()),
        false => self::page(&instead()),
    }
}

/// Prints JSON, over several lines on a terminal.
pub(crate) fn print_json(caller: &Caller, value: &Value) -> anyhow::Result<()> {
    let text = if caller.terminal {
        serde_json::to_string_pretty(value)?
    } else {
        value.to_string()
    };
    Ok(write(&in_lines(&plain::json(&text)))?)
}

/// An answer of `server` as JSON: its ids with that server's prefix unless it is the default one,
/// and the server by the name that it has here, which may differ from what it calls itself.
pub(crate) fn json_of<T: Serialize>(
    caller: &Caller,
    server: &ServerName,
    reply: &T,
) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(reply)?;
    let prefix = server != caller.fleet.default_server();
    if prefix || server.as_str() != ServerName::LOCAL {
        name_server(&mut value, server, prefix);
    }
    Ok(value)
}

/// Sets the server's name, and with `prefix` puts it before every session, window, pane and
/// orchestration id.
fn name_server(value: &mut Value, server: &ServerName, prefix: bool) {
    const IDS: [&str; 6] = [
        "number",
        "session_id",
        "window_id",
        "pane_id",
        "focused_pane",
        "orchestration_id",
    ];
    let put = |id: &mut Value| {
        if let (true, Value::String(text)) = (prefix, id) {
            *text = format!("{server}:{text}");
        }
    };
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if key == "server" && field.is_string() {
                    *field = Value::String(server.to_string());
                } else if IDS.contains(&key.as_str()) {
                    put(field);
                } else if let (true, Value::Array(items)) = (key == "panes", &mut *field) {
                    // A window's panes are ids, a list's panes are objects.
                    items.iter_mut().for_each(put);
                    items
                        .iter_mut()
                        .for_each(|item| name_server(item, server, prefix));
                } else {
                    name_server(field, server, prefix);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| name_server(item, server, prefix)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The text as one line without what a terminal obeys, which a program may have put into a title or a name.
pub(crate) fn printable(text: String) -> String {
    match plain::plain_line(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    }
}

#[cfg(test)]
mod tests;
