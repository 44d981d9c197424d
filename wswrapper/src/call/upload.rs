//! A call that sends a stream.

use super::response::Wish;
use super::source::{ItemError, Source};
use super::{Answer, RawCall};
use crate::engine::{Completion, ConnectionHandle, Expected};
use crate::error::{CallError, SendError};
use crate::proto::{Allowance, CallEncoder, ChannelKey, EncodedCall, Reason, encode};
use crate::value::{Decode, WsError};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// A call under way that sends a stream: a future of its result.
///
/// It is as a [`Call`](crate::Call), and polling it also polls the stream, as far as the handler takes its items. Once the
/// handler has answered, the stream is dropped. Dropping the call cancels it, and the handler is dropped.
#[must_use = "a call is only sent when it is awaited"]
pub struct UploadCall<T, E> {
    opening: RawCall,
    started: Option<Instant>,
    /// Once the handler's end is there, until the call is over: what is dropped with it stops a handler that runs on.
    upload: Option<OpenUpload>,
    /// Until it has ended.
    source: Option<Source>,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> UploadCall<T, E> {
    pub(crate) fn new(connection: ConnectionHandle, call: Result<EncodedCall, SendError>, source: Source) -> Self {
        let opening = RawCall::new(connection, call, Wish(Expected::Upload));
        Self { opening, started: None, upload: None, source: Some(source), types: PhantomData }
    }

    /// Waits at most so long for the result, from the first poll on and the whole stream included, as
    /// [`Call::timeout`](crate::Call::timeout) does. Without it [`call_timeout`](crate::Limits::call_timeout) counts anew
    /// each time that the other end is waited for: until it takes the first item, until it takes more, and from the last
    /// item to the result. So an upload may take as long as its stream does.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.opening.set_timeout(timeout);
        self
    }

    /// Ends the call and tells the other end why. Dropping it does the same without a reason.
    pub fn cancel(mut self, reason: &Reason) {
        self.opening.cancel(Some(reason));
        if let Some(upload) = &mut self.upload {
            upload.result.cancel(Some(reason));
        }
    }

    /// The call that waits for the result, for as long as this call still may.
    fn upload(&self, channel: ChannelKey, inbox: usize) -> OpenUpload {
        let call = CallEncoder::new("result").finish_on(channel);
        let mut result = RawCall::new(self.opening.connection().clone(), Ok(call), Wish(Expected::Value));
        if let (Some(timeout), Some(started)) = (self.opening.timeout(), self.started) {
            result.set_timeout(timeout.saturating_sub(started.elapsed()));
        }
        let times_each_wait = self.opening.timeout().is_none();
        OpenUpload { channel, inbox, result, answered: false, times_each_wait, waiting: true }
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
                    // The other end did not want the stream.
                    answer => return Poll::Ready(decode::<T, E>(answer)),
                }
            }
        };
        if let Poll::Ready(end) = upload.result.poll(cx) {
            // What was not sent, or not in time, is answered by nobody: the handler is stopped.
            upload.answered = end.as_ref().is_ok_and(|end| !matches!(end, Completion::Failed(_)));
            (this.upload, this.source) = (None, None);
            return Poll::Ready(decode::<T, E>(end?.into_answer::<E>()?));
        }
        if let Some(source) = &mut this.source
            && let Poll::Ready(sent) = upload.poll_source(cx, source)
        {
            this.source = None;
            upload.set_waiting(true);
            if let Err(error) = sent {
                this.upload = None;
                return Poll::Ready(Err(error.into()));
            }
        }
        Poll::Pending
    }
}

fn decode<T: Decode, E: WsError>(answer: Answer) -> Result<T, CallError<E::Remote>> {
    match answer {
        Answer::Json(json) => serde_json::from_slice(&json).map_err(CallError::Decode),
        Answer::UnusedChannel => serde_json::from_str("null").map_err(CallError::Decode),
        // Never: it has its inbox.
        Answer::Channel(..) => Err(CallError::Closed),
    }
}

/// An upload whose channel is open.
struct OpenUpload {
    channel: ChannelKey,
    /// Where this call waits for credit.
    inbox: usize,
    result: RawCall,
    answered: bool,
    /// The call has no time of its own: it is each wait for the other end that has one.
    times_each_wait: bool,
    /// The next step is the other end's.
    waiting: bool,
}

/// So many items are queued together.
const MAX_BATCH: u32 = 64;

/// So often in one turn.
const MAX_BATCHES: u32 = 4;

/// What the source gave.
enum Batch {
    /// It has more, later or now.
    More,
    Finished(Result<(), ItemError>),
}

impl OpenUpload {
    fn set_waiting(&mut self, waiting: bool) {
        let timeout = self.result.connection().shared().endpoint.limits.call_timeout.filter(|_| waiting);
        if self.times_each_wait && self.waiting != waiting && self.result.reset_timeout(timeout) {
            self.waiting = waiting;
        }
    }

    /// Sends what the handler takes; ready when nothing more is to be sent.
    fn poll_source(&mut self, cx: &mut Context<'_>, source: &mut Source) -> Poll<Result<(), SendError>> {
        let shared = Arc::clone(self.result.connection().shared());
        for _ in 0..MAX_BATCHES {
            let allowance = match shared.poll_capacity(cx) {
                Poll::Pending => Allowance::Idle,
                Poll::Ready(()) => shared.upload_allowance(cx, self.channel, self.inbox),
            };
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
                    Poll::Ready(Some(Ok(frame))) => frames.push(frame),
                    Poll::Ready(Some(Err(error))) => break Poll::Ready(Batch::Finished(Err(error))),
                    Poll::Ready(None) => break Poll::Ready(Batch::Finished(Ok(()))),
                }
            };
            if as_request {
                for frame in &mut frames {
                    let Some(id) = shared.item_request(self.channel) else { return Poll::Ready(Ok(())) };
                    encode::item_as_request(frame, id);
                }
            }
            if !frames.is_empty() {
                let used = if as_request { 0 } else { u32::try_from(frames.len()).unwrap_or(MAX_BATCH) };
                shared.send_items(self.channel, frames, used)?;
            }
            match ready!(end) {
                Batch::More => {}
                Batch::Finished(end) => return Poll::Ready(self.finish(end)),
            }
        }
        // Others are to have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Tells how the items ended.
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
        }
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        // Before the channel's end, as that would end this call too, and the handler would not be stopped.
        self.result.cancel(None);
        let shared = self.result.connection().shared();
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
