//! The check of a channel's parameters before a call is handled.

use super::pattern::ChannelPattern;
use super::value::decode_value;
use crate::engine::handler::{BadCall, Handler, Start, Started};
use crate::engine::layers::{CallView, CheckCall};
use crate::proto::{Address, Rejection};
use std::sync::Arc;

/// A parameter that the methods of a contract take from the name of their channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParameterCheck {
    pub(crate) name: &'static str,
    /// Returns true if a decoded value is one of the parameter's type.
    pub(crate) accepts: fn(&str) -> bool,
}

/// Returns true if the name of a channel has valid values.
pub(crate) fn accepts(pattern: &ChannelPattern, checks: &[ParameterCheck], channel: &str) -> bool {
    let is_accepted = |check: &ParameterCheck| {
        let value = pattern.value(check.name, channel).and_then(decode_value);
        value.is_some_and(|value| (check.accepts)(&value))
    };
    pattern.values(channel).all(|value| decode_value(value).is_some()) && checks.iter().all(is_accepted)
}

/// A guard that rejects calls on channels whose names have no valid values, as those on unknown channels.
pub(crate) struct ParameterGuard {
    pub(crate) pattern: ChannelPattern,
    pub(crate) checks: Arc<[ParameterCheck]>,
}

impl CheckCall for ParameterGuard {
    fn check(&self, call: CallView<'_>) -> Result<(), Rejection> {
        match &call.call.address {
            Address::Named(name) if accepts(&self.pattern, &self.checks, name) => Ok(()),
            address => Err(Rejection::no_listener(&call.call.event, address, false)),
        }
    }
}

/// A handler on a channel with parameters, which reads their values.
pub(crate) struct OnPattern {
    pub(crate) pattern: ChannelPattern,
    pub(crate) handler: Box<dyn Handler>,
}

impl OnPattern {
    /// Lets the handler find the values.
    fn pass_on<'s>(&'s self, mut start: Start<'s>) -> Start<'s> {
        start.pattern = Some(&self.pattern);
        start
    }
}

impl Handler for OnPattern {
    fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
        self.handler.start(self.pass_on(start))
    }
}
