//! The rules. A method that breaks a rule is reported and removed from the model. Expansions thus contain valid methods
//! only, and no mistake is reported twice.

mod argument;
mod contract;
mod error;
mod method;
mod output;
mod parameters;
mod references;
mod scoped;
mod streams;
mod uploads;

pub(crate) use self::contract::{plain_impl, service, trait_impl};
pub(crate) use self::error::error;
