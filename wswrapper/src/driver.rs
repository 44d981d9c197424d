//! The one task of a connection: transport ⇄ core ⇄ handlers.
//!
//! Each turn reads the frames that are there (a bounded batch), starts their handlers, polls those that were woken,
//! lets the callers who got answers run once, and then writes everything with one flush.

use crate::caught::{drop_caught, panics};
use crate::error::PeerError;
use crate::handler::{Answers, BadCall, BoxRunning, CallState, RunningKey, RunningSet, Sessions, Start, caller_waits};
use crate::hooks::HookFuture;
use crate::link::{Closed, Handled, Link};
use crate::proto::{Call, Message, Reason, Rejection, Scope};
use crate::timer::Timer;
use crate::transport::{Close, Frame, Transport, TransportError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::time::Instant;

/// A turn ends after so many messages or bytes, so that other tasks get theirs.
const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 64 * 1024;

/// Drives one connection to its end.
pub(crate) struct Driver<T> {
    link: Arc<Link>,
    transport: T,
    place_in_hub: usize,
    /// The hook that comes before the first call is started.
    opening: Option<HookFuture>,
    running: RunningSet,
    sessions: Sessions,
    held: Held,
    /// Callers whose answers came with this turn.
    callers: Vec<Waker>,
    /// Whether the callers were given their turn before this one.
    callers_ran: bool,
    ending: Ending,
    /// Since when nothing could be written, and how much had been sent by then.
    stalled: Option<(Instant, u64)>,
    timer: Timer,
}

/// Events and requests that came while none could start.
#[derive(Default)]
struct Held {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// How far the end of the connection has come.
#[derive(Default)]
struct Ending {
    /// Our close frame was written; the peer has until then.
    ours: Option<(Close, Instant)>,
    /// The peer's close frame came.
    theirs: Option<Close>,
    /// Nothing more can be read; what is written is flushed until then.
    over: Option<(Closed, Instant)>,
}

impl<T: Transport> Driver<T> {
    /// Takes over a transport that is open.
    pub(crate) fn new(link: Arc<Link>, transport: T) -> Self {
        Self {
            place_in_hub: link.hub.join(Arc::clone(&link)),
            opening: link.end.hooks.opened(|| link.peer()),
            link,
            transport,
            running: RunningSet::new(),
            sessions: Sessions::new(),
            held: Held::default(),
            callers: Vec::new(),
            callers_ran: false,
            ending: Ending::default(),
            stalled: None,
            timer: Timer::default(),
        }
    }

    /// Runs until the connection is over.
    pub(crate) async fn run(mut self) {
        let closed = poll_fn(|cx| self.poll(cx)).await;
        tracing::debug!(peer = %self.link.id, code = closed.code, reason = closed.reason, "closed");
        self.finish(closed.clone());
        let link = Arc::clone(&self.link);
        drop(self);
        if let Some(mut hook) = link.end.hooks.closed(|| link.peer(), &closed) {
            poll_fn(|cx| poll_hook(&mut hook, cx)).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        let now = Instant::now();
        self.pass_time(now);
        self.poll_opening(cx);
        let mut again = self.read(cx, now);
        again |= self.poll_running();
        if self.let_callers_run(cx) {
            return Poll::Pending;
        }
        self.begin_to_close(now);
        self.flush(cx, now);
        if let Some(closed) = self.ended(now) {
            return Poll::Ready(closed);
        }
        again |= self.rest(cx);
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends what is due.
    fn pass_time(&mut self, now: Instant) {
        if !self.timer.is_due(now) {
            return;
        }
        self.link.lock().core.handle_timeout(now.into_std());
        for handler in self.link.end_calls() {
            self.cancel(handler, Reason::new("The caller's time ran out"));
        }
    }

    fn poll_opening(&mut self, cx: &mut Context<'_>) {
        if let Some(hook) = &mut self.opening
            && poll_hook(hook, cx).is_ready()
        {
            self.opening = None;
        }
    }

    /// Reads and handles what is there; true if there may be more.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (mut messages, mut bytes) = (0, 0);
        while messages < TURN_MESSAGES && !self.is_full() && self.ending.is_open() {
            let Some(frame) = self.held.pop() else { break };
            messages += 1;
            self.frame(cx, &frame, now);
        }
        while messages < TURN_MESSAGES && bytes < TURN_BYTES {
            if self.ending.over.is_some() || self.held.bytes >= self.link.end.limits.held_bytes {
                return false;
            }
            match self.transport.poll_frame(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(Ok(Frame::Text(frame) | Frame::Binary(frame)))) => {
                    (messages, bytes) = (messages + 1, bytes + frame.len());
                    if self.ending.is_open() {
                        self.receive(cx, frame, now);
                    }
                }
                Poll::Ready(Some(Ok(Frame::Ping(_) | Frame::Pong(_)))) => messages += 1,
                Poll::Ready(Some(Ok(Frame::Close(close)))) => self.ending.theirs = Some(close),
                Poll::Ready(Some(Err(TransportError::Violation(close)))) => self.close(close, now),
                Poll::Ready(Some(Err(TransportError::Io(error)))) => self.over(error.to_string(), now),
                Poll::Ready(None) => self.over("the connection was lost".to_owned(), now),
            }
        }
        true
    }

    /// Handles a frame, or holds it if it is a call and none can start now.
    fn receive(&mut self, cx: &mut Context<'_>, frame: Bytes, now: Instant) {
        if self.is_full() || !self.held.frames.is_empty() {
            let text = std::str::from_utf8(&frame).unwrap_or_default();
            if matches!(Message::decode(text), Message::Call(_) | Message::BadName(_)) {
                return self.held.push(frame);
            }
        }
        self.frame(cx, &frame, now);
    }

    fn frame(&mut self, cx: &mut Context<'_>, frame: &Bytes, now: Instant) {
        // A binary frame is read as if it were text [P-06]; what is not UTF-8 is not JSON [P-02].
        if let Ok(text) = std::str::from_utf8(frame) {
            self.message(cx, frame, text, Message::decode(text), now);
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, frame: &Bytes, text: &str, message: Message<'_>, now: Instant) {
        match message {
            Message::Call(call) if matches!(call.scope, Scope::Main | Scope::Named(_)) => {
                if let Err(error) = self.call(cx, text, &call, now) {
                    if call.arguments.is_proven() {
                        self.refuse(&call, error);
                    } else {
                        self.message(cx, frame, text, Message::decode_whole(text), now);
                    }
                }
            }
            message => match self.link.handle(message, frame, now) {
                Handled::Caller(waker) => self.callers.push(waker),
                Handled::Cancelled(handler, reason) => self.cancel(handler, reason),
                Handled::Nothing => {}
            },
        }
    }

    /// Starts the handler of a call and polls it once, in place.
    fn call(&mut self, cx: &mut Context<'_>, text: &str, call: &Call<'_>, now: Instant) -> Result<(), BadCall> {
        let router = &self.link.end.router;
        let Some(entry) = router.find(&call.scope, &call.event) else {
            let rejection = Rejection::no_listener(&call.event, &call.scope, router.has_channel(&call.scope));
            return Err(BadCall::Rejected(rejection));
        };
        let mut state = None;
        let start = Start {
            link: &self.link,
            call,
            arguments: call.arguments,
            hint: text.len(),
            output: self.transport.output(),
            state: &mut state,
            sessions: &mut self.sessions,
        };
        let started = panics(|| entry.handler.start(start));
        let mut answers = Answers::new(&self.link, self.transport.output());
        let progress = match started {
            Ok(started) => match started?.0 {
                Some(mut future) => match panics(|| future.as_mut().poll(cx, &mut answers)) {
                    Ok(Poll::Pending) => {
                        let deadline = caller_waits(call).and_then(|wait| now.checked_add(wait));
                        let key = self.running.insert(future, call.id, entry.event, state);
                        if let Some(id) = call.id {
                            self.link.begin(id, key, deadline);
                        }
                        return Ok(());
                    }
                    Ok(Poll::Ready(())) => drop_caught(future),
                    Err(message) => drop_caught(future).and(Err(message)),
                },
                None => Ok(()),
            },
            Err(message) => Err(message),
        };
        if let Err(message) = progress {
            answers.panicked(call.id, entry.event, message);
        }
        Ok(())
    }

    /// Rejects a request that cannot be handled; an event is dropped where that can be seen.
    fn refuse(&mut self, call: &Call<'_>, error: BadCall) {
        let reason = match error {
            BadCall::Rejected(rejection) => rejection,
            // Never: the frame is proven to be JSON.
            BadCall::NotJson => Rejection::new("The arguments cannot be read"),
        };
        match call.id {
            Some(id) => Answers::new(&self.link, self.transport.output()).reject(id, &reason),
            None => {
                let channel = match &call.scope {
                    Scope::Named(name) => Some(name.to_string()),
                    _ => None,
                };
                self.link.report(&PeerError::EventDropped { event: call.event.to_string(), channel, reason });
            }
        }
    }

    /// Polls the handlers that were woken; true if some are left for the next turn.
    fn poll_running(&mut self) -> bool {
        let (batch, left) = self.running.take_woken(TURN_MESSAGES);
        for &key in &batch {
            let Some((handler, waker)) = self.running.get(key) else { continue };
            let mut answers = Answers::new(&self.link, self.transport.output());
            let polled = panics(|| handler.future.as_mut().poll(&mut Context::from_waker(&waker), &mut answers));
            if let Ok(Poll::Pending) = polled {
                continue;
            }
            let (id, event) = (handler.id, handler.event);
            let ended = polled.map(drop).and(self.running.remove(key).map_or(Ok(()), drop_caught));
            if let Err(message) = ended {
                answers.panicked(id, event, message);
            }
            if let Some(id) = id {
                self.link.lock().core.end(id, &key);
            }
        }
        self.running.give_back(batch);
        left
    }

    /// Cancels a handler: its contexts are told, its future is dropped.
    fn cancel(&mut self, key: RunningKey, reason: Reason) {
        if let Some(handler) = self.running.remove(key) {
            self.drop_handler(handler.state.as_ref(), handler.event, handler.future, reason);
        }
    }

    fn drop_handler(&self, state: Option<&Arc<CallState>>, event: &'static str, future: BoxRunning, reason: Reason) {
        if let Some(state) = state {
            state.cancel(reason);
        }
        if let Err(message) = drop_caught(future) {
            self.link.report(&PeerError::Panicked { event: event.to_owned(), message });
        }
    }

    /// Wakes the callers who got answers and lets them run once before this task writes, so that what they send next
    /// leaves together; true if the turn ends here.
    fn let_callers_run(&mut self, cx: &mut Context<'_>) -> bool {
        let woken = !self.callers.is_empty();
        self.callers.drain(..).for_each(Waker::wake);
        self.callers_ran = woken && !self.callers_ran;
        if self.callers_ran {
            cx.waker().wake_by_ref();
        }
        self.callers_ran
    }

    /// Starts the closing handshake if a handle has asked for it.
    fn begin_to_close(&mut self, now: Instant) {
        if self.ending.is_open() {
            let asked = self.link.lock().close.clone();
            if let Some(close) = asked {
                self.close(close, now);
            }
        }
    }

    /// Writes our close frame, after all that was queued.
    fn close(&mut self, close: Close, now: Instant) {
        if !self.ending.is_open() {
            return;
        }
        self.link.drain(self.transport.output());
        self.transport.close(&close);
        self.stop_handlers(&Reason::new("Connection closed"));
        self.ending.ours = Some((close, now + self.link.end.limits.close_timeout));
    }

    /// Nothing more can be read.
    fn over(&mut self, lost: String, now: Instant) {
        if self.ending.over.is_some() {
            return;
        }
        let closed = match (&self.ending.ours, self.ending.theirs.take()) {
            (Some((close, _)), _) => Closed { code: close.code, reason: close.reason.clone(), by_us: true },
            (None, Some(close)) => Closed { code: close.code, reason: close.reason, by_us: false },
            (None, None) => Closed { code: Close::ABNORMAL, reason: lost, by_us: false },
        };
        let until = self.ending.ours.as_ref().map_or(now + self.link.end.limits.close_timeout, |(_, until)| *until);
        self.ending.over = Some((closed, until));
    }

    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.ending.is_open() && self.transport.output().len() < self.link.end.limits.outbound_bytes {
            self.link.drain(self.transport.output());
        }
        match self.transport.poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.stalled = None;
                if let Some((_, until)) = &mut self.ending.over {
                    *until = now;
                }
            }
            Poll::Ready(Err(error)) => {
                self.over(error.to_string(), now);
                if let Some((_, until)) = &mut self.ending.over {
                    *until = now;
                }
            }
            Poll::Pending => {
                let sent = self.transport.output().sent();
                match &mut self.stalled {
                    Some((_, before)) if *before == sent => {}
                    stalled => *stalled = Some((now, sent)),
                }
            }
        }
    }

    /// How the connection ended, if it has.
    fn ended(&mut self, now: Instant) -> Option<Closed> {
        if let Some((since, _)) = self.stalled
            && now >= since + self.link.end.limits.write_timeout
        {
            self.over("the peer does not read".to_owned(), now);
            return self.ending.over.take().map(|(closed, _)| closed);
        }
        if let Some((close, until)) = &self.ending.ours
            && now >= *until
            && self.ending.over.is_none()
        {
            return Some(Closed { code: close.code, reason: close.reason.clone(), by_us: true });
        }
        self.ending.over.take_if(|(_, until)| now >= *until).map(|(closed, _)| closed)
    }

    /// Goes to sleep; true if something has come up meanwhile.
    fn rest(&mut self, cx: &mut Context<'_>) -> bool {
        let awake = self.running.register(cx.waker());
        let output_full = self.transport.output().len() >= self.link.end.limits.outbound_bytes;
        let (queued, core_timeout) = self.link.rest(cx.waker(), self.ending.is_open());
        let stalled = self.stalled.map(|(since, _)| since + self.link.end.limits.write_timeout);
        let ours = self.ending.ours.as_ref().map(|(_, until)| *until);
        let over = self.ending.over.as_ref().map(|(_, until)| *until);
        let soonest = [core_timeout, stalled, ours, over].into_iter().flatten().min();
        let due = self.timer.set(soonest, cx);
        let startable = !self.held.frames.is_empty() && !self.is_full() && self.ending.is_open();
        awake || due || startable || (queued && !output_full)
    }

    /// Whether no further handler can start now.
    fn is_full(&mut self) -> bool {
        let limits = &self.link.end.limits;
        self.opening.is_some()
            || self.running.len() >= limits.handlers_in_flight
            || self.transport.output().len() >= limits.outbound_bytes
    }

    fn stop_handlers(&mut self, reason: &Reason) {
        for (_, handler) in self.running.take_all() {
            if let Some(id) = handler.id {
                self.link.lock().core.end(id, &handler.key());
            }
            self.drop_handler(handler.state.as_ref(), handler.event, handler.future, reason.clone());
        }
    }
}

impl<T> Driver<T> {
    /// Leaves nothing behind.
    fn finish(&mut self, closed: Closed) {
        if self.link.close_info().is_some() {
            return;
        }
        self.link.hub.leave(self.place_in_hub);
        let reason = Reason::new("Connection closed");
        for (_, handler) in self.running.take_all() {
            if let Some(state) = handler.state {
                state.cancel(reason.clone());
            }
            let _ = drop_caught(handler.future);
        }
        for session in self.sessions.drain(..) {
            let _ = drop_caught(session);
        }
        self.link.finish(closed);
    }
}

/// A driver that is dropped before its end was part of a task that was ended.
impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        let reason = "the connection's task was ended".to_owned();
        self.finish(Closed { code: Close::ABNORMAL, reason, by_us: true });
    }
}

impl Held {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

impl Ending {
    /// Whether frames are still exchanged.
    fn is_open(&self) -> bool {
        self.ours.is_none() && self.theirs.is_none() && self.over.is_none()
    }
}

/// Polls a hook; one that panics is over.
fn poll_hook(hook: &mut HookFuture, cx: &mut Context<'_>) -> Poll<()> {
    panics(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
        tracing::error!("a hook panicked: {message}");
        Poll::Ready(())
    })
}
