//! The origin of what the present task makes.

use std::future::Future;

use model::origin::Origin;

tokio::task_local! {
    /// By whom what this task makes is made.
    static CURRENT: Origin;
}

/// Does `work`, which makes things for `origin`.
pub(crate) async fn made_by<R>(origin: Origin, work: impl Future<Output = R>) -> R {
    CURRENT.scope(origin, work).await
}

/// By whom what is made now is made.
#[must_use]
pub(crate) fn origin() -> Origin {
    CURRENT.try_with(Origin::clone).unwrap_or_default()
}
