//! The protocol's core: a state machine without socket, clock or runtime.
//!
//! Frames and commands go in, frames and notifications come out; the time is an argument. [`Message::decode`] tells what
//! a frame says, [`Connection`] what it means for the calls that are under way. Tags such as `[P-12]` name the rules of
//! the [protocol], those with an X our extensions of it.
//!
//! This is what the rest of the crate is built on, and what a transport or a runtime of another kind could be built on;
//! most programs never need it.
//!
//! ```
//! use wswrapper_proto::{Response, CallEncoder, Connection, Incoming, Instant, Side};
//!
//! // `u32` stands for whoever waits for a call of ours, `()` for a handler that runs, and for an anonymous channel.
//! let mut connection = Connection::<u32, (), ()>::new(Side::Client, 10);
//! connection.open();
//! let mut call = CallEncoder::new("add");
//! call.argument(&1)?;
//! call.argument(&2)?;
//! connection.request(call.finish(None), 7, None, None, None)?;
//! let frame = connection.poll_transmit().expect("the request");
//! assert_eq!(frame.as_bytes(), br#"{"a":["add",1,2],"i":268435457}"#);
//!
//! let incoming = connection.handle_frame(r#"{"i":268435457,"d":3}"#, Instant::now());
//! assert!(matches!(incoming, Incoming::Response(7, Response::Result(Some("3")))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc = include_str!("protocol.md")]
pub mod protocol {}

mod address;
mod bounds;
mod codec;
mod connection;
mod id;
mod message;
mod rejection;
mod time;

pub use address::{Address, ChannelName, NameError, RESERVED, check_event, is_reserved};
pub use bounds::{Bounds, ITEM_OVERHEAD};
pub use codec::encode::{self, CallEncoder, EncodedCall};
pub use connection::{
    Allowance, AwaitedResult, CallFailure, Connection, Consumer, ExpectedChannel, Incoming, MAX_WINDOW, Notification,
    OpenChannelError, Outgoing, Producer, QueueError, Role,
};
pub use id::{ChannelKey, Opener, RequestId, Side};
pub use message::{Arguments, ArgumentsError, Call, Item, Message, RawReason, Response};
pub use rejection::{Reason, Rejection};
pub use time::{Duration, Instant};
