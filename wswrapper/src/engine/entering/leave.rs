//! Leaving channels.

use super::entered::Leave;
use crate::engine::epoch::Epoch;
use crate::engine::hooks::HookFuture;
use crate::engine::shared::Shared;
use futures_util::future::join_all;
use std::future::poll_fn;
use std::sync::Arc;

/// Leaves a channel, and runs the hooks. Returns false if the peer is not on it.
pub(crate) async fn leave_channel(shared: &Arc<Shared>, channel: &str) -> bool {
    let epoch = shared.epoch();
    let Some(leave) = epoch.entered_any().and_then(|entered| entered.begin_leave(shared, channel)) else {
        return false;
    };
    let mut leaving = Leaving { epoch: &epoch, leave };
    poll_fn(|cx| epoch.entered().poll_leave(cx, shared, &mut leaving.leave)).await;
    true
}

/// Leaves all channels at the end of a connection, at the same time. Returns the future of the hooks, if there are some.
pub(crate) fn leave_all(shared: &Arc<Shared>, epoch: &Epoch) -> Option<HookFuture> {
    let hooks = epoch.entered_any()?.take_all(shared);
    (!hooks.is_empty()).then(|| Box::pin(async { drop(join_all(hooks).await) }) as HookFuture)
}

/// Gives up the leave when its future is dropped.
struct Leaving<'e> {
    epoch: &'e Epoch,
    leave: Leave,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.epoch.entered().give_up_leave(&self.leave);
    }
}
