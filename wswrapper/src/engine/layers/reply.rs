//! The replies to a call that passes layers.

use crate::engine::outcome::Outcome;
use crate::proto::Rejection;
use serde_json::value::RawValue;

/// The reply of a layer, or of the rest behind it.
pub(crate) enum Reply {
    /// The handler has responded, or was handed an event. Nothing can be changed.
    Handled(Outcome),
    /// The channel of an upload is open. Its handler has not judged yet.
    Uploading,
    /// A response with this value.
    Json(Option<Box<RawValue>>),
    /// A rejection. No handler has responded.
    Rejected(Rejection),
}
