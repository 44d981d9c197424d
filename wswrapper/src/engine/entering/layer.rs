//! The layer in which a call enters its channel.

use super::entered::Ticket;
use super::hooks::ChannelHooks;
use crate::engine::channel_names::ChannelRules;
use crate::engine::epoch::Epoch;
use crate::engine::handler::BoxRunning;
use crate::engine::layers::{CallView, LayeredCall, LayeredRunning, Next, Reply, StartLayer};
use crate::engine::shared::Shared;
use crate::proto::{Address, Rejection};
use std::future::poll_fn;
use std::sync::Arc;

/// A layer that waits until the peer has entered the channel of a call.
pub(crate) struct EnterLayer {
    hooks: Arc<ChannelRules<Arc<ChannelHooks>>>,
}

impl EnterLayer {
    pub(crate) fn new(hooks: Arc<ChannelRules<Arc<ChannelHooks>>>) -> Self {
        Self { hooks }
    }

    /// Queues the call at its channel.
    fn queue(&self, call: &LayeredCall) -> Result<Option<Turn>, Rejection> {
        let Some(channel) = call.state.channel.as_deref() else { return Ok(None) };
        let Some(hooks) = self.hooks.find(channel) else { return Ok(None) };
        let (shared, epoch) = (Arc::clone(&call.shared), Arc::clone(&call.state.epoch));
        let ticket = epoch.entered().queue(channel, hooks, shared.endpoint.limits.max_channels_per_peer)?;
        Ok(Some(Turn { shared, epoch, ticket }))
    }
}

impl StartLayer for EnterLayer {
    fn applies(&self, call: CallView<'_>) -> bool {
        match &call.call.address {
            Address::Named(name) => {
                self.hooks.find(name).is_some()
                    && !call.epoch.entered_any().is_some_and(|entered| entered.is_inside(name))
            }
            _ => false,
        }
    }

    fn start(&self, call: LayeredCall, next: Next) -> BoxRunning {
        // In the order of the calls.
        let queued = self.queue(&call);
        LayeredRunning::boxed(call, |call| async move {
            let entered = match queued {
                Ok(Some(turn)) => turn.wait().await,
                Ok(None) => Ok(()),
                Err(rejection) => Err(rejection),
            };
            match entered {
                Ok(()) => next.run(call).await,
                Err(rejection) => Reply::Rejected(rejection),
            }
        })
    }
}

/// The place of a call in the queue of its channel.
struct Turn {
    shared: Arc<Shared>,
    epoch: Arc<Epoch>,
    ticket: Ticket,
}

impl Turn {
    /// Waits until the peer has entered the channel. Fails with the rejection of the hook.
    async fn wait(self) -> Result<(), Rejection> {
        poll_fn(|cx| self.epoch.entered().poll(cx, &self.shared, &self.ticket)).await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.epoch.entered().leave_queue(&self.ticket);
    }
}
