//! One connection's task: frames in, calls side by side, replies and events out.

mod goodbye;

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use protocol::codec::FrameCodec;
use protocol::connection::version_mismatch;
use protocol::frame::{
    Frame, Hello, PROTOCOL_VERSION, RequestFrame, RequestId, ViewId, from_bytes, to_bytes,
};
use protocol::reply::Done;
use protocol::request::{Attach, Call, Detach, GuardTerminal, Request, UpdateView};
use protocol::{ClientUuid, Error, ErrorCode, Event};
use pty::Watched;
use supervisor::Address;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::codec::Decoder;

use super::ClientMsg;
use super::guard::{self, Guard};
use super::out::Out;
use super::steps::{Stepped, Steps};
use super::view::{Said, View};
use crate::dispatch;
use crate::registry::Caller;
use crate::rights;
use crate::server::{Server, StopOrder};
use crate::session::life::leave;

/// Calls under way at a time; a further one is refused, since whoever stopped reading would not see
/// cancels and signs of life either.
const CALLS: usize = 1_024;

/// Views of one connection.
const VIEWS: usize = 64;

/// The time that a peer may take to say hello.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// The time in which a closing connection may be told why.
const GOODBYE_LIMIT: Duration = Duration::from_millis(500);

/// Time for calls that are under way when the server is replaced.
const LEAVING_LIMIT: Duration = Duration::from_millis(300);

/// The pause between two looks whether an attached client was stopped.
const LOOK: Duration = Duration::from_secs(1);

/// Asked of one read.
const READ_BYTES: usize = 16 * 1024;

type Answered = (RequestId, Option<Result<Bytes, Error>>);

/// Everything the task owns.
pub(super) struct Conn {
    server: Arc<Server>,
    actor: Address<ClientMsg>,
    caller: Caller,
    /// The process at the other end.
    process: Option<i32>,
    stream: Watched,
    codec: FrameCodec,
    input: BytesMut,
    out: Out,
    greeted: bool,
    /// A hello of a program whose pane is being entered.
    early: Option<(Hello, BoxFuture<'static, ()>)>,
    calls: FuturesUnordered<BoxFuture<'static, Answered>>,
    aborts: HashMap<RequestId, AbortHandle>,
    views: Vec<View>,
    steps: Steps,
    /// The daemon's end, as soon as it is ordered.
    ordered: watch::Receiver<Option<StopOrder>>,
    /// It was, and what is under way may take so long.
    leaving: Option<Instant>,
    /// A descriptor that came and was not asked for yet.
    handed: Option<OwnedFd>,
    /// The client's terminal.
    guard: Option<Guard>,
    last_heard: Instant,
    begun: Instant,
    /// The socket was looked at first the last time.
    looked: bool,
    /// Armed for the next heartbeat or an earlier time: to set it with each frame costs more than to look at the clock
    /// when it rings.
    alarm: Pin<Box<Sleep>>,
}

/// The next event of a connection.
enum Next {
    Readable,
    Writable,
    Answered(Answered),
    Stepped(Box<Stepped>),
    Said(usize, Said),
    Entered,
    Replaced,
    Alarm,
}

impl Conn {
    pub(super) fn new(
        server: Arc<Server>,
        client: ClientUuid,
        actor: Address<ClientMsg>,
        stream: Watched,
        process: Option<i32>,
    ) -> Self {
        let now = Instant::now();
        Self {
            ordered: server.stop_order(),
            server,
            actor,
            caller: Caller::new(client),
            process,
            stream,
            codec: FrameCodec::default(),
            input: BytesMut::new(),
            out: Out::default(),
            greeted: false,
            early: None,
            leaving: None,
            calls: FuturesUnordered::new(),
            aborts: HashMap::new(),
            views: Vec::new(),
            steps: Steps::default(),
            handed: None,
            guard: None,
            last_heard: now,
            begun: now,
            looked: false,
            alarm: Box::pin(sleep_until(now + HELLO_LIMIT)),
        }
    }

    /// Serves until the peer goes, misbehaves or falls silent; returns why. The views go with it: the
    /// sessions monitor the actor.
    pub(super) async fn run(mut self) -> String {
        let why = loop {
            if let Err(why) = self.step().await {
                break why;
            }
        };
        self.begin_calls();
        self.say_goodbye(&why).await;
        // A client that takes its leave has let go of it.
        if let Some(guard) = self.guard.take() {
            guard::put_right(guard);
        }
        why.message
    }

