//! The end of an anonymous channel, for tasks.

use crate::engine::ChannelState;
use crate::proto::Reason;
use std::fmt;
use std::sync::Arc;

/// The end of an [`AnonymousChannel`](crate::AnonymousChannel), for tasks that work for it: whether it has come, and why.
#[derive(Clone)]
pub struct CloseSignal {
    channel_state: Arc<ChannelState>,
}

impl CloseSignal {
    pub(super) fn new(channel_state: Arc<ChannelState>) -> Self {
        Self { channel_state }
    }

    /// Whether the channel has ended.
    pub fn is_closed(&self) -> bool {
        self.reason().is_some()
    }

    /// Why it has ended: what the end that has aborted it says, `Channel closed` where this end has closed it, `Connection
    /// closed` where that was lost.
    pub fn reason(&self) -> Option<&Reason> {
        self.channel_state.ended().get()
    }

    /// Waits for the end and tells why it came. Cancel-safe.
    pub async fn closed(&self) -> &Reason {
        self.channel_state.ended().wait().await
    }
}

impl fmt::Debug for CloseSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloseSignal").field(&self.channel_state.ended().get()).finish()
    }
}
