//! Observers: they are told what happens on connections.

use super::call_log::{CallEnd, CallInfo};
use super::connection_view::ConnectionView;
use super::message_log::MessageLog;
use super::refused::RefusedHandshake;
use super::shared::Shared;
use super::spans::Spans;
use super::traffic::Traffic;
use crate::catch_panic::catch_panic;
use crate::close::Closed;
use crate::error::ServiceError;
use std::any::type_name;
use std::ops::BitOr;
use std::sync::Arc;

/// Sees what happens on the connections of a server or a client, for logs, metrics and traces.
///
/// A server or a client has [any number](crate::server::ServerBuilder::observer) of observers. They are told in the
/// order in which they were added. The hooks of a builder, such as
/// [`on_error`](crate::server::ServerBuilder::on_error), are observers too.
///
/// The methods are called by the task of the connection, or by the task that causes an error. They must not block. A
/// panic is logged under the [`name`](Self::name) of the observer and changes nothing else. Each method does nothing by
/// default, and what no observer is [interested](Self::interest) in costs nothing.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::Arc;
/// use wswrapper::{Server, observe::{CallEnd, CallInfo, CallOutcome, ConnectionView, Interest, Observer}};
///
/// #[derive(Default)]
/// struct Failures(AtomicU64);
///
/// impl Observer for Failures {
///     fn interest(&self) -> Interest {
///         Interest::CALLS
///     }
///
///     fn call_finished(&self, _: &ConnectionView<'_>, _: &CallInfo<'_>, end: &CallEnd<'_>) {
///         if matches!(end.outcome, CallOutcome::Rejected { .. } | CallOutcome::Panicked) {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let failures = Arc::new(Failures::default());
/// let server = Server::builder().observer(Arc::clone(&failures));
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Returns the name under which a panic of the observer is logged. The default is the name of its type.
    ///
    /// Called once, when the observer is added.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }

    /// Returns the kinds of things that happen for each message and that the observer sees. The default is all of them.
    ///
    /// Called once, when the observer is added. Connections and errors are seen in any case.
    fn interest(&self) -> Interest {
        Interest::ALL
    }

    /// A handshake was refused. Called by a server, before the response is sent.
    fn handshake_refused(&self, refused: &RefusedHandshake<'_>) {
        let _ = refused;
    }

    /// A connection was opened. Its first call, and its [`on_open`](crate::server::ServerBuilder::on_open) hook, start
    /// after that.
    fn connection_opened(&self, connection: &ConnectionView<'_>) {
        let _ = connection;
    }

    /// A connection was closed. Its handlers were stopped, and its `on_close` hook runs after that.
    fn connection_closed(&self, connection: &ConnectionView<'_>, closed: &Closed) {
        let _ = (connection, closed);
    }

    /// A call of the peer has arrived with valid arguments. Its handler starts after that.
    fn call_started(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>) {
        let _ = (connection, call);
    }

    /// A call of the peer has ended. A call that was rejected before its handler could start was not
    /// [started](Self::call_started).
    ///
    /// A call that has opened an anonymous channel ends when its handler finishes, for example at the end of a stream.
    fn call_finished(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        let _ = (connection, call, end);
    }

    /// A message of the peer has arrived. It is handled after that.
    fn message_received(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        let _ = (connection, message);
    }

    /// A message has moved from its queue to the output of the connection. An observer that sends a message for each
    /// message that it sees never comes to an end.
    fn message_sent(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        let _ = (connection, message);
    }

    /// A ping of the peer has arrived. The transport answers it.
    fn ping_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        let _ = (connection, payload);
    }

    /// A pong of the peer has arrived: the answer to a heartbeat or to [`Peer::ping`](crate::Peer::ping), or one that was
    /// not asked for.
    fn pong_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        let _ = (connection, payload);
    }

    /// The task of a connection has ended a turn, in which it has moved messages or its counters have changed. The
    /// increments are those since the last report of the connection. Its last report precedes its close.
    ///
    /// A turn handles all messages that have arrived, up to some hundred, so this is cheaper than a look at each message.
    fn traffic(&self, connection: &ConnectionView<'_>, traffic: &Traffic) {
        let _ = (connection, traffic);
    }

    /// An error has occurred while this endpoint served a peer.
    fn error(&self, connection: &ConnectionView<'_>, error: &ServiceError) {
        let _ = (connection, error);
    }

    /// An error has occurred that belongs to no connection: work of [`Server::spawn`](crate::Server::spawn) has panicked.
    fn endpoint_error(&self, error: &ServiceError) {
        let _ = error;
    }
}

/// A set of the things that an [`Observer`] sees for each message: `Interest::CALLS | Interest::SENT_MESSAGES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u8);

impl Interest {
    /// Nothing that happens for each message.
    pub const NONE: Self = Self(0);
    /// The calls of the peer: [`call_started`](Observer::call_started) and [`call_finished`](Observer::call_finished).
    pub const CALLS: Self = Self(1);
    /// The messages of the peer: [`message_received`](Observer::message_received).
    pub const RECEIVED_MESSAGES: Self = Self(2);
    /// The messages to the peer: [`message_sent`](Observer::message_sent).
    pub const SENT_MESSAGES: Self = Self(4);
    /// The pings and pongs of the peer: [`ping_received`](Observer::ping_received) and
    /// [`pong_received`](Observer::pong_received).
    pub const PINGS: Self = Self(8);
    /// The traffic of connections, once in each turn: [`traffic`](Observer::traffic).
    pub const TRAFFIC: Self = Self(16);
    /// All of them.
    pub const ALL: Self = Self(31);

