//! Bodies: whole, too large, and never coming.

use super::*;
use futures_util::stream;

fn chunks(sizes: &[usize]) -> Body {
    let chunks: Vec<Result<Bytes, std::io::Error>> = sizes
        .iter()
        .map(|size| Ok(Bytes::from(vec![b'x'; *size])))
        .collect();
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_body_is_taken_up_to_the_limit() {
    let whole = read(chunks(&[MOST_BODY_BYTES - 1, 1]), None).await.unwrap();
    assert_eq!(whole.len(), MOST_BODY_BYTES);
    for sizes in [
        vec![MOST_BODY_BYTES, 1],
        vec![MOST_BODY_BYTES + 1],
        vec![MOST_BODY_BYTES; 9],
    ] {
        let refusal = read(chunks(&sizes), None).await.unwrap_err();
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE, "{sizes:?}");
    }
    let refusal = read(Body::empty(), Some(DROPPED_BYTES + 1))
        .await
        .unwrap_err();
    assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let begun = tokio::time::Instant::now();
    let refusal = read(never, Some(10)).await.unwrap_err();
    assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(begun.elapsed(), BODY_LIMIT);
}
