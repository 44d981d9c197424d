//! Handles to a connection and to its channels.

mod anonymous_channel;
mod channel;
mod close_signal;
mod peer;

pub use anonymous_channel::AnonymousChannel;
pub use channel::Channel;
pub use close_signal::CloseSignal;
pub use peer::Peer;
