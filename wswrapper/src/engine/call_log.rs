//! The calls of a peer, as observers see them.

use super::answers::Progress;
use super::channel_names::ChannelPattern;
use super::message_log::MessageKind;
use super::observer::Interest;
use super::outcome::{CallOutcome, Outcome};
use super::shared::Shared;
use super::spans::CallScope;
use crate::proto::{Address, Call, RequestId, cut_name};
use crate::rt::Instant;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// A call of the peer, as an [`Observer`](crate::observe::Observer) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallInfo<'c> {
    /// The kind: [`Event`](MessageKind::Event) or [`Request`](MessageKind::Request).
    pub kind: MessageKind,
    /// The named channel, cut to 64 characters; `None` is the main channel or an anonymous one.
    ///
    /// On a channel with parameters it is the pattern, `doc/{id}`, so that a label of a counter does not depend on the peer.
    pub channel: Option<&'c str>,
    /// The named channel, cut to 64 characters, as the peer has named it: `doc/7`.
    pub channel_name: Option<&'c str>,
    /// The number of the anonymous channel.
    pub anonymous_channel: Option<u64>,
    /// The name of the event or the request, cut to 64 characters.
    pub event: &'c str,
    /// The id of a request.
    pub id: Option<u64>,
    /// The length of the whole message in bytes.
    pub bytes: usize,
    /// True if a handler of these names was started. False for a call that was rejected before: its names are whatever
    /// the peer has sent, so they are no labels for counters.
    pub is_handled: bool,
}

/// The end of a call, as an [`Observer`](crate::observe::Observer) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEnd<'c> {
    /// The outcome of the call.
    pub outcome: CallOutcome<'c>,
    /// The time that the handler took, from the decoding of the arguments on.
    pub took: Duration,
    /// The length of all messages that the handler has responded with, in bytes: a response, or the items of a stream.
    pub response_bytes: usize,
}

impl<'c> CallInfo<'c> {
    /// Describes a call whose frame has `bytes` bytes.
    pub(crate) fn new(shared: &'c Shared, call: &'c Call<'_>, bytes: usize) -> Self {
        let channel_name = named(call).map(cut_name);
        let anonymous_channel = match &call.address {
            Address::Anonymous(number) => Some(number.get()),
            _ => None,
        };
        let pattern = named(call).and_then(|name| shared.endpoint.router.pattern(name));
        Self {
            kind: if call.id.is_some() { MessageKind::Request } else { MessageKind::Event },
            channel: pattern.map(ChannelPattern::text).or(channel_name),
            channel_name,
            anonymous_channel,
            event: cut_name(&call.event),
            id: call.id.map(RequestId::get),
            bytes,
            is_handled: false,
        }
    }
}

/// Returns the named channel of a call.
fn named<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    match &call.address {
        Address::Named(name) => Some(name),
        _ => None,
    }
}

/// The part of a call that is observed or belongs to a trace, which is kept until its handler has finished.
pub(crate) struct CallLog {
    channel_name: Option<Box<str>>,
    /// The pattern of a channel with parameters.
    pattern: Option<ChannelPattern>,
    event: Box<str>,
    /// With empty names.
    info: CallInfo<'static>,
    started_at: Instant,
    /// `None` while neither a response nor an error is known.
    outcome: Option<Outcome>,
    response_bytes: usize,
    scope: CallScope,
}

impl CallLog {
    /// Starts the log of a call whose frame has `bytes` bytes, and tells the observers.
    pub(crate) fn start(shared: &Arc<Shared>, call: &Call<'_>, bytes: usize, is_handled: bool) -> Box<Self> {
        let info = &CallInfo { is_handled, ..CallInfo::new(shared, call, bytes) };
        let log = Self {
            channel_name: info.channel_name.map(Into::into),
            pattern: named(call).and_then(|name| shared.endpoint.router.pattern(name)).cloned(),
            event: info.event.into(),
            info: CallInfo { channel: None, channel_name: None, event: "", ..*info },
            started_at: Instant::now(),
            outcome: None,
            response_bytes: 0,
            scope: CallScope::new(shared, call, info),
        };
        shared.endpoint.observers.tell(shared, Interest::CALLS, |observer, connection| {
            observer.call_started(connection, info);
        });
        Box::new(log)
    }

    /// Runs a part of the handler, in the scope of its call if it has one.
    #[inline]
    pub(crate) fn scope<R>(log: Option<&Self>, run: impl FnOnce() -> R) -> R {
        match log {
            None => run(),
            Some(log) => log.run_in_scope(run),
        }
    }

    #[cold]
    fn run_in_scope<R>(&self, run: impl FnOnce() -> R) -> R {
        let _entered = self.scope.enter();
        run()
    }

    /// Returns the scope of a handler that runs in a task of its own.
    pub(crate) fn cloned_scope(log: Option<&Self>) -> CallScope {
        log.map_or_else(CallScope::default, |log| log.scope.clone())
    }

    /// Takes over the result of a poll of the handler.
    pub(crate) fn update(&mut self, progress: &mut Progress) {
        self.outcome = progress.outcome.take().or(self.outcome.take());
        self.response_bytes += mem::take(&mut progress.response_bytes);
    }

    /// Tells the observers that the call has ended.
    pub(crate) fn finish(&self, shared: &Arc<Shared>) {
        let channel_name = self.channel_name.as_deref();
        let channel = self.pattern.as_ref().map(ChannelPattern::text).or(channel_name);
        let info = CallInfo { channel, channel_name, event: &self.event, ..self.info };
        let end = CallEnd {
            outcome: self.outcome.as_ref().map_or(CallOutcome::Cancelled, Outcome::view),
            took: self.started_at.elapsed(),
            response_bytes: self.response_bytes,
        };
        self.scope.record_end(&end);
        shared.tell_finished(&info, &end);
    }
}

impl Shared {
    /// Returns true if calls are observed.
    #[inline]
    pub(crate) fn observes_calls(&self) -> bool {
        self.endpoint.observers.any_interest(Interest::CALLS)
    }

    /// Tells the observers of a call whose frame has `bytes` bytes and whose handler was not started.
    #[cold]
    pub(crate) fn tell_not_started(
        self: &Arc<Self>,
        call: &Call<'_>,
        bytes: usize,
        outcome: &Outcome,
        response_bytes: usize,
    ) {
        let info = CallInfo::new(self, call, bytes);
        let end = CallEnd { outcome: outcome.view(), took: Duration::ZERO, response_bytes };
        CallScope::new(self, call, &info).record_end(&end);
        self.tell_finished(&info, &end);
    }

    fn tell_finished(self: &Arc<Self>, info: &CallInfo<'_>, end: &CallEnd<'_>) {
        self.endpoint.observers.tell(self, Interest::CALLS, |observer, connection| {
            observer.call_finished(connection, info, end);
        });
    }
}
