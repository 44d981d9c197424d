//! Clients without a connection, and clients that connect again.

mod before_open;
mod closing;
mod draining;
mod endings;
mod full_pause;
mod hook_handover;
mod hooks;
mod idempotent;
mod losses;
mod panicking;
mod pausing;
mod policy;
mod queueing;
mod reconnecting;
mod resuming;
mod stopping;
mod storm;
mod unconnected;
mod without_policy;
