//! A log that unit tests read.

use crate::lock::lock;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Collects the values of one field of all events, for example `message`.
#[derive(Clone)]
pub(crate) struct TestLog {
    field: &'static str,
    values: Arc<Mutex<Vec<String>>>,
}

impl TestLog {
    pub(crate) fn of(field: &'static str) -> Self {
        Self { field, values: Arc::default() }
    }

    /// Returns the values that contain this text.
    pub(crate) fn containing(&self, text: &str) -> Vec<String> {
        lock(&self.values).iter().filter(|value| value.contains(text)).cloned().collect()
    }
}

impl Subscriber for TestLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut |field: &Field, value: &dyn Debug| {
            if field.name() == self.field {
                lock(&self.values).push(format!("{value:?}"));
            }
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
