//! Roles of the local endpoint on anonymous channels.

/// The local endpoint's part on an anonymous channel.
///
/// Calls that do not belong to the stream are reported as [`ChannelCall`](crate::Incoming::ChannelCall).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Events and requests in both directions.
    Plain,
    /// The local endpoint sends the items of a stream [P-80].
    Producer,
    /// The local endpoint takes the items of a stream.
    Consumer,
    /// The local endpoint takes the items of an upload and responds to the request `result`.
    Upload,
}
