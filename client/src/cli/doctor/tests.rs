//! The lines of the doctor, and its count.

use super::machine::soft_limit;
use super::*;

#[test]
fn each_check_is_a_line_with_what_to_do_next() {
    let found = [
        Finding::ok("fugue", "0.1.0 at /usr/bin/fugue"),
        Finding::warning(
            "linger",
            "the service ends with the last login",
            "`loginctl enable-linger` keeps it",
        ),
        Finding::wrong(
            "state",
            "/home/ann/s is open to others: mode 755",
            "`chmod 700 /home/ann/s`",
        ),
    ];
    let text = text(&found, Style::new(Some(80), false, false));
    assert_eq!(
        text,
        "ok       fugue   0.1.0 at /usr/bin/fugue\n\
         warning  linger  the service ends with the last login; `loginctl enable-linger`\n\
         \x20                keeps it\n\
         wrong    state   /home/ann/s is open to others: mode 755; `chmod 700\n\
         \x20                /home/ann/s`\n\
         1 wrong, 1 warning\n"
    );
}

#[test]
fn a_limit_is_read_from_its_line() {
    let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                Max open files            1024                 524288               files     \n\
                Max locked memory         unlimited            unlimited            bytes     \n";
    assert_eq!(soft_limit(text, "Max open files"), Some(1024));
    assert_eq!(soft_limit(text, "Max locked memory"), None);
    assert_eq!(soft_limit(text, "Max processes"), None);
}
