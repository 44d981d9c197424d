//! The consumer of a stream, without the type of its items.

use crate::engine::{Batch, ConnectionHandle, Mark, StreamFinish, Taken};
use crate::error::CallError;
use crate::proto::{ChannelKey, ITEM_OVERHEAD, MAX_WINDOW, Reason, code, decode_value};
use crate::value::{Decode, WsError, read_rejection};
use std::fmt;
use std::task::{Context, Poll, ready};

/// The items of a stream. Dropping it aborts the stream.
pub(crate) struct Items {
    connection: ConnectionHandle,
    channel: ChannelKey,
    /// The key of the inbox. Four bytes are enough for it, because a program may have many streams.
    inbox: u32,
    window: u32,
    state: State,
    /// Items that were taken out of the inbox together, with one lock.
    batch: Batch,
    /// Items that were delivered and for which no credit was granted yet.
    uncredited: u32,
    /// The bytes of these items.
    uncredited_bytes: usize,
    lost: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No item was requested yet.
    New,
    Started,
    /// The end or an error was delivered.
    Finished,
    /// The error was delivered that the peer drains.
    Interrupted,
}

impl Items {
    pub(crate) fn new(connection: ConnectionHandle, channel: ChannelKey, inbox: usize) -> Self {
        Self {
            connection,
            channel,
            // There are never so many.
            inbox: u32::try_from(inbox).unwrap_or(u32::MAX),
            window: crate::engine::WINDOW,
            state: State::New,
            batch: Batch::default(),
            uncredited: 0,
            uncredited_bytes: 0,
            lost: 0,
        }
    }

    pub(crate) fn set_window(&mut self, items: u32) {
        self.window = items.clamp(1, MAX_WINDOW);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Returns true if the end or an error was delivered.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished | State::Interrupted)
    }

    /// Returns true if the peer has ended the stream because it drains.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.state == State::Interrupted
    }

    /// Aborts the stream and sends the producer the reason.
    pub(crate) fn abort(&mut self, reason: Option<&Reason>) {
        if !self.is_finished() {
            self.state = State::Finished;
            self.connection.shared().abort_channel(self.channel, reason);
        }
    }

    /// Returns the next item, or `None` after the stream has finished.
    pub(crate) fn poll_next<T: Decode, E: WsError>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, CallError<E::Remote>>>> {
        self.poll_marked::<T, E>(cx, &mut Mark::default())
    }

    /// Waits for the end of a pause of the client.
    pub(crate) fn poll_pause(&self, cx: &Context<'_>) -> Poll<()> {
        let shared = self.connection.shared();
        if shared.is_paused() { shared.poll_pause(cx, self.inbox as usize) } else { Poll::Ready(()) }
    }

    /// Returns the next item as [`poll_next`](Self::poll_next) does, and leaves the report of its producer in `mark`.
    pub(crate) fn poll_marked<T: Decode, E: WsError>(
        &mut self,
        cx: &mut Context<'_>,
        mark: &mut Mark,
    ) -> Poll<Option<Result<T, CallError<E::Remote>>>> {
        if self.is_finished() {
            return Poll::Ready(None);
        }
        ready!(self.poll_pause(cx));
        if self.batch.is_empty()
            && let Some(finish) = ready!(self.poll_inbox(cx))
        {
            self.state = State::Finished;
            return Poll::Ready(match finish {
                StreamFinish::Done => None,
                StreamFinish::Aborted(reason) if reason.code() == Some(code::DRAINING) => {
                    self.state = State::Interrupted;
                    Some(Err(read_rejection::<E>(reason)))
                }
                StreamFinish::Aborted(reason) => Some(Err(read_rejection::<E>(reason))),
                StreamFinish::Overflow(bound) => Some(Err(CallError::overflow(bound))),
                StreamFinish::Closed(closed) => Some(Err(CallError::Closed(closed))),
                StreamFinish::ChannelClosed(reason) => Some(Err(CallError::ChannelClosed(reason))),
            });
        }
        *mark = self.batch.take_mark().unwrap_or_default();
        let json = self.batch.take().unwrap_or_default();
        self.uncredited += 1;
        self.uncredited_bytes += json.len();
        let value = decode_value(if json.is_empty() { b"null" } else { json });
        if self.batch.is_empty() {
            self.batch.clear();
            self.grant_credit();
        } else if self.uncredited >= self.window / 2 {
            self.grant_credit();
        }
        Poll::Ready(Some(value.map_err(CallError::Decode)))
    }

    /// Takes the items out of the inbox; returns the finish once all items were taken. Starts the stream at the first
    /// call.
    fn poll_inbox(&mut self, cx: &mut Context<'_>) -> Poll<Option<StreamFinish>> {
        let shared = self.connection.shared();
        if let Poll::Ready(Taken { lost, finish: end }) = shared.poll_inbox(cx, self.inbox as usize, &mut self.batch) {
            self.lost = lost;
            return Poll::Ready(end);
        }
        if self.state == State::New {
            self.state = State::Started;
            shared.start_stream(self.channel, self.window);
        }
        Poll::Pending
    }

    /// Grants the producer credit for the items that were delivered.
    fn grant_credit(&mut self) {
        let (items, bytes) = (std::mem::take(&mut self.uncredited), std::mem::take(&mut self.uncredited_bytes));
        self.connection.shared().items_taken(self.channel, items, bytes);
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let uncredited_size = self.uncredited_bytes + self.uncredited as usize * ITEM_OVERHEAD;
        let unused = std::mem::take(&mut self.batch).unread_bytes() + uncredited_size;
        self.connection.shared().drop_inbox(self.inbox as usize, self.channel, unused);
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("peer", &self.connection.shared().id)
            .field("channel", &self.channel.id())
            .finish_non_exhaustive()
    }
}
