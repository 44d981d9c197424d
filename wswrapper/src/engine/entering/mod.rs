//! The channels with hooks that a peer enters and leaves.
//!
//! A channel is entered by the first call of the peer whose channel has a hook. The [`EnterLayer`] is the last step before
//! a mounted handler, so what a guard rejects enters nothing. The calls that come while a hook runs form a queue in
//! [`EnteredChannels`], which each leaves in its order. A hook has no task: each call that waits polls it. The last call that is
//! dropped drops an `on_enter` hook. An `on_leave` hook goes on with the next call or at the end of the connection.
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
