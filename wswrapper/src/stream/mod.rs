//! Streams that this endpoint receives.

mod items;
mod streaming;
mod upload;

pub(crate) use items::Items;
pub use streaming::Streaming;
pub use upload::Upload;
