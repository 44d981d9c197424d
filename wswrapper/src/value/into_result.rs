//! What a method returns, as a `Result`.

use super::ws_error::WsError;
use crate::proto::Rejection;
use std::convert::Infallible;
use std::marker::PhantomData;

/// What a method returns, as a `Result`. `RESULT` tells by its type whether it is one already.
pub trait IntoResult<const RESULT: bool> {
    /// The result.
    type Ok;
    /// The error.
    type Err;

    /// As a `Result`.
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T> IntoResult<false> for T {
    type Ok = T;
    type Err = Infallible;

    fn into_result(self) -> Result<T, Infallible> {
        Ok(self)
    }
}

impl<T, E> IntoResult<true> for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Tells a `Result`, under whatever alias, from other types: its own constant shadows that of [`NotResult`].
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is one.
    pub const IS_RESULT: bool = true;
}

/// What is no `Result`.
pub trait NotResult {
    /// It is none.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> NotResult for Probe<T> {}

/// Whether a type is a `Result`, by its type and not by its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __returns_result {
    ($returned:ty) => {{
        #[allow(unused_imports)]
        use $crate::__private::NotResult as _;
        $crate::__private::Probe::<$returned>::IS_RESULT
    }};
}

/// What a method returned, as it goes on to be an answer.
pub fn reply<R, const RESULT: bool>(returned: R) -> Result<R::Ok, Rejection>
where
    R: IntoResult<RESULT>,
    R::Err: WsError,
{
    returned.into_result().map_err(WsError::into_rejection)
}
