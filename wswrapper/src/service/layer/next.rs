//! Layers: async functions around a call.

use super::call::LayerCall;
use super::guard::GuardCall;
use super::reply::{IntoReply, Reply};
use crate::engine::{BoxRunning, CallView, LayeredCall, LayeredRunning, StartLayer, Step};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// An async function around a call: `|call: LayerCall, next: Next| async move { next.run(call).await }`.
///
/// It returns the reply of [`Next::run`], or one of its own, or a `Result` whose error rejects the call. It may wait before
/// the handler, which lets later calls pass, and after it. It is dropped when the caller cancels the call or the connection
/// closes. A panic rejects the call with `internal error`, unless the handler has responded.
///
/// The future is a part of the connection's task, as a handler is. It must not be passed to another task together with
/// `next`.
#[diagnostic::on_unimplemented(
    message = "this cannot be a layer",
    label = "not an async function around a call",
    note = "a layer looks like `|call: LayerCall, next: Next| async move {{ next.run(call).await }}`",
    note = "its future returns a `Reply`, or a `Result<Reply, E>` whose error is a `WsError`, and needs `Send`"
)]
pub trait Layer: Send + Sync + 'static {
    /// Handles a call, or passes it on.
    fn call(&self, call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static;

    /// Returns false for a call that passes as if the layer were not there, which costs less. By default it applies to every
    /// call.
    fn applies(&self, call: &GuardCall<'_>) -> bool {
        let _ = call;
        true
    }
}

impl<F, Fut> Layer for F
where
    F: Fn(LayerCall, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    fn call(&self, call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static {
        let future = self(call, next);
        async move { future.await.into_reply() }
    }
}

/// Converts a layer into a step of calls.
pub(crate) fn layer_step(layer: impl Layer) -> Step {
    struct Step<L>(L);
    impl<L: Layer> StartLayer for Step<L> {
        fn applies(&self, call: CallView<'_>) -> bool {
            self.0.applies(&GuardCall::new(call))
        }

        fn start(&self, call: LayeredCall, next: crate::engine::Next) -> BoxRunning {
            LayeredRunning::boxed(call, |call| {
                let future = self.0.call(LayerCall(call), Next(next));
                async move { future.await.0 }
            })
        }
    }
    crate::engine::Step::Layer(Arc::new(Step(layer)))
}

/// The rest of a call behind a layer: inner layers, guards, and the handler.
pub struct Next(crate::engine::Next);

impl Next {
    /// Passes the call on, and waits until it is handled.
    ///
    /// That is, for a request, its response; for a stream, an upload or a scoped service, the response that opens its
    /// channel; for an event, the end of its handler. A call that no handler has responded to, for example of an unknown
    /// event, returns a reply that [rejects](Reply::rejection) it, which the layer may replace. Dropping the future drops
    /// the handler.
    pub fn run(self, call: LayerCall) -> impl Future<Output = Reply> + Send + 'static {
        let rest = self.0.run(call.0);
        async move { Reply(rest.await) }
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}
