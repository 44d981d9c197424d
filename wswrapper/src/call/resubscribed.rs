//! Streams that survive a lost connection.

use super::raw::Offline;
use super::response::unexpected_answer;
use super::resubscribe::{Encode, Keep};
use super::{Answer, RawCall};
use crate::engine::{Completion, ConnectionHandle, Expected, Mark, OfflineWait, WINDOW};
use crate::error::{CallError, SendError};
use crate::proto::Reason;
use crate::stream::{Arrival, Follower, Items, Seam, StreamEvent};
use crate::value::{Decode, WsError};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A stream that survives a lost connection.
///
/// It yields items, and each [seam](crate::stream::Seam) between them as a value. When the connection is lost, it waits until the client
/// is connected again, and sends its call again. It fails with [`Closed`](CallError::Closed) if the client does not
/// [connect again](crate::client::ClientBuilder::reconnect) by itself, or gives up. Any other error finishes it as it
/// finishes a [`Streaming`](crate::Streaming). **Dropping it aborts the stream.**
///
/// It is a [`Stream`], for the combinators of other crates.
#[must_use = "dropping a stream aborts it"]
pub struct Resubscribed<T, I = Infallible> {
    connection: ConnectionHandle,
    stage: Stage,
    encode: Encode<T>,
    keep: Keep<T>,
    timeout: Option<Duration>,
    window: u32,
    /// The last item that was taken, if the next call needs it.
    last: Option<T>,
    follower: Follower,
    /// An item that follows a seam.
    pending: Option<serde_json::Result<T>>,
    /// The items whose loss this connection has reported with others.
    told: u64,
    types: PhantomData<fn() -> I>,
}

enum Stage {
    /// The call was sent again, or waits for a connection.
    Calling(RawCall),
    Streaming(Items),
    Finished,
}

/// The result of a poll for an event.
type PolledEvent<T, I> = Poll<Option<Result<StreamEvent<T>, CallError<<I as WsError>::Remote>>>>;

/// Returns the items of the channel that an answer has opened.
fn items(answer: &Answer, connection: &ConnectionHandle, window: u32) -> Result<Items, serde_json::Error> {
    let Answer::Channel(channel, Some(inbox)) = answer else {
        return Err(unexpected_answer("a value, expected a stream"));
    };
    let mut items = Items::new(connection.clone(), *channel, *inbox);
    items.set_window(window);
    Ok(items)
}

impl<T, I> Resubscribed<T, I> {
    /// Creates the stream that the answer to a call has opened.
    pub(super) fn new(
        call: &RawCall,
        answer: &Answer,
        encode: Encode<T>,
        keep: Keep<T>,
    ) -> Result<Self, serde_json::Error> {
        let (connection, timeout) = (call.connection().clone(), call.timeout());
        let window = if let Expected::Items(window) = call.expected { window } else { WINDOW };
        Ok(Self {
            stage: Stage::Streaming(items(answer, &connection, window)?),
            connection,
            encode,
            keep,
            timeout,
            window,
            last: None,
            follower: Follower::default(),
            pending: None,
            told: 0,
            types: PhantomData,
        })
    }
}

