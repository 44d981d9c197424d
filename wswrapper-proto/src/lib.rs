//! The ws-wrapper protocol, version 4, as a state machine without I/O, clock or runtime.
//!
//! A [`Connection`] holds the state of one WebSocket connection: calls, handlers, anonymous channels and streams, in
//! both directions. The crate `wswrapper` drives it on tokio, and most programs need only that crate. Other runtimes and
//! transports can drive it the same way.
//!
//! # Driving a connection
//!
//! 1. Create it by [`Connection::new`], and call [`open`](Connection::open) when the WebSocket is open.
//! 2. Pass each received frame to [`handle_frame`](Connection::handle_frame) and act on the [`Incoming`]: run a
//!    handler, complete a call, store an item.
//! 3. Queue messages by [`request`](Connection::request), [`emit`](Connection::emit) and
//!    [`respond`](Connection::respond).
//! 4. After each of these steps send the frames of [`poll_transmit`](Connection::poll_transmit), act on each
//!    [`Notification`] of [`poll_notification`](Connection::poll_notification), and set a timer to
//!    [`poll_timeout`](Connection::poll_timeout).
//! 5. When the timer fires, call [`handle_timeout`](Connection::handle_timeout).
//! 6. Call [`close`](Connection::close) when the WebSocket is closed.
//!
//! The time is always an argument. Tags such as `[P-12]` name the rules of the [protocol]; those with an X are
//! extensions of this library.
//!
//! ```
//! use std::str::from_utf8;
//! use wswrapper_proto::{
//!     CallEncoder, CallFailure, Connection, Duration, Incoming, Instant, Notification, Response, Side, encode,
//! };
//!
//! // A number identifies whoever waits for a call. Handlers and channels need no state here.
//! type Endpoint = Connection<u32, (), ()>;
//! let (mut client, mut server) = (Endpoint::new(Side::Client, 10), Endpoint::new(Side::Server, 10));
//! client.open();
//! server.open();
//! let now = Instant::now();
//! let deadline = now + Duration::from_secs(5);
//!
//! // Frames out: the client calls `add(1, 2)`.
//! let mut call = CallEncoder::new("add");
//! call.argument(&1)?;
//! call.argument(&2)?;
//! client.request(call.finish(None), 7, Some(deadline), None, None)?;
//! let frame = client.poll_transmit().expect("the request");
//! assert_eq!(frame.as_bytes(), br#"{"a":["add",1,2],"i":268435457}"#);
//!
//! // Frames in: the server reads the arguments and responds.
//! let Incoming::Call(mut call) = server.handle_frame(from_utf8(frame.as_bytes())?, now) else { unreachable!() };
//! let (a, b): (i32, i32) = (call.arguments.next()?, call.arguments.next()?);
//! assert_eq!(call.arguments.finish()?, 0, "no argument is left");
//! let mut response = Vec::new();
//! encode::result(&mut response, call.id.expect("a request"), &(a + b))?;
//! server.respond(response);
//!
//! // The response returns the call's waiter.
//! let frame = server.poll_transmit().expect("the response");
//! let incoming = client.handle_frame(from_utf8(frame.as_bytes())?, now);
//! assert!(matches!(incoming, Incoming::Response(7, Response::Result(Some("3")))));
//!
//! // Timeouts and notifications: a call without a response fails at its deadline.
//! client.request(CallEncoder::new("slow").finish(None), 8, Some(deadline), None, None)?;
//! assert_eq!(client.poll_timeout(), Some(deadline));
//! client.handle_timeout(deadline);
//! assert_eq!(client.poll_notification(), Some(Notification::CallFailed(8, CallFailure::TimedOut)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc = include_str!("protocol.md")]
pub mod protocol {}

mod address;
mod bounds;
mod channel_key;
pub mod code;
mod codec;
mod connection;
mod id;
mod message;
mod name;
mod rejection;
mod time;
mod trace_context;

pub use address::Address;
pub use bounds::{Bounds, ITEM_OVERHEAD, StreamBound};
pub use channel_key::{ChannelKey, Opener};
pub use codec::encode::{self, CallEncoder, EncodedCall};
pub use connection::{
    Allowance, AwaitedResult, CallFailure, Connection, Consumer, ExpectedChannel, Incoming, MAX_WINDOW, Notification,
    OpenChannelError, Outgoing, Producer, QueueError, Role,
};
pub use id::{RequestId, Side};
pub use message::{
    Arguments, ArgumentsError, Call, Item, Message, Position, RawReason, Response, Resume, decode_value,
};
pub use name::{ChannelName, MAX_SHOWN_CHARS, NameError, RESERVED, check_event, cut_name, is_reserved, shown_name};
pub use rejection::{Reason, Rejection};
pub use time::{Duration, Instant};
pub use trace_context::{TraceContext, TraceContextError};
