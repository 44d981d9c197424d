//! Calls that send a stream.

use super::raw::Offline;
use super::source::{ItemError, Source};
use super::{Answer, RawCall};
use crate::engine::{ConnectionHandle, Expected};
use crate::error::{CallError, SendError, TooLarge};
use crate::proto::{Allowance, CallEncoder, ChannelKey, EncodedCall, Reason, TraceContext, decode_value, encode};
use crate::rt::Instant;
use crate::value::{Decode, WsError};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A request that sends a stream: a future of its result.
///
/// It behaves like a [`Call`](crate::Call). Polling it also polls the stream, while the handler accepts items. The
/// stream is dropped when the handler has answered. **Dropping the future cancels the call** and drops the stream; the
/// peer drops the handler [X-05].
///
/// It fails with [`NotSent`](CallError::NotSent) if an item cannot be encoded or is too large. An error that the stream
/// yields is sent to the handler, and the call still returns the handler's answer.
///
/// ```
/// # use futures_util::stream;
/// # use std::error::Error;
/// # use wswrapper::{Client, Server, Upload, transport::memory, ws_handlers};
/// struct Desk;
///
/// #[ws_handlers]
/// impl Desk {
///     pub async fn sum(&self, mut numbers: Upload<u32>) -> Result<u32, Box<dyn Error + Send + Sync>> {
///         let mut sum = 0;
///         while let Some(number) = numbers.try_next().await? {
///             sum += number;
///         }
///         Ok(sum)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// # let server = Server::builder().service(Desk).build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// let desk = DeskProxy::new(&client);
/// assert_eq!(desk.sum(stream::iter([1, 2, 3])).await?, 6);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call is only sent when it is awaited"]
pub struct UploadCall<T, E> {
    opening: RawCall,
    started: Option<Instant>,
    /// Set while the upload's channel is open. Dropping it stops a handler that still runs.
    upload: Option<OpenUpload>,
    /// None once the stream has finished.
    source: Option<Source>,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> UploadCall<T, E> {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>, source: Source) -> Self {
        let opening = RawCall::new(connection, call, Expected::Upload);
        Self { opening, started: None, upload: None, source: Some(source), types: PhantomData }
    }

    /// Sets the time for the whole call, including the stream, counted from the first poll. After it the call fails
    /// with [`CallError::TimedOut`].
    ///
    /// Without a timeout of its own an upload may last as long as its stream.
    /// [`call_timeout`](crate::Limits::call_timeout) then applies to each wait for the peer: until it accepts the first
    /// item, until it accepts more items, and from the last item to the result.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.opening.set_timeout(timeout);
        self
    }

    /// Lets the call wait while [`max_calls_in_flight`](crate::Limits::max_calls_in_flight) calls wait for a response,
    /// instead of failing with [`TooManyCalls`](SendError::TooManyCalls).
    ///
    /// Calls that wait are sent in the order of their first polls. The wait counts against the timeout of the call.
    /// Dropping the future ends the wait, and nothing is sent. The request for the result goes before other calls
    /// that wait.
    pub fn wait_for_capacity(mut self) -> Self {
        self.opening.waits_for_capacity = true;
        self
    }

    /// Lets the call wait while there is no connection; see [`Call::queue`](crate::Call::queue). The stream is not
    /// polled before the handler accepts items.
    pub fn queue(mut self, wait: Duration) -> Self {
        self.opening.offline = Offline::Queue(wait);
        self
    }

    /// Sends the call as a part of this distributed trace, instead of that of its span or of the handler that calls [X-04].
    ///
    /// A task that a handler has spawned passes on the trace of the handler's
    /// [context](crate::Context::trace_context) by this method.
    pub fn trace_context(mut self, trace: TraceContext) -> Self {
        self.opening.set_trace_context(trace);
        self
    }

    /// Cancels the call and sends the peer this reason. Dropping the call cancels it without a reason.
    pub fn cancel(mut self, reason: &Reason) {
        self.opening.cancel(Some(reason));
        if let Some(upload) = &mut self.upload {
            upload.result.cancel(Some(reason));
        }
    }

    /// Returns an open upload whose call for the result has the time that is left.
    fn upload(&self, channel: ChannelKey, inbox: usize) -> OpenUpload {
        let call = CallEncoder::new("result").finish_on(channel);
        let mut result = RawCall::new(self.opening.connection().clone(), Ok(call), Expected::Value);
        if let (Some(timeout), Some(started)) = (self.opening.timeout(), self.started) {
            result.set_timeout(timeout.saturating_sub(started.elapsed()));
        }
        result.waits_for_capacity = self.opening.waits_for_capacity;
        result.continues_upload = true;
        OpenUpload { channel, inbox, result, answered: false, waiting: true, unanswered: None, ticket: None }
    }
}

