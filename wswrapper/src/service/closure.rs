//! Closures as handlers.

use super::context::Context;
use super::into_response::IntoResponse;
use super::invocation::Invocation;
use crate::engine::{BadCall, Handler, Label, Start, Started};
use crate::value::Argument;
use std::future::Future;
use std::sync::Arc;

/// An async closure that can handle an event: `|a: i64, b: String| async move { .. }`.
///
/// - It takes up to eight arguments, each of a type that implements `serde::Deserialize` and owns its data: `String`, not
///   `&str`. A [`Context`] may be the first parameter; the caller does not send it.
/// - It returns a [`Value`](crate::Value), or a `Result`. The `Ok` type of a `Result` is any type that implements
///   `serde::Serialize`, a [`Scoped`](crate::Scoped) service or an [`AnonymousChannel`](crate::AnonymousChannel); its
///   `Err` type is a [`WsError`](crate::WsError). Any other type is returned as [`Json`](crate::Json).
/// - It cannot return a stream or take an upload. Only the methods of a `#[ws_handlers]` impl can.
///
/// ```
/// use wswrapper::{Context, Json, Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("add", |a: i64, b: i64| async move { a + b })?;
/// server.on("half", |n: i64| async move { if n % 2 == 0 { Ok(n / 2) } else { Err("the number is odd") } })?;
/// server.on("whoami", |ctx: Context| async move { ctx.peer_id().get() })?;
///
/// #[derive(serde::Serialize)]
/// struct User {
///     id: u32,
/// }
/// server.on("user", |id: u32| async move { Json(User { id }) })?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot be an event's handler",
    label = "not an async closure whose arguments and result can be sent",
    note = "a handler looks like `|a: i64, b: String| async move {{ a }}`: up to eight arguments, and a `Context` before them if it wants one",
    note = "arguments need `serde::Deserialize`, and are owned: `String` instead of `&str`",
    note = "an error needs `WsError`; return a value of your own type as `Json(value)` or `Ok(value)`",
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
            Fut: Future<Output: IntoResponse<K>> + Send + 'static,
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
            Fut: Future<Output: IntoResponse<K>> + Send + 'static,
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

/// Wraps a closure as a handler for the router.
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

/// Returns the empty service that the invocation of a closure has.
fn no_service() -> Arc<()> {
    static NO_SERVICE: std::sync::OnceLock<Arc<()>> = std::sync::OnceLock::new();
    Arc::clone(NO_SERVICE.get_or_init(Arc::default))
}
