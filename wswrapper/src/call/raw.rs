//! Calls without their types, and the answers to them.

use crate::engine::{
    CallOptions, CallerSpan, Completion, ConnectionHandle, Expected, MessageKind, OfflineWait, Priority, StartedCall,
};
use crate::error::{CallError, SendError};
use crate::proto::{ChannelKey, EncodedCall, RawReason, Resume, TraceContext, code};
use crate::rt::{Instant, RuntimeHandle, Sleep, after, sleep};
use crate::value::{WsError, read_rejection};
use bytes::Bytes;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// The part of a call that does not depend on its types.
pub(crate) struct RawCall {
    pub(super) connection: ConnectionHandle,
    pub(super) stage: Stage,
    pub(super) expected: Expected,
    pub(super) timeout: Option<Duration>,
    /// True if the call waits while too many calls are pending.
    pub(super) waits_for_capacity: bool,
    /// True for the second request of an upload.
    pub(super) continues_upload: bool,
    /// True if the call may be sent again after its connection was lost.
    pub(super) is_idempotent: bool,
    pub(super) offline: Offline,
    /// The number of times that the call is sent again after a rejection with a time to wait.
    pub(super) retries: u32,
    /// The parts that a started call needs to be sent again.
    repeat: Option<Box<Repeat>>,
    /// The span of a started call.
    span: Option<Box<CallerSpan>>,
}

/// The behaviour of a call or an event while there is no connection.
#[derive(Clone, Copy)]
pub(crate) enum Offline {
    Fail,
    /// It waits for this time, from its first poll on.
    Queue(Duration),
    /// It waits as long as the client tries to connect. Its timeout begins when it is sent.
    Wait,
}

impl Offline {
    /// Returns the wait of a call that is polled for the first time, and has this timeout.
    pub(super) fn wait(self, timeout: Option<Duration>) -> OfflineWait {
        match self {
            Self::Fail => OfflineWait::No,
            Self::Queue(wait) => OfflineWait::Until(after(Instant::now(), wait).into_std()),
            Self::Wait => OfflineWait::Unlimited { timeout },
        }
    }
}

/// A started call that may be sent again.
struct Repeat {
    call: EncodedCall,
    deadline: Option<Instant>,
    /// The wait for a connection, of a call that no handler has received.
    offline: OfflineWait,
    /// True if the handler may have run.
    was_sent: bool,
}

/// The progress of a call.
pub(super) enum Stage {
    Unsent(Result<EncodedCall, SendError>),
    Started(StartedCall),
    /// It was rejected, and is sent again later.
    Waiting(Box<Retry>),
    Finished,
}

/// A call that is sent again after a time.
pub(super) struct Retry {
    sleep: Pin<Box<Sleep>>,
    repeat: Box<Repeat>,
    /// The rejection.
    former: Completion,
}

/// The answer to a call that succeeded.
pub(crate) enum Answer {
    /// A value.
    Json(Bytes),
    /// The expected channel and the inbox of its stream.
    Channel(ChannelKey, Option<usize>),
    /// A channel that the call did not expect; it counts as null where null is a valid value [P-32].
    UnusedChannel,
}

impl Completion {
    /// Returns the time after which a rejected call may be sent again.
    fn retry_after(&self) -> Option<Duration> {
        let Self::Rejected { value, error } = self else { return None };
        let value = std::str::from_utf8(value).unwrap_or_default();
        RawReason { value, error: *error }.read().retry_after()
    }

    /// Returns true if the peer has rejected the call because it drains, so that no handler has received it.
    fn is_draining(&self) -> bool {
        let Self::Rejected { value, error } = self else { return false };
        let value = std::str::from_utf8(value).unwrap_or_default();
        // Most rejections are not read twice.
        value.contains(code::DRAINING) && RawReason { value, error: *error }.read().code() == Some(code::DRAINING)
    }

    /// Returns the answer, or the error of a call that failed.
    pub(crate) fn into_answer<E: WsError>(self) -> Result<Answer, CallError<E::Remote>> {
        match self {
            Self::Result(Some(json)) => Ok(Answer::Json(json)),
            Self::Result(None) => Ok(Answer::Json(Bytes::from_static(b"null"))),
            Self::Channel => Ok(Answer::UnusedChannel),
            Self::Opened { channel, inbox } => Ok(Answer::Channel(channel, inbox)),
            Self::Rejected { value, error } => {
                let value = std::str::from_utf8(&value).unwrap_or_default();
                let rejection = RawReason { value, error }.read();
                Err(read_rejection::<E>(rejection))
            }
            Self::TimedOut => Err(CallError::TimedOut),
            Self::Closed(closed) => Err(CallError::Closed(closed)),
            Self::ChannelClosed(reason) => Err(CallError::ChannelClosed(reason)),
            Self::NotSent(error) => Err(CallError::NotSent(error)),
        }
    }
}