impl<T: Decode, E: WsError> Future for UploadCall<T, E> {
    type Output = Result<T, CallError<E::Remote>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let upload = match &mut this.upload {
            Some(upload) => upload,
            None => {
                this.started.get_or_insert_with(Instant::now);
                match ready!(this.opening.poll(cx))?.into_answer::<E>()? {
                    Answer::Channel(channel, Some(inbox)) => {
                        let upload = this.upload(channel, inbox);
                        this.upload.insert(upload)
                    }
                    // The handler answered without the stream.
                    answer => return Poll::Ready(decode::<T, E>(answer)),
                }
            }
        };
        if let Poll::Ready(end) = upload.result.poll(cx) {
            // Without an answer, because the call for the result was not sent or timed out, the handler is stopped.
            upload.answered = end.as_ref().is_ok_and(|end| !end.is_failure());
            (this.upload, this.source) = (None, None);
            return Poll::Ready(decode::<T, E>(end.map_err(interrupted)?.into_answer::<E>()?));
        }
        // The handler would finish in vain if the items finished before the request for the result.
        if let Some(source) = &mut this.source
            && upload.result.is_sent()
            && let Poll::Ready(sent) = upload.poll_source(cx, source)
        {
            this.source = None;
            upload.set_waiting(true);
            if let Err(error) = sent {
                this.upload = None;
                return Poll::Ready(Err(interrupted(error)));
            }
        }
        Poll::Pending
    }
}

/// Returns the error of a call whose handler has started.
fn interrupted<E>(error: SendError) -> CallError<E> {
    match error {
        SendError::Closed(closed) => CallError::Closed(closed),
        error => error.into(),
    }
}

fn decode<T: Decode, E: WsError>(answer: Answer) -> Result<T, CallError<E::Remote>> {
    match answer {
        Answer::Json(json) => decode_value(&json).map_err(CallError::Decode),
        Answer::Channel(..) | Answer::UnusedChannel => serde_json::from_str("null").map_err(CallError::Decode),
    }
}

/// An upload whose channel is open.
struct OpenUpload {
    channel: ChannelKey,
    /// The inbox at which the call waits for credit.
    inbox: usize,
    result: RawCall,
    answered: bool,
    /// True while the call waits for the peer.
    waiting: bool,
    /// The item that was sent as a request and has no response yet.
    unanswered: Option<Vec<u8>>,
    /// The place among the senders that wait for capacity.
    ticket: Option<u64>,
}

/// Items that are queued together.
const MAX_BATCH: u32 = 64;

/// Batches that are queued in one poll.
const MAX_BATCHES: u32 = 4;

/// The state of the source after a batch.
enum Batch {
    /// The source may have more items.
    More,
    Finished(Result<(), ItemError>),
}

impl OpenUpload {
    /// Starts or stops the timeout of a wait for the peer.
    fn set_waiting(&mut self, waiting: bool) {
        let timeout = self.result.connection().shared().endpoint.limits.call_timeout.filter(|_| waiting);
        // Without a timeout of its own, each wait for the peer has the default one.
        if self.result.timeout().is_none() && self.waiting != waiting && self.result.reset_timeout(timeout) {
            self.waiting = waiting;
        }
    }

