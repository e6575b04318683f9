//! What is read of processes.

use super::*;

#[test]
fn a_name_with_spaces_and_parentheses_is_skipped() {
    let text = "42 (a) b (c) T 7 43 41 34816 44 4194304 100 0";
    let read = read_stat(42, text).unwrap();
    let wanted = ProcessStat {
        pid: 42,
        state: b'T',
        group: 43,
        session: 41,
        foreground: 44,
    };
    assert_eq!(read, wanted);
    assert_eq!(read_stat(42, "42 (a) S 1"), None);
}
