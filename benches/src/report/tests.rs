//! Medians, quantiles and verdicts.

use super::*;

#[test]
fn quantiles_lie_between_neighbours() {
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[1.0, 2.0]), 1.5);
    assert_eq!(quantile(&[0.0, 100.0], 0.99), 99.0);
    assert!(median(&[]).is_nan());
}

#[test]
fn verdicts_compare_medians() {
    let wanted = [
        Wanted::AtLeast(2.0, "tmux"),
        Wanted::AtMost(0.5, "tmux"),
        Wanted::AtMost(1.0, "absent"),
        Wanted::Limit(49.0),
        Wanted::Above(25.0, "tmux"),
        Wanted::Above(24.0, "tmux"),
    ];
    let mut line = Line::new("text", Unit::MbPerSecond, &wanted);
    for value in [40.0, 50.0, 90.0] {
        line.add(OURS, value);
    }
    line.add("tmux", 25.0);
    let verdicts = line.verdicts();
    let met: Vec<bool> = verdicts.iter().map(|(_, _, met)| *met).collect();
    assert_eq!(met, [true, false, false, true, false]);
    assert_eq!(verdicts[0].1, "2.00 × tmux");
    assert_eq!(verdicts[3].0, "≤ tmux + 25.0 MB/s");
    assert_eq!(verdicts[3].1, "tmux + 25.0 MB/s");
    assert_eq!(line.ours(), "50.0 MB/s (40.0–90.0)");
    assert_eq!(line.others(), "tmux 25.0 MB/s");
}
