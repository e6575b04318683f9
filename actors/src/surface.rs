//! A surface whose protocol the daemon does not know, such as HTTP: supervised here, served by
//! whoever gave it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use supervisor::{Actor, ActorError, Address};
use tokio_util::task::AbortOnDropHandle;

/// The connections of a surface, counted for the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
}

/// Something to tell about a surface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// What it serves has changed.
    Counted(Traffic),
    /// It serves nobody yet, for this reason.
    Waiting(String),
    /// It serves at this address.
    At(String),
}

/// The function by which a surface tells its news.
pub type Tell = Box<dyn Fn(News) + Send + Sync>;

/// Serves until it fails, and says why. Dropped, it ends everything that it has begun.
pub type Serve = Arc<dyn Fn(Tell) -> BoxFuture<'static, String> + Send + Sync>;

/// A surface: what serves it, and where.
#[derive(Clone)]
pub struct Surface {
    /// Its address, for the tree.
    pub address: String,
    /// What serves it, again after each restart of its actor.
    pub serve: Serve,
}

/// The actor; its task serves.
pub struct SurfaceActor;

/// The messages of a surface's actor.
#[derive(strum::IntoStaticStr)]
pub enum SurfaceMsg {
    /// The serving task has ended, which it never should.
    Failed(String),
    /// There is something new to show.
    Told(News),
}

/// The state of a surface's actor.
pub struct SurfaceState {
    address: String,
    _task: AbortOnDropHandle<()>,
}

impl Actor for SurfaceActor {
    type Msg = SurfaceMsg;
    type State = SurfaceState;
    type Args = Surface;

    async fn pre_start(
        &self,
        myself: Address<SurfaceMsg>,
        surface: Surface,
    ) -> Result<SurfaceState, ActorError> {
        let teller = myself.clone();
        let tell: Tell = Box::new(move |news| {
            let _ = teller.cast(SurfaceMsg::Told(news));
        });
        let serving = AbortOnDropHandle::new(tokio::spawn((surface.serve)(tell)));
        let task = tokio::spawn(async move {
            let why = serving
                .await
                .unwrap_or_else(|failed| format!("its task failed: {failed}"));
            let _ = myself.cast(SurfaceMsg::Failed(why));
        });
        Ok(SurfaceState {
            address: surface.address,
            _task: AbortOnDropHandle::new(task),
        })
    }

    async fn handle(
        &self,
        myself: &Address<SurfaceMsg>,
        msg: SurfaceMsg,
        state: &mut SurfaceState,
    ) -> Result<(), ActorError> {
        match msg {
            SurfaceMsg::Failed(why) => Err(why.into()),
            SurfaceMsg::Told(news) => {
                let mut details = match news {
                    News::Counted(Traffic { accepted, open }) => vec![
                        ("accepted", accepted.to_string()),
                        ("open", open.to_string()),
                    ],
                    News::Waiting(why) => vec![("not served", why)],
                    News::At(address) => {
                        state.address = address;
                        Vec::new()
                    }
                };
                details.insert(0, ("address", state.address.clone()));
                myself.set_details(details);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
