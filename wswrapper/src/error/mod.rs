//! Errors, a file for each kind of receiver.

mod call;
mod connect;
mod mount;
mod open;
mod peer;
mod serve;
#[cfg(feature = "rustls")]
mod tls;
mod too_large;

pub use call::{CallError, SendError};
pub use connect::{ConnectError, RebindError};
pub use mount::MountError;
pub use open::OpenError;
pub use peer::ServiceError;
pub use serve::{AcceptError, ServeError};
pub(crate) use too_large::TooLarge;
