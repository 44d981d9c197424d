//! Calls by event and outcome, and their durations.

use super::Target;
use super::names::{CALLS, DURATION, METADATA, key};
use crate::engine::{CallEnd, CallInfo, CallOutcome};
use metrics::{Counter, Histogram};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// The label of the channel of calls on anonymous channels. No named channel has a name with this form by convention.
const ANONYMOUS: &str = "(anonymous)";
/// The label of calls that no handler was started for.
const UNKNOWN: &str = "(unknown)";
/// The label of events beyond the number that have labels of their own.
const OTHER: &str = "(other)";

pub(super) struct CallMetrics {
    target: Target,
    max_events: usize,
    has_durations: bool,
    events: RwLock<Events>,
    unknown: EventMetrics,
    other: EventMetrics,
}

/// The metrics of events, by channel and name.
#[derive(Default)]
struct Events {
    by_channel: HashMap<Box<str>, HashMap<Box<str>, Arc<EventMetrics>>>,
    count: usize,
}

/// The metrics of one event. Each is registered when it is needed first.
struct EventMetrics {
    channel: Box<str>,
    event: Box<str>,
    outcomes: [OnceLock<Counter>; OUTCOMES.len()],
    duration: OnceLock<Histogram>,
}

/// The labels of the outcomes.
const OUTCOMES: [&str; 5] = ["ok", "rejected", "panicked", "cancelled", "channel_opened"];

impl EventMetrics {
    fn new(channel: &str, event: &str) -> Self {
        let outcomes = Default::default();
        Self { channel: channel.into(), event: event.into(), outcomes, duration: OnceLock::new() }
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        [("channel", self.channel.to_string()), ("event", self.event.to_string())]
    }

    fn counter(&self, target: &Target, outcome: CallOutcome<'_>) -> &Counter {
        let index = match outcome {
            CallOutcome::Ok => 0,
            CallOutcome::Rejected { .. } => 1,
            CallOutcome::Panicked => 2,
            CallOutcome::Cancelled => 3,
            CallOutcome::ChannelOpened => 4,
        };
        self.outcomes[index].get_or_init(|| {
            let [channel, event] = self.labels();
            let key = key(CALLS, [channel, event, ("outcome", OUTCOMES[index].to_owned())]);
            target.with(|recorder| recorder.register_counter(&key, &METADATA))
        })
    }

    fn duration(&self, target: &Target) -> &Histogram {
        self.duration.get_or_init(|| {
            let key = key(DURATION, self.labels());
            target.with(|recorder| recorder.register_histogram(&key, &METADATA))
        })
    }
}

impl CallMetrics {
    pub(super) fn new(target: Target, max_events: usize, has_durations: bool) -> Self {
        let (unknown, other) = (EventMetrics::new(UNKNOWN, UNKNOWN), EventMetrics::new(OTHER, OTHER));
        Self { target, max_events, has_durations, events: RwLock::default(), unknown, other }
    }

    pub(super) fn finished(&self, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        if !call.is_handled {
            return self.unknown.counter(&self.target, end.outcome).increment(1);
        }
        let channel = if call.anonymous_channel.is_some() { ANONYMOUS } else { call.channel.unwrap_or_default() };
        let found = self.events.read().unwrap_or_else(PoisonError::into_inner).get(channel, call.event);
        let event = found.or_else(|| self.add(channel, call.event));
        let event = event.as_deref().unwrap_or(&self.other);
        event.counter(&self.target, end.outcome).increment(1);
        if self.has_durations {
            event.duration(&self.target).record(end.took.as_secs_f64());
        }
    }

    /// Adds an event. Returns `None` if there are too many.
    #[cold]
    fn add(&self, channel: &str, event: &str) -> Option<Arc<EventMetrics>> {
        let mut events = self.events.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(added) = events.get(channel, event) {
            return Some(added);
        }
        if events.count >= self.max_events {
            return None;
        }
        events.count += 1;
        let metrics = Arc::new(EventMetrics::new(channel, event));
        events.by_channel.entry(channel.into()).or_default().insert(event.into(), Arc::clone(&metrics));
        Some(metrics)
    }
}

impl Events {
    fn get(&self, channel: &str, event: &str) -> Option<Arc<EventMetrics>> {
        self.by_channel.get(channel)?.get(event).cloned()
    }
}
