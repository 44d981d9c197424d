//! Records spans, and the events in them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The spans of a test.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Span>>>);

/// A recorded span.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    id: u64,
    pub(super) name: &'static str,
    pub(super) fields: BTreeMap<String, String>,
    /// The names of the parent and of the span that it follows from, with their methods.
    pub(super) parent: Option<String>,
    pub(super) follows: Option<String>,
    /// The messages of the events in it.
    pub(super) events: Vec<String>,
    pub(super) is_closed: bool,
}

impl Span {
    /// Returns the value of a field, or an empty text.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value)
    }

    /// Returns the name of the span with its method.
    fn title(&self) -> String {
        [self.name, self.field("rpc.method")].join(" ").trim_end().to_owned()
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Recorder {
    /// Records the spans of this thread until the guard is dropped.
    pub(super) fn start() -> (Self, DefaultGuard) {
        let recorder = Self::default();
        let guard = set_default(Registry::default().with(recorder.clone()));
        (recorder, guard)
    }

    /// Returns the spans with this name and method, in the order in which they began.
    pub(super) fn spans(&self, title: &str) -> Vec<Span> {
        self.0.lock().unwrap().iter().filter(|span| span.title() == title).cloned().collect()
    }

    /// Returns the one span with this name and method.
    pub(super) fn span(&self, title: &str) -> Span {
        let spans = self.spans(title);
        assert_eq!(spans.len(), 1, "{title}: {spans:?}");
        spans[0].clone()
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Span)) {
        let mut spans = self.0.lock().unwrap();
        // Ids of closed spans are used again.
        if let Some(span) = spans.iter_mut().rev().find(|span| span.id == id.into_u64()) {
            change(span);
        }
    }

    fn title(&self, id: &Id) -> Option<String> {
        let spans = self.0.lock().unwrap();
        spans.iter().rev().find(|span| span.id == id.into_u64()).map(Span::title)
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).and_then(|parent| self.title(&parent.id()));
        let mut span = Span { id: id.into_u64(), name: attributes.metadata().name(), parent, ..Span::default() };
        attributes.record(&mut span);
        self.0.lock().unwrap().push(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.change(id, |span| values.record(span));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        let follows = self.title(follows);
        self.change(id, |span| span.follows = follows);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(current) = context.event_span(event) else { return };
        let mut fields = Span::default();
        event.record(&mut fields);
        self.change(&current.id(), |span| span.events.push(fields.field("message").to_owned()));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |span| span.is_closed = true);
    }
}
