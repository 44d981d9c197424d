//! Sends the items of a handler's stream on its channel.

use super::{OnFull, Producer};
use crate::engine::{Answers, ChannelBinding, Mode, Outcome, WINDOW, WriteError};
use crate::error::ServiceError;
use crate::proto::{Allowance, ChannelKey, Position, Reason, Rejection, Role, code, encode};
use crate::value::StreamItem;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future that sends a stream.
    pub(super) struct PumpFuture<S, T, F> {
        pump: Pump<T>,
        #[pin]
        stream: S,
        into_result: F,
    }
}

impl<S, T, F> PumpFuture<S, T, F> {
    /// Creates the future. `fallible` is true if an item may be an error.
    pub(super) fn new(producer: Box<Producer>, stream: S, into_result: F, fallible: bool) -> Self {
        Self { pump: Pump::new(producer, fallible), stream, into_result }
    }
}

impl<S, T, F> Future for PumpFuture<S, T, F>
where
    S: Stream,
    T: StreamItem,
    F: Fn(S::Item) -> Result<T, Rejection>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let shared = Arc::clone(&this.pump.producer.shared);
        this.pump.polling = true;
        let status = shared.loan_slot().with(&shared, |answers| {
            let source = StreamSource { stream: this.stream.as_mut(), cx: &mut *cx, into_result: this.into_result };
            this.pump.pump(answers, source)
        });
        this.pump.polling = false;
        match status.unwrap_or(PumpStatus::Waiting) {
            PumpStatus::Finished => return Poll::Ready(()),
            PumpStatus::Waiting => {}
            PumpStatus::Yielded => cx.waker().wake_by_ref(),
            PumpStatus::OutputFull => shared.wait_for_output(cx),
        }
        Poll::Pending
    }
}

/// The result of polling a stream for its next item.
type Next<T> = Poll<Option<Result<T, Rejection>>>;

/// The stream that items are polled from.
trait Source<T> {
    fn poll_next(&mut self) -> Next<T>;

    /// Returns the largest number of items that may be left, if the stream knows it.
    fn upper_bound(&self) -> Option<usize>;
}

struct StreamSource<'p, 'c, S, F> {
    stream: Pin<&'p mut S>,
    cx: &'p mut Context<'c>,
    into_result: &'p F,
}

impl<S, T, F> Source<T> for StreamSource<'_, '_, S, F>
where
    S: Stream,
    F: Fn(S::Item) -> Result<T, Rejection>,
{
    fn poll_next(&mut self) -> Next<T> {
        let item = ready!(self.stream.as_mut().poll_next(self.cx));
        Poll::Ready(item.map(self.into_result))
    }

    fn upper_bound(&self) -> Option<usize> {
        self.stream.size_hint().1
    }
}

/// The status of a stream after one poll.
enum PumpStatus {
    /// The stream has no item, or its consumer has granted no credit.
    Waiting,
    /// The stream may have more items; other handlers run first.
    Yielded,
    /// The connection's output is full.
    OutputFull,
    /// The stream has finished, and its channel is closed.
    Finished,
}

/// Items that are sent or dropped in one poll, at most.
const ITEMS_PER_POLL: u32 = 256;

/// Sends the items of a stream.
struct Pump<T> {
    producer: Box<Producer>,
    /// True if an item may be an error.
    fallible: bool,
    channel: Option<ChannelKey>,
    /// Items waiting for credit. Under [`OnFull::Wait`] at most one: an item that came out while the stream was
    /// polled for its finish.
    waiting: VecDeque<Tracked<T>>,
    /// The item that was sent as a request and has no response yet. The consumer may reject it [P-85].
    unanswered: Option<T>,
    /// The number of items that it reported as lost.
    unanswered_lost: u64,
    /// The finish of the stream, until it is sent after the waiting items.
    finish: Option<Result<(), Rejection>>,
    /// The number of items that were dropped since the last item was sent.
    lost: u64,
    /// The length of the last item's frame, which the next frame is expected to have.
    hint: usize,
    /// True while the stream is polled. It stays true if the stream panics.
    polling: bool,
}

/// An item and its position, if the stream has positions.
struct Tracked<T> {
    item: T,
    at: Option<Position>,
}

impl<T> Pump<T> {
    fn new(producer: Box<Producer>, fallible: bool) -> Self {
        Self {
            fallible,
            channel: None,
            waiting: VecDeque::new(),
            unanswered: None,
            unanswered_lost: 0,
            finish: None,
            lost: 0,
            hint: 64,
            polling: false,
            producer,
        }
    }
}

