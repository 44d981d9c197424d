//! Pings: those of the heartbeat, those that handles request, and what the peer sends of them.

use super::Driver;
use super::liveness::Heartbeat;
use crate::close::CloseCause;
use crate::engine::observer::Interest;
use crate::rt::Instant;
use crate::transport::Transport;

impl<T: Transport> Driver<T> {
    /// Pings a silent peer, or disconnects it if it has not answered. Called after the reading of a turn.
    #[inline]
    pub(super) fn check_heartbeat(&mut self, now: Instant) {
        if !self.closing.is_open() {
            return;
        }
        let grace = self.shared.endpoint.limits.heartbeat_grace;
        match self.liveness.check_heartbeat(grace, now) {
            Heartbeat::Wait => {}
            Heartbeat::Ping => {
                if self.send_ping().is_none() {
                    self.liveness.disable_heartbeats();
                }
            }
            Heartbeat::Dead => {
                let reason = format!("nothing was received for {grace:?} after a ping");
                self.closing.abort(CloseCause::Heartbeat, &reason, now);
            }
        }
    }

    /// Writes a ping, and returns its number. `None` if the transport cannot send pings.
    ///
    /// The payload is the number. A peer may answer only the last of several pings (RFC 6455, 5.5.3), so a pong answers
    /// all pings up to its number.
    pub(super) fn send_ping(&mut self) -> Option<u64> {
        let number = self.liveness.next_ping();
        self.transport.ping(&number.to_be_bytes()).then_some(number)
    }

    /// Sends the ping that handles wait for.
    #[cold]
    pub(super) fn send_requested_ping(&mut self, now: Instant) {
        match self.send_ping() {
            Some(number) => self.shared.ping_sent(number, now),
            None => self.shared.fail_pings(),
        }
    }

    /// Tells the observers of a ping, which the transport answers.
    pub(super) fn tell_ping(&self, payload: &[u8]) {
        if self.shared.endpoint.observers.any_interest(Interest::PINGS) {
            self.shared.endpoint.observers.tell(&self.shared, Interest::PINGS, |observer, connection| {
                observer.ping_received(connection, payload);
            });
        }
    }

    /// Completes the pings that a pong answers, and tells the observers. A pong with another payload answers none.
    pub(super) fn receive_pong(&self, payload: &[u8], now: Instant) {
        let number = payload.try_into().ok().map(u64::from_be_bytes);
        if let Some(number) = number.filter(|number| *number <= self.liveness.last_ping()) {
            self.shared.pong_received(number, now);
        }
        if self.shared.endpoint.observers.any_interest(Interest::PINGS) {
            self.shared.endpoint.observers.tell(&self.shared, Interest::PINGS, |observer, connection| {
                observer.pong_received(connection, payload);
            });
        }
    }
}
