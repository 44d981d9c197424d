//! Guards and layers: what a call passes before its handler.
//!
//! A [`Guard`] is a plain function that lets a call pass or rejects it. A [`Layer`] is an async function around the call: it
//! may wait, store values for the handler, reject, reply by itself, and do something after the handler.
//!
//! ```
//! # use wswrapper::{Client, transport::memory};
//! use wswrapper::service::layer::{GuardCall, LayerCall, Next};
//! use wswrapper::Server;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder()
//!     .layer(|call: LayerCall, next: Next| async move {
//!         let event = call.event().to_owned();
//!         let reply = next.run(call).await;
//!         println!("{event}: {:?}", reply.outcome());
//!         reply
//!     })
//!     .guard(|call: &GuardCall<'_>| if call.event() == "secret" { Err("not for you") } else { Ok(()) })
//!     .build()?;
//! server.on("secret", || async { 42 })?;
//! # let (near, far) = memory::pair();
//! # server.accept_transport(far)?;
//! # let client = Client::connect_transport(near)?;
//! let refused = client.request::<u32>("secret", ()).await.unwrap_err();
//! assert_eq!(refused.to_string(), "not for you");
//! # Ok(())
//! # }
//! ```
//!
//! # Where they stand
//!
//! | added by | is asked for |
//! | --- | --- |
//! | [`ServerBuilder::guard`](crate::server::ServerBuilder::guard) and `layer`, also of a client | every call: of services and closures, on anonymous channels, of unknown events |
//! | [`ServerBuilder::guard_on`](crate::server::ServerBuilder::guard_on) and `layer_on` | every call on one named channel, or on those that match a pattern |
//! | [`Router::guard`](crate::Router::guard) and [`layer`](crate::Router::layer) | the calls of the services of that router |
//! | `#[ws(guard = path)]` on a trait or a method | the calls of that contract or method, wherever it is served |
//!
//! They are asked in the order of this table, and those of one place in the order in which they were added. So the one that
//! was added first is the outermost. A call that is rejected takes no one-shot handler out.
//!
//! The messages of a stream and of an upload are no calls, and pass nothing. A call of a scoped service is a call of its
//! own. It passes what stands around every call, what stood around the call that has opened it, and the guards of its
//! contract.
//!
//! # Costs
//!
//! Without guards and layers a call pays for one look at a pointer. A guard is one function call. A layer keeps the frame of
//! the call, and has a future of its own.

mod call;
mod concurrency;
mod fallback;
mod guard;
mod next;
#[cfg(feature = "rate")]
mod rate;
mod reply;
mod require;
mod size;
mod timeout;

pub use call::LayerCall;
pub use concurrency::{Concurrency, concurrency};
pub use fallback::{Fallback, fallback};
pub(crate) use guard::guard_step;
pub use guard::{Guard, GuardCall};
pub(crate) use next::layer_step;
pub use next::{Layer, Next};
#[cfg(feature = "rate")]
pub use rate::{Rate, rate};
pub use reply::{IntoReply, Reply};
pub use require::{Require, require};
pub use size::{MaxMessageBytes, max_message_bytes};
pub use timeout::{Timeout, timeout};
