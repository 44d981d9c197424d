//! The macros of [`wswrapper`](https://docs.rs/wswrapper), which re-exports them.
//!
//! # Layout
//!
//! A macro is a small compiler: `pipeline` runs its steps and reports what was wrong.
//!
//! - `attr`: the arguments of the attributes
//! - `parse`: a trait or an `impl` block, its bodies left as raw tokens
//! - `repair`: mistakes after which rustc would give the wrong advice
//! - `types`: types as they are written
//! - `model`: what the user wrote
//! - `check`: the rules, with their messages in `text`
//! - `expand`: the tokens, which cannot fail

mod attr;
mod check;
mod errors;
mod expand;
mod model;
mod parse;
mod pipeline;
mod repair;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod types;

use proc_macro::TokenStream;

/// Makes a trait the contract of two ends: one implements it, the other calls it.
///
/// ```
/// use wswrapper::{CallError, Peer, ws_handlers, ws_service};
///
/// #[ws_service(channel = "calc")]
/// pub trait Calc {
///     /// Adds two numbers.
///     async fn add(&self, a: i64, b: i64) -> i64;
///     async fn div(&self, a: i64, b: i64) -> Result<i64, String>;
///     #[ws(event)]
///     async fn log(&self, line: String);
/// }
///
/// struct Desk;
///
/// #[ws_handlers]
/// impl Calc for Desk {
///     async fn add(&self, a: i64, b: i64) -> i64 {
///         a + b
///     }
///     async fn div(&self, a: i64, b: i64) -> Result<i64, String> {
///         a.checked_div(b).ok_or_else(|| "division by zero".to_owned())
///     }
///     async fn log(&self, line: String) {
///         println!("{line}");
///     }
/// }
///
/// async fn call(peer: &Peer) -> Result<i64, CallError<String>> {
///     CalcProxy::new(peer).div(6, 2).await
/// }
/// ```
///
/// Beside the trait this makes its proxy: `CalcProxy` for `Calc`, as visible as the trait,
/// with the same methods and the same docs, which end with what a call gives.
///
/// # Methods
///
/// A method takes `&self`, and is an `async fn` or a `fn`. It is a request, answered with
/// what it returns; a `Result`'s error becomes a rejection. Under `#[ws(event)]` it has no
/// answer and returns nothing. A method with a body is served as well.
///
/// Arguments are types that serde can decode, or `&str`, or `&[u8]`, which is base64 on the
/// wire. `Option`s at the end may be left out by the other end. A first argument whose type
/// is called `Context` is not on the wire: it tells the handler about the call. Where the
/// type has another name, mark it as `#[ws(context)]`.
///
/// An `async fn` of the trait returns a future that is [`Send`]; an `impl` still writes
/// plain `async fn`.
///
/// # Streams
///
/// A method that returns `impl Stream<Item = T> + Send`, or a `Result` of it under any name,
/// answers item by item. The caller gets a `Streaming<T>`, whose items are
/// `Result<T, CallError<E>>`; `E` is that of the items, where they are `Result`s themselves.
///
/// ```
/// use futures_util::stream;
/// use std::convert::Infallible;
/// use wswrapper::{CallError, Peer, Stream, ws_handlers, ws_service};
///
/// #[ws_service(channel = "calc")]
/// trait Calc {
///     async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
///     #[ws(on_full = "drop_oldest")]
///     async fn prices(&self, of: &str) -> Result<impl Stream<Item = f64> + Send, String>;
/// }
///
/// struct Desk {
///     prices: Vec<f64>,
/// }
///
/// #[ws_handlers]
/// impl Calc for Desk {
///     async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
///         stream::iter(1..=to)
///     }
///     async fn prices(&self, of: &str) -> Result<impl Stream<Item = f64> + Send, String> {
///         let is_known = of == "tea";
///         is_known.then(|| stream::iter(self.prices.iter().copied())).ok_or_else(|| format!("no {of}"))
///     }
/// }
///
/// async fn call(peer: &Peer) -> Result<u32, CallError<Infallible>> {
///     let mut sum = 0;
///     let mut numbers = CalcProxy::new(peer).count(3).await?;
///     while let Some(n) = numbers.try_next().await? {
///         sum += n;
///     }
///     Ok(sum)
/// }
/// ```
///
/// A stream is polled in the task of its connection, from when the caller asks for the first item,
/// and may borrow from `self`. It is dropped when the caller drops its `Streaming`. One of several
/// types is boxed in the body, behind the same `impl Stream<Item = T> + Send`.
///
/// The caller says how many items may be on their way to it: `numbers.window(256)`, before the
/// first is taken. What becomes of more of them is for the method to say, by
/// `#[ws(on_full = "..")]`:
///
/// - `"wait"`: the stream is not polled until there is room. This is the default.
/// - `"drop_oldest"`, `"drop_newest"`: as many items as the window has wait, and of more the oldest
///   or the newest is thrown away.
/// - `"latest"`: only the newest item waits.
/// - `"close"`: the stream ends with the error `The consumer is too slow`, code `TooSlow`.
///
/// They wait at the producer: those that are on their way still arrive, so that a caller who wants
/// what is new says `window(1)`.
///
/// # Uploads
///
/// An argument `Upload<T>` is a stream that the caller sends: the handler takes its items while
/// they come, and answers when it likes. It is read by `try_next().await?`, which gives
/// `Option<T>`, or by `next().await`, which gives `Option<Result<T, CallError<E>>>`. The proxy takes any `Stream` there: of `T`, or, for
/// `Upload<T, E>`, of `Result<T, E>`. The macro knows it by its name, as it does `Context`: no
/// alias is one.
///
/// ```
/// use std::error::Error;
///
/// use wswrapper::{CallError, Peer, Rejection, Stream, Upload, ws_handlers, ws_service};
///
/// #[ws_service(channel = "calc")]
/// trait Calc {
///     async fn sum(
///         &self,
///         start: i64,
///         numbers: Upload<i64>,
///     ) -> Result<i64, Box<dyn Error + Send + Sync>>;
/// }
///
/// struct Desk;
///
/// #[ws_handlers]
/// impl Calc for Desk {
///     async fn sum(
///         &self,
///         start: i64,
///         mut numbers: Upload<i64>,
///     ) -> Result<i64, Box<dyn Error + Send + Sync>> {
///         let mut sum = start;
///         while let Some(n) = numbers.try_next().await? {
///             sum += n;
///         }
///         Ok(sum)
///     }
/// }
///
/// async fn call(
///     peer: &Peer,
///     numbers: impl Stream<Item = i64> + Send + 'static,
/// ) -> Result<i64, CallError<Rejection>> {
///     CalcProxy::new(peer).sum(0, numbers).await
/// }
/// ```
///
/// A method can take one upload, among other arguments. It is an `async fn`, and does not
/// return a stream.
///
/// # Scoped services
///
/// A method can open another service for its caller alone: it returns a `Scoped` of that
/// service's contract, made of the value that serves it. The caller gets its proxy. When the
/// caller drops the last handle of it, the value is dropped too, and what is under way on it ends.
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use wswrapper::{AnonymousChannel, CallError, Peer, Scoped, ws_handlers, ws_service};
///
/// #[ws_service]
/// trait Calculator {
///     async fn add(&self, n: i64) -> i64;
/// }
///
/// #[ws_service(channel = "desk")]
/// trait Desk {
///     async fn calculator(&self, start: i64) -> Scoped<dyn Calculator>;
/// }
///
/// struct Sum(AtomicI64);
///
/// #[ws_handlers]
/// impl Calculator for Sum {
///     async fn add(&self, n: i64) -> i64 {
///         self.0.fetch_add(n, Ordering::Relaxed) + n
///     }
/// }
///
/// struct Office;
///
/// #[ws_handlers]
/// impl Desk for Office {
///     async fn calculator(&self, start: i64) -> Scoped<dyn Calculator> {
///         Scoped::new(Sum(AtomicI64::new(start)))
///     }
/// }
///
/// async fn call(peer: &Peer) -> Result<i64, CallError<Infallible>> {
///     let calculator: CalculatorProxy<AnonymousChannel> =
///         DeskProxy::new(peer).calculator(40).await?;
///     calculator.add(1).await?;
///     calculator.add(1).await
/// }
/// ```
///
/// A method that is `spawn` or `blocking`, or takes an upload, cannot answer with one.
///
/// # Where a method runs
///
/// All handlers of a connection share one task. One that computes for long, or waits without
/// `.await`, holds up the others and the connection itself; it is marked where it is declared:
///
/// - `#[ws(blocking)]`, on a plain `fn`: it runs on a thread where it may block. Nothing can
///   stop it once it has begun: when its call is cancelled or the connection is lost, its
///   `Context` says so and its answer is thrown away.
/// - `#[ws(spawn)]`, on an `async fn`: it runs in a task of its own, on any thread of the
///   runtime. When its call is cancelled or the connection is lost, it is dropped where it
///   waits next.
///
/// ```
/// use wswrapper::{Context, ws_service};
///
/// #[ws_service]
/// trait Index {
///     #[ws(blocking)]
///     fn search(&self, context: Context, words: &str) -> Vec<u64>;
///     #[ws(event, spawn)]
///     async fn refresh(&self);
/// }
/// ```
///
/// # Arguments
///
/// - `channel = "calc"`: the channel that the contract is on. Without it, that is the main
///   channel, unless [`ws_handlers`](macro@ws_handlers) says another.
/// - `rename_all = "camelCase"`: how the methods' names become events, with the rules of
///   serde.
/// - `crate = path`: where `wswrapper` is, if it is not `::wswrapper`.
///
/// On a method, `#[ws(name = "readFile")]` gives the event's name.
///
/// On the main channel, `open`, `connect`, `message`, `error`, `close` and `disconnect` are
/// reserved.
#[proc_macro_attribute]
pub fn ws_service(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::service(args.into(), item.into()).into()
}

