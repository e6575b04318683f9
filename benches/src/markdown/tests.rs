//! Merging of results.

use super::*;

#[test]
fn rows_replace_their_predecessors_and_keep_the_others() {
    let empty = format!("# Title\n{BEGIN}{END}\nend\n");
    let first = merged(&empty, &["| a | 1 |\n".into(), "| b | 1 |\n".into()]).unwrap();
    let second = merged(&first, &["| b | 2 |\n".into(), "| c | 2 |\n".into()]).unwrap();
    let expected = format!("# Title\n{BEGIN}{HEADER}| a | 1 |\n| b | 2 |\n| c | 2 |\n{END}\nend\n");
    assert_eq!(second, expected);
    assert!(merged("nothing", &[]).is_err());
}
