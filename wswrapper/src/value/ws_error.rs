//! Errors of handlers.

use crate::error::CallError;
use crate::proto::Rejection;
use std::convert::Infallible;
use std::error::Error;
use std::io;

/// An error that a handler can return to its caller.
///
/// `#[derive(WsError)]` implements it for an enum or a struct of your own. These types implement it too:
///
/// | error | sent as | the caller gets |
/// | --- | --- | --- |
/// | `String`, `&str` | an error with this message | `String` |
/// | [`Rejection`] | itself: any message, code and data | [`Rejection`] |
/// | `io::Error`, `Box<dyn Error + Send + Sync>`, and `anyhow::Error` with the feature `anyhow` | `internal error` | [`Rejection`] |
///
/// The last row hides the message because it may contain details that are not meant for the peer. The error is passed
/// to [`on_error`](crate::server::ServerBuilder::on_error) instead.
///
/// ```
/// use wswrapper::{CallError, Client, Server, WsError, transport::memory, ws_handlers};
///
/// #[derive(Debug, PartialEq, thiserror::Error, WsError)]
/// enum StockError {
///     #[error("only {left} left")]
///     SoldOut { left: u32 },
/// }
///
/// struct Stock;
///
/// #[ws_handlers]
/// impl Stock {
///     pub async fn take(&self, pieces: u32) -> Result<(), StockError> {
///         if pieces > 3 { Err(StockError::SoldOut { left: 3 }) } else { Ok(()) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (near, far) = memory::pair();
/// # let server = Server::builder().service(Stock).build()?;
/// # server.accept_transport(far)?;
/// # let client = Client::connect_transport(near)?;
/// match StockProxy::new(&client).take(5).await {
///     Err(CallError::Handler(error)) => assert_eq!(error, StockError::SoldOut { left: 3 }),
///     other => panic!("unexpected answer: {other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a rejection",
    label = "not an error that can be sent",
    note = "for a type of your own, add `#[derive(wswrapper::WsError)]`"
)]
#[cfg_attr(
    not(feature = "anyhow"),
    diagnostic::on_unimplemented(note = "for `anyhow::Error`, enable the feature `anyhow` of `wswrapper`")
)]
pub trait WsError: Sized {
    /// The error that the caller gets.
    type Remote;

    /// True if [`from_rejection`](Self::from_rejection) is also asked about rejections that the library has made.
    #[doc(hidden)]
    const ACCEPTS_ANY: bool = false;

    /// Converts the error into the rejection that is sent.
    fn into_rejection(self) -> Rejection;

    /// Converts a rejection into the caller's error. Returns the rejection if it is not an error of this type.
    ///
    /// It is not called for a rejection that the library itself has made, whose code begins with `ws:` [X-09]. Types that
    /// accept every rejection, such as [`Rejection`], `String` and boxed errors, receive these too.
    fn from_rejection(rejection: Rejection) -> Result<Self::Remote, Rejection>;
}

/// Returns the error of a call or a stream that the peer has rejected.
pub(crate) fn read_rejection<E: WsError>(rejection: Rejection) -> CallError<E::Remote> {
    if !E::ACCEPTS_ANY && rejection.is_from_library() {
        return CallError::Rejected(rejection);
    }
    E::from_rejection(rejection).map_or_else(CallError::Rejected, CallError::Handler)
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

    const ACCEPTS_ANY: bool = true;

    fn into_rejection(self) -> Rejection {
        self
    }

    fn from_rejection(rejection: Rejection) -> Result<Self, Rejection> {
        Ok(rejection)
    }
}

impl WsError for String {
    type Remote = Self;

    const ACCEPTS_ANY: bool = true;

    fn into_rejection(self) -> Rejection {
        Rejection::new(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Self, Rejection> {
        Ok(rejection.to_string())
    }
}

impl WsError for &str {
    type Remote = String;

    const ACCEPTS_ANY: bool = true;

    fn into_rejection(self) -> Rejection {
        Rejection::new(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<String, Rejection> {
        Ok(rejection.to_string())
    }
}

impl WsError for io::Error {
    type Remote = Rejection;

    const ACCEPTS_ANY: bool = true;

    fn into_rejection(self) -> Rejection {
        Rejection::internal(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Rejection, Rejection> {
        Ok(rejection)
    }
}

impl WsError for Box<dyn Error + Send + Sync> {
    type Remote = Rejection;

    const ACCEPTS_ANY: bool = true;

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

    const ACCEPTS_ANY: bool = true;

    fn into_rejection(self) -> Rejection {
        Rejection::internal(self)
    }

    fn from_rejection(rejection: Rejection) -> Result<Rejection, Rejection> {
        Ok(rejection)
    }
}
