//! Guards and layers around calls.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

mod evasions;
mod first_message;
mod kinds;
mod limits;
mod placing;
mod replies;
