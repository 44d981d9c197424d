//! The outcomes of calls that this endpoint serves.

use crate::proto::Rejection;

/// The outcome of a call that this endpoint has served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CallOutcome<'m> {
    /// The handler has returned a value, has handled an event, or its stream has finished.
    Ok,
    /// The call was rejected, by its handler or because no handler could be started. A stream has finished with an
    /// error. An event was dropped or has failed.
    Rejected {
        /// The property `code` of the rejection.
        code: Option<&'m str>,
    },
    /// The handler has panicked.
    Panicked,
    /// The call was cancelled, its time ran out, or its connection or channel was closed before the handler or its
    /// stream finished.
    Cancelled,
    /// The handler has opened an anonymous channel, perhaps with a scoped service. Its calls are calls of their own.
    ChannelOpened,
}

/// An owned [`CallOutcome`].
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Ok,
    Rejected(Option<Box<str>>),
    Panicked,
    Cancelled,
    ChannelOpened,
}

impl Outcome {
    pub(crate) fn rejected(rejection: &Rejection) -> Self {
        Self::Rejected(rejection.code().map(Into::into))
    }

    pub(crate) fn view(&self) -> CallOutcome<'_> {
        match self {
            Self::Ok => CallOutcome::Ok,
            Self::Rejected(code) => CallOutcome::Rejected { code: code.as_deref() },
            Self::Panicked => CallOutcome::Panicked,
            Self::Cancelled => CallOutcome::Cancelled,
            Self::ChannelOpened => CallOutcome::ChannelOpened,
        }
    }
}
