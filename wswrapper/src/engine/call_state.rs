//! The part of a call that its contexts share with the driver.

use super::scope::{ChannelScope, channel_closed};
use super::shared::Link;
use crate::lock::lock;
use crate::proto::{Reason, RequestId};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::SetOnce;

/// What one call's contexts share with the driver.
pub(crate) struct CallState {
    pub(crate) id: Option<RequestId>,
    pub(crate) channel: Option<Box<str>>,
    pub(crate) wait: Option<Duration>,
    /// The anonymous channel of the call.
    pub(crate) scope: Option<Arc<ChannelScope>>,
    /// Channels that its handler has made; none once it has ended.
    made: Mutex<Option<Vec<Arc<ChannelScope>>>>,
    pub(crate) cancelled: SetOnce<Reason>,
}

impl CallState {
    pub(crate) fn new(
        id: Option<RequestId>,
        channel: Option<&str>,
        wait: Option<Duration>,
        scope: Option<Arc<ChannelScope>>,
    ) -> Self {
        Self {
            id,
            channel: channel.map(Into::into),
            wait,
            scope,
            made: Mutex::new(Some(Vec::new())),
            cancelled: SetOnce::new(),
        }
    }

    /// The handler has ended: channels that it has made and not returned can never be used [P-69, P-74].
    pub(crate) fn ended(&self, link: &Arc<Link>) {
        let made = self.made().take();
        for scope in made.iter().flatten().filter(|scope| scope.key().is_none()) {
            scope.end(link, channel_closed());
        }
    }

    /// The handler has made a channel.
    pub(crate) fn makes(&self, link: &Arc<Link>, scope: &Arc<ChannelScope>) {
        if let Some(made) = &mut *self.made() {
            made.push(Arc::clone(scope));
        } else {
            scope.end(link, channel_closed());
        }
    }

    fn made(&self) -> MutexGuard<'_, Option<Vec<Arc<ChannelScope>>>> {
        lock(&self.made)
    }

    /// Cancels the contexts of a call; only the first reason counts.
    pub(crate) fn cancel(&self, reason: Reason) {
        // A second reason does not count.
        let _ = self.cancelled.set(reason);
    }
}
