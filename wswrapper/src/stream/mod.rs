//! Streams: the end that takes items, and the call that sends an upload. What a handler sends is in
//! [`handler`](crate::handler).

mod inbox;
mod items;
mod source;
mod streaming;
mod upload;
mod upload_call;

pub(crate) use inbox::{Inbox, StreamEnd};
pub(crate) use items::Items;
pub use source::Source;
pub use streaming::Streaming;
pub use upload::Upload;
pub use upload_call::UploadCall;

/// How many items a producer may send ahead, unless a program says otherwise.
pub(crate) const WINDOW: u32 = 64;
