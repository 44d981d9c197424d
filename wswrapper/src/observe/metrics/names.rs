//! The names of the metrics, with their units and descriptions.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit};

pub(super) const CONNECTIONS: &str = "wswrapper_connections";
pub(super) const OPENED: &str = "wswrapper_connections_opened_total";
pub(super) const CLOSED: &str = "wswrapper_connections_closed_total";
pub(super) const RECONNECTS: &str = "wswrapper_reconnects_total";
pub(super) const HEARTBEATS_LOST: &str = "wswrapper_heartbeats_lost_total";
pub(super) const REFUSED: &str = "wswrapper_handshakes_refused_total";
pub(super) const LIMITS: &str = "wswrapper_limits_reached_total";
pub(super) const CALLS: &str = "wswrapper_calls_total";
pub(super) const DURATION: &str = "wswrapper_call_duration_seconds";
pub(super) const RECEIVED_MESSAGES: &str = "wswrapper_received_messages_total";
pub(super) const RECEIVED_BYTES: &str = "wswrapper_received_bytes_total";
pub(super) const SENT_MESSAGES: &str = "wswrapper_sent_messages_total";
pub(super) const SENT_BYTES: &str = "wswrapper_sent_bytes_total";
pub(super) const EVENTS_DROPPED: &str = "wswrapper_events_dropped_total";
pub(super) const EVENTS_LEFT_OUT: &str = "wswrapper_events_left_out_total";
pub(super) const EVENTS_REPLACED: &str = "wswrapper_events_replaced_total";
pub(super) const CLOSED_FOR_FULL_QUEUE: &str = "wswrapper_closed_for_full_queue_total";
pub(super) const HANDLERS: &str = "wswrapper_handlers_in_flight";
pub(super) const CALLS_IN_FLIGHT: &str = "wswrapper_calls_in_flight";
pub(super) const BLOCKED_THREADS: &str = "wswrapper_blocked_threads";
pub(super) const CHANNELS: &str = "wswrapper_open_channels";
pub(super) const STREAMS: &str = "wswrapper_open_streams";
pub(super) const QUEUED_BYTES: &str = "wswrapper_queued_bytes";
pub(super) const BUFFERED_BYTES: &str = "wswrapper_buffered_bytes";

/// The counters, the gauges and the histogram, each with its unit and its description.
const COUNTERS: [(&str, Unit, &str); 15] = [
    (OPENED, Unit::Count, "Connections that were opened"),
    (CLOSED, Unit::Count, "Connections that were closed, by cause"),
    (RECONNECTS, Unit::Count, "Connections of clients after their first one"),
    (HEARTBEATS_LOST, Unit::Count, "Connections that were closed because the peer did not answer a ping"),
    (REFUSED, Unit::Count, "Handshakes that were refused, by reason"),
    (LIMITS, Unit::Count, "Times that a limit was reached, by limit"),
    (CALLS, Unit::Count, "Calls of peers that have ended, by channel, event and outcome"),
    (RECEIVED_MESSAGES, Unit::Count, "Messages of peers"),
    (RECEIVED_BYTES, Unit::Bytes, "Bytes of the messages of peers"),
    (SENT_MESSAGES, Unit::Count, "Messages to peers"),
    (SENT_BYTES, Unit::Bytes, "Bytes of the messages to peers"),
    (EVENTS_DROPPED, Unit::Count, "Events of peers that were not handled"),
    (EVENTS_LEFT_OUT, Unit::Count, "Times that an event left out a peer with a full queue"),
    (EVENTS_REPLACED, Unit::Count, "Events to peers that newer ones have replaced while they waited"),
    (CLOSED_FOR_FULL_QUEUE, Unit::Count, "Connections that were closed because their queues were full"),
];
const GAUGES: [(&str, Unit, &str); 8] = [
    (CONNECTIONS, Unit::Count, "Open connections"),
    (HANDLERS, Unit::Count, "Unfinished handlers, without those that send streams"),
    (CALLS_IN_FLIGHT, Unit::Count, "Calls to peers that wait for a response"),
    (BLOCKED_THREADS, Unit::Count, "Threads that blocking handlers occupy"),
    (CHANNELS, Unit::Count, "Open anonymous channels"),
    (STREAMS, Unit::Count, "Open streams and uploads"),
    (QUEUED_BYTES, Unit::Bytes, "Bytes that wait to be written"),
    (BUFFERED_BYTES, Unit::Bytes, "Bytes that the connections hold"),
];

pub(super) const METADATA: Metadata<'static> = Metadata::new("wswrapper", Level::INFO, Some("wswrapper"));

/// Describes all metrics.
pub(super) fn describe(recorder: &dyn Recorder) {
    let name = |name: &'static str| KeyName::from_const_str(name);
    let text = |text: &'static str| SharedString::const_str(text);
    for (counter, unit, description) in COUNTERS {
        recorder.describe_counter(name(counter), Some(unit), text(description));
    }
    for (gauge, unit, description) in GAUGES {
        recorder.describe_gauge(name(gauge), Some(unit), text(description));
    }
    recorder.describe_histogram(
        name(DURATION),
        Some(Unit::Seconds),
        text("Time from the start of a handler to the end of its call, by channel and event"),
    );
}

/// Returns the key of a metric with labels.
pub(super) fn key<const N: usize>(name: &'static str, labels: [(&'static str, String); N]) -> Key {
    let labels: Vec<_> = labels.into_iter().map(|(name, value)| Label::new(name, value)).collect();
    Key::from_parts(name, labels)
}
