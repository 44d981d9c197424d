//! Handles to a connection and to its channels.

mod anonymous_channel;
mod channel;
mod peer;

pub use anonymous_channel::{AnonymousChannel, CloseSignal};
pub use channel::Channel;
pub use peer::{Closing, Peer};
