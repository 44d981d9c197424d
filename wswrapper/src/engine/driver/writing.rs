//! Writing: queued frames are moved to the output, and the output is flushed.

use super::Driver;
use crate::close::CloseCause;
use crate::engine::shared::Requested;
use crate::rt::Instant;
use crate::transport::Transport;
use std::task::{Context, Poll};

/// Sent bytes that a transport may hold until its flush is complete. A TLS stream holds at most 64 KiB and one record.
const MAX_UNFLUSHED: u64 = 128 * 1024;

impl<T: Transport> Driver<T> {
    /// Moves queued frames to the output and flushes it. A peer that reads nothing for the write timeout is
    /// disconnected.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.closing.is_open() && self.transport.output().len() < self.shared.endpoint.limits.max_outbound_bytes {
            self.drain(now);
        }
        match self.transport.poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.liveness.flushed(now);
                match flushed {
                    Ok(()) => self.complete_flushes(0),
                    Err(error) => self.fail(error, now),
                }
                self.closing.flushed(now);
            }
            Poll::Pending => {
                self.complete_flushes(MAX_UNFLUSHED);
                let sent = self.transport.output().sent();
                if self.liveness.is_stalled(sent, self.shared.endpoint.limits.write_timeout, now) {
                    self.closing.abort(CloseCause::Unread, "the peer does not read", now);
                }
            }
        }
    }

    /// Moves queued frames to the output, and sends the ping that handles have requested.
    pub(super) fn drain(&mut self, now: Instant) {
        let output = self.transport.output();
        let requested = self.shared.drain_and_take_requests(output);
        self.record_sent();
        let Some(Requested { flushes, ping }) = requested else { return };
        if let Some(flushes) = flushes {
            let output = self.transport.output();
            self.flushes.append(*flushes, output.sent() + output.len() as u64);
        }
        if ping {
            self.send_requested_ping(now);
        }
    }

    /// Records what was moved to the output. Called before a flush, because the output takes a buffer when it is asked for,
    /// and gives it back after its flush.
    pub(super) fn record_sent(&mut self) {
        let (messages, bytes) = self.transport.output().written_texts();
        self.shared.moved.set_sent(messages, bytes);
    }

    /// Notifies the handles whose frames were written. The transport may still hold the last `unflushed` bytes.
    fn complete_flushes(&mut self, unflushed: u64) {
        if !self.flushes.is_empty() {
            let written = self.transport.output().sent().saturating_sub(unflushed);
            self.flushes.complete(written);
        }
    }
}