    /// Returns true if all of `other` is in the set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An observer that the program keeps a reference to.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn interest(&self) -> Interest {
        (**self).interest()
    }

    fn handshake_refused(&self, refused: &RefusedHandshake<'_>) {
        (**self).handshake_refused(refused);
    }

    fn connection_opened(&self, connection: &ConnectionView<'_>) {
        (**self).connection_opened(connection);
    }

    fn connection_closed(&self, connection: &ConnectionView<'_>, closed: &Closed) {
        (**self).connection_closed(connection, closed);
    }

    fn call_started(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>) {
        (**self).call_started(connection, call);
    }

    fn call_finished(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        (**self).call_finished(connection, call, end);
    }

    fn message_received(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        (**self).message_received(connection, message);
    }

    fn message_sent(&self, connection: &ConnectionView<'_>, message: &MessageLog<'_>) {
        (**self).message_sent(connection, message);
    }

    fn ping_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        (**self).ping_received(connection, payload);
    }

    fn pong_received(&self, connection: &ConnectionView<'_>, payload: &[u8]) {
        (**self).pong_received(connection, payload);
    }

    fn traffic(&self, connection: &ConnectionView<'_>, traffic: &Traffic) {
        (**self).traffic(connection, traffic);
    }

    fn error(&self, connection: &ConnectionView<'_>, error: &ServiceError) {
        (**self).error(connection, error);
    }

    fn endpoint_error(&self, error: &ServiceError) {
        (**self).endpoint_error(error);
    }
}

/// The observers of a server or a client, in the order in which they are told.
pub(crate) struct Observers {
    entries: Vec<Entry>,
    /// The union of their interests.
    interest: Interest,
    /// The union of those that are always enabled.
    always: Interest,
    spans: Option<Spans>,
}

struct Entry {
    name: &'static str,
    interest: Interest,
    /// `None` if the observer is always told of what it is interested in.
    is_enabled: Option<fn() -> bool>,
    observer: Box<dyn Observer>,
}

impl Entry {
    fn wants(&self, interest: Interest) -> bool {
        self.interest.contains(interest) && self.is_enabled.is_none_or(|is_enabled| is_enabled())
    }
}

impl Default for Observers {
    fn default() -> Self {
        Self { entries: Vec::new(), interest: Interest::NONE, always: Interest::NONE, spans: None }
    }
}

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.always = self.always | observer.interest();
        self.push(observer, None);
    }

    /// Adds an observer that is told of things only while `is_enabled` returns true, which is asked each time.
    pub(crate) fn add_while(&mut self, observer: impl Observer, is_enabled: fn() -> bool) {
        self.push(observer, Some(is_enabled));
    }

    fn push(&mut self, observer: impl Observer, is_enabled: Option<fn() -> bool>) {
        let (name, interest) = (observer.name(), observer.interest());
        self.interest = self.interest | interest;
        self.entries.push(Entry { name, interest, is_enabled, observer: Box::new(observer) });
    }

    /// Returns true if any observer is interested in this.
    #[inline]
    pub(crate) fn any_interest(&self, interest: Interest) -> bool {
        self.interest.contains(interest) && (self.always.contains(interest) || self.is_any_enabled(interest))
    }

    #[cold]
    fn is_any_enabled(&self, interest: Interest) -> bool {
        (interest == Interest::CALLS && self.spans().is_some())
            || self.entries.iter().any(|entry| entry.wants(interest))
    }

    /// Mounts spans of connections and calls.
    pub(crate) fn set_spans(&mut self, spans: Spans) {
        self.interest = self.interest | Interest::CALLS;
        self.spans = Some(spans);
    }

    /// Returns the spans that are mounted, while a subscriber may want them.
    #[inline]
    pub(crate) fn spans(&self) -> Option<&Spans> {
        self.spans.as_ref().filter(|_| Spans::are_wanted())
    }

    /// Tells all observers that a handshake was refused. A panic is logged.
    #[cfg(feature = "websocket")]
    pub(crate) fn tell_refused(&self, refused: &RefusedHandshake<'_>) {
        self.tell_without_connection(|observer| observer.handshake_refused(refused));
    }

    /// Tells all observers of an error that belongs to no connection. A panic is logged.
    pub(crate) fn tell_endpoint_error(&self, error: &ServiceError) {
        self.tell_without_connection(|observer| observer.endpoint_error(error));
    }

    fn tell_without_connection(&self, tell: impl Fn(&dyn Observer)) {
        for Entry { name, observer, .. } in &self.entries {
            if let Err(message) = catch_panic(|| tell(&**observer)) {
                tracing::error!("`{name}` panicked: {message}");
            }
        }
    }

    /// Calls all observers with this interest. A panic is logged.
    pub(crate) fn tell(
        &self,
        shared: &Arc<Shared>,
        interest: Interest,
        tell: impl Fn(&dyn Observer, &ConnectionView<'_>),
    ) {
        for entry in self.entries.iter().filter(|entry| entry.wants(interest)) {
            if let Err(message) = catch_panic(|| tell(&*entry.observer, &ConnectionView::new(shared))) {
                shared.report_hook_panic(entry.name, &message);
            }
        }
    }
}