impl<T: Decode + Unpin, I: WsError> Resubscribed<T, I> {
    /// Returns the next item or seam, or `None` when the stream has finished. Cancel-safe: dropping the future loses no
    /// item.
    pub async fn next(&mut self) -> Option<Result<StreamEvent<T>, CallError<I::Remote>>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Returns the next item or seam, as [`next`](Self::next) does, with the error outside. Cancel-safe.
    pub async fn try_next(&mut self) -> Result<Option<StreamEvent<T>>, CallError<I::Remote>> {
        self.next().await.transpose()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> PolledEvent<T, I> {
        if self.pending.is_some()
            && let Stage::Streaming(items) = &self.stage
        {
            ready!(items.poll_pause(cx));
        }
        if let Some(item) = self.pending.take() {
            return Poll::Ready(Some(self.take(item).map_err(CallError::Decode)));
        }
        let mut mark = Mark::default();
        loop {
            match &mut self.stage {
                Stage::Finished => return Poll::Ready(None),
                Stage::Calling(call) => {
                    let completion = ready!(call.poll(cx));
                    if let Err(error) = self.continue_with(completion) {
                        self.stage = Stage::Finished;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Stage::Streaming(items) => match ready!(items.poll_marked::<T, I>(cx, &mut mark)) {
                    Some(Ok(item)) => {
                        if let Some(event) = self.receive(Ok(item), mark) {
                            return Poll::Ready(Some(event.map_err(CallError::Decode)));
                        }
                    }
                    Some(Err(CallError::Decode(error))) => {
                        // It counts as taken.
                        if let Some(event) = self.receive(Err(error), mark) {
                            return Poll::Ready(Some(event.map_err(CallError::Decode)));
                        }
                    }
                    Some(Err(CallError::Closed(_))) => match self.call_again() {
                        Ok(call) => self.stage = Stage::Calling(call),
                        Err(error) => {
                            self.stage = Stage::Finished;
                            return Poll::Ready(Some(Err(error.into())));
                        }
                    },
                    // The peer drains: the stream goes on over the next connection.
                    Some(Err(_))
                        if items.is_interrupted()
                            && self.connection.shared().waits_after_drain(OfflineWait::Unlimited { timeout: None }) =>
                    {
                        match self.call_again() {
                            Ok(call) => self.stage = Stage::Calling(call),
                            Err(error) => {
                                self.stage = Stage::Finished;
                                return Poll::Ready(Some(Err(error.into())));
                            }
                        }
                    }
                    Some(Err(error)) => {
                        self.stage = Stage::Finished;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        let lost = items.lost().saturating_sub(self.told);
                        self.stage = Stage::Finished;
                        let gap = Seam::Gap { lost: Some(lost) };
                        return Poll::Ready((lost > 0).then_some(Ok(StreamEvent::Seam(gap))));
                    }
                },
            }
        }
    }

    /// Creates the call that continues the stream.
    fn call_again(&mut self) -> Result<RawCall, SendError> {
        let mut call = (self.encode)(self.last.as_ref())?;
        call.resume(self.follower.connection_lost());
        let mut call = RawCall::new(self.connection.clone(), Ok(call), Expected::Items(self.window));
        if let Some(timeout) = self.timeout {
            call.set_timeout(timeout);
        }
        call.offline = Offline::Wait;
        // It was open before.
        call.waits_for_capacity = true;
        self.told = 0;
        Ok(call)
    }

    /// Continues with the items of the call that was sent again, or once more if that was lost, too.
    fn continue_with(&mut self, completion: Result<Completion, SendError>) -> Result<(), CallError<I::Remote>> {
        let answer = match completion {
            Ok(Completion::Closed(_)) => {
                self.stage = Stage::Calling(self.call_again()?);
                return Ok(());
            }
            // There will be no connection.
            Err(SendError::Closed(closed)) => return Err(CallError::Closed(closed)),
            completion => completion?.into_answer::<I>()?,
        };
        self.stage = Stage::Streaming(items(&answer, &self.connection, self.window).map_err(CallError::Decode)?);
        Ok(())
    }

    /// Receives an item. Returns the seam before it, the item, or `None` for an item that was taken before.
    fn receive(&mut self, item: serde_json::Result<T>, mark: Mark) -> Option<serde_json::Result<StreamEvent<T>>> {
        self.told = self.told.saturating_add(mark.lost);
        match self.follower.arrive(mark) {
            Arrival::Repeated => None,
            Arrival::Next => Some(self.take(item)),
            Arrival::After(seam) => {
                self.pending = Some(item);
                Some(Ok(StreamEvent::Seam(seam)))
            }
        }
    }

    /// Hands an item to the program.
    fn take(&mut self, item: serde_json::Result<T>) -> serde_json::Result<StreamEvent<T>> {
        self.follower.take();
        let item = item?;
        self.last = (self.keep)(&item);
        Ok(StreamEvent::Item(item))
    }

    /// Aborts the stream and sends the producer this reason. Dropping the stream aborts it without a reason.
    pub fn abort(mut self, reason: &Reason) {
        match &mut self.stage {
            Stage::Calling(call) => call.cancel(Some(reason)),
            Stage::Streaming(items) => items.abort(Some(reason)),
            Stage::Finished => {}
        }
    }
}

impl<T: Decode + Unpin, I: WsError> Stream for Resubscribed<T, I> {
    type Item = Result<StreamEvent<T>, CallError<I::Remote>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl<T: Decode + Unpin, I: WsError> FusedStream for Resubscribed<T, I> {
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Finished) && self.pending.is_none()
    }
}

impl<T, I> fmt::Debug for Resubscribed<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resubscribed")
            .field("peer", &self.connection.shared().id)
            .field("position", &self.follower.position())
            .finish_non_exhaustive()
    }
}
