//! Tests of `usage`.

use super::*;

#[test]
fn the_fields_of_a_line() {
    let line =
        b"42 (a (b) c) S 1 42 42 0 -1 4194304 10 20 0 0 7 5 30 2 20 0 3 0 12345 1000000 250 184467";
    let used = parsed(line).unwrap();
    assert_eq!(
        used,
        Used {
            own_ticks: 12,
            children_ticks: 32,
            resident_pages: 250
        }
    );
    assert_eq!(parsed(b"42 (x) S 1"), None);
}

#[test]
fn what_runs_below_is_counted() {
    let mut child = std::process::Command::new("sh")
        .args(["-c", "i=0; while :; do i=$((i+1)); done"])
        .spawn()
        .unwrap();
    let me = i32::try_from(std::process::id()).unwrap();
    let begun = std::time::Instant::now();
    let mut found = usage_below(me);
    while found.cpu_ms < 50 && begun.elapsed() < std::time::Duration::from_secs(20) {
        std::thread::sleep(std::time::Duration::from_millis(20));
        found = usage_below(me);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found.processes >= 1 && found.cpu_ms >= 50, "{found:?}");
    assert!(found.memory_bytes > 100_000, "{found:?}");
}
