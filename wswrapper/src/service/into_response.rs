//! Results of closures.

use super::scoped::Scoped;
use crate::engine::Response;
use crate::handle::AnonymousChannel;
use crate::proto::Rejection;
use crate::value::WsError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// A type that a closure's future can return: a [`Value`], or a `Result`.
///
/// `K` distinguishes the two: it is [`Infallible`] for a value and [`Fallible`] for a `Result`.
pub trait IntoResponse<K> {
    #[doc(hidden)]
    type Ok: Response;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Ok, Rejection>;
}

/// Marks a return type that is a `Result`.
#[derive(Debug)]
pub struct Fallible;

/// Marks a return type that is not a `Result`.
#[derive(Debug)]
pub struct Infallible;

impl<T: Response, E: WsError> IntoResponse<Fallible> for Result<T, E> {
    type Ok = T;

    fn into_result(self) -> Result<T, Rejection> {
        self.map_err(WsError::into_rejection)
    }
}

impl<T: Value> IntoResponse<Infallible> for T {
    type Ok = T;

    fn into_result(self) -> Result<T, Rejection> {
        Ok(self)
    }
}

/// A value that a closure can return directly. A value of any other type is returned as [`Json`], or in a `Result`.
///
/// These types are values: numbers, strings, `bool`, `char`, `()`, [`serde_json::Value`], [`Base64`](crate::Base64),
/// [`Json`], [`Scoped`], [`AnonymousChannel`], and options, collections and tuples of values.
///
/// The trait exists because `Serialize` does not exclude a `Result`, which must become a rejection if it is an `Err`.
pub trait Value: Response {}

macro_rules! values {
    ($($type:ty),* $(,)?) => { $(impl Value for $type {})* };
}
values!(
    (),
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    String,
    &'static str,
    Cow<'static, str>,
    Box<str>,
    serde_json::Value,
    crate::value::Base64,
);
impl<T: Value + Serialize> Value for Option<T> {}
impl<T: Value + Serialize> Value for Vec<T> {}
impl<T: Value + Serialize> Value for VecDeque<T> {}
impl<T: Value + Serialize> Value for BTreeSet<T> {}
impl<T: Value + Serialize, S> Value for HashSet<T, S> {}
impl<K: Serialize, T: Value + Serialize> Value for BTreeMap<K, T> {}
impl<K: Serialize, T: Value + Serialize, S> Value for HashMap<K, T, S> {}
impl<T: Value + Serialize> Value for (T,) {}
impl<A: Value + Serialize, B: Value + Serialize> Value for (A, B) {}
impl<A: Value + Serialize, B: Value + Serialize, C: Value + Serialize> Value for (A, B, C) {}
impl<A: Value + Serialize, B: Value + Serialize, C: Value + Serialize, D: Value + Serialize> Value for (A, B, C, D) {}
impl<T: Serialize> Value for Json<T> {}
impl Value for AnonymousChannel {}
impl<C: ?Sized> Value for Scoped<C> {}

/// Lets a closure return a value of any type that implements `Serialize`.
///
/// For example `|id: u32| async move { Json(User { id }) }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);
