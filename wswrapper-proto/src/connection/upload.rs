//! The state of uploads, beside the flow control of their items.

use crate::RequestId;

/// An upload, whose channel stays open for the result after its items.
#[derive(Default, Debug)]
pub(super) struct Upload {
    /// The request for the result.
    pub(super) result: Option<RequestId>,
    pub(super) items: UploadItems,
    pub(super) listening: Listening,
}

/// The knowledge that the caller of an upload listens on the channel, so that it does not miss the start.
#[derive(Default, Debug)]
pub(super) enum Listening {
    #[default]
    Unknown,
    /// Unknown, and the handler has taken the first item: the start, with this window, waits.
    Awaited(Option<u32>),
    Confirmed,
}

/// The state of an upload's items.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum UploadItems {
    #[default]
    Wanted,
    /// The handler does not take them any more.
    Unwanted,
    /// The caller sends no more.
    Finished,
}
