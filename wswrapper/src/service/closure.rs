//! Closures as handlers.

use super::context::Context;
use super::invocation::Invocation;
use super::scoped::Scoped;
use crate::engine::{BadCall, Handler, Label, Response, Start, Started};
use crate::handle::AnonymousChannel;
use crate::proto::Rejection;
use crate::value::{Argument, WsError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
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

/// What a closure's future may give; `K` tells a `Result` from a plain value.
pub trait Gives<K> {
    #[doc(hidden)]
    type Ok: Response;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Ok, Rejection>;
}

/// Marks a future that gives a `Result`.
#[derive(Debug)]
pub struct Fallible;

/// Marks a future that gives a plain value.
#[derive(Debug)]
pub struct Infallible;

impl<T: Response, E: WsError> Gives<Fallible> for Result<T, E> {
    type Ok = T;

    fn into_result(self) -> Result<T, Rejection> {
        self.map_err(WsError::into_rejection)
    }
}

impl<T: Value> Gives<Infallible> for T {
    type Ok = T;

    fn into_result(self) -> Result<T, Rejection> {
        Ok(self)
    }
}

/// What a closure may give as it is. Any other type is given as [`Json`], or in a `Result`.
///
/// A trait of its own, since a `Result` can be serialised too and must not be taken for a plain value.
pub trait Value: Response {}

macro_rules! values {
    ($($type:ty),* $(,)?) => { $(impl Value for $type {})* };
}
values!(
    (),
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    String,
    &'static str,
    Cow<'static, str>,
    Box<str>,
    serde_json::Value,
    crate::value::Bytes,
);
impl<T: Value + Serialize> Value for Option<T> {}
impl<T: Value + Serialize> Value for Vec<T> {}
impl<T: Value + Serialize> Value for VecDeque<T> {}
impl<T: Value + Serialize> Value for BTreeSet<T> {}
impl<T: Value + Serialize, S> Value for HashSet<T, S> {}
impl<K: Serialize, T: Value + Serialize> Value for BTreeMap<K, T> {}
impl<K: Serialize, T: Value + Serialize, S> Value for HashMap<K, T, S> {}
impl<T: Value + Serialize> Value for (T,) {}
impl<A: Value + Serialize, B: Value + Serialize> Value for (A, B) {}
impl<A: Value + Serialize, B: Value + Serialize, C: Value + Serialize> Value for (A, B, C) {}
impl<A: Value + Serialize, B: Value + Serialize, C: Value + Serialize, D: Value + Serialize> Value for (A, B, C, D) {}
impl<T: Serialize> Value for Json<T> {}
impl Value for AnonymousChannel {}
impl<C: ?Sized> Value for Scoped<C> {}

/// A closure's result of any type: `|id: u32| async move { Json(User { id }) }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

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
            self.handler.start(Invocation { service: nobody(), event, parameters: F::PARAMETERS, start })
        }
    }
    Box::new(Closure { event, handler, marker: std::marker::PhantomData })
}

/// A closure has no service.
fn nobody() -> Arc<()> {
    static NOBODY: std::sync::OnceLock<Arc<()>> = std::sync::OnceLock::new();
    Arc::clone(NOBODY.get_or_init(Arc::default))
}
