//! Clients without a connection, and clients that connect again.

mod endings;
mod hook_handover;
mod hooks;
mod idempotent;
mod losses;
mod pausing;
mod policy;
mod queueing;
mod reconnecting;
mod resuming;
mod stopping;
mod storm;
mod unconnected;
