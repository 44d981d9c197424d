//! Handles to a connection and to its channels, and facts about it.

pub use crate::close::{CloseCause, Closed};
pub use crate::engine::{Counters, Extensions, PeerId};
pub use crate::handle::{AnonymousChannel, Channel, CloseSignal, Peer, ValueOrChannel};
pub use crate::handshake::Handshake;
