//! The hooks of channels, and what they get.

use super::open_result::Output;
use crate::engine::{ChannelHook, Visit};
use crate::handle::Peer;
use crate::proto::Rejection;
use crate::value::WsError;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;

/// The visit of a peer to a channel, as the hooks [`on_enter`](crate::Router::on_enter) and
/// [`on_leave`](crate::Router::on_leave) get it.
pub struct ChannelVisit(Visit);

impl ChannelVisit {
    /// Returns the peer. The handle does not keep the connection open.
    pub fn peer(&self) -> Peer {
        Peer::of(&self.0.shared)
    }

    /// Returns the name of the channel, `doc/7`.
    pub fn name(&self) -> &str {
        &self.0.channel
    }

    /// Returns the value of a parameter, by its name in the pattern that the hook was added for.
    ///
    /// `None` if the pattern has no such parameter, or the value is not one of this type. The contract of the service has
    /// checked the value for its own type, so for that one there is a value.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Option<T> {
        T::from_str(&self.0.value(name)?).ok()
    }
}

impl fmt::Debug for ChannelVisit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelVisit").field("peer", &self.0.shared.id).field("name", &self.name()).finish()
    }
}

/// The result that an [`on_enter`](crate::Router::on_enter) hook may return: `()`, or a `Result` whose error rejects the
/// calls that wait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by `on_enter`",
    label = "not a result of the hook",
    note = "return `()`, or a `Result<(), E>` whose error `E` rejects the call and needs `WsError`"
)]
pub trait EnterResult {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), Rejection>;
}

impl EnterResult for () {
    fn into_result(self) -> Result<(), Rejection> {
        Ok(())
    }
}

impl<E: WsError> EnterResult for Result<(), E> {
    fn into_result(self) -> Result<(), Rejection> {
        self.map_err(WsError::into_rejection)
    }
}

impl EnterResult for <fn() -> ! as Output>::Output {
    fn into_result(self) -> Result<(), Rejection> {
        self
    }
}

pub(crate) fn enter_hook<F, Fut>(hook: F) -> ChannelHook
where
    F: Fn(ChannelVisit) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: EnterResult> + Send + 'static,
{
    let hook = Arc::new(hook);
    ChannelHook::Enter(Arc::new(move |visit| {
        let hook = Arc::clone(&hook);
        // The hook is called when the future is polled, because panics are caught there.
        Box::pin(async move { hook(ChannelVisit(visit)).await.into_result() })
    }))
}

pub(crate) fn leave_hook<F, Fut>(hook: F) -> ChannelHook
where
    F: Fn(ChannelVisit) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let hook = Arc::new(hook);
    ChannelHook::Leave(Arc::new(move |visit| {
        let hook = Arc::clone(&hook);
        Box::pin(async move { hook(ChannelVisit(visit)).await })
    }))
}
