//! The rules. A method that breaks one leaves the model, so that what is expanded holds
//! nothing but sound methods and no error shows twice.

mod argument;
mod contract;
mod error;
mod method;
mod output;
mod references;
mod scoped;
mod streams;
mod uploads;

pub(crate) use self::contract::{plain_impl, service, trait_impl};
pub(crate) use self::error::error;
