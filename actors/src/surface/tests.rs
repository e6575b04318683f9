//! A surface that fails, or panics, is served again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use supervisor::{ChildSpec, ExitReason, Strategy, SupervisorSpec, Tree};

use super::*;

#[tokio::test]
async fn a_surface_is_served_again_after_a_failure_and_a_panic() {
    let (begun, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&begun);
    let surface = Surface {
        address: "here".to_owned(),
        serve: Arc::new(move |tell| {
            let time = counted.fetch_add(1, Ordering::SeqCst);
            let (accepted, open) = (u64::from(time), 1);
            tell(News::Counted(Traffic { accepted, open }));
            Box::pin(async move {
                match time {
                    0 => "it broke".to_owned(),
                    1 => panic!("it panicked"),
                    _ => std::future::pending().await,
                }
            })
        }),
    };
    let tree = Tree::default();
    let spec = SupervisorSpec::new(Strategy::OneForOne)
        .intensity(supervisor::Intensity::new(5, Duration::from_secs(60)))
        .child(ChildSpec::actor(
            "http",
            || SurfaceActor,
            move || surface.clone(),
        ));
    let root = supervisor::start("root", spec, &tree).await.unwrap();
    let all = async {
        while begun.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("it is served a third time");
    let shown = format!("{:?}", tree.snapshot());
    assert!(
        shown.contains("it broke") && shown.contains("its task failed"),
        "{shown}"
    );
    seen.store(begun.load(Ordering::SeqCst), Ordering::SeqCst);
    root.shutdown(ExitReason::Shutdown, Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(begun.load(Ordering::SeqCst), seen.load(Ordering::SeqCst));
}