    async fn step(&mut self) -> Result<(), Error> {
        if let Some(why) = self.leaves() {
            return Err(why);
        }
        match self.next().await {
            Next::Readable => self.read()?,
            Next::Entered => {
                if let Some((hello, _)) = self.early.take() {
                    self.greet(&hello)?;
                }
                self.frames()?;
            }
            Next::Writable => {}
            Next::Replaced => {
                self.leaving = Some(Instant::now() + LEAVING_LIMIT);
                self.set_alarm();
            }
            Next::Answered((id, answer)) => {
                // A cancelled one has gone from there, and another one may have its number by now.
                if let Some(result) = answer {
                    self.aborts.remove(&id);
                    self.out.reply(id, result);
                }
            }
            Next::Stepped(stepped) => self.stepped(*stepped)?,
            Next::Said(_, Said::Event(event)) => {
                if matches!(event, Event::Switched { .. }) {
                    self.tell_views();
                }
                self.out.event(&event);
            }
            Next::Said(index, Said::Over(reason)) => {
                let view = self.views.swap_remove(index).id;
                self.tell_views();
                self.out.event(&Event::Detached { view, reason });
            }
            Next::Alarm => {
                if !self.greeted || self.last_heard.elapsed() >= self.interval() {
                    self.heartbeat()?;
                }
                if self.guard.as_ref().is_some_and(Guard::is_client_stopped) {
                    // It gives it again when it goes on.
                    self.guard.take().into_iter().for_each(guard::put_right);
                }
                self.set_alarm();
            }
        }
        match self.stream.write(&mut self.out) {
            Ok(has_read) => {
                if has_read {
                    self.last_heard = Instant::now();
                }
                Ok(())
            }
            Err(error) => {
                self.take_last_words().await;
                Err(closed(&error.to_string()))
            }
        }
    }

    async fn next(&mut self) -> Next {
        // A peer that does not read gets no further answers made for it.
        let takes_answers = !self.out.is_full();
        let takes_more = takes_answers && !self.steps.is_full() && self.early.is_none();
        // Keys go first, but every other time at most.
        self.looked = takes_more && !self.looked;
        if self.looked && matches!(self.stream.readable().now_or_never(), Some(Ok(()))) {
            return Next::Readable;
        }
        let entered = async {
            match &mut self.early {
                Some((_, entered)) => entered.await,
                None => std::future::pending().await,
            }
        };
        let stays = self.leaving.is_none();
        let replaced = self.ordered.wait_for(StopOrder::leaves_panes);
        let views = next_said(&mut self.views, &self.server);
        tokio::select! {
            biased;
            Some(answered) = self.calls.next(), if takes_answers && !self.calls.is_empty() => Next::Answered(answered),
            stepped = self.steps.next() => Next::Stepped(Box::new(stepped)),
            (index, said) = views => Next::Said(index, said),
            () = entered => Next::Entered,
            Ok(_) = replaced, if stays => Next::Replaced,
            Ok(()) = self.stream.readable(), if takes_more => Next::Readable,
            Ok(()) = self.stream.room_for(&self.out) => Next::Writable,
            () = &mut self.alarm => Next::Alarm,
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.server.config.heartbeat_ms)
    }

    fn next_heartbeat(&self) -> Instant {
        if !self.greeted {
            return self.begun + HELLO_LIMIT;
        }
        let silent = self.last_heard.elapsed();
        let beats = silent.as_nanos() / self.interval().as_nanos().max(1) + 1;
        self.last_heard + self.interval() * u32::try_from(beats).unwrap_or(u32::MAX)
    }

    fn set_alarm(&mut self) {
        let mut next = self.next_heartbeat();
        if self.guard.is_some() {
            next = next.min(Instant::now() + LOOK);
        }
        if let Some(until) = self.leaving {
            next = next.min(until);
        }
        self.alarm.as_mut().reset(next);
    }

