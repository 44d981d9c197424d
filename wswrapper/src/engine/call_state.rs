//! The state of a call.

use super::channel_state::{ChannelState, channel_closed_reason};
use super::epoch::{Epoch, connection_closed_reason};
use super::extensions::Extensions;
use super::shared::Shared;
use crate::lock::lock;
use crate::proto::{Address, Call, Reason, RequestId, TraceContext};
use crate::rt::Instant;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::sync::SetOnce;

/// The state that the contexts of a call share with the driver.
pub(crate) struct CallState {
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) id: Option<RequestId>,
    /// The named channel of the call.
    pub(crate) channel: Option<Box<str>>,
    /// The time that the caller waits.
    pub(crate) caller_timeout: Option<Duration>,
    /// The time to which layers have shortened the call.
    deadline: Mutex<Option<Instant>>,
    /// The values that layers have stored with the call.
    extensions: OnceLock<Extensions>,
    /// The place of the call in a distributed trace. Boxed, because most calls have none.
    pub(crate) trace: Option<Box<TraceContext>>,
    /// The anonymous channel of the call.
    pub(crate) channel_state: Option<Arc<ChannelState>>,
    /// Channels that the handler has created. `None` once it has finished.
    channels: Mutex<Option<Vec<Arc<ChannelState>>>>,
    /// Set when the call is cancelled. The driver forgets a call whose handler has finished; its contexts look for the
    /// close of the connection by themselves.
    cancelled: SetOnce<Reason>,
}

impl CallState {
    pub(crate) fn new(epoch: Arc<Epoch>, call: &Call<'_>, channel_state: Option<Arc<ChannelState>>) -> Self {
        let channel = match &call.address {
            Address::Named(name) => Some((&**name).into()),
            _ => None,
        };
        Self {
            epoch,
            id: call.id,
            channel,
            caller_timeout: call.caller_timeout(),
            trace: call.trace_context().map(Box::new),
            deadline: Mutex::new(None),
            extensions: OnceLock::new(),
            channel_state,
            channels: Mutex::new(Some(Vec::new())),
            cancelled: SetOnce::new(),
        }
    }

    /// Returns the time to which layers have shortened the call.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        *lock(&self.deadline)
    }

    /// Shortens the call. The earliest deadline counts.
    pub(crate) fn shorten(&self, deadline: Instant) {
        let mut shortened = lock(&self.deadline);
        *shortened = Some(shortened.map_or(deadline, |earlier| earlier.min(deadline)));
    }

    /// Returns the values that layers have stored with the call. They are created if there are none.
    pub(crate) fn extensions(&self) -> &Extensions {
        self.extensions.get_or_init(Extensions::new)
    }

    /// Returns a copy of the value of this type that is stored with the call, or else with its connection.
    pub(crate) fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        let of_call = self.extensions.get().and_then(Extensions::cloned);
        of_call.or_else(|| self.epoch.extensions.cloned())
    }

    /// Records that the handler has finished. Channels that it has created and not returned are closed [P-69, P-74].
    pub(crate) fn handler_finished(&self, shared: &Arc<Shared>) {
        let channels = self.lock_channels().take();
        for channel_state in channels.iter().flatten().filter(|channel_state| channel_state.key().is_none()) {
            channel_state.close(shared, channel_closed_reason());
        }
    }

    /// Records a channel that the handler has created. It is closed at once if the handler has finished.
    pub(crate) fn add_channel(&self, shared: &Arc<Shared>, channel_state: &Arc<ChannelState>) {
        let mut channels = self.lock_channels();
        let Some(created) = &mut *channels else {
            drop(channels);
            channel_state.close(shared, channel_closed_reason());
            return;
        };
        // Channels that nobody else has can no longer be returned. They are looked for each time that the list would
        // grow, so that a handler may create any number of them.
        let dropped = if created.len() == created.capacity() { take_unused(created) } else { Vec::new() };
        created.push(Arc::clone(channel_state));
        drop(channels);
        for channel_state in dropped {
            channel_state.close(shared, channel_closed_reason());
        }
    }

    fn lock_channels(&self) -> MutexGuard<'_, Option<Vec<Arc<ChannelState>>>> {
        lock(&self.channels)
    }

    /// Returns the reason of the cancellation, or `None` while the call is not cancelled and its connection is open.
    pub(crate) fn cancel_reason(&self) -> Option<&Reason> {
        if self.cancelled.get().is_none() && self.epoch.is_disconnected() {
            self.cancel(connection_closed_reason());
        }
        self.cancelled.get()
    }

    /// Waits until the call is cancelled or its connection is closed. Cancel-safe.
    pub(crate) async fn cancelled(&self) -> &Reason {
        let (mut cancelled, mut closed) = (pin!(self.cancelled.wait()), pin!(self.epoch.disconnected()));
        poll_fn(|cx| {
            if cancelled.as_mut().poll(cx).is_pending() {
                ready!(closed.as_mut().poll(cx));
                self.cancel(connection_closed_reason());
            }
            Poll::Ready(())
        })
        .await;
        self.cancelled.wait().await
    }

    /// Cancels the contexts of the call. Only the first reason counts.
    pub(crate) fn cancel(&self, reason: Reason) {
        let _ = self.cancelled.set(reason);
    }
}

/// Removes the channels to which no other reference exists.
fn take_unused(channels: &mut Vec<Arc<ChannelState>>) -> Vec<Arc<ChannelState>> {
    channels.extract_if(.., |channel_state| Arc::strong_count(channel_state) == 1).collect()
}
