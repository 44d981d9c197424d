//! Leaving channels.

use super::entered::EnteredChannels;
use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::engine::epoch::Epoch;
use crate::engine::hooks::HookFuture;
use crate::engine::shared::Shared;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Leaves a channel, and runs the hooks. Returns false if the peer is not on it.
pub(crate) async fn leave_channel(shared: &Arc<Shared>, channel: &str) -> bool {
    let epoch = shared.epoch();
    let Some((channel, hooks)) = epoch.entered_any().and_then(|entered| entered.begin_leave(channel)) else {
        return false;
    };
    let leaving = Leaving { epoch: &epoch, channel: &channel };
    for mut hook in hooks.leave(shared, &channel) {
        poll_fn(|cx| {
            catch_panic(|| hook.as_mut().poll(cx)).unwrap_or_else(|message| {
                shared.report_hook_panic("on_leave", &message);
                Poll::Ready(())
            })
        })
        .await;
        shared.report_drop_panic(drop_catching_panic(hook), "on_leave");
    }
    drop(leaving);
    true
}

/// Leaves all channels at the end of a connection. Returns the futures of the hooks.
pub(crate) fn leave_all(shared: &Arc<Shared>, epoch: &Epoch) -> Vec<HookFuture> {
    let left = epoch.entered_any().map(EnteredChannels::take_all).unwrap_or_default();
    left.into_iter().flat_map(|(channel, hooks)| hooks.leave(shared, &channel)).collect()
}

/// Records that a channel was left, also if the hooks were dropped.
struct Leaving<'e> {
    epoch: &'e Epoch,
    channel: &'e str,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.epoch.entered().finish_leave(self.channel);
    }
}
