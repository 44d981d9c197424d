//! The tokens for a checked model. Nothing in this module can fail.

mod contract;
mod error;
mod fallback;
mod handlers;
mod hygiene;
mod proxy;
mod return_doc;
mod returned_call;
mod returned_types;
mod service;
mod shim;

pub(crate) use self::error::error;
pub(crate) use self::fallback::error as error_fallback;
pub(crate) use self::handlers::{plain_impl, trait_impl};
pub(crate) use self::service::service;