impl RawCall {
    pub(crate) fn new(
        connection: ConnectionHandle,
        mut call: Result<EncodedCall, SendError>,
        expected: Expected,
    ) -> Self {
        let mut timeout = None;
        if let Some(defaults) = connection.defaults() {
            timeout = defaults.timeout;
            if let (Ok(call), Some(members)) = (&mut call, &defaults.members) {
                call.set_members(Arc::clone(members));
            }
        }
        Self {
            connection,
            stage: Stage::Unsent(call),
            expected,
            timeout,
            waits_for_capacity: false,
            continues_upload: false,
            is_idempotent: false,
            offline: Offline::Fail,
            retries: 0,
            repeat: None,
            span: None,
        }
    }

    pub(crate) fn connection(&self) -> &ConnectionHandle {
        &self.connection
    }

    /// Returns the encoded call, if it was not polled and could be encoded. `None` also for a call on an anonymous
    /// channel.
    pub(super) fn encoded(&self) -> Option<&EncodedCall> {
        match &self.stage {
            Stage::Unsent(Ok(call)) => Some(call).filter(|call| call.channel().is_none()),
            _ => None,
        }
    }

    /// Sets the place of the call in a distributed trace.
    pub(super) fn set_trace_context(&mut self, trace: TraceContext) {
        if let Stage::Unsent(Ok(call)) = &mut self.stage {
            call.set_trace_context(trace);
        }
    }

    /// Asks for a resumable stream.
    pub(super) fn resuming(mut self, resume: Resume) -> Self {
        if let Stage::Unsent(Ok(call)) = &mut self.stage {
            call.resume(resume);
        }
        self
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Replaces the time that is left by `timeout` from now on; `None` removes the limit. Returns false if the call was
    /// not sent yet.
    pub(crate) fn reset_timeout(&self, timeout: Option<Duration>) -> bool {
        let Stage::Started(call) = &self.stage else { return false };
        self.connection.shared().set_timeout(call, timeout)
    }

    /// Returns true if the call was sent, and does not wait for capacity.
    pub(super) fn is_sent(&mut self) -> bool {
        match &mut self.stage {
            Stage::Started(call) => self.connection.shared().is_sent(call),
            _ => false,
        }
    }

    /// Sends the call, or lets it wait for capacity, as the first poll does. If it fails, the first poll has the error.
    pub(super) fn start(&mut self) {
        if let Poll::Ready(Err(error)) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.stage = Stage::Unsent(Err(error));
        }
    }