    fn heartbeat(&mut self) -> Result<(), Error> {
        let silent = self.last_heard.elapsed();
        if !self.greeted {
            return Err(Error::invalid("no hello came").hint("the first frame is a hello"));
        }
        if silent >= self.interval() * 3 {
            return Err(Error::new(
                ErrorCode::Timeout,
                format!("no sign of life for {} ms", silent.as_millis()),
            ));
        }
        // A peer that does not read what waits for it gets no further pings on top.
        if self.out.is_empty() {
            self.out.frame(Frame::Ping);
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Error> {
        self.receive()?;
        self.frames()
    }

    fn frames(&mut self) -> Result<(), Error> {
        while self.early.is_none()
            && let Some(frame) = self.codec.decode(&mut self.input)?
        {
            self.frame(frame)?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Error> {
        let mut buffer = [0; READ_BYTES];
        let read = self.stream.read_socket(&mut buffer, &mut self.handed);
        match read {
            Ok(0) => Err(match self.codec.decode_eof(&mut self.input) {
                Err(error) => error.into(),
                Ok(_) => closed("the peer closed it"),
            }),
            Ok(count) => {
                self.input.extend_from_slice(&buffer[..count]);
                self.last_heard = Instant::now();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(closed(&error.to_string())),
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        if !self.greeted {
            let Frame::Hello(hello) = frame else {
                return Err(Error::invalid("the first frame must be a hello"));
            };
            if let Some(entered) = rights::beginning(&self.server.registry, &hello, self.process) {
                self.early = Some((hello, entered));
                return Ok(());
            }
            return self.greet(&hello);
        }
        let Some(frame) = self.steps.keep(frame) else {
            return Ok(());
        };
        match frame {
            Frame::Request(request) => self.request(request),
            Frame::Cancel(id) => {
                if let Some(abort) = self.aborts.remove(&id) {
                    abort.abort();
                }
            }
            Frame::Input { view, bytes, paste } => {
                if let Some(view) = view_of(&mut self.views, view) {
                    view.input(&self.server, &bytes, paste);
                }
            }
            Frame::Ready(view) => {
                if let Some(view) = view_of(&mut self.views, view) {
                    view.ready();
                }
            }
            Frame::Ping => {
                self.out.frame(Frame::Pong);
            }
            Frame::Bye(_) => {
                self.guard = None;
                return Err(closed("the peer said goodbye"));
            }
            Frame::Hello(_)
            | Frame::Reply(_)
            | Frame::Event { .. }
            | Frame::Pong
            | Frame::Unknown(_) => {}
        }
        Ok(())
    }

    fn greet(&mut self, hello: &Hello) -> Result<(), Error> {
        self.out.frame(Frame::Hello(Hello {
            protocol_version: PROTOCOL_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: "fugued".to_owned(),
            instance: Some(self.server.instance),
            server: Some(self.server.name.clone()),
            types_once: true,
            caller_pane: None,
            token: None,
        }));
        if hello.protocol_version != PROTOCOL_VERSION {
            return Err(version_mismatch(hello, "client"));
        }
        // It reads this while it is looked at from where it comes. A failure is seen by the next write.
        let _ = self.stream.write(&mut self.out);
        self.caller = rights::greet(&self.server, hello, self.process, self.caller)?;
        self.greeted = true;
        self.set_alarm();
        let name: String = hello
            .name
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        let _ = self
            .actor
            .cast(ClientMsg::Greeted(name.into(), self.caller.inside));
        Ok(())
    }

    fn request(&mut self, request: RequestFrame) {
        let id = request.id;
        // What concerns this connection's own views is done here, in order.
        let own = match request.method.as_str() {
            Attach::METHOD => Some(self.attach(id, &request.params)),
            UpdateView::METHOD => Some(self.update_view(id, &request.params)),
            Detach::METHOD => Some(self.detach(id, &request.params)),
            GuardTerminal::METHOD => {
                let guarded = self.guard_terminal(&request.params);
                self.out.reply(id, guarded);
                return;
            }
            _ => None,
        };
        match own {
            Some(Ok(())) => return,
            Some(Err(error)) => return self.out.reply(id, Err(error)),
            None => {}
        }
        if self.aborts.contains_key(&id) {
            let error = Error::invalid(format!("request {id} is under way already"))
                .hint("give each request of a connection a number of its own");
            self.out.reply(id, Err(error));
            return;
        }
        if self.aborts.len() >= CALLS {
            let error = Error::new(
                ErrorCode::Limit,
                format!("{CALLS} calls are under way on this connection already"),
            );
            let error = error.hint("wait for some of them, or use another connection");
            self.out.reply(id, Err(error));
            return;
        }
        let (abort, registration) = AbortHandle::new_pair();
        self.aborts.insert(id, abort);
        let call = dispatch::answer(Arc::clone(&self.server), self.caller, request);
        let call = Abortable::new(call, registration).map(move |answer| (id, answer.ok()));
        self.calls.push(call.boxed());
    }

    /// A step of a view is done: its answer, and what came meanwhile.
    fn stepped(&mut self, stepped: Stepped) -> Result<(), Error> {
        self.views.extend(stepped.left);
        self.tell_views();
        self.out.reply(stepped.request, stepped.answer);
        let mut waiting = self.steps.go_on(stepped.view);
        while let Some(frame) = waiting.pop_front() {
            self.frame(frame)?;
        }
        Ok(())
    }

    fn attach(&mut self, request: RequestId, params: &[u8]) -> Result<(), Error> {
        let params: Attach = from_bytes(params)?;
        self.check(Request::Attach(params.clone()))?;
        let view = params.view;
        if self.server.is_leaving_panes() {
            return Err(Error::replaced());
        }
        if self.views.iter().any(|attached| attached.id == view) {
            return Err(Error::invalid(format!("view {view} is attached already"))
                .hint("use another number for another view"));
        }
        if self.views.len() + self.steps.len() >= VIEWS {
            return Err(Error::new(
                ErrorCode::Limit,
                format!("a connection has at most {VIEWS} views"),
            ));
        }
        let (actor, server, caller) = (self.actor.clone(), Arc::clone(&self.server), self.caller);
        let step = async move {
            let (left, answer) = match View::attach(&server, &caller, actor, params).await {
                Ok((view, attached)) => (Some(view), Ok(to_bytes(&attached))),
                Err(error) => (None, Err(error)),
            };
            Stepped {
                request,
                view,
                left,
                answer,
            }
        };
        self.steps.begin(view, step.boxed());
        Ok(())
    }

    fn update_view(&mut self, request: RequestId, params: &[u8]) -> Result<(), Error> {
        let params: UpdateView = from_bytes(params)?;
        self.check(Request::UpdateView(params.clone()))?;
        let id = params.view;
        let mut view = self.take_view(id)?;
        let (server, caller) = (Arc::clone(&self.server), self.caller);
        let step = async move {
            let attached = view.update(&server, &caller, &params).await;
            Stepped {
                request,
                view: id,
                left: Some(view),
                answer: attached.map(|attached| to_bytes(&attached)),
            }
        };
        self.steps.begin(id, step.boxed());
        Ok(())
    }

    fn detach(&mut self, request: RequestId, params: &[u8]) -> Result<(), Error> {
        let params: Detach = from_bytes(params)?;
        self.check(Request::Detach(params.clone()))?;
        let view = self.take_view(params.view);
        // Also when the view is over already, with its session: the client puts its terminal right itself.
        if self.views.is_empty() && self.steps.len() == 0 {
            self.guard = None;
        }
        let view = view?;
        let client = self.caller.client;
        let step = async move {
            let left = leave(&view.session, client, params.view).await;
            Stepped {
                request,
                view: params.view,
                left: left.is_err().then_some(view),
                answer: left.map(|()| to_bytes(&Done {})),
            }
        };
        self.steps.begin(params.view, step.boxed());
        Ok(())
    }

    /// A view, for as long as a step of it lasts.
    fn take_view(&mut self, id: ViewId) -> Result<View, Error> {
        let at = self.views.iter().position(|view| view.id == id);
        let at = at.ok_or_else(|| no_view(id))?;
        Ok(self.views.swap_remove(at))
    }

    fn guard_terminal(&mut self, params: &[u8]) -> Result<Bytes, Error> {
        let params: GuardTerminal = from_bytes(params)?;
        self.check(Request::GuardTerminal(params.clone()))?;
        let descriptor = self.handed.take();
        self.guard = match params.leave.is_empty() {
            true => None,
            false => Some(Guard::new(self.stream.descriptor(), descriptor, params)?),
        };
        self.set_alarm();
        Ok(to_bytes(&Done {}))
    }

    /// Checks a request that is answered here, as everything else is checked.
    fn check(&self, request: Request) -> Result<(), Error> {
        rights::check(&self.server, &self.caller, &request)
    }

    fn tell_views(&self) {
        let views = self.views.iter().map(View::looks).collect();
        let _ = self.actor.cast(ClientMsg::Views(views));
    }
}

fn view_of(views: &mut [View], id: ViewId) -> Option<&mut View> {
    views.iter_mut().find(|view| view.id == id)
}

fn no_view(view: ViewId) -> Error {
    Error::new(
        ErrorCode::NotFound,
        format!("view {view} is not attached on this connection"),
    )
    .hint("attach it first")
}

/// An end that the peer needs not be told.
fn closed(why: &str) -> Error {
    Error::new(ErrorCode::Cancelled, why)
}

async fn next_said(views: &mut [View], server: &Arc<Server>) -> (usize, Said) {
    if views.is_empty() {
        return std::future::pending().await;
    }
    let waits = views.iter_mut().map(|view| view.next(server).boxed());
    let (said, index, _) = futures_util::future::select_all(waits).await;
    (index, said)
}
