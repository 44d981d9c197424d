//! Connections, their traffic and what they hold.

use super::Target;
use super::names::{
    BLOCKED_THREADS, BUFFERED_BYTES, CALLS_IN_FLIGHT, CHANNELS, CLOSED, CLOSED_FOR_FULL_QUEUE, CONNECTIONS,
    EVENTS_DROPPED, EVENTS_LEFT_OUT, EVENTS_REPLACED, HANDLERS, HEARTBEATS_LOST, LIMITS, METADATA, OPENED,
    QUEUED_BYTES, RECEIVED_BYTES, RECEIVED_MESSAGES, RECONNECTS, REFUSED, SENT_BYTES, SENT_MESSAGES, STREAMS, key,
};
use crate::close::CloseCause;
use crate::engine::{CallOutcome, ConnectionView, RefusalReason, Traffic};
use crate::proto::{Side, code};
use metrics::{Counter, Gauge, Key};
use std::sync::OnceLock;

pub(super) struct ConnectionMetrics {
    target: Target,
    /// Registered by the first connection of each side, so that a server shows no numbers of clients.
    server: OnceLock<SideMetrics>,
    client: OnceLock<SideMetrics>,
}

/// The metrics of the connections of servers, or of clients.
struct SideMetrics {
    connections: Gauge,
    opened: Counter,
    reconnects: Counter,
    heartbeats_lost: Counter,
    received_messages: Counter,
    received_bytes: Counter,
    sent_messages: Counter,
    sent_bytes: Counter,
    events_dropped: Counter,
    events_left_out: Counter,
    events_replaced: Counter,
    closed_for_full_queue: Counter,
    handlers: Gauge,
    calls: Gauge,
    blocked_threads: Gauge,
    channels: Gauge,
    streams: Gauge,
    queued_bytes: Gauge,
    buffered_bytes: Gauge,
}

impl SideMetrics {
    fn new(target: &Target, side: &str) -> Self {
        target.with(|recorder| {
            let counter = |name| recorder.register_counter(&key(name, [("side", side.to_owned())]), &METADATA);
            let gauge = |name| recorder.register_gauge(&key(name, [("side", side.to_owned())]), &METADATA);
            Self {
                connections: gauge(CONNECTIONS),
                opened: counter(OPENED),
                reconnects: counter(RECONNECTS),
                heartbeats_lost: counter(HEARTBEATS_LOST),
                received_messages: counter(RECEIVED_MESSAGES),
                received_bytes: counter(RECEIVED_BYTES),
                sent_messages: counter(SENT_MESSAGES),
                sent_bytes: counter(SENT_BYTES),
                events_dropped: counter(EVENTS_DROPPED),
                events_left_out: counter(EVENTS_LEFT_OUT),
                events_replaced: counter(EVENTS_REPLACED),
                closed_for_full_queue: counter(CLOSED_FOR_FULL_QUEUE),
                handlers: gauge(HANDLERS),
                calls: gauge(CALLS_IN_FLIGHT),
                blocked_threads: gauge(BLOCKED_THREADS),
                channels: gauge(CHANNELS),
                streams: gauge(STREAMS),
                queued_bytes: gauge(QUEUED_BYTES),
                buffered_bytes: gauge(BUFFERED_BYTES),
            }
        })
    }
}

impl ConnectionMetrics {
    pub(super) fn new(target: &Target) -> Self {
        Self { target: target.clone(), server: OnceLock::new(), client: OnceLock::new() }
    }

    fn side(&self, connection: ConnectionView<'_>) -> &SideMetrics {
        match connection.shared().endpoint.side {
            Side::Server => self.server.get_or_init(|| SideMetrics::new(&self.target, "server")),
            Side::Client => self.client.get_or_init(|| SideMetrics::new(&self.target, "client")),
        }
    }

    pub(super) fn opened(&self, connection: ConnectionView<'_>) {
        let side = self.side(connection);
        side.connections.increment(1.0);
        side.opened.increment(1);
        if connection.epoch() > 1 {
            side.reconnects.increment(1);
        }
    }

    pub(super) fn closed(&self, connection: ConnectionView<'_>, cause: CloseCause) {
        let side = self.side(connection);
        side.connections.decrement(1.0);
        let label = match cause {
            CloseCause::Local => "local",
            CloseCause::Remote => "remote",
            CloseCause::Lost => "lost",
            CloseCause::Violation => "violation",
            CloseCause::Unread => "unread",
            CloseCause::Limit => "limit",
            CloseCause::Heartbeat => "heartbeat",
        };
        self.increment(&key(CLOSED, [("cause", label.to_owned())]));
        match cause {
            CloseCause::Heartbeat => side.heartbeats_lost.increment(1),
            CloseCause::Limit | CloseCause::Unread => self.limit("connection"),
            _ => {}
        }
    }

    pub(super) fn refused(&self, reason: RefusalReason) {
        self.increment(&key(REFUSED, [("reason", snake_case(&format!("{reason:?}")))]));
        if let RefusalReason::TooManyConnections
        | RefusalReason::TooManyHandshakes
        | RefusalReason::TooManyOfAddress
        | RefusalReason::TimedOut = reason
        {
            self.limit("handshake");
        }
    }

    pub(super) fn call_finished(&self, outcome: CallOutcome<'_>) {
        match outcome {
            CallOutcome::Rejected { code: Some(code::TOO_MANY) } => self.limit("call"),
            CallOutcome::Rejected { code: Some(code::TOO_LARGE) } => self.limit("message_size"),
            _ => {}
        }
    }

    pub(super) fn moved(&self, connection: ConnectionView<'_>, traffic: &Traffic) {
        let side = self.side(connection);
        for (counter, more) in [
            (&side.received_messages, traffic.received_messages),
            (&side.received_bytes, traffic.received_bytes),
            (&side.sent_messages, traffic.sent_messages),
            (&side.sent_bytes, traffic.sent_bytes),
            (&side.events_dropped, traffic.events_dropped),
            (&side.events_left_out, traffic.events_left_out),
            (&side.events_replaced, traffic.events_replaced),
            (&side.closed_for_full_queue, traffic.closed_for_full_queue),
        ] {
            if more > 0 {
                counter.increment(more);
            }
        }
        let Traffic { now, before, .. } = traffic;
        for (gauge, now, before) in [
            (&side.handlers, now.handlers_in_flight, before.handlers_in_flight),
            (&side.calls, now.calls_in_flight, before.calls_in_flight),
            (&side.blocked_threads, now.blocked_threads, before.blocked_threads),
            (&side.channels, now.open_channels, before.open_channels),
            (&side.streams, now.open_streams, before.open_streams),
            (&side.queued_bytes, now.queued_bytes, before.queued_bytes),
            (&side.buffered_bytes, now.buffered_bytes, before.buffered_bytes),
        ] {
            if now > before {
                gauge.increment(number(now - before));
            } else if before > now {
                gauge.decrement(number(before - now));
            }
        }
    }

    #[cold]
    fn limit(&self, limit: &str) {
        self.increment(&key(LIMITS, [("limit", limit.to_owned())]));
    }

    /// Adds one to a counter that is seldom used.
    fn increment(&self, key: &Key) {
        self.target.with(|recorder| recorder.register_counter(key, &METADATA)).increment(1);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no connection holds 2^53 of anything")]
fn number(number: usize) -> f64 {
    number as f64
}

/// Returns the name of a variant as a label.
fn snake_case(name: &str) -> String {
    let mut label = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_uppercase() && index > 0 {
            label.push('_');
        }
        label.extend(character.to_lowercase());
    }
    label
}
