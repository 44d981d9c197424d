//! A call, as guards and layers see it.

use super::steps::Steps;
use crate::engine::answers::Answering;
use crate::engine::call_state::CallState;
use crate::engine::channel_state::ChannelState;
use crate::engine::epoch::Epoch;
use crate::engine::handler::Start;
use crate::engine::label::Label;
use crate::engine::loan::Owner;
use crate::engine::shared::Shared;
use crate::proto::{Call, Message};
use crate::rt::Instant;
use crate::transport::Text;
use std::sync::Arc;

/// A call that is not started yet, as a guard sees it.
#[derive(Clone, Copy)]
pub(crate) struct CallView<'c> {
    pub(crate) shared: &'c Arc<Shared>,
    pub(crate) epoch: &'c Arc<Epoch>,
    pub(crate) call: &'c Call<'c>,
    pub(crate) text: &'c Text,
    pub(crate) received_at: Instant,
    /// The state of the call, if it has passed a layer.
    pub(crate) state: Option<&'c Arc<CallState>>,
    /// The anonymous channel of the call.
    pub(crate) channel_state: Option<&'c Arc<ChannelState>>,
}

impl CallView<'_> {
    /// Returns the time until which the caller waits.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let of_caller = self.call.caller_timeout().and_then(|wait| self.received_at.checked_add(wait));
        of_caller.into_iter().chain(self.state.and_then(|state| state.deadline())).min()
    }
}

/// A call that passes layers. It keeps its frame, which is known to be JSON.
pub(crate) struct LayeredCall {
    pub(crate) shared: Arc<Shared>,
    pub(crate) state: Arc<CallState>,
    pub(crate) text: Text,
    pub(crate) received_at: Instant,
    pub(crate) event: Label,
    /// The steps of calls on the channels that the handler opens.
    pub(super) inherited: Option<Steps>,
    /// True if the frame needed a full parse.
    is_whole: bool,
}

impl LayeredCall {
    /// Takes over the call of a handler's start.
    pub(crate) fn new(start: &mut Start<'_>) -> Self {
        let state = Arc::clone(start.call_state());
        let shared = Arc::clone(start.answers.shared);
        let (text, received_at) = (start.text.clone(), start.received_at);
        let (event, is_whole) = (start.event.clone(), start.call.arguments.is_validated());
        Self { shared, state, text, received_at, event, inherited: start.inherited.cloned(), is_whole }
    }

    /// Decodes the frame, which is that of a call.
    pub(crate) fn decode(&self) -> Option<Call<'_>> {
        // As the driver has decoded it.
        let decode = if self.is_whole { Message::decode_whole } else { Message::decode };
        match decode(&self.text) {
            Message::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Returns its identity among those that borrow the output.
    pub(super) fn owner(&self) -> Owner {
        Owner::of(&self.state)
    }

    /// Returns the call that the layers and the handler respond to.
    pub(crate) fn answering(&self) -> Answering {
        Answering { id: self.state.id, event: self.event.clone(), hint: self.text.len(), inherited: None }
    }

    /// Returns true if a handler of the event exists.
    pub(crate) fn has_handler(&self) -> bool {
        let Some(Call { address, event, .. }) = self.decode() else { return false };
        match &self.state.channel_state {
            Some(channel_state) => channel_state.has_handler(&address, &event),
            None => self.shared.has_handler(&address, &event),
        }
    }
}
