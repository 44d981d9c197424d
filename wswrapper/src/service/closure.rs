//! Closures as handlers.

use super::context::Context;
use super::into_response::Gives;
use super::invocation::Invocation;
use crate::engine::{BadCall, Handler, Label, Start, Started};
use crate::value::Argument;
use std::future::Future;
use std::sync::Arc;

/// A closure that can handle an event: `|a: i64, b: String| async move { .. }`, with a [`Context`] first if it wants one,
/// and up to eight arguments.
///
/// It gives a `Result` of anything that can be a handler's result and error, or a plain [value](Value), a
/// [`Scoped`](crate::Scoped) service and an [`AnonymousChannel`](crate::AnonymousChannel) among them. Streams and uploads
/// are for the methods of a `#[ws_handlers]` impl.
#[diagnostic::on_unimplemented(
    message = "this cannot be an event's handler",
    label = "not an async closure with arguments and a result that travel",
    note = "a handler looks like `|a: i64, b: String| async move {{ a }}`, with a `Context` first if it wants one",
    note = "arguments need `serde::Deserialize`; a result of a type of your own is given as `Json(value)` or `Ok(value)`",
    note = "streams and uploads are for the methods of a `#[ws_handlers]` impl"
)]
pub trait HandlerFn<M>: Send + Sync + 'static {
    #[doc(hidden)]
    const PARAMETERS: &'static [&'static str];

    #[doc(hidden)]
    fn start(&self, call: Invocation<'_, ()>) -> Result<Started, BadCall>;
}

macro_rules! handler_fn {
    ($($argument:ident $name:literal),*) => {
        impl<F, Fut, K, $($argument),*> HandlerFn<(K, fn($($argument),*))> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: Gives<K>> + Send + 'static,
            $($argument: Argument,)*
        {
            const PARAMETERS: &'static [&'static str] = &[$($name),*];

            #[allow(unused_mut, reason = "without arguments there is nothing to decode")]
            fn start(&self, mut call: Invocation<'_, ()>) -> Result<Started, BadCall> {
                #[allow(non_snake_case, reason = "each is named after its type")]
                let ($($argument,)*) = ($(call.argument::<$argument>()?,)*);
                call.answer(|_| {
                    let future = self($($argument),*);
                    async move { future.await.into_result() }
                })
            }
        }

        impl<F, Fut, K, $($argument),*> HandlerFn<(K, fn(Context, $($argument),*))> for F
        where
            F: Fn(Context, $($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: Gives<K>> + Send + 'static,
            $($argument: Argument,)*
        {
            const PARAMETERS: &'static [&'static str] = &[$($name),*];

            fn start(&self, mut call: Invocation<'_, ()>) -> Result<Started, BadCall> {
                let context = call.context();
                #[allow(non_snake_case, reason = "each is named after its type")]
                let ($($argument,)*) = ($(call.argument::<$argument>()?,)*);
                call.answer(|_| {
                    let future = self(context, $($argument),*);
                    async move { future.await.into_result() }
                })
            }
        }
    };
}
handler_fn!();
handler_fn!(A "");
handler_fn!(A "", B "");
handler_fn!(A "", B "", C "");
handler_fn!(A "", B "", C "", D "");
handler_fn!(A "", B "", C "", D "", E "");
handler_fn!(A "", B "", C "", D "", E "", G "");
handler_fn!(A "", B "", C "", D "", E "", G "", H "");
handler_fn!(A "", B "", C "", D "", E "", G "", H "", I "");

/// A closure as the router has it.
pub(crate) fn closure_handler<M: 'static>(event: Arc<str>, handler: impl HandlerFn<M>) -> Box<dyn Handler> {
    struct Closure<F, M> {
        event: Arc<str>,
        handler: F,
        marker: std::marker::PhantomData<fn() -> M>,
    }
    impl<M: 'static, F: HandlerFn<M>> Handler for Closure<F, M> {
        fn start(&self, start: Start<'_>) -> Result<Started, BadCall> {
            let event = Label::Shared(Arc::clone(&self.event));
            self.handler.start(Invocation { service: no_service(), event, parameters: F::PARAMETERS, start })
        }
    }
    Box::new(Closure { event, handler, marker: std::marker::PhantomData })
}

/// A closure has no service.
fn no_service() -> Arc<()> {
    static NO_SERVICE: std::sync::OnceLock<Arc<()>> = std::sync::OnceLock::new();
    Arc::clone(NO_SERVICE.get_or_init(Arc::default))
}
