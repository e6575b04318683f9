//! The origin of what the present task makes.

use std::future::Future;

use model::origin::Origin;

tokio::task_local! {
    /// The origin of what this task makes.
    static CURRENT: Origin;
}

/// Does `work`, which makes things for `origin`.
pub(crate) async fn made_by<R>(origin: Origin, work: impl Future<Output = R>) -> R {
    CURRENT.scope(origin, work).await
}

/// The origin of what is made now.
#[must_use]
pub(crate) fn origin() -> Origin {
    CURRENT.try_with(Origin::clone).unwrap_or_default()
}
