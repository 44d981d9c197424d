//! Streams that this endpoint receives: [`Streaming`] from the peer's handlers, [`Upload`] from its calls. A [`History`]
//! lets a stream of this endpoint survive lost connections.

mod follower;
mod history;
mod history_stream;
mod items;
mod seam;
mod streaming;
mod tracking;
mod upload;

pub(crate) use follower::{Arrival, Follower};
pub use history::History;
pub use history_stream::HistoryStream;
pub(crate) use items::Items;
pub use seam::{Seam, StreamEvent};
pub use streaming::Streaming;
pub(crate) use tracking::Tracking;
pub use upload::Upload;

/// The trait of streams from the crate `futures-core`.
pub use futures_core::Stream;
