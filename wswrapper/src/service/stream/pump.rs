//! From a handler's stream to its channel.

use super::{OnFull, Producer};
use crate::engine::{Answers, ChannelBinding, WINDOW};
use crate::error::PeerError;
use crate::proto::{Allowance, ChannelKey, Reason, Rejection, Role, encode};
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
    /// A stream on its way to its channel.
    pub(super) struct Pumping<S, T, F> {
        pump: Pump<T>,
        #[pin]
        stream: S,
        into_result: F,
    }
}

impl<S, T, F> Pumping<S, T, F> {
    /// `fails` says whether items may be errors.
    pub(super) fn new(producer: Producer, stream: S, into_result: F, fails: bool) -> Self {
        Self { pump: Pump::new(producer, fails), stream, into_result }
    }
}

impl<S, T, F> Future for Pumping<S, T, F>
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
        let pumped = shared.loan_slot().with(&shared, |answers| {
            let source = Polled { stream: this.stream.as_mut(), cx: &mut *cx, into_result: this.into_result };
            this.pump.pump(answers, source)
        });
        this.pump.polling = false;
        match pumped.unwrap_or(Pumped::Waits) {
            Pumped::Ended => return Poll::Ready(()),
            Pumped::Waits => {}
            Pumped::Yields => cx.waker().wake_by_ref(),
            Pumped::OutputFull => shared.wait_for_output(cx),
        }
        Poll::Pending
    }
}

/// The next item of a stream.
type Next<T> = Poll<Option<Result<T, Rejection>>>;

/// A stream that may be asked for items.
trait Source<T> {
    fn poll_next(&mut self) -> Next<T>;

    /// How many more it may give, where it knows that.
    fn most(&self) -> Option<usize>;
}

struct Polled<'p, 'c, S, F> {
    stream: Pin<&'p mut S>,
    cx: &'p mut Context<'c>,
    into_result: &'p F,
}

impl<S, T, F> Source<T> for Polled<'_, '_, S, F>
where
    S: Stream,
    F: Fn(S::Item) -> Result<T, Rejection>,
{
    fn poll_next(&mut self) -> Next<T> {
        let item = ready!(self.stream.as_mut().poll_next(self.cx));
        Poll::Ready(item.map(self.into_result))
    }

    fn most(&self) -> Option<usize> {
        self.stream.size_hint().1
    }
}

/// How far a stream got.
enum Pumped {
    /// It or its consumer waits.
    Waits,
    /// Others are to have their turn.
    Yields,
    /// The connection's output is full.
    OutputFull,
    /// It has ended, and its channel.
    Ended,
}

/// So many items are sent, or dropped, in one turn.
const BURST: u32 = 256;

/// Sends the items of a stream.
struct Pump<T> {
    producer: Producer,
    /// Whether an item may be an error.
    fails: bool,
    channel: Option<ChannelKey>,
    /// Items that wait for a consumer that is behind, where the stream does not; or one that was not the error that the last
    /// may be.
    held: VecDeque<T>,
    /// How the stream ended, as long as items of it are held.
    end: Option<Result<(), Rejection>>,
    /// Items that were dropped since the last that was sent.
    lost: u64,
    /// The length of the last item's frame.
    hint: usize,
    /// It stays so if that panics.
    polling: bool,
}

impl<T> Pump<T> {
    fn new(producer: Producer, fails: bool) -> Self {
        Self { producer, fails, channel: None, held: VecDeque::new(), end: None, lost: 0, hint: 64, polling: false }
    }
}

impl<T: StreamItem> Pump<T> {
    /// Sends what there is, as far as the consumer takes it.
    fn pump(&mut self, answers: &mut Answers<'_>, mut source: impl Source<T>) -> Pumped {
        let shared = Arc::clone(&self.producer.shared);
        let channel = match self.channel {
            Some(channel) => channel,
            None => match answers.open(&self.producer.call, Role::Producer, ChannelBinding::Handler) {
                Ok((channel, _)) => *self.channel.insert(channel),
                Err(rejection) => {
                    answers.finish::<()>(&self.producer.call, Err(rejection));
                    return Pumped::Ended;
                }
            },
        };
        let (mut credit, mut as_request, mut sent, mut left) = (0, false, 0, BURST);
        let pumped = loop {
            if credit == 0 {
                (credit, as_request) = match shared.allowance(channel, mem::take(&mut sent)) {
                    Allowance::Closed => break Pumped::Ended,
                    Allowance::Idle => break Pumped::Waits,
                    Allowance::Blocked => break self.hold(channel, answers, left, source),
                    Allowance::Items(items) => (items, false),
                    Allowance::OneRequest => (1, true),
                };
            }
            if left == 0 {
                break Pumped::Yields;
            }
            if !answers.has_capacity() {
                break Pumped::OutputFull;
            }
            left -= 1;
            match self.next(&mut source) {
                Poll::Pending => break Pumped::Waits,
                Poll::Ready(Some(Ok(item))) if self.send(channel, answers, as_request, &item) => {
                    credit -= 1;
                    sent += u32::from(!as_request);
                }
                Poll::Ready(Some(Ok(_))) => break Pumped::Ended,
                Poll::Ready(Some(Err(rejection))) => break self.fail(channel, answers, &rejection),
                Poll::Ready(None) => break self.done(channel, answers),
            }
        };
        if sent > 0 {
            shared.allowance(channel, sent);
        }
        pumped
    }

