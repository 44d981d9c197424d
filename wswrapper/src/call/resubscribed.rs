//! Streams that survive a lost connection.

use super::raw::Offline;
use super::response::unexpected_answer;
use super::{Answer, RawCall};
use crate::engine::{Completion, ConnectionHandle, Expected, Mark};
use crate::error::{CallError, SendError};
use crate::proto::{EncodedCall, Position, Reason, Resume};
use crate::stream::{Items, Seam, StreamEvent};
use crate::value::{Decode, WsError};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Encodes the call that continues a stream, for the last item that was taken.
pub(crate) type Encode<T> = Box<dyn FnMut(Option<&T>) -> Result<EncodedCall, SendError> + Send>;
/// Keeps an item for the next call.
pub(crate) type Keep<T> = fn(&T) -> Option<T>;

/// A request for a stream that survives a lost connection: a future of the stream.
///
/// It behaves like a [`Call`](crate::Call). [`Call::resumable`](crate::Call::resumable) and
/// [`Call::resubscribe`](crate::Call::resubscribe) create it.
#[must_use = "a call is only sent when it is awaited"]
pub struct Resubscribe<T, I, E> {
    raw: RawCall,
    /// Taken when the stream begins.
    encode: Option<Encode<T>>,
    keep: Keep<T>,
    types: PhantomData<fn() -> (I, E)>,
}

/// A stream that survives a lost connection.
///
/// It yields items, and each [seam](Seam) between them as a value. When the connection is lost, it waits until the client
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
    /// The position of the last item that was taken, if the peer tells positions.
    position: Option<Position>,
    /// The position of the last item that has arrived on this connection.
    arrived: Option<Position>,
    /// True until the first item after a lost connection.
    is_seam_due: bool,
    /// An item that follows a seam, and its position.
    pending: Option<(T, Option<Position>)>,
    types: PhantomData<fn() -> I>,
}

enum Stage {
    /// The call was sent again, or waits for a connection.
    Calling(RawCall),
    Streaming(Items),
    Finished,
}

impl<T, I, E> Resubscribe<T, I, E> {
    pub(crate) fn new(raw: RawCall, encode: Encode<T>, keep: Keep<T>) -> Self {
        Self { raw, encode: Some(encode), keep, types: PhantomData }
    }
}

impl<T: Decode + Unpin, I: WsError, E: WsError> Future for Resubscribe<T, I, E> {
    type Output = Result<Resubscribed<T, I>, CallError<E::Remote>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answer = ready!(this.raw.poll(cx))?.into_answer::<E>()?;
        let (connection, window) = (this.raw.connection().clone(), window(&this.raw.expected));
        let Some(items) = items(answer, &connection, window) else {
            return Poll::Ready(Err(CallError::Decode(unexpected_answer("a value, expected a stream"))));
        };
        // Polled after it was ready.
        let Some(encode) = this.encode.take() else { return Poll::Ready(Err(SendError::polled_again().into())) };
        Poll::Ready(Ok(Resubscribed {
            connection,
            stage: Stage::Streaming(items),
            encode,
            keep: this.keep,
            timeout: this.raw.timeout(),
            window,
            last: None,
            position: None,
            arrived: None,
            is_seam_due: false,
            pending: None,
            types: PhantomData,
        }))
    }
}

fn window(expected: &Expected) -> u32 {
    match expected {
        Expected::Items(window) => *window,
        _ => crate::engine::WINDOW,
    }
}