impl<T: StreamItem> Pump<T> {
    /// Sends the items that are ready, as far as the consumer grants credit.
    fn pump(&mut self, answers: &mut Answers<'_>, mut source: impl Source<T>) -> PumpStatus {
        let shared = Arc::clone(&self.producer.shared);
        let channel = match self.channel {
            Some(channel) => channel,
            None => match answers.open(&self.producer.call, Role::Producer, ChannelBinding::Handler) {
                Ok((channel, _)) => *self.channel.insert(channel),
                Err(rejection) => {
                    answers.finish::<()>(&self.producer.call, Err(rejection));
                    return PumpStatus::Finished;
                }
            },
        };
        if shared.mode() == Mode::Draining
            && self.producer.tracking.as_ref().is_some_and(|tracking| tracking.goes_on_elsewhere())
        {
            // It goes on elsewhere, and would not end by itself.
            let reason = Rejection::new("the server is about to close").with_code(code::DRAINING);
            return self.fail(channel, answers, &reason);
        }
        let (mut credit, mut as_request, mut sent, mut budget) = (0, false, 0, ITEMS_PER_POLL);
        let status = loop {
            if credit == 0 {
                let allowance = shared.allowance(channel, mem::take(&mut sent));
                if self.unanswered.is_some() && allowance != Allowance::Blocked {
                    // A rejected item is sent again after the next start.
                    if let Some(item) = self.unanswered.take().filter(|_| shared.take_rejected(channel)) {
                        let at = self.producer.tracking.as_ref().and_then(|tracking| tracking.last());
                        self.waiting.push_front(Tracked { item, at });
                        self.lost += self.unanswered_lost;
                    }
                }
                (credit, as_request) = match allowance {
                    Allowance::Closed => break PumpStatus::Finished,
                    Allowance::Idle => break PumpStatus::Waiting,
                    Allowance::Blocked => break self.poll_without_credit(channel, answers, budget, source),
                    Allowance::Items(items) => (items, false),
                    Allowance::OneRequest => (1, true),
                };
            }
            if budget == 0 {
                break PumpStatus::Yielded;
            }
            if !answers.has_capacity() {
                break PumpStatus::OutputFull;
            }
            budget -= 1;
            match self.next(&mut source) {
                Poll::Pending => break PumpStatus::Waiting,
                Poll::Ready(Some(Ok(item))) => {
                    self.unanswered_lost = self.lost;
                    if !self.send(channel, answers, as_request, &item) {
                        break PumpStatus::Finished;
                    }
                    credit -= 1;
                    sent += u32::from(!as_request);
                    self.unanswered = Some(item.item).filter(|_| as_request);
                }
                Poll::Ready(Some(Err(rejection))) => break self.fail(channel, answers, &rejection),
                Poll::Ready(None) => break self.done(channel, answers),
            }
        };
        if sent > 0 {
            shared.allowance(channel, sent);
        }
        status
    }

    /// Polls the stream. An item of a resumable stream comes with its position.
    fn poll_source(&mut self, source: &mut impl Source<T>) -> Next<Tracked<T>> {
        let Some(tracking) = &mut self.producer.tracking else {
            return source.poll_next().map(|item| Some(item?.map(|item| Tracked { item, at: None })));
        };
        let polled = tracking.poll(|| source.poll_next());
        polled.map(|item| {
            let (at, overtaken) = tracking.take();
            self.lost += overtaken;
            Some(item?.map(|item| Tracked { item, at }))
        })
    }

    /// Returns the next item. Waiting items come before items of the source.
    fn next(&mut self, source: &mut impl Source<T>) -> Next<Tracked<T>> {
        match (self.waiting.pop_front(), self.finish.take()) {
            (Some(item), finish) => {
                self.finish = finish;
                Poll::Ready(Some(Ok(item)))
            }
            (None, Some(Ok(()))) => Poll::Ready(None),
            (None, Some(Err(rejection))) => Poll::Ready(Some(Err(rejection))),
            (None, None) => self.poll_source(source),
        }
    }

