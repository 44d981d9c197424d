//! Errors of this crate.
//!
//! A call fails with a [`CallError`], an event with a [`SendError`]. [`Rejection`] is the response of a handler that
//! failed. The others belong to connecting, serving and mounting.

mod call;
mod connect;
mod group;
mod mount;
mod open;
mod serve;
mod service;
mod spawn;
#[cfg(feature = "rustls")]
mod tls;
mod too_large;

pub use call::{CallError, SendError};
pub use connect::{ConnectError, ConnectStep, RebindError};
pub use group::GroupError;
pub use mount::MountError;
pub use open::OpenError;
pub use serve::{AcceptError, ServeError};
pub use service::ServiceError;
pub use spawn::SpawnError;
pub(crate) use too_large::TooLarge;

pub use crate::proto::{NameError, Reason, Rejection};
