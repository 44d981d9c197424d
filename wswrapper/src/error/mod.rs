//! Errors, a file for each kind of receiver.

mod call;
mod connect;
mod mount;
mod open;
mod serve;
mod service;
#[cfg(feature = "rustls")]
mod tls;
mod too_large;

pub use call::{CallError, SendError};
pub use connect::{ConnectError, RebindError};
pub use mount::MountError;
pub use open::OpenError;
pub use serve::{AcceptError, ServeError};
pub use service::ServiceError;
pub(crate) use too_large::TooLarge;
