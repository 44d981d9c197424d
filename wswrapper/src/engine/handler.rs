//! The interface between the engine and the handlers of services.

use super::answers::Answers;
use super::call_log::CallLog;
use super::call_state::CallState;
use super::channel_names::ChannelPattern;
use super::channel_state::ChannelState;
use super::epoch::Epoch;
use super::label::Label;
use super::layers::Steps;
use super::shared::Shared;
use super::spans::CallScope;
use crate::proto::{Arguments, Call, Rejection};
use crate::rt::Instant;
use crate::transport::Text;
use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// A handler of an event.
pub(crate) trait Handler: Send + Sync {
    /// Starts the handler for a call. The arguments are decoded, and a handler that is no future runs to completion.
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall>;
}

/// The call that starts a handler, and the means of its driver.
pub(crate) struct Start<'c> {
    /// The means to respond at once.
    pub(crate) answers: Answers<'c>,
    pub(crate) call: &'c Call<'c>,
    pub(crate) arguments: Arguments<'c>,
    /// The name of the event, which a running handler keeps.
    pub(crate) event: &'c Label,
    /// The frame of the call.
    pub(crate) text: &'c Text,
    pub(crate) received_at: Instant,
    /// The log of the call. Started if calls are observed. `None` if a layer has started it.
    pub(crate) log: Option<&'c mut Option<Box<CallLog>>>,
    /// The state of the call's contexts. Created if the method takes a context.
    pub(crate) state: &'c mut Option<Arc<CallState>>,
    pub(crate) epoch: &'c Arc<Epoch>,
    /// The steps of calls on the channels that the handler opens, if they are not only those of all calls.
    pub(crate) inherited: Option<&'c Steps>,
    /// The anonymous channel of the call.
    pub(crate) channel_state: Option<&'c Arc<ChannelState>>,
    /// The pattern of the channel, if the handler is on a channel with parameters.
    pub(crate) pattern: Option<&'c ChannelPattern>,
}

impl Start<'_> {
    /// Returns the state of the call's contexts, which is created if there is none.
    pub(crate) fn call_state(&mut self) -> &Arc<CallState> {
        let Self { call, state, epoch, channel_state, .. } = self;
        state.get_or_insert_with(|| Arc::new(CallState::new(Arc::clone(epoch), call, channel_state.cloned())))
    }

    /// Returns true if the event has a handler.
    pub(crate) fn has_handler(&self) -> bool {
        let (address, event) = (&self.call.address, &*self.call.event);
        match self.channel_state {
            Some(channel_state) => channel_state.has_handler(address, event),
            None => self.answers.shared.has_handler(address, event),
        }
    }

    /// Returns the surroundings of a handler that runs in a task of its own.
    pub(crate) fn scope(&self) -> CallScope {
        match &self.log {
            Some(log) => CallLog::cloned_scope(log.as_deref()),
            // It is behind a layer, which runs in them.
            None => CallScope::current(),
        }
    }

    /// Returns the log of the call, if it was started here. One that a layer has started is entered already.
    pub(crate) fn log(&self) -> Option<&CallLog> {
        self.log.as_ref().and_then(|log| log.as_deref())
    }

    /// Starts the log of the call, if calls are observed or the call may belong to a trace. Called before the handler starts.
    /// `is_handled` is false for an event without a handler, whose name may be made up.
    #[inline]
    pub(crate) fn record(&mut self, is_handled: bool) {
        if let Some(log) = &mut self.log
            && (self.answers.shared.observes_calls() || self.call.may_have_trace_context())
        {
            **log = Some(CallLog::start(self.answers.shared, self.call, self.text.len(), is_handled));
        }
    }
}

/// The services with an instance for each connection. An instance is created by its first call.
pub(crate) type Sessions = Vec<Option<Session>>;

/// An instance of a service.
pub(crate) type Session = Arc<dyn Any + Send + Sync>;

/// Creates the instance of a service for a connection.
pub(crate) type SessionFactory = Arc<dyn Fn(&Arc<Shared>) -> Session + Send + Sync>;

/// A handler that was started. It has responded already, or continues as a future.
pub struct Started {
    /// `None` if the handler has finished.
    pub(crate) running: Option<BoxRunning>,
}

/// A handler's future that writes its own response.
pub(crate) type BoxRunning = Pin<Box<dyn Running>>;

/// A future that writes its own response. It may continue after that, as a stream does.
pub(crate) trait Running: Send {
    /// Polls the future. It responds through `answers`.
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>, answers: &mut Answers<'_>) -> Poll<()>;
}

/// The reason for which a handler was not started.
#[derive(Debug)]
pub enum BadCall {
    /// The frame is not valid JSON and has to be decoded again; see [`Arguments`].
    NotJson,
    /// The call is rejected, for example because of its arguments.
    Rejected(Rejection),
    /// The call is rejected, and its frame is known to be JSON.
    Refused(Rejection),
}

impl Started {
    /// A handler that continues as a future.
    pub(crate) fn running(running: BoxRunning) -> Self {
        Self { running: Some(running) }
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Started")
    }
}
