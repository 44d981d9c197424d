//! What handlers take and give: arguments, results, errors.

use crate::proto::Rejection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::marker::PhantomData;

/// What a handler's argument can be: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler argument",
    label = "not decodable from a JSON argument",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`",
    note = "a stream of the caller's is taken as `Upload<T>`, under no other name"
)]
pub trait Argument: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Argument for T {}

/// What a handler can answer with from another task, or once it has read an upload: no channel.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`",
    note = "a handler that runs in another task or takes an upload cannot answer with a channel or a scoped service"
)]
pub trait JsonResponse: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> JsonResponse for T {}

/// What a stream's item can be: whatever serde encodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a stream's item",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait StreamItem: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> StreamItem for T {}

/// What an upload's item can be at the handler's end: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an upload's item",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait UploadItem: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> UploadItem for T {}

/// What a proxy can send as an argument: whatever serde encodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as JSON",
    label = "not encodable as JSON",
    note = "for a type of your own, add `#[derive(serde::Serialize)]`"
)]
pub trait Encode: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Encode for T {}

/// What a proxy can take from an answer: whatever serde decodes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not decodable from JSON",
    note = "for a type of your own, add `#[derive(serde::Deserialize)]`"
)]
pub trait Decode: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Decode for T {}

/// An error that a handler can fail with, and what its caller gets back.
///
/// `#[derive(WsError)]` implements it for an enum or a struct of your own. It is also there for `String` and `&str`
/// (the message), for [`Rejection`] (anything), for `io::Error` (the text of its kind), and for
/// `Box<dyn Error + Send + Sync>` and, with the feature `anyhow`, `anyhow::Error`: those are sent as `internal error`,
/// as details of an error that nobody described leave the process only on purpose.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a rejection",
    label = "not an error that can travel",
    note = "for a type of your own, add `#[derive(wswrapper::WsError)]`"
)]
pub trait WsError: Sized {
    /// What the caller gets.
    type Remote;

    /// The error as it travels.
    fn into_rejection(self) -> Rejection;

    /// Recognises the error at the caller's end; what is none of the contract's is given back.
    fn from_rejection(rejection: Rejection) -> Result<Self::Remote, Rejection>;
}

impl WsError for Infallible {
    type Remote = Self;

    fn into_rejection(self) -> Rejection {
        match self {}
    }

    fn from_rejection(rejection: Rejection) -> Result<Self, Rejection> {
        Err(rejection)
    }
}

impl WsError for Rejection {
    type Remote = Self;

    fn into_rejection(self) -> Rejection {
        self
    }

    fn from_rejection(rejection: Rejection) -> Result<Self, Rejection> {
        Ok(rejection)
    }
}

impl WsError for String {
    type Remote = Self;

    fn into_rejection(self) -> Rejection {
        Rejection::new(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Self, Rejection> {
        Ok(rejection.to_string())
    }
}

impl WsError for &str {
    type Remote = String;

    fn into_rejection(self) -> Rejection {
        Rejection::new(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<String, Rejection> {
        Ok(rejection.to_string())
    }
}

impl WsError for io::Error {
    type Remote = Rejection;

    fn into_rejection(self) -> Rejection {
        Rejection::from_display(self.kind())
    }

    fn from_rejection(rejection: Rejection) -> Result<Rejection, Rejection> {
        Ok(rejection)
    }
}

impl WsError for Box<dyn Error + Send + Sync> {
    type Remote = Rejection;

    fn into_rejection(self) -> Rejection {
        Rejection::internal(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Rejection, Rejection> {
        Ok(rejection)
    }
}

#[cfg(feature = "anyhow")]
impl WsError for anyhow::Error {
    type Remote = Rejection;

    fn into_rejection(self) -> Rejection {
        Rejection::internal(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Rejection, Rejection> {
        Ok(rejection)
    }
}

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

/// Tells a `Result`, under whatever alias, from other types: its own constant shadows that of [`Plain`].
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is one.
    pub const IS_RESULT: bool = true;
}

/// What is no `Result`.
pub trait Plain {
    /// It is none.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> Plain for Probe<T> {}

/// Whether a type is a `Result`, by its type and not by its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __returns_result {
    ($returned:ty) => {{
        #[allow(unused_imports)]
        use $crate::__private::Plain as _;
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