/// Makes an `impl` block's methods handlers.
///
/// On the `impl` of a trait with [`ws_service`](macro@ws_service), the type serves that
/// contract. It may serve several, each mounted by `service_as::<dyn Calc>`.
///
/// On a plain `impl` block, the block is its own contract, and all of its functions are
/// handlers, with the attributes and the rules of a trait's methods. Its proxy is
/// `DeskProxy` for `Desk`, public if any of the handlers is:
///
/// ```
/// use wswrapper::{CallError, Peer, ws_handlers};
///
/// struct Desk;
///
/// #[ws_handlers(channel = "desk")]
/// impl Desk {
///     async fn add(&self, a: i64, b: i64) -> i64 {
///         a + b
///     }
/// }
///
/// async fn call(peer: &Peer) -> Option<i64> {
///     DeskProxy::new(peer).add(1, 2).await.ok()
/// }
/// ```
///
/// # Arguments
///
/// - `channel = "io"`: the channel of a plain `impl`. On the `impl` of a trait it repeats the
///   trait's channel, or supplies the one that the trait left open; a caller then says
///   `CalcProxy::new(&client.channel("io"))`.
/// - `rename_all = "camelCase"`: as in [`ws_service`](macro@ws_service), on a plain `impl`
///   only.
/// - `crate = path`: where `wswrapper` is, if it is not `::wswrapper`.
#[proc_macro_attribute]
pub fn ws_handlers(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::handlers(args.into(), item.into()).into()
}

