//! From a request to its reply: one table, grouped by noun.

mod clients;
mod guard;
mod layout;
mod listing;
mod pane;
mod rename;
mod restart;
mod retry;
mod server;
pub(crate) mod session;
mod signal;
mod usage;
mod watch;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use protocol::frame::{RequestFrame, to_bytes};
use protocol::request::Request;
use protocol::{Error, ErrorCode};
use serde::Serialize;

use crate::orchestration;
use crate::registry::Caller;
use crate::rights;
use crate::server::Server;

/// Answers one request.
///
/// # Errors
/// Whatever the caller is to be told.
pub(crate) async fn answer(
    server: Arc<Server>,
    caller: Caller,
    request: RequestFrame,
) -> Result<Bytes, Error> {
    let RequestFrame {
        method,
        idempotency_key,
        params,
        ..
    } = request;
    #[cfg(debug_assertions)]
    if method == crate::crash::METHOD {
        return crate::crash::answer(&server, &params).await;
    }
    if server.is_leaving_panes() {
        return Err(Error::replaced());
    }
    let decoded = Request::decode(&method, &params)?;
    rights::check(&server, &caller, &decoded)?;
    let to_its_end = is_carried_out(&decoded, idempotency_key.is_some());
    let origin = rights::origin_of(&server.registry, &caller);
    let routed = route(Arc::clone(&server), caller, decoded)
        .map_err(move |error| rights::seen_error(&caller, error));
    let work = rights::made_by(origin, routed);
    if !to_its_end {
        return work.await;
    }
    // What makes or ends something runs to its end although its caller goes away meanwhile.
    let work = detached(async move {
        match idempotency_key {
            None => work.await,
            Some(key) => {
                let remembered = &server.idempotency;
                let store = &server.store;
                remembered.once(&key, &method, &params, store, work).await
            }
        }
    });
    work.await
}

/// True if the call is carried out to its end whatever becomes of its caller, and its idempotency key counts.
fn is_carried_out(request: &Request, keyed: bool) -> bool {
    match request {
        Request::CreateSession(_)
        | Request::CreateWindow(_)
        | Request::CreatePane(_)
        | Request::CreateLayout(_)
        | Request::MirrorPane(_)
        | Request::RunParallel(_)
        | Request::RunPipeline(_)
        | Request::UpdateSession(_)
        | Request::UpdateWindow(_)
        | Request::UpdatePane(_)
        | Request::KillSession(_)
        | Request::ClosePane(_)
        | Request::RestartPane(_)
        | Request::SignalPane(_)
        | Request::CancelOrchestration(_)
        | Request::Forget(_)
        | Request::StopServer(_) => true,
        // Text with a key is typed once, whoever asks again.
        Request::SendInput(_) => keyed,
        Request::Status(_)
        | Request::Tree(_)
        | Request::Whoami(_)
        | Request::ListClients(_)
        | Request::ListSessions(_)
        | Request::GetSession(_)
        | Request::ListWindows(_)
        | Request::GetLayout(_)
        | Request::ListPanes(_)
        | Request::ListUsage(_)
        | Request::RetryPane(_)
        | Request::WaitPane(_)
        | Request::ReadPane(_)
        | Request::Expect(_)
        | Request::Watch(_)
        | Request::Attach(_)
        | Request::UpdateView(_)
        | Request::Detach(_)
        | Request::GuardTerminal(_)
        | Request::GetOrchestration(_)
        | Request::ListOrchestrations(_) => false,
    }
}

async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        Err(
            Error::new(ErrorCode::Internal, format!("the request failed: {error}"))
                .hint("this is a defect of fugue; the daemon's log (`fugue logs`) has more"),
        )
    })
}

#[allow(clippy::too_many_lines, reason = "one table, a row for each request")]
fn route(
    server: Arc<Server>,
    caller: Caller,
    request: Request,
) -> BoxFuture<'static, Result<Bytes, Error>> {
    macro_rules! to {
        ($call:expr) => {{ async move { encoded($call.await) }.boxed() }};
    }
    match request {
        Request::Status(_) => to!(server::status(&server)),
        Request::StopServer(params) => to!(server::stop(&server, params)),
        Request::Forget(params) => to!(server::forget(&server, params)),
        Request::Tree(params) => to!(server::tree(&server, &caller, params)),
        Request::Whoami(_) => to!(server::whoami(&server, &caller)),
        Request::ListClients(_) => {
            to!(async { Ok::<_, Error>(clients::list(&server, &caller)) })
        }
        Request::CreateSession(params) => to!(session::create(&server, params)),
        Request::ListSessions(_) => to!(async {
            let all = session::list(&server).await?;
            Ok(rights::seen_sessions(&server, &caller, all))
        }),
        Request::GetSession(params) => to!(session::get(&server, &caller, params)),
        Request::UpdateSession(params) => to!(session::update(&server, &caller, params)),
        Request::KillSession(params) => to!(session::kill(&server, &caller, params)),
        Request::CreateWindow(params) => to!(session::create_window(&server, &caller, params)),
        Request::ListWindows(params) => to!(session::list_windows(&server, &caller, params)),
        Request::UpdateWindow(params) => to!(session::update_window(&server, &caller, params)),
        Request::CreatePane(params) => to!(pane::create(&server, &caller, params)),
        Request::CreateLayout(params) => to!(layout::create(&server, &caller, params)),
        Request::GetLayout(params) => {
            to!(async { layout::get(&server, &caller, &params) })
        }
        Request::MirrorPane(params) => to!(layout::mirror(&server, &caller, params)),
        Request::ListPanes(params) => to!(async {
            let all = pane::list(&server, &caller, params).await?;
            Ok(rights::seen_panes(&server, &caller, all))
        }),
        Request::ListUsage(params) => to!(usage::list(&server, &caller, params)),
        Request::UpdatePane(params) => to!(pane::update(&server, &caller, params)),
        Request::ClosePane(params) => to!(pane::close(&server, &caller, params)),
        Request::RetryPane(params) => to!(retry::retry(&server, &caller, params)),
        Request::RestartPane(params) => to!(restart::restart(&server, &caller, params)),
        Request::SignalPane(params) => to!(signal::signal(&server, &caller, params)),
        Request::WaitPane(params) => to!(pane::wait(&server, &caller, params)),
        Request::ReadPane(params) => to!(pane::read(&server, &caller, params)),
        Request::SendInput(params) => to!(pane::send_input(&server, &caller, params)),
        Request::Expect(params) => to!(pane::expect(&server, &caller, params)),
        Request::Watch(params) => to!(watch::watch(&server, &caller, params)),
        Request::RunParallel(params) => {
            to!(orchestration::run_parallel(&server, &caller, params))
        }
        Request::RunPipeline(params) => {
            to!(orchestration::run_pipeline(&server, &caller, params))
        }
        Request::GetOrchestration(params) => to!(orchestration::get(&server, params)),
        Request::ListOrchestrations(_) => {
            let all = orchestration::list(&server);
            to!(async { Ok::<_, Error>(rights::seen_runs(&server, &caller, all)) })
        }
        Request::CancelOrchestration(params) => {
            to!(orchestration::cancel(&server, params.orchestration_id))
        }
        Request::Attach(_)
        | Request::UpdateView(_)
        | Request::Detach(_)
        | Request::GuardTerminal(_) => {
            // The connection answers these itself.
            std::future::ready(Err(Error::new(
                ErrorCode::Unsupported,
                "views belong to a connection",
            )))
            .boxed()
        }
    }
}

fn encoded<T: Serialize>(result: Result<T, Error>) -> Result<Bytes, Error> {
    result.map(|reply| to_bytes(&reply))
}
