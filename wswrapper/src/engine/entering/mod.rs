//! The channels with hooks that a peer enters and leaves.
//!
//! A channel is entered by the first call of the peer whose channel has a hook. The [`EnterLayer`] is the last step before
//! a mounted handler, so what a guard rejects enters nothing. The calls that come while a hook runs form a queue in
//! [`EnteredChannels`], which each leaves in its order. The hook has no task: each call that waits polls it, and the last
//! one that is dropped drops it.
//!
//! The connection's task alone enters channels, any task may leave one, and the end of the connection leaves all.

mod entered;
mod hooks;
mod layer;
mod leave;

pub(crate) use entered::EnteredChannels;
pub(crate) use hooks::{ChannelHook, ChannelHooks, Visit};
pub(crate) use layer::EnterLayer;
pub(crate) use leave::{leave_all, leave_channel};