    /// The next item: first those that are held.
    fn next(&mut self, source: &mut impl Source<T>) -> Next<T> {
        match (self.held.pop_front(), self.end.take()) {
            (Some(item), end) => {
                self.end = end;
                Poll::Ready(Some(Ok(item)))
            }
            (None, Some(Ok(()))) => Poll::Ready(None),
            (None, Some(Err(rejection))) => Poll::Ready(Some(Err(rejection))),
            (None, None) => source.poll_next(),
        }
    }

    /// The consumer is behind: a stream that does not wait goes on; of one that waits only the end is looked for.
    fn hold(
        &mut self,
        channel: ChannelKey,
        answers: &mut Answers<'_>,
        most: u32,
        mut source: impl Source<T>,
    ) -> Pumped {
        let shared = Arc::clone(&self.producer.shared);
        let window = shared.window(channel);
        let room = (window.unwrap_or(WINDOW) as usize).min(shared.endpoint.limits.stream_items);
        for _ in 0..most {
            if self.end.is_some() {
                // It needs no credit; but who answers each item has to answer the last one first [P-86].
                return if self.held.is_empty() && window.is_some() {
                    self.end(channel, answers)
                } else {
                    Pumped::Waits
                };
            }
            let waits = self.producer.on_full == OnFull::Wait;
            if waits && (window.is_none() || !self.held.is_empty() || !self.may_be_over(source.most())) {
                return Pumped::Waits;
            }
            match source.poll_next() {
                Poll::Pending => return Pumped::Waits,
                Poll::Ready(Some(Ok(item))) if waits => self.held.push_back(item),
                Poll::Ready(Some(Ok(item))) => {
                    if !self.keep(item, room) {
                        let reason = Rejection::new("The consumer is too slow").with_code("TooSlow");
                        self.end = Some(Err(reason));
                    }
                }
                Poll::Ready(Some(Err(rejection))) => self.end = Some(Err(rejection)),
                Poll::Ready(None) => self.end = Some(Ok(())),
            }
        }
        Pumped::Yields
    }

    /// Whether no item comes any more, or one at most, which may be an error.
    fn may_be_over(&self, most: Option<usize>) -> bool {
        most.is_some_and(|most| most <= usize::from(self.fails))
    }

    fn end(&mut self, channel: ChannelKey, answers: &mut Answers<'_>) -> Pumped {
        match self.end.take() {
            Some(Err(rejection)) => self.fail(channel, answers, &rejection),
            _ => self.done(channel, answers),
        }
    }

    /// Keeps an item for a consumer that is behind, or drops it or another; false if that is not wanted.
    fn keep(&mut self, item: T, window: usize) -> bool {
        let room = match self.producer.on_full {
            OnFull::Wait | OnFull::Close => return false,
            OnFull::Latest => 1,
            OnFull::DropOldest | OnFull::DropNewest => window,
        };
        let full = self.held.len() >= room;
        if full && self.producer.on_full == OnFull::DropNewest {
            self.lost += 1;
            return true;
        }
        self.lost += u64::from(full && self.held.pop_front().is_some());
        self.held.push_back(item);
        true
    }

    /// Sends an item; false if it could not, and the stream has ended.
    fn send(&mut self, channel: ChannelKey, answers: &mut Answers<'_>, as_request: bool, item: &T) -> bool {
        let request = if as_request { self.producer.shared.item_request(channel) } else { None };
        let written = answers.write(self.hint, |out| {
            let start = out.len();
            encode::item(out, channel.id(), request, self.lost, item)?;
            self.hint = out.len() - start;
            Ok(())
        });
        match written {
            Ok(()) => self.lost = 0,
            Err(source) => {
                self.fail(channel, answers, &Rejection::internal_error());
                let event = self.producer.call.event.to_string();
                self.producer.shared.report(&PeerError::Encode { event, source });
                return false;
            }
        }
        true
    }

    fn done(&mut self, channel: ChannelKey, answers: &mut Answers<'_>) -> Pumped {
        answers.write_plain(0, |out| encode::done(out, channel.id(), self.lost));
        self.producer.shared.close_channel(channel);
        Pumped::Ended
    }

    fn fail(&mut self, channel: ChannelKey, answers: &mut Answers<'_>, rejection: &Rejection) -> Pumped {
        answers.report(&self.producer.call, rejection);
        self.producer.shared.abort_channel(channel, Some(rejection));
        Pumped::Ended
    }
}

/// A stream that is dropped before its end: it has panicked, or the channel that it was asked for on has ended, if its
/// own has not.
impl<T> Drop for Pump<T> {
    fn drop(&mut self) {
        if let Some(channel) = self.channel {
            let panicked = self.polling.then(Reason::internal_error);
            self.producer.shared.abort_channel(channel, panicked.as_ref());
        }
    }
}
