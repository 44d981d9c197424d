//! Reading: what a turn takes from the transport, and when it takes nothing.

use super::Driver;
use crate::close::{Close, CloseCause, Closed};
use crate::engine::shared::Mode;
use crate::limits::Limits;
use crate::proto::{Address, Call, Message};
use crate::rt::{Instant, after};
use crate::transport::{Frame, Text, Transport, TransportError};
use std::task::{Context, Poll};
use std::time::Duration;

/// Messages or bytes after which a turn stops reading, so that other tasks can run.
pub(super) const TURN_MESSAGES: usize = 256;
const TURN_BYTES: usize = 64 * 1024;
/// The size of a begun message that is read to its end although memory is short.
const SMALL_MESSAGE: usize = 64 * 1024;
/// The time for which the transport keeps memory that it does not need now. So a connection with many large messages
/// seldom allocates it again.
const SPARE_MEMORY_TIME: Duration = Duration::from_millis(500);

/// The messages that were read in a turn.
#[derive(Default)]
struct Texts {
    count: u64,
    bytes: usize,
}

impl Texts {
    fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
    }
}

impl<T: Transport> Driver<T> {
    /// Handles held calls, then reads and handles frames. Returns true if there may be more.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let held = self.handle_held_calls(cx);
        let mut messages = held;
        let mut texts = Texts::default();
        let may_have_more = self.read_frames(cx, &mut messages, &mut texts, now);
        self.shared.moved.add_received(texts.count, texts.bytes as u64);
        self.liveness.record_reading(messages > held, self.transport.received_bytes(), now);
        may_have_more
    }

    /// Handles held calls. Returns their number.
    fn handle_held_calls(&mut self, cx: &mut Context<'_>) -> usize {
        let mut calls = 0;
        while !self.backlog.is_empty()
            && calls < TURN_MESSAGES
            && !self.is_full()
            && self.closing.is_open()
            && !self.sees_close_request()
        {
            let Some((text, received_at)) = self.backlog.pop() else { break };
            calls += 1;
            self.handle_held_text(cx, &text, received_at);
        }
        calls
    }

    /// Reads and handles frames, and counts them as messages of the turn. Returns true if there may be more.
    fn read_frames(&mut self, cx: &mut Context<'_>, messages: &mut usize, texts: &mut Texts, now: Instant) -> bool {
        while *messages < TURN_MESSAGES && texts.bytes < TURN_BYTES {
            if self.closing.is_reading_finished() {
                return false;
            }
            if self.sees_close_request() {
                // The rest is read, and dropped, after the close was applied.
                return true;
            }
            if self.is_overloaded() {
                self.pause_reading(now);
                return false;
            }
            self.liveness.resume_reading(now);
            match self.transport.poll_frame(cx) {
                Poll::Pending => {
                    self.check_message_rate(now);
                    self.free_spare_memory(now);
                    return false;
                }
                Poll::Ready(Some(Ok(Frame::Text(text)))) => {
                    *messages += 1;
                    texts.add(text.len());
                    if self.closing.is_open() {
                        self.receive_text(cx, &text, now);
                    }
                }
                Poll::Ready(Some(Ok(Frame::Binary(frame)))) => {
                    *messages += 1;
                    texts.add(frame.len());
                    // A binary frame is read as text [P-06]. One that is not UTF-8 is not JSON [P-02].
                    if self.closing.is_open()
                        && let Ok(text) = Text::try_from(frame)
                    {
                        self.receive_text(cx, &text, now);
                    }
                }
                Poll::Ready(Some(Ok(Frame::Ping(payload)))) => {
                    *messages += 1;
                    self.tell_ping(&payload);
                }
                Poll::Ready(Some(Ok(Frame::Pong(payload)))) => {
                    *messages += 1;
                    self.receive_pong(&payload, now);
                }
                Poll::Ready(Some(Ok(Frame::Close(close)))) => {
                    self.record_sent();
                    let closed = Closed::new(CloseCause::Remote, &close);
                    let deadline = after(now, self.shared.endpoint.limits.close_timeout);
                    let closed = self.closing.close_received(closed, deadline);
                    self.shared.announce_close(&closed);
                    self.stop_handlers();
                    // The peer sends no responses any more, and ignores further frames.
                    self.shared.disconnect(closed);
                }
                Poll::Ready(Some(Err(TransportError::Violation(close)))) => {
                    let cause = CloseCause::of_violation(&close);
                    self.close(&close, cause, now);
                }
                Poll::Ready(Some(Err(TransportError::Io(error)))) => self.fail(error, now),
                Poll::Ready(None) => self.finish_reading(Closed::lost(None), now),
            }
        }
        true
    }

    /// Returns true if a handle has requested a close during this turn, for example a handler. No call after that starts.
    #[inline]
    fn sees_close_request(&mut self) -> bool {
        let closes = self.shared.closes();
        if closes == self.closes {
            return false;
        }
        self.closes = closes;
        self.closing.requested = true;
        self.closing.is_open()
    }

    /// Closes the connection if a message arrives too slowly. Called when everything that has arrived was read.
    fn check_message_rate(&mut self, now: Instant) {
        let min_rate = self.shared.endpoint.limits.min_message_rate;
        if self.message_rate.is_too_slow(self.transport.begun_message(), min_rate, now) {
            let reason = format!("the message arrives at less than {min_rate} bytes per second");
            self.close(&Close::new(Close::POLICY_VIOLATION, reason), CloseCause::Limit, now);
        }
    }

    /// Frees memory that the transport has not needed for some time.
    fn free_spare_memory(&mut self, now: Instant) {
        if !self.transport.has_spare_memory() {
            self.free_memory_at = None;
        } else if *self.free_memory_at.get_or_insert_with(|| after(now, SPARE_MEMORY_TIME)) <= now {
            self.transport.free_spare_memory();
            self.free_memory_at = None;
        }
    }

    /// Stops reading for now, and pings the peer at intervals. Only a write shows that an unread peer is gone. The pings
    /// also show the peer that this endpoint is there, because it answers none.
    fn pause_reading(&mut self, now: Instant) {
        self.message_rate.pause(now);
        self.free_memory_at = None;
        let Limits { write_timeout, heartbeat_interval, .. } = self.shared.endpoint.limits;
        let interval = heartbeat_interval.map_or(write_timeout, |interval| interval.min(write_timeout));
        let is_probe_due = self.liveness.pause_reading(interval, now);
        if is_probe_due && self.closing.is_open() {
            self.send_ping();
        }
    }

    /// Handles a message. A call joins the backlog if no handler can start now, unless memory is short. A cancellation
    /// removes its call from there.
    fn receive_text(&mut self, cx: &mut Context<'_>, text: &Text, now: Instant) {
        if self.is_full() || !self.backlog.is_empty() {
            let message = Message::decode(text);
            if let Message::Cancellation(id, _) = message
                && let Some(cancelled) = self.backlog.cancel(id)
            {
                self.tell_received(text);
                return self.tell_dropped(&cancelled);
            }
            let id = match message {
                // Requests are rejected then.
                _ if self.memory_is_short => None,
                Message::Call(Call { id: Some(_), .. }) if self.mode == Mode::Draining => None,
                // The messages of a stream start no handler.
                Message::Call(Call { address: Address::Anonymous(channel), event, .. })
                    if self.shared.is_stream_message(channel, &event) =>
                {
                    None
                }
                Message::Call(call) => Some(call.id),
                Message::BadName(id) => Some(id),
                _ => None,
            };
            if let Some(id) = id {
                self.tell_received(text);
                return self.backlog.push(text, id, now);
            }
        }
        self.handle_text(cx, text, now);
    }

    /// Returns true if no frame may be read now, because it could not be stored or answered.
    ///
    /// Held calls fill the backlog. Unsent bytes reach three times their limit if the peer sends frames that are
    /// answered automatically, such as pings or messages on unknown channels, and reads nothing. While memory is short,
    /// a large message is not read to its end. Nothing that arrives is stored while the connection closes.
    pub(super) fn is_overloaded(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        let unsent_bytes = self.transport.output().len() + self.shared.queued_bytes();
        // During a pause the items of streams are held, too.
        let untaken_bytes = if self.shared.is_paused() { self.shared.untaken_bytes() } else { 0 };
        (self.backlog.bytes() + untaken_bytes >= limits.max_held_bytes && self.closing.is_open())
            || unsent_bytes >= limits.max_outbound_bytes.saturating_mul(3)
            || (self.memory_is_short && self.begun_bytes() > SMALL_MESSAGE)
    }

    /// Returns the size of the received part of a message that is not complete.
    pub(super) fn begun_bytes(&self) -> usize {
        self.transport.begun_message().map_or(0, |message| usize::try_from(message.bytes).unwrap_or(usize::MAX))
    }

    /// Returns true if no further handler can start now.
    pub(super) fn is_full(&mut self) -> bool {
        let limits = &self.shared.endpoint.limits;
        self.opening.is_some()
            || self.shared.is_paused()
            || self.running.len() >= limits.max_handlers_in_flight
            || self.shared.bytes_waiting_for_threads() >= limits.max_held_bytes
            || self.transport.output().len() >= limits.max_outbound_bytes
    }
}
