//! The return value of a method as a `Result`.

use super::ws_error::WsError;
use crate::proto::Rejection;
use std::convert::Infallible;
use std::marker::PhantomData;

/// Converts the return value of a method into a `Result`.
///
/// `RESULT` is true if the type is a `Result` already. It selects one of two impls that would overlap otherwise.
pub trait IntoResult<const RESULT: bool> {
    /// The type of the value.
    type Ok;
    /// The type of the error.
    type Err;

    /// Converts the value.
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

/// A `Result`, possibly under an alias with one argument such as `io::Result<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `std::result::Result`",
    label = "only a `Result` may have this name here",
    note = "import a type of your own under another name: `use my::Result as Outcome;`"
)]
pub trait ResultType {
    /// The type of the value.
    type Ok;
    /// The type of the error.
    type Err;
}

impl<T, E> ResultType for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// Distinguishes a `Result`, under any alias, from other types.
///
/// The inherent constant for a `Result` takes precedence over the constant of the trait [`NotResult`].
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// The type is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// Types other than `Result`.
pub trait NotResult {
    /// The type is not a `Result`.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> NotResult for Probe<T> {}

/// True if the type is a `Result`, under any alias.
#[doc(hidden)]
#[macro_export]
macro_rules! __returns_result {
    ($returned:ty) => {{
        #[allow(unused_imports)]
        use $crate::__private::NotResult as _;
        $crate::__private::Probe::<$returned>::IS_RESULT
    }};
}

/// Converts the return value of a method into a result or a rejection.
pub fn reply<R, const RESULT: bool>(returned: R) -> Result<R::Ok, Rejection>
where
    R: IntoResult<RESULT>,
    R::Err: WsError,
{
    returned.into_result().map_err(WsError::into_rejection)
}
