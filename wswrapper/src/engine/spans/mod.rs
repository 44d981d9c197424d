//! Spans of `tracing` for connections and calls.

mod caller;
mod connection;
mod current_trace;
mod handler;
mod propagator;

pub(crate) use caller::CallerSpan;
pub(crate) use connection::{ConnectionSpan, connection_span};
pub(crate) use handler::{CallScope, InScope};

pub use propagator::Propagator;

use crate::close::cut;
use crate::proto::Arguments;
use std::fmt;
use std::sync::Arc;
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// Spans of `tracing` for each connection and for each call at both endpoints; see
/// [`spans`](crate::server::ServerBuilder::spans).
///
/// | span | target | from, to |
/// | --- | --- | --- |
/// | `connection` | `wswrapper::connection` | the task of a connection, until its `on_close` hooks have returned |
/// | `handle` | `wswrapper::call` | a call of the peer, from the start of its handler to the end of the handler or its stream |
/// | `background` | `wswrapper::background` | the work of [`Context::spawn`](crate::Context::spawn) |
/// | `call` | `wswrapper::call` | a call of this endpoint, from its first poll to its response, or until an event is queued |
///
/// The level is `INFO`. The handler runs in its span, so its events and its own calls belong to it. A span `handle` is the
/// root of a tree and follows from the span of its connection, because a connection outlives its calls. So a span `background`
/// follows from that of its handler.
///
/// The fields have the names of OpenTelemetry's conventions for RPC where these have one:
///
/// | field | value |
/// | --- | --- |
/// | `otel.name`, `otel.kind` | `channel/event`; `server` and `client` for requests, `consumer` and `producer` for events |
/// | `rpc.system` | `wswrapper` |
/// | `rpc.service` | the named channel; in `otel.name` of `handle`, one with parameters is written as its pattern, `doc/{id}` |
/// | `rpc.method` | the event, cut to 64 characters |
/// | `rpc.wswrapper.peer` | the number of the peer |
/// | `rpc.wswrapper.anonymous_channel` | the number of an anonymous channel |
/// | `rpc.wswrapper.request_id` | the id of a request; only in `handle` |
/// | `rpc.wswrapper.arguments` | the arguments as JSON, if [asked for](Self::arguments) |
/// | `rpc.wswrapper.outcome` | `ok`, `rejected`, `panicked`, `cancelled`, `channel_opened`, `timed_out`, `closed`, `not_sent` |
/// | `rpc.request.size`, `rpc.response.size` | bytes; of a stream the items too |
/// | `error.type` | the code of a rejection, or the outcome |
/// | `otel.status_code` | `ERROR` for a call that has failed; at the handler's endpoint for panics and internal errors only |
///
/// While no subscriber wants spans, a call pays for one look at the level of the subscribers.
///
/// ```
/// use wswrapper::{Server, observe::Spans};
///
/// let server = Server::builder().spans(Spans::new()).build()?;
/// # Ok::<(), wswrapper::error::MountError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "spans are created by a builder that mounts them"]
pub struct Spans {
    /// The longest arguments that are recorded, in bytes. 0 records none.
    max_argument_bytes: usize,
    propagator: Option<Arc<dyn Propagator>>,
}

impl Spans {
    /// Creates spans without the arguments of calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records the arguments of calls, as JSON that is cut after this number of bytes. Arguments may hold secrets.
    pub fn arguments(mut self, max_bytes: usize) -> Self {
        self.max_argument_bytes = max_bytes;
        self
    }

    /// Connects the spans with those of other processes. Without a propagator the trace of a caller is passed on as it
    /// came, with the calls of its handler.
    pub fn propagator(mut self, propagator: impl Propagator) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// Returns true if a subscriber may want the spans.
    #[inline]
    pub(crate) fn are_wanted() -> bool {
        LevelFilter::current() >= Level::INFO
    }

    /// Returns the arguments that a span records.
    fn recorded_arguments(&self, arguments: &Arguments<'_>) -> Option<String> {
        if self.max_argument_bytes == 0 {
            return None;
        }
        let inside = arguments.text().trim_start().trim_start_matches(',');
        let inside = inside.trim_end().strip_suffix(']').unwrap_or(inside);
        Some(format!("[{}]", cut(inside, self.max_argument_bytes)))
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("max_argument_bytes", &self.max_argument_bytes).finish_non_exhaustive()
    }
}

/// The name of a call, as a span shows it.
fn span_name<'n>(channel: Option<&'n str>, event: &'n str) -> impl fmt::Display + 'n {
    struct Name<'n>(Option<&'n str>, &'n str);
    impl fmt::Display for Name<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self(Some(channel), event) => write!(f, "{channel}/{event}"),
                Self(None, event) => f.write_str(event),
            }
        }
    }
    Name(channel, event)
}