    /// Polls a stream whose consumer grants no credit.
    ///
    /// Under [`OnFull::Wait`] the stream is polled only for its finish. Under another policy its items are kept or
    /// dropped.
    fn poll_without_credit(
        &mut self,
        channel: ChannelKey,
        answers: &mut Answers<'_>,
        budget: u32,
        mut source: impl Source<T>,
    ) -> PumpStatus {
        let shared = Arc::clone(&self.producer.shared);
        let window = shared.window(channel);
        let capacity = (window.unwrap_or(WINDOW) as usize).min(shared.endpoint.limits.max_stream_items);
        for _ in 0..budget {
            if self.finish.is_some() {
                // The finish needs no credit. A consumer that responds to each item has to respond to the last
                // item first [P-86].
                return if self.waiting.is_empty() && window.is_some() {
                    self.send_finish(channel, answers)
                } else {
                    PumpStatus::Waiting
                };
            }
            let waits = self.producer.on_full == OnFull::Wait;
            if waits && (window.is_none() || !self.waiting.is_empty() || !self.may_be_finished(source.upper_bound())) {
                return PumpStatus::Waiting;
            }
            match self.poll_source(&mut source) {
                Poll::Pending => return PumpStatus::Waiting,
                Poll::Ready(Some(Ok(item))) if waits => self.waiting.push_back(item),
                Poll::Ready(Some(Ok(item))) => {
                    if !self.enqueue(item, capacity) {
                        let reason = Rejection::new("The consumer is too slow").with_code(code::TOO_MANY);
                        self.finish = Some(Err(reason));
                    }
                }
                Poll::Ready(Some(Err(rejection))) => self.finish = Some(Err(rejection)),
                Poll::Ready(None) => self.finish = Some(Ok(())),
            }
        }
        PumpStatus::Yielded
    }

    /// Returns true if at most the finish or a final error is left, so that polling does not run ahead of the
    /// consumer.
    fn may_be_finished(&self, upper_bound: Option<usize>) -> bool {
        upper_bound.is_some_and(|items| items <= usize::from(self.fallible))
    }

    fn send_finish(&mut self, channel: ChannelKey, answers: &mut Answers<'_>) -> PumpStatus {
        match self.finish.take() {
            Some(Err(rejection)) => self.fail(channel, answers, &rejection),
            _ => self.done(channel, answers),
        }
    }

    /// Keeps an item until there is credit, or drops this item or the oldest. Returns false if the policy allows
    /// neither.
    fn enqueue(&mut self, item: Tracked<T>, window: usize) -> bool {
        let capacity = match self.producer.on_full {
            OnFull::Wait | OnFull::Close => return false,
            OnFull::Latest => 1,
            OnFull::DropOldest | OnFull::DropNewest => window,
        };
        let full = self.waiting.len() >= capacity;
        if full && self.producer.on_full == OnFull::DropNewest {
            self.lost += 1;
            return true;
        }
        self.lost += u64::from(full && self.waiting.pop_front().is_some());
        self.waiting.push_back(item);
        true
    }

    /// Sends an item. Returns false if it cannot be encoded or is too large; the stream is then aborted.
    fn send(&mut self, channel: ChannelKey, answers: &mut Answers<'_>, as_request: bool, item: &Tracked<T>) -> bool {
        let request = if as_request { self.producer.shared.item_request(channel) } else { None };
        let Tracked { item, at } = item;
        let shown = self.producer.tracking.as_mut().and_then(|tracking| tracking.shown(*at, self.lost));
        let written = answers.write(self.hint, |out| {
            let start = out.len();
            encode::item_at(out, channel.id(), request, self.lost, shown, item)?;
            self.hint = out.len() - start;
            Ok(())
        });
        match written {
            Ok(()) => self.lost = 0,
            Err(WriteError::TooLarge(too_large)) => {
                self.fail(channel, answers, &too_large.rejection());
                self.producer.shared.report(&too_large.error(&self.producer.call.event));
                return false;
            }
            Err(WriteError::Encode(source)) => {
                self.fail(channel, answers, &Rejection::internal_error());
                let event = self.producer.call.event.to_string();
                self.producer.shared.report(&ServiceError::Encode { event, source });
                return false;
            }
        }
        true
    }

    fn done(&mut self, channel: ChannelKey, answers: &mut Answers<'_>) -> PumpStatus {
        answers.write_plain(|out| encode::done(out, channel.id(), self.lost));
        answers.record(|| Outcome::Ok);
        self.producer.shared.close_channel(channel);
        PumpStatus::Finished
    }

    fn fail(&mut self, channel: ChannelKey, answers: &mut Answers<'_>, rejection: &Rejection) -> PumpStatus {
        answers.report(&self.producer.call, rejection);
        answers.record(|| Outcome::rejected(rejection));
        self.producer.shared.abort_channel(channel, Some(rejection));
        PumpStatus::Finished
    }
}

/// Aborts the channel of a stream that is dropped before its finish.
///
/// The stream has panicked, or the channel of the call that asked for it is closed. If its own channel is closed,
/// this does nothing.
impl<T> Drop for Pump<T> {
    fn drop(&mut self) {
        if let Some(channel) = self.channel {
            let panicked = self.polling.then(Reason::internal_error);
            self.producer.shared.abort_channel(channel, panicked.as_ref());
        }
    }
}
