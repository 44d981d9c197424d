//! Handles to a connection and to its channels.

mod anonymous_channel;
mod audience;
mod channel;
mod close_signal;
mod groups;
mod peer;
mod value_or_channel;

pub use anonymous_channel::AnonymousChannel;
pub use audience::{Audience, AudienceChannel, Calls, Delivery, Each, EmitToAudience};
pub use channel::Channel;
pub use close_signal::CloseSignal;
pub use peer::Peer;
pub use value_or_channel::ValueOrChannel;
