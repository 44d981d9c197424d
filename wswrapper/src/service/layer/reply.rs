//! The replies of layers.

use crate::engine::{self, CallOutcome};
use crate::proto::Rejection;
use crate::value::WsError;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::fmt;

/// The reply of a [`Layer`](super::Layer) to a call.
///
/// The reply of a handler was sent already, and cannot be replaced: another one is ignored.
pub struct Reply(pub(super) engine::Reply);

impl Reply {
    /// Responds with a value, without a handler. An event has no response.
    pub fn value<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(match to_raw_value(value) {
            Ok(json) if json.get() == "null" => engine::Reply::Json(None),
            Ok(json) => engine::Reply::Json(Some(json)),
            Err(error) => engine::Reply::Rejected(Rejection::internal(error)),
        })
    }

    /// Responds with JSON, without a handler.
    pub fn json(json: Box<RawValue>) -> Self {
        Self(engine::Reply::Json(Some(json)))
    }

    /// Rejects the call. An event is dropped and counted.
    pub fn reject(error: impl WsError) -> Self {
        Self(engine::Reply::Rejected(error.into_rejection()))
    }

    /// Returns true if a handler has responded, or was handed an event.
    pub fn is_handled(&self) -> bool {
        matches!(self.0, engine::Reply::Handled(_) | engine::Reply::Uploading)
    }

    /// Returns the outcome of the call. It is [`ChannelOpened`](CallOutcome::ChannelOpened) for a stream, an upload and a
    /// scoped service that was opened.
    pub fn outcome(&self) -> CallOutcome<'_> {
        match &self.0 {
            engine::Reply::Handled(outcome) => outcome.view(),
            engine::Reply::Uploading => CallOutcome::ChannelOpened,
            engine::Reply::Json(_) => CallOutcome::Ok,
            engine::Reply::Rejected(rejection) => CallOutcome::Rejected { code: rejection.code() },
        }
    }

    /// Returns true if a handler has accepted the call. That of an upload decides later.
    pub(crate) fn is_success(&self) -> bool {
        matches!(
            &self.0,
            engine::Reply::Handled(outcome) if matches!(outcome.view(), CallOutcome::Ok | CallOutcome::ChannelOpened)
        )
    }

    /// Returns the rejection of a call that no handler has responded to.
    pub fn rejection(&self) -> Option<&Rejection> {
        if let engine::Reply::Rejected(rejection) = &self.0 { Some(rejection) } else { None }
    }
}

/// The result of a layer: a [`Reply`], or a `Result` whose error rejects the call.
#[diagnostic::on_unimplemented(
    message = "a layer cannot return `{Self}`",
    label = "neither a `Reply` nor a `Result<Reply, E>`",
    note = "return the reply of the rest, `next.run(call).await`, or a value of your own, `Reply::value(&value)`",
    note = "the error of a `Result` rejects the call and needs `WsError`"
)]
pub trait IntoReply {
    /// Converts the result.
    fn into_reply(self) -> Reply;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Reply {
        self
    }
}

impl<E: WsError> IntoReply for Result<Reply, E> {
    fn into_reply(self) -> Reply {
        self.unwrap_or_else(Reply::reject)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.outcome()).finish()
    }
}