/// Returns the items of the channel that an answer has opened.
fn items(answer: Answer, connection: &ConnectionHandle, window: u32) -> Option<Items> {
    let Answer::Channel(channel, Some(inbox)) = answer else { return None };
    let mut items = Items::new(connection.clone(), channel, inbox);
    items.set_window(window);
    Some(items)
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

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<StreamEvent<T>, CallError<I::Remote>>>> {
        if let Some((item, at)) = self.pending.take() {
            return Poll::Ready(Some(Ok(self.take(item, at))));
        }
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
                Stage::Streaming(items) => match ready!(items.poll_next::<T, I>(cx)) {
                    Some(Ok(item)) => {
                        let mark = items.take_mark();
                        if let Some(event) = self.receive(item, mark) {
                            return Poll::Ready(Some(Ok(event)));
                        }
                    }
                    Some(Err(CallError::Decode(error))) => {
                        // It counts as taken.
                        let mark = items.take_mark();
                        if self.follow(mark).is_some() {
                            self.position = self.arrived;
                            return Poll::Ready(Some(Err(CallError::Decode(error))));
                        }
                    }
                    Some(Err(CallError::Closed(_))) => match self.call_again() {
                        Ok(call) => self.stage = Stage::Calling(call),
                        Err(error) => {
                            self.stage = Stage::Finished;
                            return Poll::Ready(Some(Err(error.into())));
                        }
                    },
                    Some(Err(error)) => {
                        self.stage = Stage::Finished;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        self.stage = Stage::Finished;
                        return Poll::Ready(None);
                    }
                },
            }
        }
    }

    /// Creates the call that continues the stream.
    fn call_again(&mut self) -> Result<RawCall, SendError> {
        let resume = self.position.map_or(Resume::New, Resume::After);
        let mut call = (self.encode)(self.last.as_ref())?;
        call.resume(resume);
        let mut call = RawCall::new(self.connection.clone(), Ok(call), Expected::Items(self.window));
        if let Some(timeout) = self.timeout {
            call.set_timeout(timeout);
        }
        call.offline = Offline::Wait;
        (self.arrived, self.is_seam_due) = (None, true);
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
        let items = items(answer, &self.connection, self.window);
        let items = items.ok_or_else(|| CallError::Decode(unexpected_answer("a value, expected a stream")))?;
        self.stage = Stage::Streaming(items);
        Ok(())
    }

    /// Receives an item. Returns the seam before it, the item, or `None` for an item that was taken before.
    fn receive(&mut self, item: T, mark: Mark) -> Option<StreamEvent<T>> {
        let seam = self.follow(mark)?;
        let at = self.arrived;
        match seam {
            Some(seam) => {
                self.pending = Some((item, at));
                Some(StreamEvent::Seam(seam))
            }
            None => Some(self.take(item, at)),
        }
    }

    /// Follows the position of an item that has arrived. Returns the seam before it, or `None` if the item was taken
    /// before.
    fn follow(&mut self, Mark { lost, at }: Mark) -> Option<Option<Seam>> {
        let next = self.arrived.map(|last| Position { offset: last.offset + 1 + lost, ..last });
        self.arrived = at.or(next);
        let same_history = self.arrived.zip(self.position).filter(|(arrived, taken)| arrived.epoch == taken.epoch);
        // The number of items between the last that was taken and this one.
        let between = match same_history {
            Some((arrived, taken)) => Some(arrived.offset.checked_sub(taken.offset + 1)?),
            None => None,
        };
        if !std::mem::take(&mut self.is_seam_due) {
            return Some((lost > 0).then_some(Seam::Gap { lost: Some(lost) }));
        }
        Some(Some(match (between, self.arrived) {
            (Some(0), _) => Seam::Resumed,
            (Some(lost), _) => Seam::Gap { lost: Some(lost) },
            (None, Some(_)) => Seam::Fresh,
            (None, None) => Seam::Gap { lost: None },
        }))
    }

    /// Hands an item to the program.
    fn take(&mut self, item: T, at: Option<Position>) -> StreamEvent<T> {
        (self.position, self.last) = (at, (self.keep)(&item));
        StreamEvent::Item(item)
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

impl<T, I, E> fmt::Debug for Resubscribe<T, I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resubscribe").field("peer", &self.raw.connection().shared().id).finish_non_exhaustive()
    }
}

impl<T, I> fmt::Debug for Resubscribed<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resubscribed")
            .field("peer", &self.connection.shared().id)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
