//! The steps of calls, in their order.

use super::call::{CallView, LayeredCall};
use super::next::{End, Next};
use super::{CheckCall, StartLayer};
use crate::engine::call_log::CallLog;
use crate::engine::channel_names::{ChannelPattern, ChannelRules};
use crate::engine::handler::{BadCall, Handler, Start, Started};
use crate::proto::{Address, Call, Rejection};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A guard or a layer.
#[derive(Clone)]
pub(crate) enum Step {
    Guard(Arc<dyn CheckCall>),
    Layer(Arc<dyn StartLayer>),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guard(_) => "Guard",
            Self::Layer(_) => "Layer",
        })
    }
}

/// Steps, the outermost first.
pub(crate) type Steps = Arc<[Step]>;

/// The steps that come before the lookup of a handler.
pub(crate) struct CallSteps {
    all: Steps,
    /// The steps of all calls, and then those of the channel.
    channels: ChannelRules<Steps>,
}

impl CallSteps {
    /// Joins the steps of all calls with those of single channels. Returns `None` if there are none.
    pub(crate) fn new(all: &[Step], channels: &[(ChannelPattern, Step)]) -> Option<Box<Self>> {
        if all.is_empty() && channels.is_empty() {
            return None;
        }
        let channels = ChannelRules::new(channels, |steps| {
            let mut joined = all.to_vec();
            joined.extend(steps.cloned());
            joined.into()
        });
        Some(Box::new(Self { all: all.into(), channels }))
    }

    /// Returns the steps of all calls.
    pub(crate) fn all(&self) -> &Steps {
        &self.all
    }

    /// Returns the steps of calls to this address, if it has some of its own.
    pub(crate) fn of_channel(&self, address: &Address<'_>) -> Option<&Steps> {
        match address {
            Address::Named(name) => self.channels.find(name),
            _ => None,
        }
    }

    /// Returns the steps of a call to this address.
    pub(crate) fn of(&self, address: &Address<'_>) -> &Steps {
        self.of_channel(address).unwrap_or(&self.all)
    }
}

/// Asks the guards before the first layer. Returns the position of that layer, or `None` if there is none.
#[inline]
pub(crate) fn pass_guards(steps: &[Step], from: usize, call: CallView<'_>) -> Result<Option<usize>, Rejection> {
    for (at, step) in steps.iter().enumerate().skip(from) {
        match step {
            Step::Guard(guard) => guard.check(call)?,
            Step::Layer(layer) if layer.applies(call) => return Ok(Some(at)),
            Step::Layer(_) => {}
        }
    }
    Ok(None)
}

/// Starts the layer at this position.
pub(crate) fn start_layer(steps: &Steps, at: usize, end: End, mut start: Start<'_>) -> Result<Started, BadCall> {
    let Some(Step::Layer(layer)) = steps.get(at) else { return end.start(start) };
    // Nobody sees a frame that is not JSON [P-02].
    if !start.call.arguments.is_json() {
        return Err(BadCall::NotJson);
    }
    let is_handled = match &end {
        End::Handler(_) => true,
        End::Find => start.has_handler(),
    };
    start.record(is_handled);
    let call = LayeredCall::new(&mut start);
    let next = Next::new(steps, at + 1, end);
    Ok(Started::running(CallLog::scope(start.log(), || layer.start(call, next))))
}

/// Returns the error of a call whose guards were asked, so that they are not asked again. Nobody sees a frame that is not
/// JSON [P-02].
pub(crate) fn asked(call: &Call<'_>, error: BadCall) -> BadCall {
    match error {
        BadCall::Rejected(rejection) if call.arguments.is_json() => BadCall::Refused(rejection),
        BadCall::Rejected(_) => BadCall::NotJson,
        error => error,
    }
}

/// The first layer of a call whose handler is not found yet.
pub(crate) struct FirstLayer<'s> {
    pub(crate) steps: &'s Steps,
    pub(crate) at: usize,
}

impl Handler for FirstLayer<'_> {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        start_layer(self.steps, self.at, End::Find, start)
    }
}

/// A handler behind the steps of its service.
pub(crate) struct GuardedHandler {
    steps: Steps,
    handler: Arc<dyn Handler>,
    /// The steps of calls on the channels that the handler opens: those before the lookup, and then these. `None` for the
    /// guards of a method, which are its own.
    inherited: Option<OnceLock<Steps>>,
}

impl GuardedHandler {
    /// Places a method behind its guards, if there are any.
    pub(crate) fn of_method(guards: Vec<Step>, handler: Box<dyn Handler>) -> Box<dyn Handler> {
        Self::wrap(guards, handler, None)
    }

    /// Places a handler behind the steps of its router, if there are any.
    pub(crate) fn of_router(steps: Vec<Step>, handler: Box<dyn Handler>) -> Box<dyn Handler> {
        Self::wrap(steps, handler, Some(OnceLock::new()))
    }

    fn wrap(steps: Vec<Step>, handler: Box<dyn Handler>, inherited: Option<OnceLock<Steps>>) -> Box<dyn Handler> {
        if steps.is_empty() {
            handler
        } else {
            Box::new(Self { steps: steps.into(), handler: handler.into(), inherited })
        }
    }

    /// Lets the channels that the handler opens inherit the steps.
    fn pass_on<'s>(&'s self, mut start: Start<'s>) -> Start<'s> {
        if let Some(inherited) = &self.inherited {
            let joined = || {
                let all = start.answers.shared.endpoint.steps.as_ref().map(|steps| steps.all());
                let before = start.inherited.or(all).map(|steps| &**steps).unwrap_or_default();
                before.iter().chain(&*self.steps).cloned().collect()
            };
            start.inherited = Some(inherited.get_or_init(joined));
        }
        start
    }
}

impl Handler for GuardedHandler {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        let start = self.pass_on(start);
        match pass_guards(&self.steps, 0, start.view()) {
            Ok(None) => {
                let call = start.call;
                self.handler.start(start).map_err(|error| asked(call, error))
            }
            Ok(Some(at)) => start_layer(&self.steps, at, End::Handler(Arc::clone(&self.handler)), start),
            Err(rejection) => Err(start.refusal(rejection)),
        }
    }
}

impl Start<'_> {
    /// Returns the call as a guard sees it.
    pub(crate) fn view(&self) -> CallView<'_> {
        CallView {
            shared: self.answers.shared,
            epoch: self.epoch,
            call: self.call,
            text: self.text,
            received_at: self.received_at,
            state: self.state.as_ref(),
            channel_state: self.channel_state,
        }
    }

    /// Returns the error of a call that a guard has rejected. Nobody sees a frame that is not JSON [P-02].
    pub(crate) fn refusal(&self, rejection: Rejection) -> BadCall {
        if self.call.arguments.is_json() { BadCall::Refused(rejection) } else { BadCall::NotJson }
    }
}