    /// Sends the call at the first poll, or lets it wait for capacity, then waits for its completion.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        let result = ready!(self.poll_completion(cx));
        if let Some(span) = self.span.take() {
            span.finish(&result);
        }
        Poll::Ready(result)
    }

    fn poll_completion(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        if let Stage::Waiting(_) = &self.stage {
            return self.poll_retry(cx);
        }
        let shared = self.connection.shared();
        if let Stage::Started(call) = &self.stage {
            let completion = ready!(shared.poll_call(cx, call));
            self.stage = Stage::Finished;
            return match (completion, self.repeat.take()) {
                (Completion::Closed(closed), Some(mut repeat)) if self.is_idempotent => {
                    repeat.was_sent = true;
                    let offline = OfflineWait::Unlimited { timeout: None };
                    self.send_again(cx, repeat, offline, Completion::Closed(closed))
                }
                (completion @ Completion::Rejected { .. }, Some(repeat))
                    if completion.is_draining() && shared.waits_after_drain(repeat.offline) =>
                {
                    let offline = repeat.offline;
                    self.send_again(cx, repeat, offline, completion)
                }
                (completion @ Completion::Rejected { .. }, Some(repeat)) if self.is_idempotent && self.retries > 0 => {
                    self.retry(cx, repeat, completion)
                }
                // It was sent before, and its time is over.
                (Completion::NotSent(SendError::TimedOut), Some(repeat)) if repeat.was_sent => {
                    Poll::Ready(Ok(Completion::TimedOut))
                }
                // It was sent before, and there was no next connection.
                (Completion::NotSent(SendError::Closed(closed)), Some(repeat)) if repeat.was_sent => {
                    Poll::Ready(Ok(Completion::Closed(closed)))
                }
                (Completion::NotSent(error), _) => Poll::Ready(Err(error)),
                (completion, _) => Poll::Ready(Ok(completion)),
            };
        }
        let Stage::Unsent(call) = mem::replace(&mut self.stage, Stage::Finished) else {
            return Poll::Ready(Err(SendError::polled_again()));
        };
        let timeout = self.timeout.or(shared.endpoint.limits.call_timeout);
        let mut call = call?;
        if !self.continues_upload {
            self.span = CallerSpan::start(shared, &call, MessageKind::Request);
            if call.trace_context().is_none()
                && let Some(trace) = CallerSpan::trace_context(self.span.as_deref(), shared)
            {
                call.set_trace_context(trace);
            }
        }
        let offline = self.offline.wait(timeout);
        // An anonymous channel is lost with its connection, so a call on it cannot be sent again.
        if (self.is_idempotent || offline != OfflineWait::No) && call.channel().is_none() {
            let deadline = timeout.map(|timeout| after(Instant::now(), timeout));
            let offline = if offline == OfflineWait::No { OfflineWait::Unlimited { timeout: None } } else { offline };
            self.repeat = Some(Box::new(Repeat { call: call.clone(), deadline, offline, was_sent: false }));
        }
        let call = shared.start_call(cx.waker(), call, &self.expected, self.options(timeout, offline))?;
        self.stage = Stage::Started(call);
        Poll::Pending
    }

    fn options(&self, timeout: Option<Duration>, offline: OfflineWait) -> CallOptions {
        CallOptions {
            timeout,
            sends_timeout: self.timeout.is_some(),
            waits_for_capacity: self.waits_for_capacity,
            priority: match self.connection.hook() {
                _ if self.continues_upload => Priority::Upload,
                Some(epoch) => Priority::OpenHook(epoch),
                None => Priority::None,
            },
            offline,
        }
    }

    /// Waits as long as the rejection says, if it does and there is time, and then sends the call again.
    #[cold]
    fn retry(
        &mut self,
        cx: &mut Context<'_>,
        repeat: Box<Repeat>,
        former: Completion,
    ) -> Poll<Result<Completion, SendError>> {
        let wait = former.retry_after().map(|wait| (wait, after(Instant::now(), wait)));
        let fits = |time: Instant| repeat.deadline.is_none_or(|deadline| time < deadline);
        match wait {
            // A timer needs a runtime.
            Some((wait, time)) if fits(time) && RuntimeHandle::try_current().is_ok() => {
                self.retries -= 1;
                self.stage = Stage::Waiting(Box::new(Retry { sleep: Box::pin(sleep(wait)), repeat, former }));
                self.poll_retry(cx)
            }
            _ => Poll::Ready(Ok(former)),
        }
    }

    fn poll_retry(&mut self, cx: &mut Context<'_>) -> Poll<Result<Completion, SendError>> {
        if let Stage::Waiting(retry) = &mut self.stage {
            ready!(retry.sleep.as_mut().poll(cx));
        }
        match mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Waiting(retry) => {
                let Retry { repeat, former, .. } = *retry;
                let offline = repeat.offline;
                self.send_again(cx, repeat, offline, former)
            }
            _ => Poll::Ready(Err(SendError::polled_again())),
        }
    }

    /// Sends a call again over the next connection. If there will be none, or its time is over, the call has its
    /// `former` completion.
    #[cold]
    fn send_again(
        &mut self,
        cx: &mut Context<'_>,
        repeat: Box<Repeat>,
        offline: OfflineWait,
        former: Completion,
    ) -> Poll<Result<Completion, SendError>> {
        let timeout = repeat.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut options = self.options(timeout, offline);
        // It was in flight before.
        options.waits_for_capacity = true;
        let started = self.connection.shared().start_call(cx.waker(), repeat.call.clone(), &self.expected, options);
        match started {
            Ok(call) => {
                (self.stage, self.repeat) = (Stage::Started(call), Some(repeat));
                Poll::Pending
            }
            Err(_) => Poll::Ready(Ok(former)),
        }
    }
}
