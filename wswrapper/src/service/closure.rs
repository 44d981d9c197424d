//! Closures as handlers.

use super::context::Context;
use super::into_response::IntoResponse;
use super::invocation::Invocation;
use crate::engine::{BadCall, Handler, Label, Start, Started};
use crate::value::{Argument, JsonResponse};
use std::future::Future;
use std::sync::Arc;

/// A closure that can handle an event: `|a: i64, b: String| async move { .. }`.
///
/// - It takes up to eight arguments, each of a type that implements `serde::Deserialize` and owns its data: `String`,
///   not `&str`. A [`Context`] may be the
///   first parameter; the caller does not send it.
/// - It returns a [`Value`](crate::service::Value), or a `Result`. The `Ok` type of a `Result` is any type that
///   implements `serde::Serialize`, a [`Scoped`](crate::Scoped) service or an
///   [`AnonymousChannel`](crate::AnonymousChannel); its `Err` type is a [`WsError`](crate::WsError). Any other type is
///   returned as [`Json`](crate::service::Json).
/// - It cannot return a stream or take an upload. Only the methods of a `#[ws_handlers]` impl can.
///
/// A closure that computes for long is passed to [`spawned`], one that blocks its thread to [`blocking`].
///
/// ```
/// use wswrapper::{Context, Server, service::Json};
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
    note = "the closure of `blocking(..)` is not async; neither it nor that of `spawned(..)` can return a channel",
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
        handler_fn!(@styles [] $($argument $name),*);
        handler_fn!(@styles [Context] $($argument $name),*);
    };
    // `$context` is the first parameter of the closure, or nothing.
    (@styles [$($context:ident)?] $($argument:ident $name:literal),*) => {
        impl<F, Fut, K, $($argument),*> HandlerFn<(K, fn($($context,)? $($argument),*))> for F
        where
            F: Fn($($context,)? $($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse<K>> + Send + 'static,
            $($argument: Argument,)*
        {
            const PARAMETERS: &'static [&'static str] = &[$($name),*];

            handler_fn!(@start [$($context)?] $($argument),*; self, call => {
                call.answer(|_| {
                    let future = self($($context,)? $($argument),*);
                    async move { future.await.into_result() }
                })
            });
        }

        impl<F, Fut, K, $($argument),*> HandlerFn<(K, fn($($context,)? $($argument),*))> for Spawned<F>
        where
            F: Fn($($context,)? $($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoResponse<K, Ok: JsonResponse>> + Send + 'static,
            $($argument: Argument,)*
        {
            const PARAMETERS: &'static [&'static str] = &[$($name),*];

            handler_fn!(@start [$($context)?] $($argument),*; self, call => {
                call.answer_spawned(|_| {
                    let future = (self.0)($($context,)? $($argument),*);
                    async move { future.await.into_result() }
                })
            });
        }

        impl<F, R, K, $($argument),*> HandlerFn<(K, fn($($context,)? $($argument),*))> for Blocking<F>
        where
            F: Fn($($context,)? $($argument),*) -> R + Send + Sync + 'static,
            R: IntoResponse<K, Ok: JsonResponse>,
            $($argument: Argument + Send + 'static,)*
        {
            const PARAMETERS: &'static [&'static str] = &[$($name),*];

            handler_fn!(@start [$($context)?] $($argument),*; self, call => {
                let handler = Arc::clone(&self.0);
                call.answer_blocking(move |_| handler($($context,)? $($argument),*).into_result())
            });
        }
    };
    // Decodes the arguments and starts the handler.
    (@start [$($context:ident)?] $($argument:ident),*; $self:ident, $call:ident => $answer:block) => {
        #[allow(non_snake_case, reason = "each is named after its type")]
        #[allow(unused_mut, reason = "without arguments there is nothing to decode")]
        fn start(&$self, mut $call: Invocation<'_, ()>) -> Result<Started, BadCall> {
            $(let $context = $call.context();)?
            let ($($argument,)*) = ($($call.argument::<$argument>()?,)*);
            $answer
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

/// A closure whose future runs in a task of its own; see [`spawned`].
#[derive(Debug)]
pub struct Spawned<F>(F);

/// A closure that runs on a thread that it may block; see [`blocking`].
#[derive(Debug)]
pub struct Blocking<F>(Arc<F>);

/// Runs the future of a closure in a task of its own, as `#[ws(spawn)]` does for a method.
///
/// Other handlers of the connection continue while it computes. Its result cannot be a channel. Without it, the
/// connection polls the future in its own task.
///
/// ```
/// use wswrapper::{Server, service::spawned};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("sum", spawned(|numbers: Vec<u64>| async move { numbers.iter().sum::<u64>() }))?;
/// # Ok(())
/// # }
/// ```
pub fn spawned<F>(handler: F) -> Spawned<F> {
    Spawned(handler)
}

/// Runs a closure that is not async on a thread that it may block, as `#[ws(blocking)]` does for a method.
///
/// It waits for a thread while the connection occupies
/// [`max_blocking_handlers`](crate::Limits::max_blocking_handlers) threads. Its result cannot be a channel.
///
/// ```
/// use wswrapper::{Server, service::blocking};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("motd", blocking(|| std::fs::read_to_string("motd.txt")))?;
/// # Ok(())
/// # }
/// ```
pub fn blocking<F>(handler: F) -> Blocking<F> {
    Blocking(Arc::new(handler))
}

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
