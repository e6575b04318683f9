//! What is noted of wedges, and what the next daemon makes of it.

use super::*;

fn at(secs: u64, pane: Option<PaneUuid>) -> Record {
    Record {
        steady_ms: secs * 1000,
        unix_ms: 0,
        pane,
        what: format!("seen at {secs}"),
    }
}

fn of(records: impl IntoIterator<Item = Record>) -> Records {
    let mut all = Records::default();
    records.into_iter().for_each(|record| all.push(record));
    all
}

#[test]
fn a_pane_is_refused_at_its_second_time_until_it_is_forgotten() {
    let (pane, other) = (PaneUuid::new(), PaneUuid::new());
    let mut records = of([at(1, Some(pane)), at(2, None), at(3, Some(other))]);
    assert_eq!(records.refuses(pane), None);
    records.push(at(900_000, Some(pane)));
    let why = records.refuses(pane).expect("refused");
    assert!(
        why.contains("2 times") && why.contains("seen at 900000"),
        "{why}"
    );
    assert_eq!(records.refuses(other), None);
    records.forget(pane);
    assert_eq!(records.refuses(pane), None);
}

#[test]
fn three_unexplained_ones_within_ten_minutes_make_the_next_daemon_careful() {
    let explained = Some(PaneUuid::new());
    for (records, now, careful) in [
        (vec![at(0, None), at(300, None), at(599, None)], 600, true),
        (vec![at(0, None), at(300, None), at(599, None)], 601, false),
        (
            vec![at(0, None), at(300, explained), at(599, None)],
            600,
            false,
        ),
        (vec![at(500, None), at(510, None)], 600, false),
        // The clock began anew: another life of the machine.
        (
            vec![at(5000, None), at(5001, None), at(5002, None)],
            60,
            false,
        ),
    ] {
        let records = of(records);
        assert_eq!(
            records.careful_at(now * 1000).is_some(),
            careful,
            "{records:?} at {now}"
        );
    }
}

#[test]
fn the_file_is_read_back_bounded_and_a_spoilt_one_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wedges");
    assert_eq!(Records::load(&path), Records::default());
    let pane = PaneUuid::new();
    let mut records = Records::default();
    for _ in 0..100 {
        records = records.add(Some(pane), "turning");
    }
    records.save(&path).unwrap();
    let read = Records::load(&path);
    assert_eq!(read, records);
    assert_eq!(read.wedges.len(), KEPT);
    std::fs::write(&path, "{ half").unwrap();
    assert_eq!(Records::load(&path), Records::default());
}
