//! Metrics by the facade `metrics`.

mod calls;
mod connections;
mod names;

use crate::close::Closed;
use crate::engine::{CallEnd, CallInfo, ConnectionView, Interest, Observer, RefusedHandshake, Traffic};
use calls::CallMetrics;
use connections::ConnectionMetrics;
use metrics::Recorder;
use std::fmt;
use std::sync::Arc;

/// Metrics of connections and calls, by the facade [`metrics`]; see the
/// [guide](crate::guide::observation#metrics) for their names.
///
/// A clone counts with the same counters, so several servers and clients can share them. Labels are bounded: names that a
/// peer has made up are one label, and at most [`max_events`](Self::max_events) events have labels of their own.
///
/// The numbers of connections are added at the end of their turns. The end of a call costs a look at a table, one counter and
/// one histogram.
///
/// ```
/// use wswrapper::{Server, observe::Metrics};
///
/// // The recorder is installed before, for example by `metrics_exporter_prometheus::PrometheusBuilder::install`.
/// let server = Server::builder().metrics(Metrics::new()).build()?;
/// # Ok::<(), wswrapper::error::MountError>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is counted until a builder mounts the metrics"]
pub struct Metrics {
    target: Target,
    max_events: usize,
    has_durations: bool,
}

/// The recorder that gets the metrics.
#[derive(Clone)]
enum Target {
    Global,
    Own(Arc<dyn Recorder + Send + Sync>),
}

impl Target {
    /// Runs `register` with the recorder.
    fn with<R>(&self, register: impl FnOnce(&dyn Recorder) -> R) -> R {
        match self {
            Self::Global => metrics::with_recorder(register),
            Self::Own(recorder) => register(&**recorder),
        }
    }
}

impl Metrics {
    /// Creates metrics of the recorder that is installed for the process when a builder mounts them.
    pub fn new() -> Self {
        Self::of(Target::Global)
    }

    /// Creates metrics of this recorder.
    pub fn to_recorder(recorder: impl Recorder + Send + Sync + 'static) -> Self {
        Self::of(Target::Own(Arc::new(recorder)))
    }

    fn of(target: Target) -> Self {
        Self { target, max_events: 1_000, has_durations: true }
    }

    /// Sets the number of events that have labels of their own. The default is 1,000. Calls of further events are counted
    /// together, with the label `other`.
    pub fn max_events(mut self, max: usize) -> Self {
        self.max_events = max;
        self
    }

    /// Leaves out the histogram of the durations.
    pub fn without_durations(mut self) -> Self {
        self.has_durations = false;
        self
    }

    /// Creates the observer that counts.
    pub(crate) fn observer(&self) -> impl Observer + use<> {
        self.target.with(names::describe);
        MetricsObserver {
            connections: ConnectionMetrics::new(&self.target),
            calls: CallMetrics::new(self.target.clone(), self.max_events, self.has_durations),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("max_events", &self.max_events).finish_non_exhaustive()
    }
}

struct MetricsObserver {
    connections: ConnectionMetrics,
    calls: CallMetrics,
}

impl Observer for MetricsObserver {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn interest(&self) -> Interest {
        Interest::CALLS | Interest::TRAFFIC
    }

    fn handshake_refused(&self, refused: &RefusedHandshake<'_>) {
        self.connections.refused(refused.reason);
    }

    fn connection_opened(&self, connection: &ConnectionView<'_>) {
        self.connections.opened(*connection);
    }

    fn connection_closed(&self, connection: &ConnectionView<'_>, closed: &Closed) {
        self.connections.closed(*connection, closed.cause);
    }

    fn call_finished(&self, _: &ConnectionView<'_>, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        self.calls.finished(call, end);
        self.connections.call_finished(end.outcome);
    }

    fn traffic(&self, connection: &ConnectionView<'_>, traffic: &Traffic) {
        self.connections.moved(*connection, traffic);
    }
}