    /// Sends the items that the handler accepts. Ready when nothing more can be sent.
    fn poll_source(&mut self, cx: &mut Context<'_>, source: &mut Source) -> Poll<Result<(), SendError>> {
        let shared = Arc::clone(self.result.connection().shared());
        let max_size = shared.endpoint.limits.max_outgoing_message_size;
        for _ in 0..MAX_BATCHES {
            if shared.poll_capacity(cx, &mut self.ticket, self.result.connection().hook()).is_pending() {
                self.set_waiting(true);
                return Poll::Pending;
            }
            let allowance = shared.upload_allowance(cx, self.channel, self.inbox);
            if self.unanswered.is_some() && allowance != Allowance::Blocked {
                // A rejected item is sent again after the next start [P-85].
                if let Some(frame) = self.unanswered.take().filter(|_| shared.take_rejected(self.channel)) {
                    source.restore(frame);
                }
            }
            self.set_waiting(matches!(allowance, Allowance::Idle | Allowance::Blocked));
            let (max_items, as_request) = match allowance {
                Allowance::Idle => return Poll::Pending,
                Allowance::Blocked if shared.window(self.channel).is_none() => return Poll::Pending,
                Allowance::Blocked => return source.poll_finish(cx, self.channel.id()).map(|end| self.finish(end)),
                Allowance::Closed => return Poll::Ready(Ok(())),
                Allowance::OneRequest => (1, true),
                Allowance::Items(items) => (items.min(MAX_BATCH), false),
            };
            let mut frames = Vec::new();
            let end = loop {
                if frames.len() >= max_items as usize {
                    break Poll::Ready(Batch::More);
                }
                match source.poll_next(cx, self.channel.id()) {
                    Poll::Pending => break Poll::Pending,
                    Poll::Ready(Some(Ok(mut frame))) => {
                        if as_request {
                            self.unanswered = Some(frame.clone());
                            let Some(id) = shared.item_request(self.channel) else { return Poll::Ready(Ok(())) };
                            encode::item_as_request(&mut frame, id);
                        }
                        if let Err(too_large) = TooLarge::check(frame.len(), max_size) {
                            break Poll::Ready(Batch::Finished(Err(ItemError::TooLarge(too_large))));
                        }
                        frames.push(frame);
                    }
                    Poll::Ready(Some(Err(error))) => break Poll::Ready(Batch::Finished(Err(error))),
                    Poll::Ready(None) => break Poll::Ready(Batch::Finished(Ok(()))),
                }
            };
            if !frames.is_empty() {
                let used = if as_request { 0 } else { u32::try_from(frames.len()).unwrap_or(MAX_BATCH) };
                shared.send_items(self.channel, frames, used)?;
            }
            match ready!(end) {
                Batch::More => {}
                Batch::Finished(end) => return Poll::Ready(self.finish(end)),
            }
        }
        // Lets other tasks run.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends the end of the items, or the error that finished them.
    fn finish(&self, end: Result<(), ItemError>) -> Result<(), SendError> {
        let shared = self.result.connection().shared();
        match end {
            Ok(()) => {
                let mut done = Vec::new();
                encode::done(&mut done, self.channel.id(), 0);
                shared.send_items(self.channel, [done], 0)
            }
            Err(ItemError::Failed(reason)) => {
                shared.abort_items(self.channel, &reason);
                Ok(())
            }
            Err(ItemError::Encode(error)) => Err(SendError::EncodeItem(error)),
            Err(ItemError::TooLarge(error)) => Err(error.into()),
        }
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        // Before the channel is closed: closing it would also finish this call, without stopping the handler.
        self.result.cancel(None);
        let shared = self.result.connection().shared();
        shared.stop_waiting(self.ticket);
        if self.answered {
            shared.close_channel(self.channel);
        }
        shared.drop_inbox(self.inbox, self.channel, 0);
    }
}

impl<T, E> fmt::Debug for UploadCall<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadCall").field("peer", &self.opening.connection().shared().id).finish_non_exhaustive()
    }
}
