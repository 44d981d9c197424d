//! The hooks of channels.

use crate::catch_panic::{catch_panic, drop_catching_panic};
use crate::engine::channel_names::{ChannelPattern, decode_value};
use crate::engine::hooks::HookFuture;
use crate::engine::shared::Shared;
use crate::proto::Rejection;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// The future of hooks of a channel. Those of `on_enter` may refuse.
pub(crate) type ChannelFuture = Pin<Box<dyn Future<Output = Result<(), Rejection>> + Send>>;

/// A hook of a channel. The user's function is called when the future is polled.
#[derive(Clone)]
pub(crate) enum ChannelHook {
    Enter(Arc<dyn Fn(Visit) -> ChannelFuture + Send + Sync>),
    Leave(Arc<dyn Fn(Visit) -> HookFuture + Send + Sync>),
}

/// A peer and a channel.
pub(crate) struct Visit {
    pub(crate) shared: Arc<Shared>,
    /// The name of the channel.
    pub(crate) channel: Arc<str>,
    /// The pattern for which the hook was added.
    pattern: ChannelPattern,
}

impl Visit {
    /// Returns the value of a parameter.
    pub(crate) fn value(&self, parameter: &str) -> Option<Cow<'_, str>> {
        self.pattern.value(parameter, &self.channel).and_then(decode_value)
    }
}

/// The hooks that hold for a channel, in their order.
pub(crate) struct ChannelHooks {
    hooks: Vec<(ChannelPattern, ChannelHook)>,
}

impl ChannelHooks {
    pub(crate) fn join(hooks: &mut dyn Iterator<Item = &(ChannelPattern, ChannelHook)>) -> Self {
        Self { hooks: hooks.cloned().collect() }
    }

    /// Returns the future of all `on_enter` hooks. The first error ends it.
    pub(super) fn enter(&self, shared: &Arc<Shared>, channel: &Arc<str>) -> ChannelFuture {
        let futures = self.hooks.iter().filter_map(|(pattern, hook)| match hook {
            ChannelHook::Enter(hook) => Some(hook(visit(shared, channel, pattern))),
            ChannelHook::Leave(_) => None,
        });
        let futures: Vec<_> = futures.collect();
        Box::pin(async move {
            for future in futures {
                future.await?;
            }
            Ok(())
        })
    }

    /// Returns the future of all `on_leave` hooks. A panic counts as the return of a hook.
    pub(super) fn leave(&self, shared: &Arc<Shared>, channel: &Arc<str>) -> ChannelFuture {
        let futures = self.hooks.iter().filter_map(|(pattern, hook)| match hook {
            ChannelHook::Leave(hook) => Some(hook(visit(shared, channel, pattern))),
            ChannelHook::Enter(_) => None,
        });
        let (futures, shared): (Vec<HookFuture>, _) = (futures.collect(), Arc::clone(shared));
        Box::pin(async move {
            for mut future in futures {
                poll_fn(|cx| {
                    catch_panic(|| future.as_mut().poll(cx)).unwrap_or_else(|message| {
                        shared.report_hook_panic("on_leave", &message);
                        Poll::Ready(())
                    })
                })
                .await;
                shared.report_drop_panic(drop_catching_panic(future), "on_leave");
            }
            Ok(())
        })
    }
}

fn visit(shared: &Arc<Shared>, channel: &Arc<str>, pattern: &ChannelPattern) -> Visit {
    Visit { shared: Arc::clone(shared), channel: Arc::clone(channel), pattern: pattern.clone() }
}
