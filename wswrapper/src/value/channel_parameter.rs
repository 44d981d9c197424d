//! The types of parameters in the names of channels.

use std::fmt::Display;
use std::str::FromStr;

/// A type of values in the name of a channel, `doc/{id}`.
///
/// Implemented for all types that are written by [`Display`] and read by [`FromStr`]. Each has to be the reverse of the
/// other: a name is unknown if its value is displayed as another text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a channel",
    label = "not written and read as text",
    note = "for a type of your own, implement `std::fmt::Display` and `std::str::FromStr`"
)]
pub trait ChannelParameter: Display + FromStr {}

#[diagnostic::do_not_recommend]
impl<T: Display + FromStr> ChannelParameter for T {}