/// Lets an error reject a request, and arrive at the caller as itself.
///
/// ```
/// use wswrapper::WsError;
///
/// #[derive(Debug, thiserror::Error, WsError)]
/// enum CalcError {
///     #[error("division by zero")]
///     DivisionByZero,
///     #[error("larger than {max}")]
///     TooBig { max: i64 },
///     #[error("storage")]
///     #[ws(internal)]
///     Storage(#[from] std::io::Error),
/// }
/// ```
///
/// The message is the error's [`Display`](std::fmt::Display), the code is the variant's
/// name, or the struct's. Fields travel as the error's `data`: named ones as an object,
/// unnamed ones as an array. They have to be types that serde can encode and decode.
///
/// # Attributes
///
/// - `#[ws(code = "..")]` on a variant or a struct: the code, if it is not the name.
/// - `#[ws(internal)]` on a variant or a struct: the other end learns only that there was an
///   internal error. The fields may be of any type.
/// - `#[ws(rename_all = "..")]` on an enum: how the variants' names become codes, with the
///   rules of serde.
/// - `#[ws(crate = path)]`: where `wswrapper` is, if it is not `::wswrapper`.
#[proc_macro_derive(WsError, attributes(ws))]
pub fn ws_error(item: TokenStream) -> TokenStream {
    pipeline::error(item.into()).into()
}
