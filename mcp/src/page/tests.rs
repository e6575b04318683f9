//! Tests of `page`.

use serde_json::json;

use super::*;

fn list(range: Range<usize>, bytes: usize) -> Vec<Value> {
    let entry = |number| json!({"id": format!("i{number}"), "text": "x".repeat(bytes)});
    range.map(entry).collect()
}

fn walk(list: &[Value], limit: Option<u32>) -> Vec<Range<usize>> {
    let (mut cursor, mut pages) = (None::<String>, Vec::new());
    loop {
        let wanted = Wanted {
            limit,
            cursor: cursor.as_deref(),
        };
        let page = wanted.of(list, "id").unwrap();
        pages.push(page.entries);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return pages,
        }
    }
}

#[test]
fn pages_make_up_the_list() {
    assert_eq!(walk(&list(0..3, 10), None), vec![0..3; 1]);
    assert_eq!(walk(&[], None), vec![0..0; 1]);
    assert_eq!(walk(&list(0..5, 10), Some(2)), [0..2, 2..4, 4..5]);
    let pages = walk(&list(0..300, 400), None);
    assert!(pages.len() > 3 && pages.iter().map(Range::len).sum::<usize>() == 300);
    // What is larger than an answer is given alone.
    assert_eq!(walk(&list(0..2, 2 * ANSWER_BYTES), None), [0..1, 1..2]);
}

#[test]
fn a_page_goes_on_although_the_list_has_changed() {
    let wanted = |cursor| Wanted {
        limit: Some(10),
        cursor: Some(cursor),
    };
    // The entries before it are gone.
    assert_eq!(
        wanted("0.i9").of(&list(5..30, 1), "id").unwrap().entries,
        5..15
    );
    // It is gone itself.
    assert_eq!(
        wanted("0.i9").of(&list(10..30, 1), "id").unwrap().entries,
        0..10
    );
    assert_eq!(
        wanted("99.i98").of(&list(0..3, 1), "id").unwrap().entries,
        3..3
    );
    for wrong in ["", "x", "t0.1.2.3", "-1.i"] {
        let at = wanted(wrong).of(&list(0..3, 1), "id");
        assert!(at.is_err() || wrong.starts_with('t'), "{wrong}");
    }
}
