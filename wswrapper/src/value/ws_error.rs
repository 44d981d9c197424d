//! Errors of handlers.

use crate::proto::Rejection;
use std::convert::Infallible;
use std::error::Error;
use std::io;

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
