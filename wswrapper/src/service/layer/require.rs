//! The guard that requires a value of the connection.

use super::{Guard, GuardCall};
use crate::proto::{Rejection, code};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

/// The guard that [`require`] returns.
pub struct Require<T>(PhantomData<fn() -> T>);

/// Returns a guard that rejects calls with the code `ws:Forbidden`, unless a value of type `T` is stored with the call or
/// its connection.
///
/// `authenticate` of a server, a hook or a layer stores it: an administrator's right, for example.
pub fn require<T: Clone + Any + Send + Sync>() -> Require<T> {
    Require(PhantomData)
}

impl<T: Clone + Any + Send + Sync> Guard for Require<T> {
    fn check(&self, call: &GuardCall<'_>) -> Result<(), Rejection> {
        match call.extension::<T>() {
            Some(_) => Ok(()),
            None => Err(Rejection::new("the call is not allowed").with_code(code::FORBIDDEN)),
        }
    }
}

impl<T> fmt::Debug for Require<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Require")
    }
}
